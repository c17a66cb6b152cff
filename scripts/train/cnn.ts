// How does a convolutional network learn to read digits?

import * as dg from "../../mod.ts";
import { classify, digitsData } from "./digits.ts";
import type { Job } from "./job.ts";

/** The layers of TensorFlow's tutorial on convolutional networks. */
export const cnn: Job = {
  about: "a convolutional network that reads digits",
  data: digitsData,
  takes: ["optimizer"],
  epochs: 5,
  batchSize: 32,
  learningRate: 0.001,
  run: (settings) =>
    classify(settings, (height, width, classes) => [
      dg.layers.reshape({ targetShape: [height, width, 1], inputShape: [height, width] }),
      dg.layers.conv2d({ filters: 32, kernelSize: 3, activation: "relu" }),
      dg.layers.maxPooling2d(),
      dg.layers.conv2d({ filters: 64, kernelSize: 3, activation: "relu" }),
      dg.layers.maxPooling2d(),
      dg.layers.conv2d({ filters: 64, kernelSize: 3, activation: "relu" }),
      dg.layers.flatten(),
      dg.layers.dense({ units: 64, activation: "relu" }),
      dg.layers.dense({ units: classes, activation: "softmax" }),
    ]),
};

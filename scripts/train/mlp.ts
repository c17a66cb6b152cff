// How does a network of dense layers learn to read digits?

import * as dg from "../../mod.ts";
import { classify, digitsData } from "./digits.ts";
import type { Job } from "./job.ts";

/** A hidden layer of 128 units, then a probability for each class. */
export const mlp: Job = {
  about: "dense layers that read digits",
  data: digitsData,
  takes: ["optimizer"],
  epochs: 5,
  batchSize: 32,
  learningRate: 0.001,
  run: (settings) =>
    classify(settings, (height, width, classes) => [
      dg.layers.flatten({ inputShape: [height, width] }),
      dg.layers.dense({ units: 128, activation: "relu" }),
      dg.layers.dense({ units: classes, activation: "softmax" }),
    ]),
};

// Which digits are learned from? Those in MNIST's files, or drawn ones; and how is a model that names them trained?

import * as dg from "../../mod.ts";
import { fitAndTest, type Samples, sizes } from "./fit.ts";
import type { Outcome, Settings } from "./job.ts";

/** Images [count, height, width] from 0 to 1 with their classes [count], to train on and to test on. */
export interface Digits {
  train: Samples;
  test: Samples;
  height: number;
  width: number;
  classes: number;
}

/** What `--data` means where digits are learned. */
export const digitsData = "folder with MNIST's four IDX files, .gz or plain";

async function load({ data, samples, seed }: Settings): Promise<dg.data.IdxDigits> {
  if (data !== undefined) return await dg.data.loadIdxDigits(data);
  const { train, test } = sizes(8000, 2000, samples);
  return {
    train: dg.data.generateDigits({ count: train, seed: 2 * seed }),
    test: dg.data.generateDigits({ count: test, seed: 2 * seed + 1 }),
    classes: 10,
  };
}

function tensors(set: dg.data.LabelledImages, count: number): Samples {
  const { images, labels, height, width } = set;
  return dg.tidy(() => ({
    x: dg.tensor(images.subarray(0, count * height * width), [count, height, width], "uint8")
      .cast("float32").div(255),
    y: dg.tensor(labels.subarray(0, count), [count], "uint8").cast("int32"),
  }));
}

/** The digits that the settings ask for. */
export async function loadDigits(settings: Settings): Promise<Digits> {
  const { data, seed } = settings, found = await load(settings);
  const { height, width } = found.train;
  const { train, test } = sizes(found.train.count, found.test.count, settings.samples);
  console.log(
    `Data: ${train} training and ${test} test ` +
      (data === undefined ? `digits, drawn with seed ${seed}` : `images from ${data}`),
  );
  return {
    train: tensors(found.train, train),
    test: tensors(found.test, test),
    height,
    width,
    classes: found.classes,
  };
}

/** Trains a model that gives the probability of each class. */
export async function classify(
  settings: Settings,
  layersFor: (height: number, width: number, classes: number) => dg.Layer[],
): Promise<Outcome> {
  const { train, test, height, width, classes } = await loadDigits(settings);
  const model = dg.sequential({ layers: layersFor(height, width, classes) });
  model.compile({
    optimizer: settings.optimizer(),
    loss: "sparseCategoricalCrossentropy",
    metrics: ["accuracy"],
  });
  return await fitAndTest(model, train, test, settings);
}

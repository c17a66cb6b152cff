// Which loss does a name, a function or a config stand for?

import { type ClassConfig, getObject } from "../serialization.ts";
import type { Tensor } from "../tensor.ts";
import * as classes from "./classes.ts";
import {
  binaryCrossentropy,
  categoricalCrossentropy,
  sparseCategoricalCrossentropy,
} from "./crossentropy.ts";
import { Loss, type LossClass, type LossFunction, LossFunctionWrapper } from "./loss.ts";

export { Loss };

/** What may be passed where a loss is wanted: one, its name in either spelling, a function of targets and predictions, or its config. */
export type LossIdentifier = Loss | string | LossFunction | ClassConfig;

/** What targets and predictions of a classifier look like: yes or no, class numbers, or a distribution over classes. */
export type Targets = "binary" | "sparse" | "categorical";

/** What the shapes of targets and predictions say about the targets, by Keras's rule. */
export function targetsOf(yTrue: readonly number[], yPred: readonly number[]): Targets {
  const [t, p] = [yTrue, yPred].map((shape) => shape[shape.length - 1]);
  if (p === 1) return "binary";
  return yTrue.length < yPred.length || (t === 1 && p > 1) ? "sparse" : "categorical";
}

/** "crossentropy": the one that fits the shapes. */
function crossentropy(yTrue: Tensor, yPred: Tensor): Tensor {
  const fitting = {
    binary: binaryCrossentropy,
    sparse: sparseCategoricalCrossentropy,
    categorical: categoricalCrossentropy,
  };
  return fitting[targetsOf(yTrue.shape, yPred.shape)](yTrue, yPred);
}

// Keras's classes, with further names of Keras and of TensorFlow.js.
const table: Readonly<Record<string, LossClass<object>>> = {
  ...classes,
  mse: classes.MeanSquaredError,
  mae: classes.MeanAbsoluteError,
  mape: classes.MeanAbsolutePercentageError,
  msle: classes.MeanSquaredLogarithmicError,
  bce: classes.BinaryCrossentropy,
  kld: classes.KLDivergence,
  kullbackLeiblerDivergence: classes.KLDivergence,
  cosineProximity: classes.CosineSimilarity,
};

/** The loss that is meant: itself, by name with Keras's defaults, from a function, or from its config. */
export function getLoss(identifier: LossIdentifier): Loss {
  if (typeof identifier === "function") return new LossFunctionWrapper(identifier);
  if (identifier === "crossentropy" || identifier === "ce") {
    return new LossFunctionWrapper(crossentropy);
  }
  return getObject<Loss>("loss", Loss, table, identifier);
}

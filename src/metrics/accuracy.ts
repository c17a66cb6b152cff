// How often are predictions right? Per sample 1 or 0 (or the share of its entries).

import { sum } from "../ops/broadcast.ts";
import { asType } from "../ops/cast.ts";
import { equal, greater, less, where } from "../ops/logical.ts";
import { range } from "../ops/grids.ts";
import { argMax, max, mean } from "../ops/reduce.ts";
import { expandDims, squeeze } from "../ops/reshape.ts";
import { DinogradError } from "../errors.ts";
import { alignTargets } from "../losses/loss.ts";
import { tidy } from "../scope.ts";
import { sameShape, showShape } from "../shape.ts";
import type { Tensor } from "../tensor.ts";

const asFloat = (x: Tensor) => asType(x, "float32");

/** Share of entries along the last axis where prediction and target are equal. */
export function accuracy(yTrue: Tensor, yPred: Tensor): Tensor {
  return tidy(() => {
    const [t, p] = alignTargets(yTrue, yPred, "accuracy");
    return mean(asFloat(equal(t, p)), -1);
  });
}

/** Options of `binaryAccuracy`. */
export interface ThresholdOption {
  /** Predictions above it mean 1. */
  threshold: number;
}

/** Share of entries along the last axis where the prediction is on the target's side of the threshold. */
export function binaryAccuracy(
  yTrue: Tensor,
  yPred: Tensor,
  { threshold = 0.5 }: Partial<ThresholdOption> = {},
): Tensor {
  return tidy(() => {
    const [t, p] = alignTargets(yTrue, yPred, "binaryAccuracy");
    return mean(asFloat(equal(t, asFloat(greater(p, threshold)))), -1);
  });
}

// Class numbers (int32) that one-hot targets stand for.
function classesOf(yTrue: Tensor, yPred: Tensor, name: string): Tensor {
  const [t] = alignTargets(yTrue, yPred, name);
  return argMax(t, -1);
}

// Targets that are class numbers already, one for each row of the predictions.
function sparseClasses(yTrue: Tensor, yPred: Tensor, name: string): Tensor {
  const rows = yPred.shape.slice(0, -1);
  const t = yTrue.rank === yPred.rank && yTrue.shape[yTrue.rank - 1] === 1
    ? squeeze(yTrue, -1)
    : yTrue;
  if (sameShape(t.shape, rows)) return asType(t, "int32");
  throw new DinogradError(
    `${name} of predictions ${showShape(yPred.shape)} needs targets of shape ${
      showShape(rows)
    }, got ${showShape(yTrue.shape)}`,
  );
}

/** 1 where the largest prediction along the last axis is that of the one-hot target's class. */
export function categoricalAccuracy(yTrue: Tensor, yPred: Tensor): Tensor {
  return tidy(() =>
    asFloat(equal(classesOf(yTrue, yPred, "categoricalAccuracy"), argMax(yPred, -1)))
  );
}

/** 1 where the largest prediction along the last axis is that of the class whose number the target is. */
export function sparseCategoricalAccuracy(yTrue: Tensor, yPred: Tensor): Tensor {
  return tidy(() =>
    asFloat(equal(sparseClasses(yTrue, yPred, "sparseCategoricalAccuracy"), argMax(yPred, -1)))
  );
}

/** Option of top-k accuracies. */
export interface TopKOption {
  /** How many of the largest predictions count. */
  k: number;
}

// 1 where fewer than k predictions are above that of the class; a class that does not exist has none.
function inTopK(classes: Tensor, yPred: Tensor, k: number): Tensor {
  const columns = range(0, yPred.shape[yPred.rank - 1], 1, "int32");
  const own = equal(expandDims(classes, -1), columns);
  const score = max(where(own, yPred, -Infinity), -1, true);
  const above = sum(asFloat(greater(yPred, score)), -1);
  return asFloat(less(above, k));
}

/** 1 where the one-hot target's class is among the k largest predictions. */
export function topKCategoricalAccuracy(
  yTrue: Tensor,
  yPred: Tensor,
  { k = 5 }: Partial<TopKOption> = {},
): Tensor {
  return tidy(() => inTopK(classesOf(yTrue, yPred, "topKCategoricalAccuracy"), yPred, k));
}

/** 1 where the class whose number the target is is among the k largest predictions. */
export function sparseTopKCategoricalAccuracy(
  yTrue: Tensor,
  yPred: Tensor,
  { k = 5 }: Partial<TopKOption> = {},
): Tensor {
  return tidy(() => inTopK(sparseClasses(yTrue, yPred, "sparseTopKCategoricalAccuracy"), yPred, k));
}

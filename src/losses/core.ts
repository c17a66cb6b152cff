// Which losses does TensorFlow.js's core have? Functions of whole tensors with weights and a reduction, as `losses.*`.

import { DinogradError } from "../errors.ts";
import { relu } from "../ops/activations.ts";
import { broadcastTo, sum } from "../ops/broadcast.ts";
import { asType } from "../ops/cast.ts";
import { add, div, minimum, mul, neg, squaredDifference, sub } from "../ops/elementwise.ts";
import { notEqual } from "../ops/logical.ts";
import { abs, log, square } from "../ops/math.ts";
import { type Operand, toTensor } from "../ops/operand.ts";
import { mean } from "../ops/reduce.ts";
import { clone } from "../ops/reshape.ts";
import { crossEntropy, sigmoidCrossEntropy as binaryCrossEntropy } from "../ops/softmax.ts";
import { tidy } from "../scope.ts";
import { sameShape, showShape } from "../shape.ts";
import type { Tensor } from "../tensor.ts";
import { smoothed } from "./crossentropy.ts";

/** How weighted losses become one number; the default divides their sum by the number of weights that are not 0. */
export const Reduction = {
  NONE: 0,
  MEAN: 1,
  SUM: 2,
  SUM_BY_NONZERO_WEIGHTS: 3,
} as const;

/** One of `Reduction`'s numbers. */
export type ReductionId = (typeof Reduction)[keyof typeof Reduction];

/** Losses times weights (which broadcast to them), reduced. MEAN divides by the sum of the weights. */
export function computeWeightedLoss(
  losses: Operand,
  weights?: Operand | null,
  reduction: ReductionId = Reduction.SUM_BY_NONZERO_WEIGHTS,
): Tensor {
  return tidy(() => {
    const values = asType(toTensor(losses), "float32");
    if (weights === undefined || weights === null) {
      if (reduction === Reduction.NONE) return clone(values);
      return reduction === Reduction.SUM ? sum(values) : mean(values);
    }
    const factors = broadcastTo(asType(toTensor(weights), "float32"), values.shape);
    const weighted = mul(values, factors);
    switch (reduction) {
      case Reduction.NONE:
        return weighted;
      case Reduction.SUM:
        return sum(weighted);
      case Reduction.MEAN:
        return div(sum(weighted), sum(factors));
      case Reduction.SUM_BY_NONZERO_WEIGHTS:
        return div(sum(weighted), asType(sum(notEqual(factors, 0)), "float32"));
      default:
        throw new DinogradError(`computeWeightedLoss knows no reduction ${reduction}`);
    }
  });
}

// A loss from its formula on float32 tensors of one shape.
function weightedLoss(
  name: string,
  labels: Operand,
  predictions: Operand,
  formula: (labels: Tensor, predictions: Tensor) => Tensor,
  weights?: Operand | null,
  reduction?: ReductionId,
): Tensor {
  return tidy(() => {
    const [t, p] = [labels, predictions].map((x) => asType(toTensor(x), "float32"));
    if (!sameShape(t.shape, p.shape)) {
      throw new DinogradError(
        `${name} needs labels and predictions of one shape, got ${showShape(t.shape)} and ${
          showShape(p.shape)
        }`,
      );
    }
    return computeWeightedLoss(formula(t, p), weights, reduction);
  });
}

/** `|labels - predictions|`. */
export function absoluteDifference(
  labels: Operand,
  predictions: Operand,
  weights?: Operand | null,
  reduction?: ReductionId,
): Tensor {
  const formula = (t: Tensor, p: Tensor) => abs(sub(t, p));
  return weightedLoss("absoluteDifference", labels, predictions, formula, weights, reduction);
}

/** `1 - sum(labels * predictions)` along an axis, of vectors of length 1. */
export function cosineDistance(
  labels: Operand,
  predictions: Operand,
  axis: number,
  weights?: Operand | null,
  reduction?: ReductionId,
): Tensor {
  const formula = (t: Tensor, p: Tensor) => sub(1, sum(mul(t, p), axis, true));
  return weightedLoss("cosineDistance", labels, predictions, formula, weights, reduction);
}

/** `max(1 - (2 * labels - 1) * predictions, 0)` for labels 0 and 1. */
export function hingeLoss(
  labels: Operand,
  predictions: Operand,
  weights?: Operand | null,
  reduction?: ReductionId,
): Tensor {
  const formula = (t: Tensor, p: Tensor) => relu(sub(1, mul(sub(mul(t, 2), 1), p)));
  return weightedLoss("hingeLoss", labels, predictions, formula, weights, reduction);
}

/** `error^2 / 2` up to delta, linear beyond. */
export function huberLoss(
  labels: Operand,
  predictions: Operand,
  weights?: Operand | null,
  delta = 1,
  reduction?: ReductionId,
): Tensor {
  const formula = (t: Tensor, p: Tensor) => {
    const error = abs(sub(p, t)), quadratic = minimum(error, delta);
    return add(mul(square(quadratic), 0.5), mul(sub(error, quadratic), delta));
  };
  return weightedLoss("huberLoss", labels, predictions, formula, weights, reduction);
}

/** `-labels * log(predictions + epsilon) - (1 - labels) * log(1 - predictions + epsilon)`. */
export function logLoss(
  labels: Operand,
  predictions: Operand,
  weights?: Operand | null,
  epsilon = 1e-7,
  reduction?: ReductionId,
): Tensor {
  const formula = (t: Tensor, p: Tensor) => {
    const yes = mul(t, log(add(p, epsilon))), no = mul(sub(1, t), log(add(sub(1, p), epsilon)));
    return neg(add(yes, no));
  };
  return weightedLoss("logLoss", labels, predictions, formula, weights, reduction);
}

/** `(labels - predictions)^2`. */
export function meanSquaredError(
  labels: Operand,
  predictions: Operand,
  weights?: Operand | null,
  reduction?: ReductionId,
): Tensor {
  return weightedLoss(
    "meanSquaredError",
    labels,
    predictions,
    squaredDifference,
    weights,
    reduction,
  );
}

/** The binary cross-entropy of independent labels from scores: `softplus(x) - label * x`. */
export function sigmoidCrossEntropy(
  multiClassLabels: Operand,
  logits: Operand,
  weights?: Operand | null,
  labelSmoothing = 0,
  reduction?: ReductionId,
): Tensor {
  const formula = (t: Tensor, x: Tensor) => binaryCrossEntropy(smoothed(t, labelSmoothing, 2), x);
  return weightedLoss("sigmoidCrossEntropy", multiClassLabels, logits, formula, weights, reduction);
}

/** The cross-entropy of one-hot labels from scores, along the last axis. */
export function softmaxCrossEntropy(
  onehotLabels: Operand,
  logits: Operand,
  weights?: Operand | null,
  labelSmoothing = 0,
  reduction?: ReductionId,
): Tensor {
  const formula = (t: Tensor, x: Tensor) =>
    crossEntropy(x, smoothed(t, labelSmoothing, t.shape[t.rank - 1]));
  return weightedLoss("softmaxCrossEntropy", onehotLabels, logits, formula, weights, reduction);
}

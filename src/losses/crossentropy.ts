// How surprising are the right answers under the predicted probabilities? Cross-entropies, of probabilities and of the scores
// (logits) behind them.
//
// Probabilities that come straight from a softmax or sigmoid activation are left aside for their logits, as Keras does on
// TensorFlow: exact and with a gradient however sure the model is. Other probabilities are clipped to [1e-7, 1 - 1e-7], as Keras
// does, where the gradient ends.

import { logitsOf } from "../activations.ts";
import { DinogradError } from "../errors.ts";
import { sum } from "../ops/broadcast.ts";
import { asType } from "../ops/cast.ts";
import { add, div, mul, neg, sub } from "../ops/elementwise.ts";
import { meanLoss } from "../ops/loss.ts";
import { clipByValue, log } from "../ops/math.ts";
import { transpose } from "../ops/movement.ts";
import { mean } from "../ops/reduce.ts";
import { squeeze } from "../ops/reshape.ts";
import { crossEntropy, sigmoidCrossEntropy } from "../ops/softmax.ts";
import { tidy } from "../scope.ts";
import { normalizeAxis, sameShape, showShape } from "../shape.ts";
import type { Tensor } from "../tensor.ts";
import { alignTargets } from "./loss.ts";
import { type AxisOptions, EPSILON } from "./regression.ts";

/** Options of cross-entropies. */
export interface CrossentropyOptions extends AxisOptions {
  /** Whether predictions are scores rather than probabilities. */
  fromLogits: boolean;
  /** How far targets are moved towards "all equally likely", in [0, 1]. */
  labelSmoothing: number;
}

/** Probabilities kept away from 0 and 1. */
export function clipped(probabilities: Tensor): Tensor {
  return clipByValue(probabilities, EPSILON, 1 - EPSILON);
}

/** Targets moved towards `1 / classes` each. */
export function smoothed(targets: Tensor, labelSmoothing: number, classes: number): Tensor {
  return labelSmoothing === 0
    ? targets
    : add(mul(targets, 1 - labelSmoothing), labelSmoothing / classes);
}

/** `-log` of the probability of each target, element by element: `-(t * log(p) + (1 - t) * log(1 - p))`. */
export function binarySurprise(targets: Tensor, probabilities: Tensor): Tensor {
  const p = clipped(probabilities);
  return neg(add(mul(targets, log(p)), mul(sub(1, targets), log(sub(1, p)))));
}

/** Mean over `axis` of the cross-entropy of each element, whose target is a probability. */
export function binaryCrossentropy(
  yTrue: Tensor,
  yPred: Tensor,
  { fromLogits = false, labelSmoothing = 0, axis = -1 }: Partial<CrossentropyOptions> = {},
): Tensor {
  return tidy(() => {
    const { targets, p, logits } = binaryOperands(yTrue, yPred, { fromLogits, labelSmoothing });
    return mean((logits ? sigmoidCrossEntropy : binarySurprise)(targets, p), axis);
  });
}

// Targets and the logits behind predictions or, where these are unknown, the predictions.
function binaryOperands(
  yTrue: Tensor,
  yPred: Tensor,
  { fromLogits, labelSmoothing }: Pick<CrossentropyOptions, "fromLogits" | "labelSmoothing">,
) {
  const logits = fromLogits ? yPred : logitsOf(yPred, "sigmoid");
  const [t, p] = alignTargets(yTrue, logits ?? yPred, "binaryCrossentropy");
  return { targets: smoothed(t, labelSmoothing, 2), p, logits };
}

/** The mean of `binaryCrossentropy` over all samples, where one call makes it. */
export function binaryCrossentropyOfAll(
  yTrue: Tensor,
  yPred: Tensor,
  options: CrossentropyOptions,
): Tensor | undefined {
  const { targets, p, logits } = binaryOperands(yTrue, yPred, options);
  return logits ? meanLoss("sigmoid", p, targets) : undefined;
}

// Native cross-entropy works along the last axis; another one is moved there.
function toLast(x: Tensor, axis: number): Tensor {
  const at = normalizeAxis(axis, x.rank, "crossentropy"), order = x.shape.map((_, i) => i);
  order.splice(at, 1);
  return at === x.rank - 1 ? x : transpose(x, [...order, at]);
}

/** `-sum(yTrue * log(yPred))` along `axis`, with the predictions scaled to a sum of 1. */
export function categoricalCrossentropy(
  yTrue: Tensor,
  yPred: Tensor,
  { fromLogits = false, labelSmoothing = 0, axis = -1 }: Partial<CrossentropyOptions> = {},
): Tensor {
  return tidy(() => {
    const { targets, p, logits } = categoricalOperands(yTrue, yPred, {
      fromLogits,
      labelSmoothing,
      axis,
    });
    if (logits) return crossEntropy(toLast(p, axis), toLast(targets, axis));
    return neg(sum(mul(targets, log(clipped(div(p, sum(p, axis, true))))), axis));
  });
}

// As `binaryOperands`.
function categoricalOperands(
  yTrue: Tensor,
  yPred: Tensor,
  { fromLogits, labelSmoothing, axis }: CrossentropyOptions,
) {
  const logits = fromLogits ? yPred : logitsOf(yPred, "softmax");
  const [t, p] = alignTargets(yTrue, logits ?? yPred, "categoricalCrossentropy");
  const classes = t.shape[normalizeAxis(axis, t.rank, "categoricalCrossentropy")];
  return { targets: smoothed(t, labelSmoothing, classes), p, logits };
}

/** The mean of `categoricalCrossentropy` over all samples, where one call makes it. */
export function categoricalCrossentropyOfAll(
  yTrue: Tensor,
  yPred: Tensor,
  options: CrossentropyOptions,
): Tensor | undefined {
  const { targets, p, logits } = categoricalOperands(yTrue, yPred, options);
  if (!logits) return undefined;
  return meanLoss("softmax", toLast(p, options.axis), toLast(targets, options.axis));
}

/** Options of `sparseCategoricalCrossentropy`. */
export type SparseCrossentropyOptions = Omit<CrossentropyOptions, "labelSmoothing">;

/** `-log` of the probability of the class that each target is the number of. */
export function sparseCategoricalCrossentropy(
  yTrue: Tensor,
  yPred: Tensor,
  { fromLogits = false, axis = -1 }: Partial<SparseCrossentropyOptions> = {},
): Tensor {
  return tidy(() => {
    const { scores, classes } = sparseOperands(yTrue, yPred, { fromLogits, axis });
    return crossEntropy(scores, classes);
  });
}

// Logits, or logarithms of probabilities, along the last axis, and class numbers.
function sparseOperands(
  yTrue: Tensor,
  yPred: Tensor,
  { fromLogits, axis }: SparseCrossentropyOptions,
) {
  const logits = fromLogits ? yPred : logitsOf(yPred, "softmax");
  const scores = toLast(logits ?? log(clipped(asType(yPred, "float32"))), axis);
  const shape = scores.shape.slice(0, -1);
  const classes = yTrue.rank === shape.length + 1 && yTrue.shape[yTrue.rank - 1] === 1
    ? squeeze(yTrue, -1)
    : yTrue;
  if (!sameShape(classes.shape, shape)) {
    throw new DinogradError(
      `sparseCategoricalCrossentropy of predictions ${
        showShape(yPred.shape)
      } needs targets of shape ${showShape(shape)}, got ${showShape(yTrue.shape)}`,
    );
  }
  return { scores, classes: asType(classes, "int32") };
}

/** The mean of `sparseCategoricalCrossentropy` over all samples, where one call makes it. */
export function sparseCategoricalCrossentropyOfAll(
  yTrue: Tensor,
  yPred: Tensor,
  options: SparseCrossentropyOptions,
): Tensor | undefined {
  const { scores, classes } = sparseOperands(yTrue, yPred, options);
  return meanLoss("softmax", scores, classes);
}

/** The Kullback-Leibler divergence `sum(yTrue * log(yTrue / yPred))` over the last axis. */
export function klDivergence(yTrue: Tensor, yPred: Tensor): Tensor {
  return tidy(() => {
    const [t, p] = alignTargets(yTrue, yPred, "klDivergence")
      .map((x) => clipByValue(x, EPSILON, 1));
    return sum(mul(t, log(div(t, p))), -1);
  });
}

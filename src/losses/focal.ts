// How can a cross-entropy attend to what is still hard? Focal losses scale it down where the prediction is good already.

import { sigmoid } from "../ops/activations.ts";
import { sum } from "../ops/broadcast.ts";
import { add, div, mul, neg, sub } from "../ops/elementwise.ts";
import { log } from "../ops/math.ts";
import { pow } from "../ops/power.ts";
import { mean } from "../ops/reduce.ts";
import { softmax } from "../ops/softmax.ts";
import { tidy } from "../scope.ts";
import { normalizeAxis } from "../shape.ts";
import type { Tensor } from "../tensor.ts";
import { binarySurprise, clipped, type CrossentropyOptions, smoothed } from "./crossentropy.ts";
import { alignTargets } from "./loss.ts";

/** Options of focal cross-entropies. */
export interface FocalOptions extends CrossentropyOptions {
  /** Weight of the classes; in the binary case of class 1, class 0 having the rest. */
  alpha: number;
  /** How strongly good predictions are scaled down; 0: not at all. */
  gamma: number;
}

/** Options of `binaryFocalCrossentropy`. */
export interface BinaryFocalOptions extends FocalOptions {
  /** Whether alpha is applied. */
  applyClassBalancing: boolean;
}

// The probability of the target, where p is that of 1.
const probabilityOf = (t: Tensor, p: Tensor | number) => add(mul(t, p), mul(sub(1, t), sub(1, p)));

/** Mean over `axis` of `(1 - q)^gamma` times the binary cross-entropy, q being the probability given to the target. */
export function binaryFocalCrossentropy(
  yTrue: Tensor,
  yPred: Tensor,
  {
    applyClassBalancing = false,
    alpha = 0.25,
    gamma = 2,
    fromLogits = false,
    labelSmoothing = 0,
    axis = -1,
  }: Partial<BinaryFocalOptions> = {},
): Tensor {
  return tidy(() => {
    const [targets, given] = alignTargets(yTrue, yPred, "binaryFocalCrossentropy");
    const t = smoothed(targets, labelSmoothing, 2), p = fromLogits ? sigmoid(given) : given;
    const focus = pow(sub(1, probabilityOf(t, p)), gamma);
    const losses = mul(focus, binarySurprise(t, p));
    return mean(applyClassBalancing ? mul(losses, probabilityOf(t, alpha)) : losses, axis);
  });
}

/** Sum along `axis` of `alpha * (1 - p)^gamma * -yTrue * log(p)`, p being the predictions scaled to a sum of 1. */
export function categoricalFocalCrossentropy(
  yTrue: Tensor,
  yPred: Tensor,
  {
    alpha = 0.25,
    gamma = 2,
    fromLogits = false,
    labelSmoothing = 0,
    axis = -1,
  }: Partial<FocalOptions> = {},
): Tensor {
  return tidy(() => {
    const [targets, given] = alignTargets(yTrue, yPred, "categoricalFocalCrossentropy");
    const classes =
      targets.shape[normalizeAxis(axis, targets.rank, "categoricalFocalCrossentropy")];
    const t = smoothed(targets, labelSmoothing, classes);
    const probabilities = fromLogits ? softmax(given, axis) : given;
    const p = clipped(div(probabilities, sum(probabilities, axis, true)));
    const focus = mul(pow(sub(1, p), gamma), alpha);
    return sum(mul(focus, neg(mul(t, log(p)))), axis);
  });
}

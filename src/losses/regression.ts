// How far are predicted numbers from the right ones? Losses of differences, per sample: the mean (or sum) over the last axis.

import { sum } from "../ops/broadcast.ts";
import { add, div, maximum, mul, neg, squaredDifference, sub } from "../ops/elementwise.ts";
import { lessEqual, where } from "../ops/logical.ts";
import { abs, log, rsqrt, square } from "../ops/math.ts";
import { meanLoss } from "../ops/loss.ts";
import { mean, sumSquares } from "../ops/reduce.ts";
import { softplus } from "../ops/smooth_activations.ts";
import { minimum } from "../ops/elementwise.ts";
import { tidy } from "../scope.ts";
import type { Tensor } from "../tensor.ts";
import { alignTargets } from "./loss.ts";

/** What keeps divisions and logarithms away from 0, as in Keras. */
export const EPSILON = 1e-7;

/** `mean((yTrue - yPred)^2)` over the last axis. */
export function meanSquaredError(yTrue: Tensor, yPred: Tensor): Tensor {
  return tidy(() => {
    const [t, p] = alignTargets(yTrue, yPred, "meanSquaredError");
    return mean(squaredDifference(t, p), -1);
  });
}

/** The mean of `meanSquaredError` over all samples, where one call makes it. */
export function meanSquaredErrorOfAll(yTrue: Tensor, yPred: Tensor): Tensor | undefined {
  const [t, p] = alignTargets(yTrue, yPred, "meanSquaredError");
  return meanLoss("squared", p, t);
}

/** `mean(|yTrue - yPred|)` over the last axis. */
export function meanAbsoluteError(yTrue: Tensor, yPred: Tensor): Tensor {
  return tidy(() => {
    const [t, p] = alignTargets(yTrue, yPred, "meanAbsoluteError");
    return mean(abs(sub(t, p)), -1);
  });
}

/** `100 * mean(|yTrue - yPred| / |yTrue|)` over the last axis. */
export function meanAbsolutePercentageError(yTrue: Tensor, yPred: Tensor): Tensor {
  return tidy(() => {
    const [t, p] = alignTargets(yTrue, yPred, "meanAbsolutePercentageError");
    return mul(mean(abs(div(sub(t, p), maximum(abs(t), EPSILON))), -1), 100);
  });
}

/** `mean((log(1 + yTrue) - log(1 + yPred))^2)` over the last axis; values below 0 count as 0. */
export function meanSquaredLogarithmicError(yTrue: Tensor, yPred: Tensor): Tensor {
  return tidy(() => {
    const [t, p] = alignTargets(yTrue, yPred, "meanSquaredLogarithmicError");
    const logOf = (x: Tensor) => log(add(maximum(x, EPSILON), 1));
    return mean(squaredDifference(logOf(t), logOf(p)), -1);
  });
}

/** Options of `huber`. */
export interface HuberOptions {
  /** The error up to which the loss is quadratic. */
  delta: number;
}

/** `error^2 / 2` for errors up to delta, `delta * |error| - delta^2 / 2` beyond: the mean over the last axis. */
export function huber(
  yTrue: Tensor,
  yPred: Tensor,
  { delta = 1 }: Partial<HuberOptions> = {},
): Tensor {
  return tidy(() => {
    const [t, p] = alignTargets(yTrue, yPred, "huber");
    const error = sub(p, t), size = abs(error);
    const linear = sub(mul(size, delta), delta * delta / 2);
    return mean(where(lessEqual(size, delta), mul(square(error), 0.5), linear), -1);
  });
}

/** `mean(log(cosh(yPred - yTrue)))` over the last axis. */
export function logCosh(yTrue: Tensor, yPred: Tensor): Tensor {
  return tidy(() => {
    const [t, p] = alignTargets(yTrue, yPred, "logCosh");
    const error = sub(p, t);
    return mean(sub(add(error, softplus(mul(error, -2))), Math.LN2), -1);
  });
}

/** `mean(yPred - yTrue * log(yPred))` over the last axis. */
export function poisson(yTrue: Tensor, yPred: Tensor): Tensor {
  return tidy(() => {
    const [t, p] = alignTargets(yTrue, yPred, "poisson");
    return mean(sub(p, mul(t, log(add(p, EPSILON)))), -1);
  });
}

/** Option of losses along an axis. */
export interface AxisOptions {
  /** The axis that one sample's values lie along. */
  axis: number;
}

/** The cosine of the angle between targets and predictions along an axis, in [-1, 1]. */
export function cosineOfAngle(
  yTrue: Tensor,
  yPred: Tensor,
  { axis = -1 }: Partial<AxisOptions> = {},
): Tensor {
  return tidy(() => {
    const [t, p] = alignTargets(yTrue, yPred, "cosineSimilarity");
    const unit = (x: Tensor) => mul(x, minimum(rsqrt(sumSquares(x, axis, true)), 1 / EPSILON));
    return sum(mul(unit(t), unit(p)), axis);
  });
}

/** Minus the cosine of the angle between targets and predictions: -1 when they point the same way. */
export function cosineSimilarity(
  yTrue: Tensor,
  yPred: Tensor,
  options: Partial<AxisOptions> = {},
): Tensor {
  return tidy(() => neg(cosineOfAngle(yTrue, yPred, options)));
}

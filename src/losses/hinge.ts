// By how much do predictions miss a margin of 1? Hinge losses for targets -1 and 1 (0 and 1 are taken for them).

import { sum } from "../ops/broadcast.ts";
import { add, mul, sub } from "../ops/elementwise.ts";
import { relu } from "../ops/activations.ts";
import { equal, logicalOr, where } from "../ops/logical.ts";
import { square } from "../ops/math.ts";
import { all, max, mean } from "../ops/reduce.ts";
import { tidy } from "../scope.ts";
import type { Tensor } from "../tensor.ts";
import { alignTargets } from "./loss.ts";

// max(1 - target * prediction, 0). Targets that are all 0 or 1 become -1 and 1.
function misses(yTrue: Tensor, yPred: Tensor, name: string): Tensor {
  const [t, p] = alignTargets(yTrue, yPred, name);
  const binary = all(logicalOr(equal(t, 0), equal(t, 1)));
  return relu(sub(1, mul(where(binary, sub(mul(t, 2), 1), t), p)));
}

/** `mean(max(1 - yTrue * yPred, 0))` over the last axis. */
export function hinge(yTrue: Tensor, yPred: Tensor): Tensor {
  return tidy(() => mean(misses(yTrue, yPred, "hinge"), -1));
}

/** `mean(max(1 - yTrue * yPred, 0)^2)` over the last axis. */
export function squaredHinge(yTrue: Tensor, yPred: Tensor): Tensor {
  return tidy(() => mean(square(misses(yTrue, yPred, "squaredHinge")), -1));
}

/** `max(1 + highest wrong score - right score, 0)` for one-hot targets along the last axis. */
export function categoricalHinge(yTrue: Tensor, yPred: Tensor): Tensor {
  return tidy(() => {
    const [t, p] = alignTargets(yTrue, yPred, "categoricalHinge");
    const right = sum(mul(t, p), -1), wrong = max(mul(sub(1, t), p), -1);
    return relu(add(sub(wrong, right), 1));
  });
}

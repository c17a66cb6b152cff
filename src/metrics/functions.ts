// Which metrics are plain functions of targets and predictions? TensorFlow.js's `metrics.*`; classes with state are beside them.

import {
  binaryCrossentropy as binaryCrossentropyLoss,
  categoricalCrossentropy as categoricalCrossentropyLoss,
} from "../losses/crossentropy.ts";
import {
  cosineSimilarity,
  meanAbsoluteError,
  meanAbsolutePercentageError,
  meanSquaredError,
} from "../losses/regression.ts";
import { sum } from "../ops/broadcast.ts";
import { asType } from "../ops/cast.ts";
import { div, sub } from "../ops/elementwise.ts";
import { equal, logicalAnd } from "../ops/logical.ts";
import { square } from "../ops/math.ts";
import { divNoNan } from "../ops/power.ts";
import { mean } from "../ops/reduce.ts";
import { tidy } from "../scope.ts";
import type { Tensor } from "../tensor.ts";
import { binaryAccuracy as binaryAccuracyOf } from "./accuracy.ts";

export {
  cosineSimilarity as cosine,
  cosineSimilarity as cosineProximity,
  meanAbsoluteError,
  meanAbsoluteError as MAE,
  meanAbsoluteError as mae,
  meanAbsolutePercentageError,
  meanAbsolutePercentageError as MAPE,
  meanAbsolutePercentageError as mape,
  meanSquaredError,
  meanSquaredError as MSE,
  meanSquaredError as mse,
};
export { categoricalAccuracy, sparseCategoricalAccuracy } from "./accuracy.ts";

/** Share of entries along the last axis that are on the target's side of 0.5. */
export function binaryAccuracy(yTrue: Tensor, yPred: Tensor): Tensor {
  return binaryAccuracyOf(yTrue, yPred);
}
/** Mean over the last axis of the cross-entropy of yes-or-no answers. */
export function binaryCrossentropy(yTrue: Tensor, yPred: Tensor): Tensor {
  return binaryCrossentropyLoss(yTrue, yPred);
}
/** `-sum(yTrue * log(yPred))` over the last axis. */
export function categoricalCrossentropy(yTrue: Tensor, yPred: Tensor): Tensor {
  return categoricalCrossentropyLoss(yTrue, yPred);
}

// How many of the ones in `among` are ones in both.
function shareOfOnes(yTrue: Tensor, yPred: Tensor, among: Tensor): Tensor {
  return tidy(() => {
    const ones = (x: Tensor) => sum(asType(x, "float32"));
    const both = logicalAnd(equal(yTrue, 1), equal(yPred, 1));
    return divNoNan(ones(both), ones(equal(among, 1)));
  });
}
/** Share of predictions of 1 whose target is 1 (a scalar); targets and predictions are 0 or 1. */
export function precision(yTrue: Tensor, yPred: Tensor): Tensor {
  return shareOfOnes(yTrue, yPred, yPred);
}
/** Share of targets of 1 that are predicted as 1 (a scalar); targets and predictions are 0 or 1. */
export function recall(yTrue: Tensor, yPred: Tensor): Tensor {
  return shareOfOnes(yTrue, yPred, yTrue);
}
/** `1 - sum((yTrue - yPred)^2) / sum((yTrue - mean(yTrue))^2)` over all values. */
export function r2Score(yTrue: Tensor, yPred: Tensor): Tensor {
  return tidy(() => {
    const [t, p] = [yTrue, yPred].map((x) => asType(x, "float32"));
    return sub(1, div(sum(square(sub(t, p))), sum(square(sub(t, mean(t))))));
  });
}

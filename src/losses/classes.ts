// Which losses are there as objects? Each loss function with its options and a reduction.

import {
  binaryCrossentropy,
  binaryCrossentropyOfAll,
  categoricalCrossentropy,
  categoricalCrossentropyOfAll,
  type CrossentropyOptions,
  klDivergence,
  sparseCategoricalCrossentropy,
  sparseCategoricalCrossentropyOfAll,
  type SparseCrossentropyOptions,
} from "./crossentropy.ts";
import {
  binaryFocalCrossentropy,
  type BinaryFocalOptions,
  categoricalFocalCrossentropy,
  type FocalOptions,
} from "./focal.ts";
import { categoricalHinge, hinge, squaredHinge } from "./hinge.ts";
import { type LossClass, lossClass } from "./loss.ts";
import {
  type AxisOptions,
  cosineSimilarity,
  huber,
  type HuberOptions,
  logCosh,
  meanAbsoluteError,
  meanAbsolutePercentageError,
  meanSquaredError,
  meanSquaredErrorOfAll,
  meanSquaredLogarithmicError,
  poisson,
} from "./regression.ts";

type Plain = LossClass<object>;
const logits = { fromLogits: false };
const crossentropy = { ...logits, labelSmoothing: 0, axis: -1 };

/** Mean squared difference. */
export const MeanSquaredError: Plain = lossClass(
  "MeanSquaredError",
  "mean_squared_error",
  meanSquaredError,
  {},
  meanSquaredErrorOfAll,
);
/** Mean absolute difference. */
export const MeanAbsoluteError: Plain = lossClass(
  "MeanAbsoluteError",
  "mean_absolute_error",
  meanAbsoluteError,
  {},
);
/** Mean absolute difference in percent of the targets. */
export const MeanAbsolutePercentageError: Plain = lossClass(
  "MeanAbsolutePercentageError",
  "mean_absolute_percentage_error",
  meanAbsolutePercentageError,
  {},
);
/** Mean squared difference of logarithms. */
export const MeanSquaredLogarithmicError: Plain = lossClass(
  "MeanSquaredLogarithmicError",
  "mean_squared_logarithmic_error",
  meanSquaredLogarithmicError,
  {},
);
/** Quadratic near 0, linear beyond delta. */
export const Huber: LossClass<HuberOptions> = lossClass("Huber", "huber_loss", huber, { delta: 1 });
/** Mean `log(cosh(error))`. */
export const LogCosh: Plain = lossClass("LogCosh", "log_cosh", logCosh, {});
/** Mean `yPred - yTrue * log(yPred)`. */
export const Poisson: Plain = lossClass("Poisson", "poisson", poisson, {});
/** Minus the cosine of the angle. */
export const CosineSimilarity: LossClass<AxisOptions> = lossClass(
  "CosineSimilarity",
  "cosine_similarity",
  cosineSimilarity,
  { axis: -1 },
);
/** Mean miss of a margin of 1. */
export const Hinge: Plain = lossClass("Hinge", "hinge", hinge, {});
/** Mean squared miss of a margin of 1. */
export const SquaredHinge: Plain = lossClass("SquaredHinge", "squared_hinge", squaredHinge, {});
/** Miss of a margin of 1 between the right and the best wrong class. */
export const CategoricalHinge: Plain = lossClass(
  "CategoricalHinge",
  "categorical_hinge",
  categoricalHinge,
  {},
);
/** Cross-entropy of independent yes-or-no answers. */
export const BinaryCrossentropy: LossClass<CrossentropyOptions> = lossClass(
  "BinaryCrossentropy",
  "binary_crossentropy",
  binaryCrossentropy,
  crossentropy,
  binaryCrossentropyOfAll,
);
/** Cross-entropy of one-hot (or other) distributions over classes. */
export const CategoricalCrossentropy: LossClass<CrossentropyOptions> = lossClass(
  "CategoricalCrossentropy",
  "categorical_crossentropy",
  categoricalCrossentropy,
  crossentropy,
  categoricalCrossentropyOfAll,
);
/** Cross-entropy of class numbers. */
export const SparseCategoricalCrossentropy: LossClass<SparseCrossentropyOptions> = lossClass(
  "SparseCategoricalCrossentropy",
  "sparse_categorical_crossentropy",
  sparseCategoricalCrossentropy,
  { ...logits, axis: -1 },
  sparseCategoricalCrossentropyOfAll,
);
/** Binary cross-entropy that attends to what is hard. */
export const BinaryFocalCrossentropy: LossClass<BinaryFocalOptions> = lossClass<BinaryFocalOptions>(
  "BinaryFocalCrossentropy",
  "binary_focal_crossentropy",
  binaryFocalCrossentropy,
  { applyClassBalancing: false, alpha: 0.25, gamma: 2, ...crossentropy },
);
/** Categorical cross-entropy that attends to what is hard. */
export const CategoricalFocalCrossentropy: LossClass<FocalOptions> = lossClass(
  "CategoricalFocalCrossentropy",
  "categorical_focal_crossentropy",
  categoricalFocalCrossentropy,
  { alpha: 0.25, gamma: 2, ...crossentropy },
);
/** Kullback-Leibler divergence. */
export const KLDivergence: Plain = lossClass("KLDivergence", "kl_divergence", klDivergence, {});

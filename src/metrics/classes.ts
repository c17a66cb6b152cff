// Which metrics are the mean of a function? The accuracies, and the losses watched as metrics.

import {
  binaryCrossentropy,
  categoricalCrossentropy,
  type CrossentropyOptions,
  klDivergence,
  sparseCategoricalCrossentropy,
  type SparseCrossentropyOptions,
} from "../losses/crossentropy.ts";
import { categoricalHinge, hinge, squaredHinge } from "../losses/hinge.ts";
import {
  type AxisOptions,
  cosineOfAngle,
  logCosh,
  meanAbsoluteError,
  meanAbsolutePercentageError,
  meanSquaredError,
  meanSquaredLogarithmicError,
  poisson,
} from "../losses/regression.ts";
import {
  accuracy,
  binaryAccuracy,
  categoricalAccuracy,
  sparseCategoricalAccuracy,
  sparseTopKCategoricalAccuracy,
  type ThresholdOption,
  topKCategoricalAccuracy,
  type TopKOption,
} from "./accuracy.ts";
import { meanMetric } from "./mean.ts";
import type { MetricClass } from "./metric.ts";

type Plain = MetricClass<object>;
const logits = { fromLogits: false };
const crossentropy = { ...logits, labelSmoothing: 0, axis: -1 };

/** Share of equal entries. */
export const Accuracy: Plain = meanMetric("Accuracy", "accuracy", "up", accuracy, {});
/** Share of entries on the right side of a threshold. */
export const BinaryAccuracy: MetricClass<ThresholdOption> = meanMetric(
  "BinaryAccuracy",
  "binary_accuracy",
  "up",
  binaryAccuracy,
  { threshold: 0.5 },
);
/** Share of samples whose one-hot class is the most likely one. */
export const CategoricalAccuracy: Plain = meanMetric(
  "CategoricalAccuracy",
  "categorical_accuracy",
  "up",
  categoricalAccuracy,
  {},
);
/** Share of samples whose class number is the most likely one. */
export const SparseCategoricalAccuracy: Plain = meanMetric(
  "SparseCategoricalAccuracy",
  "sparse_categorical_accuracy",
  "up",
  sparseCategoricalAccuracy,
  {},
);
/** Share of samples whose one-hot class is among the k most likely ones. */
export const TopKCategoricalAccuracy: MetricClass<TopKOption> = meanMetric(
  "TopKCategoricalAccuracy",
  "top_k_categorical_accuracy",
  "up",
  topKCategoricalAccuracy,
  { k: 5 },
);
/** Share of samples whose class number is among the k most likely ones. */
export const SparseTopKCategoricalAccuracy: MetricClass<TopKOption> = meanMetric(
  "SparseTopKCategoricalAccuracy",
  "sparse_top_k_categorical_accuracy",
  "up",
  sparseTopKCategoricalAccuracy,
  { k: 5 },
);
/** Mean squared difference. */
export const MeanSquaredError: Plain = meanMetric(
  "MeanSquaredError",
  "mean_squared_error",
  "down",
  meanSquaredError,
  {},
);
/** Mean absolute difference. */
export const MeanAbsoluteError: Plain = meanMetric(
  "MeanAbsoluteError",
  "mean_absolute_error",
  "down",
  meanAbsoluteError,
  {},
);
/** Mean absolute difference in percent of the targets. */
export const MeanAbsolutePercentageError: Plain = meanMetric(
  "MeanAbsolutePercentageError",
  "mean_absolute_percentage_error",
  "down",
  meanAbsolutePercentageError,
  {},
);
/** Mean squared difference of logarithms. */
export const MeanSquaredLogarithmicError: Plain = meanMetric(
  "MeanSquaredLogarithmicError",
  "mean_squared_logarithmic_error",
  "down",
  meanSquaredLogarithmicError,
  {},
);
/** Mean `log(cosh(error))`. */
export const LogCoshError: Plain = meanMetric("LogCoshError", "logcosh", "down", logCosh, {});
/** Mean cosine of the angle, 1 when targets and predictions point the same way. */
export const CosineSimilarity: MetricClass<AxisOptions> = meanMetric(
  "CosineSimilarity",
  "cosine_similarity",
  "up",
  cosineOfAngle,
  { axis: -1 },
);
/** Mean `yPred - yTrue * log(yPred)`. */
export const Poisson: Plain = meanMetric("Poisson", "poisson", undefined, poisson, {});
/** Kullback-Leibler divergence. */
export const KLDivergence: Plain = meanMetric(
  "KLDivergence",
  "kl_divergence",
  undefined,
  klDivergence,
  {},
);
/** Mean miss of a margin of 1. */
export const Hinge: Plain = meanMetric("Hinge", "hinge", "down", hinge, {});
/** Mean squared miss of a margin of 1. */
export const SquaredHinge: Plain = meanMetric(
  "SquaredHinge",
  "squared_hinge",
  "down",
  squaredHinge,
  {},
);
/** Miss of a margin of 1 between the right and the best wrong class. */
export const CategoricalHinge: Plain = meanMetric(
  "CategoricalHinge",
  "categorical_hinge",
  "down",
  categoricalHinge,
  {},
);
/** Cross-entropy of independent yes-or-no answers. */
export const BinaryCrossentropy: MetricClass<CrossentropyOptions> = meanMetric(
  "BinaryCrossentropy",
  "binary_crossentropy",
  "down",
  binaryCrossentropy,
  crossentropy,
);
/** Cross-entropy of one-hot (or other) distributions over classes. */
export const CategoricalCrossentropy: MetricClass<CrossentropyOptions> = meanMetric(
  "CategoricalCrossentropy",
  "categorical_crossentropy",
  "down",
  categoricalCrossentropy,
  crossentropy,
);
/** Cross-entropy of class numbers. */
export const SparseCategoricalCrossentropy: MetricClass<SparseCrossentropyOptions> = meanMetric(
  "SparseCategoricalCrossentropy",
  "sparse_categorical_crossentropy",
  "down",
  sparseCategoricalCrossentropy,
  { ...logits, axis: -1 },
);

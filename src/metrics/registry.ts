// Which metric does a name, a function or a config stand for, and which of its values are better?

import { type Targets, targetsOf } from "../losses/registry.ts";
import { type ClassConfig, getObject } from "../serialization.ts";
import { MeanMetricWrapper, type MetricFunction } from "./mean.ts";
import { type Direction, Metric } from "./metric.ts";
import * as classes from "./stateful.ts";

export { Metric };

/** What may be passed where a metric is wanted: one, its name in either spelling, a function of targets and predictions, or its config. */
export type MetricIdentifier = Metric | string | MetricFunction | ClassConfig;

// Further names, of Keras and of TensorFlow.js.
const aliases = {
  mse: classes.MeanSquaredError,
  mae: classes.MeanAbsoluteError,
  mape: classes.MeanAbsolutePercentageError,
  msle: classes.MeanSquaredLogarithmicError,
  rmse: classes.RootMeanSquaredError,
  bce: classes.BinaryCrossentropy,
  cosine: classes.CosineSimilarity,
};

const byTargets: Readonly<Record<string, Readonly<Record<Targets, string>>>> = {
  accuracy: {
    binary: "BinaryAccuracy",
    sparse: "SparseCategoricalAccuracy",
    categorical: "CategoricalAccuracy",
  },
  crossentropy: {
    binary: "BinaryCrossentropy",
    sparse: "SparseCategoricalCrossentropy",
    categorical: "CategoricalCrossentropy",
  },
};
const short: Readonly<Record<string, string>> = { acc: "accuracy", ce: "crossentropy" };

/**
 * The metric that is meant, for targets and predictions of these shapes: "accuracy" and "crossentropy" take the form that fits
 * them. A metric given by name has that name in logs.
 */
export function resolveMetric(
  identifier: MetricIdentifier,
  yTrueShape: readonly number[],
  yPredShape: readonly number[],
): Metric {
  if (identifier instanceof Metric) return identifier;
  if (typeof identifier === "function") {
    return new MeanMetricWrapper(identifier, { name: identifier.name || "metric" });
  }
  if (typeof identifier !== "string") {
    return getObject<Metric>("metric", Metric, classes, identifier);
  }
  const lower = identifier.toLowerCase(), general = byTargets[short[lower] ?? lower];
  const class_name = general ? general[targetsOf(yTrueShape, yPredShape)] : identifier;
  const config = { name: identifier };
  return getObject<Metric>("metric", Metric, { ...classes, ...aliases }, { class_name, config });
}

const directions = new Map<string, Direction | undefined>([
  ["loss", "down"],
  ["acc", "up"],
  ["ce", "down"],
  ["crossentropy", "down"],
  ...Object.entries({ ...classes, ...aliases })
    .map(([name, { direction }]) => [name.toLowerCase(), direction] as const),
]);

/** Which values are better of what is logged under `name` (`val_`, an output's name in front); undefined where that is not known. */
export function directionOf(name: string): Direction | undefined {
  const words = name.toLowerCase().split("_");
  for (let i = 0; i < words.length; i++) {
    const direction = directions.get(words.slice(i).join(""));
    if (direction) return direction;
  }
  return undefined;
}

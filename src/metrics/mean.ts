// Which metrics are sums and means of something per sample? Sum, Mean, the mean of a function, and the root of a mean.

import { alignRanks, alignTargets } from "../losses/loss.ts";
import { broadcastTo, sum } from "../ops/broadcast.ts";
import { asType } from "../ops/cast.ts";
import { add, mul, squaredDifference } from "../ops/elementwise.ts";
import { sqrt } from "../ops/math.ts";
import { divNoNan } from "../ops/power.ts";
import { mean } from "../ops/reduce.ts";
import { tidy } from "../scope.ts";
import { type Tensor, wantTensor } from "../tensor.ts";
import type { Variable } from "../variable.ts";
import {
  accumulate,
  accumulateNumber,
  type Direction,
  Metric,
  type MetricClass,
  type MetricOptions,
  PredictionMetric,
} from "./metric.ts";

type Reduce = (x: Tensor, axis: readonly number[]) => Tensor;

const axesFrom = (first: number, rank: number) =>
  Array.from({ length: rank - first }, (_, i) => first + i);

/** Values times weights, one for each sample, and the weights per sample; dimensions beyond are reduced. */
function perSample(
  given: Tensor,
  sampleWeight: Tensor | undefined,
  reduce: Reduce,
): { values: Tensor; weights?: Tensor } {
  const toSamples = (x: Tensor) => x.rank > 1 ? reduce(x, axesFrom(1, x.rank)) : x;
  const all = asType(given, "float32");
  if (!sampleWeight) return { values: toSamples(all) };
  let [values, weights] = alignRanks(all, asType(sampleWeight, "float32"));
  if (values.rank > weights.rank) values = reduce(values, axesFrom(weights.rank, values.rank));
  weights = broadcastTo(weights, values.shape);
  return { values: toSamples(mul(values, weights)), weights: toSamples(weights) };
}

const meanState = { total: [], count: [] };
type MeanState = Record<"total" | "count", Variable>;

// Adds values [batch, ...] with weights that may lack the last dimensions.
function addToMean({ total, count }: MeanState, given: Tensor, sampleWeight?: Tensor): void {
  const { values, weights } = perSample(given, sampleWeight, mean);
  accumulate(total, sum(values));
  if (weights) accumulate(count, sum(weights));
  else accumulateNumber(count, values.size);
}

/** The sum of all values, weighted where weights are given. */
export class Sum extends Metric {
  static override className = "Sum";

  constructor(options: Partial<MetricOptions> = {}) {
    super({ name: "sum" }, options);
  }
  override updateState(values: Tensor, sampleWeight?: Tensor): void {
    tidy(() => {
      const { total } = this.state({ total: [] }, values);
      accumulate(total, sum(perSample(values, sampleWeight, sum).values));
    });
  }
  override result(): Tensor {
    return add(this.state({ total: [] }).total, 0);
  }
}

/** The mean of all values, weighted where weights are given. */
export class Mean extends Metric {
  static override className = "Mean";

  constructor(options: Partial<MetricOptions> = {}) {
    super({ name: "mean" }, options);
  }
  override updateState(values: Tensor, sampleWeight?: Tensor): void {
    tidy(() => addToMean(this.state(meanState, values), values, sampleWeight));
  }
  override result(): Tensor {
    const { total, count } = this.state(meanState);
    return divNoNan(total, count);
  }
}

/** A function of targets and predictions that gives a value per sample, or for each entry of a sample. */
export type MetricFunction = (yTrue: Tensor, yPred: Tensor) => Tensor;

/** The mean of a function over all samples. */
export class MeanMetricWrapper<O extends MetricOptions = MetricOptions>
  extends PredictionMetric<O> {
  static override className = "MeanMetricWrapper";
  readonly #fn: MetricFunction;

  constructor(fn: MetricFunction, defaults: O, options: object = {}) {
    super(defaults, options);
    this.#fn = fn;
  }
  protected override add(yTrue: Tensor, yPred: Tensor, weights: Tensor | undefined): void {
    const values = this.#fn(yTrue, yPred);
    wantTensor(values, `Metric "${this.name}" needs a function that returns a tensor`);
    addToMean(this.state(meanState, yPred), values, weights);
  }
  override result(): Tensor {
    const { total, count } = this.state(meanState);
    return divNoNan(total, count);
  }
}

/** Makes the class of the mean of a function; `defaults` are the function's options, `name` its name in logs. */
export function meanMetric<O extends object>(
  className: string,
  name: string,
  direction: Direction | undefined,
  fn: (yTrue: Tensor, yPred: Tensor, options: O) => Tensor,
  defaults: O,
): MetricClass<O> {
  return class extends MeanMetricWrapper<MetricOptions & O> {
    static override className = className;
    static override direction = direction;

    constructor(options: Partial<O & MetricOptions> = {}) {
      super((yTrue, yPred) => fn(yTrue, yPred, this.options), { name, ...defaults }, options);
    }
  };
}

/** The square root of the mean squared error. */
export class RootMeanSquaredError extends PredictionMetric {
  static override className = "RootMeanSquaredError";
  static override direction: Direction = "down";

  constructor(options: Partial<MetricOptions> = {}) {
    super({ name: "root_mean_squared_error" }, options);
  }
  protected override add(yTrue: Tensor, yPred: Tensor, weights: Tensor | undefined): void {
    const [t, p] = alignTargets(yTrue, yPred, "rootMeanSquaredError");
    addToMean(this.state(meanState, yPred), squaredDifference(t, p), weights);
  }
  override result(): Tensor {
    const { total, count } = this.state(meanState);
    return tidy(() => sqrt(divNoNan(total, count)));
  }
}

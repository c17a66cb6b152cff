// How much of the targets' variation do predictions explain? The coefficient of determination.

import { DinogradError } from "../errors.ts";
import { alignTargets, applyWeights } from "../losses/loss.ts";
import { broadcastTo, sum } from "../ops/broadcast.ts";
import { ones } from "../ops/creation.ts";
import { div, mul, squaredDifference, sub } from "../ops/elementwise.ts";
import { greater, isInf, where } from "../ops/logical.ts";
import { mean } from "../ops/reduce.ts";
import { tidy } from "../scope.ts";
import { lookup } from "../serialization.ts";
import { showShape } from "../shape.ts";
import type { Tensor } from "../tensor.ts";
import {
  accumulate,
  accumulateNumber,
  type Direction,
  type MetricOptions,
  PredictionMetric,
} from "./metric.ts";

/** Options of `R2Score`. */
export interface R2Options extends MetricOptions {
  /** `uniform_average` or `variance_weighted_average` over columns; "none" for one result per column. */
  classAggregation: string;
  /** Number of independent variables, for the adjusted score; 0: not adjusted. */
  numRegressors: number;
}

const aggregations: Readonly<Record<string, (scores: Tensor, variation: Tensor) => Tensor>> = {
  uniform_average: (scores) => mean(scores),
  variance_weighted_average: (scores, variation) =>
    div(sum(mul(scores, variation)), sum(variation)),
  none: (scores) => scores,
};

/** `1 - sum((yTrue - yPred)^2) / sum((yTrue - mean(yTrue))^2)`. */
export class R2Score extends PredictionMetric<R2Options> {
  static override className = "R2Score";
  static override direction: Direction = "up";
  #columns: number | undefined;

  constructor(options: Partial<R2Options> = {}) {
    super({ name: "r2_score", classAggregation: "uniform_average", numRegressors: 0 }, options);
    lookup("classAggregation of R2Score", aggregations, this.options.classAggregation);
  }

  #state(like?: Tensor) {
    if (this.#columns === undefined) {
      throw new DinogradError("R2Score has no result before its first batch");
    }
    const columns = [this.#columns];
    return this.state(
      { numSamples: [], squaredSum: columns, sum: columns, residual: columns, count: columns },
      like,
    );
  }

  protected override add(yTrue: Tensor, yPred: Tensor, weights: Tensor | undefined): void {
    const [t, p] = alignTargets(yTrue, yPred, "R2Score");
    if (p.rank !== 2) {
      throw new DinogradError(
        `R2Score needs predictions [batch, columns], got ${showShape(yPred.shape)}`,
      );
    }
    this.#columns ??= p.shape[1];
    const state = this.#state(yPred);
    const w = weights ? broadcastTo(applyWeights(p, weights)[1], p.shape) : ones(p.shape);
    const weighted = mul(t, w);
    accumulate(state.sum, sum(weighted, 0));
    accumulate(state.squaredSum, sum(mul(t, weighted), 0));
    accumulate(state.residual, sum(mul(squaredDifference(t, p), w), 0));
    accumulate(state.count, sum(w, 0));
    accumulateNumber(state.numSamples, p.size);
  }

  override result(): Tensor {
    return tidy(() => {
      const state = this.#state();
      const { classAggregation, numRegressors } = this.options;
      const variation = sub(state.squaredSum, div(mul(state.sum, state.sum), state.count));
      const raw = sub(1, div(state.residual, variation));
      const aggregate = lookup("classAggregation", aggregations, classAggregation);
      const score = aggregate(where(isInf(raw), 0, raw), variation);
      if (numRegressors === 0) return score;
      // Too few samples for so many variables: the plain score stands.
      const freedom = sub(state.numSamples, 1 + numRegressors);
      const adjusted = sub(1, div(mul(sub(1, score), sub(state.numSamples, 1)), freedom));
      return where(greater(freedom, 0), adjusted, score);
    });
  }
}

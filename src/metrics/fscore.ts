// How do precision and recall of classes combine? Their weighted harmonic mean, per class or averaged.

import { DinogradError } from "../errors.ts";
import { sum } from "../ops/broadcast.ts";
import { asType } from "../ops/cast.ts";
import { add, div, mul, sub } from "../ops/elementwise.ts";
import { equal, greater, logicalAnd } from "../ops/logical.ts";
import { abs } from "../ops/math.ts";
import { max, mean } from "../ops/reduce.ts";
import { expandDims } from "../ops/reshape.ts";
import { tidy } from "../scope.ts";
import { lookup } from "../serialization.ts";
import { sameShape, showShape } from "../shape.ts";
import type { Tensor } from "../tensor.ts";
import type { Variable } from "../variable.ts";
import { accumulate, type Direction, type MetricOptions, PredictionMetric } from "./metric.ts";

/** Options of `F1Score`. */
export interface F1Options extends MetricOptions {
  /** `micro`: all classes counted together; `macro`: mean over classes; `weighted`: that by their size; null: one result per class. */
  average: string | null;
  /** Predictions above it are positive; null: the largest of each row. */
  threshold: number | null;
}

/** Options of `FBetaScore`. */
export interface FBetaOptions extends F1Options {
  /** How many times more recall counts than precision. */
  beta: number;
}

const EPSILON = 1e-7;
const averages = { micro: 0, macro: 0, weighted: 0 };
const stateNames = [
  "truePositives",
  "falsePositives",
  "falseNegatives",
  "intermediateWeights",
] as const;

abstract class FScore<O extends F1Options> extends PredictionMetric<O> {
  static override direction: Direction = "up";
  #shape: number[] | undefined;

  constructor(defaults: O, options: object) {
    super(defaults, options);
    const { average, threshold } = this.options;
    if (average !== null) lookup(`average of ${this.getClassName()}`, averages, average);
    if (threshold !== null && !(threshold > 0 && threshold <= 1)) {
      throw new DinogradError(
        `${this.getClassName()} needs a threshold above 0 and up to 1, got ${threshold}`,
      );
    }
  }

  protected abstract beta(): number;

  #state(like?: Tensor): Record<(typeof stateNames)[number], Variable> {
    const shape = this.#shape;
    if (!shape) {
      throw new DinogradError(`${this.getClassName()} has no result before its first batch`);
    }
    const shapes = Object.fromEntries(stateNames.map((name) => [name, shape]));
    return this.state(shapes as Record<(typeof stateNames)[number], number[]>, like);
  }

  protected override add(yTrue: Tensor, yPred: Tensor, weights: Tensor | undefined): void {
    if (yPred.rank !== 2 || !sameShape(yTrue.shape, yPred.shape)) {
      throw new DinogradError(
        `${this.getClassName()} needs targets and predictions [batch, classes], got ${
          showShape(yTrue.shape)
        } and ${showShape(yPred.shape)}`,
      );
    }
    const { average, threshold } = this.options;
    this.#shape ??= average === "micro" ? [] : [yPred.shape[1]];
    const state = this.#state(yPred);
    const positive = threshold === null
      ? logicalAnd(equal(yPred, max(yPred, -1, true)), greater(abs(yPred), 1e-9))
      : greater(yPred, threshold);
    const p = asType(positive, "float32"), t = asType(yTrue, "float32");
    const w = weights && (weights.rank === 1 ? expandDims(weights, 1) : weights);
    const count = (x: Tensor) => sum(w ? mul(x, w) : x, average === "micro" ? null : 0);
    accumulate(state.truePositives, count(mul(p, t)));
    accumulate(state.falsePositives, count(mul(p, sub(1, t))));
    accumulate(state.falseNegatives, count(mul(sub(1, p), t)));
    accumulate(state.intermediateWeights, count(t));
  }

  override result(): Tensor {
    return tidy(() => {
      const { truePositives: tp, falsePositives, falseNegatives, intermediateWeights } = this
        .#state();
      const share = (others: Tensor) => div(tp, add(add(tp, others), EPSILON));
      const precision = share(falsePositives), recall = share(falseNegatives);
      const b2 = this.beta() ** 2;
      const below = add(add(mul(precision, b2), recall), EPSILON);
      const scores = mul(div(mul(precision, recall), below), 1 + b2);
      switch (this.options.average) {
        case null:
          return scores;
        case "weighted": {
          const total = add(sum(intermediateWeights), EPSILON);
          return sum(mul(scores, div(intermediateWeights, total)));
        }
        default:
          return mean(scores);
      }
    });
  }
}

/** `(1 + beta^2) * precision * recall / (beta^2 * precision + recall)`. */
export class FBetaScore extends FScore<FBetaOptions> {
  static override className = "FBetaScore";

  constructor(options: Partial<FBetaOptions> = {}) {
    super({ name: "fbeta_score", average: null, beta: 1, threshold: null }, options);
    if (!(this.options.beta > 0)) {
      throw new DinogradError(`FBetaScore needs beta above 0, got ${this.options.beta}`);
    }
  }
  protected override beta(): number {
    return this.options.beta;
  }
}

/** `2 * precision * recall / (precision + recall)`. */
export class F1Score extends FScore<F1Options> {
  static override className = "F1Score";

  constructor(options: Partial<F1Options> = {}) {
    super({ name: "f1_score", average: null, threshold: null }, options);
  }
  protected override beta(): number {
    return 1;
  }
}

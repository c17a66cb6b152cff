// Which metrics count right and wrong predictions at thresholds? True and false positives and negatives, precision and recall.

import { DinogradError } from "../errors.ts";
import { add } from "../ops/elementwise.ts";
import { divNoNan } from "../ops/power.ts";
import { reshape } from "../ops/reshape.ts";
import { tidy } from "../scope.ts";
import type { Tensor } from "../tensor.ts";
import type { Variable } from "../variable.ts";
import { type Counts, countsAt, type Selection } from "./counts.ts";
import {
  accumulate,
  type Direction,
  type MetricClass,
  type MetricOptions,
  PredictionMetric,
} from "./metric.ts";

/** Options of counts. */
export interface ThresholdsOption extends MetricOptions {
  /** One threshold, or several for as many results; 0.5 (with topK: none) when left out. */
  thresholds: number | readonly number[] | null;
}

abstract class ThresholdMetric<O extends ThresholdsOption> extends PredictionMetric<O> {
  protected readonly thresholds: readonly number[];

  /** `kinds` are the counts it keeps. */
  constructor(protected readonly kinds: readonly (keyof Counts)[], defaults: O, options: object) {
    super(defaults, options);
    const fallback = this.selection().topK ? -1e10 : 0.5;
    this.thresholds = [this.options.thresholds ?? fallback].flat();
    const wrong = this.thresholds.find((t) => t !== fallback && !(t >= 0 && t <= 1));
    if (wrong !== undefined) {
      throw new DinogradError(
        `${this.getClassName()} needs thresholds from 0 to 1, got ${wrong}`,
      );
    }
  }

  protected selection(): Selection {
    return {};
  }

  /** Its counts, one for each threshold. */
  protected counts(like?: Tensor): Record<keyof Counts, Variable> {
    const shapes = Object.fromEntries(this.kinds.map((kind) => [kind, [this.thresholds.length]]));
    return this.state(shapes as Record<keyof Counts, number[]>, like);
  }

  protected override add(yTrue: Tensor, yPred: Tensor, weights: Tensor | undefined): void {
    const state = this.counts(yPred);
    const batch = countsAt(this.thresholds, yTrue, yPred, weights, this.selection());
    for (const kind of this.kinds) accumulate(state[kind], batch[kind]);
  }

  /** One result per threshold; a scalar where there is one. */
  protected shaped(x: Tensor): Tensor {
    return this.thresholds.length === 1 ? reshape(x, []) : x;
  }
}

type CountClass = MetricClass<ThresholdsOption>;

function countOf(
  kind: keyof Counts,
  className: string,
  name: string,
  better: Direction,
): CountClass {
  return class extends ThresholdMetric<ThresholdsOption> {
    static override className = className;
    static override direction = better;

    constructor(options: Partial<ThresholdsOption> = {}) {
      super([kind], { name, thresholds: null }, options);
    }
    override result(): Tensor {
      return tidy(() => this.shaped(add(this.counts()[kind], 0)));
    }
  };
}

/** Number of targets 1 that are predicted as 1. */
export const TruePositives: CountClass = countOf(
  "truePositives",
  "TruePositives",
  "true_positives",
  "up",
);
/** Number of targets 0 that are predicted as 1. */
export const FalsePositives: CountClass = countOf(
  "falsePositives",
  "FalsePositives",
  "false_positives",
  "down",
);
/** Number of targets 0 that are predicted as 0. */
export const TrueNegatives: CountClass = countOf(
  "trueNegatives",
  "TrueNegatives",
  "true_negatives",
  "up",
);
/** Number of targets 1 that are predicted as 0. */
export const FalseNegatives: CountClass = countOf(
  "falseNegatives",
  "FalseNegatives",
  "false_negatives",
  "down",
);

/** Options of `Precision` and `Recall`. */
export interface PrecisionOptions extends ThresholdsOption {
  /** Only the k largest predictions along the last axis can be positive. */
  topK: number | null;
  /** Only this class, a position along the last axis. */
  classId: number | null;
}

type PrecisionClass = MetricClass<PrecisionOptions>;

function shareOf(
  other: "falsePositives" | "falseNegatives",
  className: string,
  name: string,
): PrecisionClass {
  return class extends ThresholdMetric<PrecisionOptions> {
    static override className = className;
    static override direction: Direction = "up";

    constructor(options: Partial<PrecisionOptions> = {}) {
      const defaults = { name, thresholds: null, topK: null, classId: null };
      super(["truePositives", other], defaults, options);
    }
    protected override selection(): Selection {
      return this.options;
    }
    override result(): Tensor {
      const { truePositives, [other]: missed } = this.counts();
      return tidy(() => this.shaped(divNoNan(truePositives, add(truePositives, missed))));
    }
  };
}

/** Share of positive predictions that are right: TP / (TP + FP). */
export const Precision: PrecisionClass = shareOf("falsePositives", "Precision", "precision");
/** Share of positive targets that are found: TP / (TP + FN). */
export const Recall: PrecisionClass = shareOf("falseNegatives", "Recall", "recall");

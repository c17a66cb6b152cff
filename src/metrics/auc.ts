// How well are two classes told apart at all thresholds together? The area under the ROC or the precision-recall curve.

import { DinogradError } from "../errors.ts";
import { applyWeights } from "../losses/loss.ts";
import { sigmoid } from "../ops/activations.ts";
import { sum } from "../ops/broadcast.ts";
import { tensor } from "../ops/creation.ts";
import { add, maximum, minimum, mul, sub } from "../ops/elementwise.ts";
import { greater, logicalAnd, where } from "../ops/logical.ts";
import { log } from "../ops/math.ts";
import { slice } from "../ops/movement.ts";
import { divNoNan } from "../ops/power.ts";
import { mean } from "../ops/reduce.ts";
import { tidy } from "../scope.ts";
import { lookup } from "../serialization.ts";
import { showShape } from "../shape.ts";
import type { Tensor } from "../tensor.ts";
import type { Variable } from "../variable.ts";
import { type Counts, countsAt } from "./counts.ts";
import { accumulate, type Direction, type MetricOptions, PredictionMetric } from "./metric.ts";

/** Options of `AUC`. */
export interface AUCOptions extends MetricOptions {
  /** How many thresholds stand for all: evenly spread over [0, 1]. */
  numThresholds: number;
  /** `ROC`: recall over false positive rate; `PR`: precision over recall. */
  curve: string;
  /** Height between two thresholds: `interpolation`, or the lower (`minoring`) or higher (`majoring`) end. */
  summationMethod: string;
  /** Thresholds between 0 and 1 to use instead of evenly spread ones. */
  thresholds: number[] | null;
  /** Whether each position along the last axis is a curve of its own, and the areas are averaged. */
  multiLabel: boolean;
  /** Number of labels, which the first batch tells otherwise. */
  numLabels: number | null;
  /** Weight of each label: in the average of areas with multiLabel, else of its predictions. */
  labelWeights: number[] | null;
  /** Whether predictions are scores rather than probabilities. */
  fromLogits: boolean;
}

const kinds = ["truePositives", "falsePositives", "trueNegatives", "falseNegatives"] as const;
const heights: Readonly<Record<string, (a: Tensor, b: Tensor) => Tensor>> = {
  interpolation: (a, b) => mul(add(a, b), 0.5),
  minoring: minimum,
  majoring: maximum,
};

// Values at all thresholds but the last, and at all but the first: the two ends of each interval.
function ends(x: Tensor): [Tensor, Tensor] {
  const n = x.shape[0] - 1;
  const rest = x.shape.slice(1).map(() => 0);
  return [slice(x, [0, ...rest], [n]), slice(x, [1, ...rest], [n])];
}

/** Area under a curve, by a Riemann sum over thresholds. */
export class AUC extends PredictionMetric<AUCOptions> {
  static override className = "AUC";
  static override direction: Direction = "up";
  readonly #thresholds: readonly number[];
  readonly #isROC: boolean;
  readonly #height: (a: Tensor, b: Tensor) => Tensor;
  #labels: number;

  constructor(options: Partial<AUCOptions> = {}) {
    super({
      name: "auc",
      numThresholds: 200,
      curve: "ROC",
      summationMethod: "interpolation",
      thresholds: null,
      multiLabel: false,
      numLabels: null,
      labelWeights: null,
      fromLogits: false,
    }, options);
    const { numThresholds, thresholds, curve, summationMethod, numLabels } = this.options;
    if (!(numThresholds > 1)) {
      throw new DinogradError(`AUC needs numThresholds of at least 2, got ${numThresholds}`);
    }
    this.#isROC = lookup("curve of AUC", { ROC: true, PR: false }, curve);
    this.#height = lookup("summationMethod of AUC", heights, summationMethod);
    const inner = thresholds
      ? [...thresholds].sort((a, b) => a - b)
      : Array.from({ length: numThresholds - 2 }, (_, i) => (i + 1) / (numThresholds - 1));
    // The outermost ones lie just outside, so that predictions of exactly 0 and 1 count.
    this.#thresholds = [-1e-7, ...inner, 1 + 1e-7];
    this.#labels = numLabels ?? 1;
  }

  #state(like?: Tensor): Record<keyof Counts, Variable> {
    const shape = [this.#thresholds.length];
    if (this.options.multiLabel) shape.push(this.#labels);
    return this.state(
      { truePositives: shape, falsePositives: shape, trueNegatives: shape, falseNegatives: shape },
      like,
    );
  }

  protected override add(yTrue: Tensor, yPred: Tensor, weights: Tensor | undefined): void {
    const { multiLabel, labelWeights, fromLogits } = this.options;
    const last = yPred.shape[yPred.rank - 1];
    if (multiLabel) {
      if (yPred.rank !== 2) {
        throw new DinogradError(
          `AUC with multiLabel needs predictions [batch, labels], got ${showShape(yPred.shape)}`,
        );
      }
      this.#labels = last;
    }
    let w = weights;
    if (labelWeights && !multiLabel) {
      const ofLabels = tensor([labelWeights]);
      w = w ? mul(applyWeights(yPred, w)[1], ofLabels) : ofLabels;
    }
    const p = fromLogits ? sigmoid(yPred) : yPred;
    const state = this.#state(yPred);
    const counts = countsAt(this.#thresholds, yTrue, p, w, { multiLabel });
    for (const kind of kinds) accumulate(state[kind], counts[kind]);
  }

  override result(): Tensor {
    return tidy(() => {
      const state = this.#state();
      const { multiLabel, labelWeights } = this.options;
      const areas = !this.#isROC && this.#height === heights.interpolation
        ? interpolatedPrecision(state)
        : riemann(state, this.#isROC, this.#height);
      const total = sum(areas, 0);
      if (!multiLabel) return total;
      if (!labelWeights) return mean(total);
      const w = tensor(labelWeights);
      return divNoNan(sum(mul(total, w)), sum(w));
    });
  }
}

// The areas between neighbouring thresholds.
function riemann(
  { truePositives: tp, falsePositives: fp, trueNegatives: tn, falseNegatives: fn }: Counts,
  isROC: boolean,
  height: (a: Tensor, b: Tensor) => Tensor,
): Tensor {
  const recall = divNoNan(tp, add(tp, fn));
  const [x, y] = isROC ? [divNoNan(fp, add(fp, tn)), recall] : [recall, divNoNan(tp, add(tp, fp))];
  const [left, right] = ends(x);
  return mul(sub(left, right), height(...ends(y)));
}

// The areas under precision over recall where true and false positives, not precision, are interpolated (Davis and Goadrich 2006):
// the integral of slope + intercept / p over the number p of positive predictions.
function interpolatedPrecision(
  { truePositives: tp, falsePositives: fp, falseNegatives: fn }: Counts,
): Tensor {
  const [tp0, tp1] = ends(tp), [p0, p1] = ends(add(tp, fp)), fn1 = ends(fn)[1];
  const gained = sub(tp0, tp1);
  const slope = divNoNan(gained, maximum(sub(p0, p1), 0));
  const intercept = sub(tp1, mul(slope, p1));
  const both = logicalAnd(greater(p0, 0), greater(p1, 0));
  const ratio = where(both, divNoNan(p0, maximum(p1, 0)), 1);
  const area = mul(slope, add(gained, mul(intercept, log(ratio))));
  return divNoNan(area, maximum(add(tp1, fn1), 0));
}

// Which penalties on weights can be added to a loss? Sums of magnitudes and of squares, and a measure of overlap.

import { DinogradError } from "./errors.ts";
import { sum } from "./ops/broadcast.ts";
import { add, div, mul, sub } from "./ops/elementwise.ts";
import { eye } from "./ops/grids.ts";
import { matMul } from "./ops/matmul.ts";
import { abs, clipByValue, sqrt } from "./ops/math.ts";
import { sumSquares } from "./ops/reduce.ts";
import { tidy } from "./scope.ts";
import { type ClassConfig, Configured, getObject, lookup } from "./serialization.ts";
import { showShape } from "./shape.ts";
import type { Tensor } from "./tensor.ts";

/** The base of all regularizers. */
export abstract class Regularizer<O extends object = object> extends Configured<O> {
  /** The penalty on a weight: a scalar. */
  abstract apply(x: Tensor): Tensor;
}

/** `l1 * sum(|x|)`. */
export class L1 extends Regularizer<{ l1: number }> {
  static override className = "L1";
  constructor(options: { l1?: number } = {}) {
    super({ l1: 0.01 }, options);
  }
  override apply(x: Tensor): Tensor {
    return tidy(() => mul(sum(abs(x)), this.options.l1));
  }
}

/** `l2 * sum(x^2)`. */
export class L2 extends Regularizer<{ l2: number }> {
  static override className = "L2";
  constructor(options: { l2?: number } = {}) {
    super({ l2: 0.01 }, options);
  }
  override apply(x: Tensor): Tensor {
    return tidy(() => mul(sumSquares(x), this.options.l2));
  }
}

/** `l1 * sum(|x|) + l2 * sum(x^2)`. */
export class L1L2 extends Regularizer<{ l1: number; l2: number }> {
  static override className = "L1L2";
  constructor(options: { l1?: number; l2?: number } = {}) {
    super({ l1: 0, l2: 0 }, options);
  }
  override apply(x: Tensor): Tensor {
    const { l1, l2 } = this.options;
    return tidy(() => add(mul(sum(abs(x)), l1), mul(sumSquares(x), l2)));
  }
}

/** Options of `OrthogonalRegularizer`. */
export interface OrthogonalRegularizerOptions {
  factor: number;
  /** Which vectors of the matrix should be orthogonal: `rows` or `columns`. */
  mode: string;
}

/** `factor` times the mean magnitude of the cosines between the rows (or columns) of a matrix. */
export class OrthogonalRegularizer extends Regularizer<OrthogonalRegularizerOptions> {
  static override className = "OrthogonalRegularizer";
  constructor(options: Partial<OrthogonalRegularizerOptions> = {}) {
    super({ factor: 0.01, mode: "rows" }, options);
    lookup("mode of orthogonalRegularizer", { rows: 0, columns: 0 }, this.options.mode);
  }
  override apply(x: Tensor): Tensor {
    if (x.rank !== 2) {
      throw new DinogradError(
        `orthogonalRegularizer takes matrices only, got ${showShape(x.shape)}`,
      );
    }
    const { factor, mode } = this.options;
    const axis = mode === "rows" ? 1 : 0, count = x.shape[1 - axis];
    return tidy(() => {
      const length = clipByValue(sqrt(sumSquares(x, axis, true)), 1e-7, Infinity);
      const unit = div(x, length);
      const cosines = matMul(unit, unit, axis === 0, axis === 1);
      const others = mul(cosines, sub(1, eye(count)));
      return mul(sum(abs(others)), factor / (count * (count - 1)));
    });
  }
}

const classes = { L1, L2, L1L2, OrthogonalRegularizer };

/** What may be passed where a regularizer is wanted: one, its name in either spelling, its config, or nothing. */
export type RegularizerIdentifier = Regularizer | string | ClassConfig | null | undefined;

/** The regularizer that is meant; null for none. */
export function getRegularizer(identifier: RegularizerIdentifier): Regularizer | null {
  if (identifier === null || identifier === undefined) return null;
  if (typeof identifier === "string") {
    return lookup<() => Regularizer>("regularizer", regularizers, identifier)();
  }
  return getObject<Regularizer>("regularizer", Regularizer, classes, identifier);
}

/** The regularizers by TensorFlow.js's names; every factor is 0.01 unless given. */
export const regularizers = {
  /** `l1 * sum(|x|)`. */
  l1: (options?: { l1?: number }): Regularizer => new L1(options),
  /** `l2 * sum(x^2)`. */
  l2: (options?: { l2?: number }): Regularizer => new L2(options),
  /** `l1 * sum(|x|) + l2 * sum(x^2)`. */
  l1l2: ({ l1 = 0.01, l2 = 0.01 }: { l1?: number; l2?: number } = {}): Regularizer =>
    new L1L2({ l1, l2 }),
  /** The mean overlap of the rows (or columns) of a matrix. */
  orthogonalRegularizer: (options?: Partial<OrthogonalRegularizerOptions>): Regularizer =>
    new OrthogonalRegularizer(options),
};

// Which bounds can weights be kept in? Rules applied after each step.

import { relu } from "./ops/activations.ts";
import { add, div, mul } from "./ops/elementwise.ts";
import { clipByValue, sqrt } from "./ops/math.ts";
import { sumSquares } from "./ops/reduce.ts";
import { tidy } from "./scope.ts";
import { type ClassConfig, Configured, getObject } from "./serialization.ts";
import type { Tensor } from "./tensor.ts";

/** The base of all constraints. */
export abstract class Constraint<O extends object = object> extends Configured<O> {
  /** The nearest weight within the bounds, of the same shape. */
  abstract apply(w: Tensor): Tensor;
}

/** Option of constraints on vectors: the axes along which they run. */
export interface AxisOption {
  axis: number | number[];
}

const EPSILON = 1e-7;

const norms = (w: Tensor, axis: number | number[]) => sqrt(sumSquares(w, axis, true));
// w with norms replaced; all-zero vectors stay.
const rescale = (w: Tensor, from: Tensor, to: Tensor) => mul(w, div(to, add(from, EPSILON)));

/** Options of `MaxNorm`. */
export interface MaxNormOptions extends AxisOption {
  maxValue: number;
}

/** Shortens vectors longer than `maxValue`. */
export class MaxNorm extends Constraint<MaxNormOptions> {
  static override className = "MaxNorm";
  constructor(options: Partial<MaxNormOptions> = {}) {
    super({ maxValue: 2, axis: 0 }, options);
  }
  override apply(w: Tensor): Tensor {
    const { maxValue, axis } = this.options;
    return tidy(() => {
      const length = norms(w, axis);
      return rescale(w, length, clipByValue(length, 0, maxValue));
    });
  }
}

/** Options of `MinMaxNorm`. */
export interface MinMaxNormOptions extends AxisOption {
  minValue: number;
  maxValue: number;
  /** Share of the way that one step goes: 1 all of it. */
  rate: number;
}

/** Brings the length of vectors between `minValue` and `maxValue`. */
export class MinMaxNorm extends Constraint<MinMaxNormOptions> {
  static override className = "MinMaxNorm";
  constructor(options: Partial<MinMaxNormOptions> = {}) {
    super({ minValue: 0, maxValue: 1, rate: 1, axis: 0 }, options);
  }
  override apply(w: Tensor): Tensor {
    const { minValue, maxValue, rate, axis } = this.options;
    return tidy(() => {
      const length = norms(w, axis);
      const within = mul(clipByValue(length, minValue, maxValue), rate);
      return rescale(w, length, add(within, mul(length, 1 - rate)));
    });
  }
}

/** Brings vectors to length 1. */
export class UnitNorm extends Constraint<AxisOption> {
  static override className = "UnitNorm";
  constructor(options: Partial<AxisOption> = {}) {
    super({ axis: 0 }, options);
  }
  override apply(w: Tensor): Tensor {
    return tidy(() => div(w, add(norms(w, this.options.axis), EPSILON)));
  }
}

/** Sets negative values to 0. */
export class NonNeg extends Constraint {
  static override className = "NonNeg";
  constructor(options: object = {}) {
    super({}, options);
  }
  override apply(w: Tensor): Tensor {
    return relu(w);
  }
}

const classes = { MaxNorm, MinMaxNorm, UnitNorm, NonNeg };

/** What may be passed where a constraint is wanted: one, its name in either spelling, its config, or nothing. */
export type ConstraintIdentifier = Constraint | string | ClassConfig | null | undefined;

/** The constraint that is meant; null for none. */
export function getConstraint(identifier: ConstraintIdentifier): Constraint | null {
  return identifier === null || identifier === undefined
    ? null
    : getObject<Constraint>("constraint", Constraint, classes, identifier);
}

/** The constraints by TensorFlow.js's names. */
export const constraints = {
  /** Vectors no longer than `maxValue` (2). */
  maxNorm: (options?: Partial<MaxNormOptions>): Constraint => new MaxNorm(options),
  /** Vectors of a length from `minValue` (0) to `maxValue` (1). */
  minMaxNorm: (options?: Partial<MinMaxNormOptions>): Constraint => new MinMaxNorm(options),
  /** Vectors of length 1. */
  unitNorm: (options?: Partial<AxisOption>): Constraint => new UnitNorm(options),
  /** No negative values. */
  nonNeg: (): Constraint => new NonNeg(),
};

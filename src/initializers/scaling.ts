// Which initializers keep the size of signals from layer to layer? VarianceScaling and its six named cases.

import type { DType } from "../dtype.ts";
import { randomNormal, type RandomState, randomUniform, truncatedNormal } from "../ops/random.ts";
import { lookup } from "../serialization.ts";
import { sizeOf } from "../shape.ts";
import type { Tensor } from "../tensor.ts";
import { draw, Initializer, type Seeded } from "./initializer.ts";

/** Options of `VarianceScaling`. */
export interface VarianceScalingOptions extends Seeded {
  scale: number;
  /** `fan_in`, `fan_out` or `fan_avg`: what the variance is divided by. */
  mode: string;
  /** `truncated_normal` (or `normal`), `untruncated_normal` or `uniform`. */
  distribution: string;
}

/** Numbers of inputs and outputs of one unit: the last two dimensions, times the size of a convolution's window. */
function fans(shape: readonly number[]): { in: number; out: number } {
  if (shape.length < 2) return { in: shape[0] ?? 1, out: shape[0] ?? 1 };
  const window = sizeOf(shape.slice(0, -2));
  const [inputs, outputs] = shape.slice(-2);
  return { in: inputs * window, out: outputs * window };
}

const divisors = {
  fan_in: (shape: readonly number[]) => fans(shape).in,
  fan_out: (shape: readonly number[]) => fans(shape).out,
  fan_avg: (shape: readonly number[]) => (fans(shape).in + fans(shape).out) / 2,
};

// The deviation that a normal distribution of deviation 1 has left when cut off at two deviations.
const TRUNCATED_DEVIATION = 0.87962566103423978;

type Scaled = (
  shape: readonly number[],
  deviation: number,
  dtype?: DType,
  s?: RandomState,
) => Tensor;
const cut: Scaled = (shape, deviation, dtype, state) =>
  truncatedNormal(shape, 0, deviation / TRUNCATED_DEVIATION, dtype, state);
const distributions: Record<string, Scaled> = {
  truncated_normal: cut,
  normal: cut,
  untruncated_normal: (shape, deviation, dtype, state) =>
    randomNormal(shape, 0, deviation, dtype, state),
  uniform: (shape, deviation, dtype, state) => {
    const limit = Math.sqrt(3) * deviation;
    return randomUniform(shape, -limit, limit, dtype, state);
  },
};

function scaledValues(
  { scale, mode, distribution, seed }: VarianceScalingOptions,
  shape: readonly number[],
  dtype?: DType,
): Tensor {
  const divisor = lookup("mode of varianceScaling", divisors, mode)(shape);
  const values = lookup("distribution of varianceScaling", distributions, distribution);
  const deviation = Math.sqrt(scale / Math.max(1, divisor));
  return draw(seed, (state) => values(shape, deviation, dtype, state));
}

/** Random values of variance `scale / n`, n counting inputs, outputs or their mean. */
export class VarianceScaling extends Initializer<VarianceScalingOptions> {
  static override className = "VarianceScaling";
  constructor(options: Partial<VarianceScalingOptions> = {}) {
    super({ scale: 1, mode: "fan_in", distribution: "truncated_normal", seed: null }, options);
    lookup("mode of varianceScaling", divisors, this.options.mode);
    lookup("distribution of varianceScaling", distributions, this.options.distribution);
  }
  override apply(shape: readonly number[], dtype?: DType): Tensor {
    return scaledValues(this.options, shape, dtype);
  }
}

type SeededClass = new (options?: Partial<Seeded>) => Initializer;

function scaling(
  className: string,
  scale: number,
  mode: string,
  distribution: string,
): SeededClass {
  return class extends Initializer<Seeded> {
    static override className = className;
    constructor(options: Partial<Seeded> = {}) {
      super({ seed: null }, options);
    }
    override apply(shape: readonly number[], dtype?: DType): Tensor {
      return scaledValues({ scale, mode, distribution, ...this.options }, shape, dtype);
    }
  };
}

/** Truncated normal of variance 2 / (fan in + fan out) (Glorot and Bengio 2010). */
export const GlorotNormal: SeededClass = scaling("GlorotNormal", 1, "fan_avg", "truncated_normal");
/** Uniform of variance 2 / (fan in + fan out). */
export const GlorotUniform: SeededClass = scaling("GlorotUniform", 1, "fan_avg", "uniform");
/** Truncated normal of variance 2 / fan in (He et al. 2015). */
export const HeNormal: SeededClass = scaling("HeNormal", 2, "fan_in", "truncated_normal");
/** Uniform of variance 2 / fan in. */
export const HeUniform: SeededClass = scaling("HeUniform", 2, "fan_in", "uniform");
/** Truncated normal of variance 1 / fan in (LeCun et al. 1998). */
export const LecunNormal: SeededClass = scaling("LecunNormal", 1, "fan_in", "truncated_normal");
/** Uniform of variance 1 / fan in. */
export const LecunUniform: SeededClass = scaling("LecunUniform", 1, "fan_in", "uniform");

// Which initializers draw from a fixed distribution? RandomNormal, TruncatedNormal, RandomUniform.

import type { DType } from "../dtype.ts";
import { randomNormal, randomUniform, truncatedNormal } from "../ops/random.ts";
import type { Tensor } from "../tensor.ts";
import { draw, Initializer, type Seeded } from "./initializer.ts";

/** Options of `RandomNormal` and `TruncatedNormal`. */
export interface NormalOptions extends Seeded {
  mean: number;
  stddev: number;
}

/** Normally distributed values. */
export class RandomNormal extends Initializer<NormalOptions> {
  static override className = "RandomNormal";
  constructor(options: Partial<NormalOptions> = {}) {
    super({ mean: 0, stddev: 0.05, seed: null }, options);
  }
  override apply(shape: readonly number[], dtype?: DType): Tensor {
    const { mean, stddev, seed } = this.options;
    return draw(seed, (state) => randomNormal(shape, mean, stddev, dtype, state));
  }
}

/** Normally distributed values, those beyond two deviations drawn again. */
export class TruncatedNormal extends Initializer<NormalOptions> {
  static override className = "TruncatedNormal";
  constructor(options: Partial<NormalOptions> = {}) {
    super({ mean: 0, stddev: 0.05, seed: null }, options);
  }
  override apply(shape: readonly number[], dtype?: DType): Tensor {
    const { mean, stddev, seed } = this.options;
    return draw(seed, (state) => truncatedNormal(shape, mean, stddev, dtype, state));
  }
}

/** Options of `RandomUniform`. */
export interface UniformOptions extends Seeded {
  minval: number;
  maxval: number;
}

/** Values evenly spread over [minval, maxval). */
export class RandomUniform extends Initializer<UniformOptions> {
  static override className = "RandomUniform";
  constructor(options: Partial<UniformOptions> = {}) {
    super({ minval: -0.05, maxval: 0.05, seed: null }, options);
  }
  override apply(shape: readonly number[], dtype?: DType): Tensor {
    const { minval, maxval, seed } = this.options;
    return draw(seed, (state) => randomUniform(shape, minval, maxval, dtype, state));
  }
}

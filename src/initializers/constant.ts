// Which initializers leave nothing to chance? Zeros, Ones, Constant, Identity.

import type { DType } from "../dtype.ts";
import { DinogradError } from "../errors.ts";
import { fill } from "../ops/creation.ts";
import { mul } from "../ops/elementwise.ts";
import { eye } from "../ops/grids.ts";
import { tidy } from "../scope.ts";
import { showShape } from "../shape.ts";
import type { Tensor } from "../tensor.ts";
import { Initializer } from "./initializer.ts";

/** All zeros. */
export class Zeros extends Initializer {
  static override className = "Zeros";
  constructor(options: object = {}) {
    super({}, options);
  }
  override apply(shape: readonly number[], dtype?: DType): Tensor {
    return fill(shape, 0, dtype);
  }
}

/** All ones. */
export class Ones extends Initializer {
  static override className = "Ones";
  constructor(options: object = {}) {
    super({}, options);
  }
  override apply(shape: readonly number[], dtype?: DType): Tensor {
    return fill(shape, 1, dtype);
  }
}

/** All `value`. */
export class Constant extends Initializer<{ value: number }> {
  static override className = "Constant";
  constructor(options: { value?: number } = {}) {
    super({ value: 0 }, options);
  }
  override apply(shape: readonly number[], dtype?: DType): Tensor {
    return fill(shape, this.options.value, dtype);
  }
}

/** `gain` on the diagonal of a matrix, 0 elsewhere. */
export class Identity extends Initializer<{ gain: number }> {
  static override className = "Identity";
  constructor(options: { gain?: number } = {}) {
    super({ gain: 1 }, options);
  }
  override apply(shape: readonly number[], dtype?: DType): Tensor {
    if (shape.length !== 2) {
      throw new DinogradError(`identity makes matrices only, got shape ${showShape(shape)}`);
    }
    return tidy(() => mul(eye(shape[0], shape[1], [], dtype), this.options.gain));
  }
}

// What is a weight? A variable of a layer, with its path, the penalty on it and the bounds it is held to.

import { castFloats } from "../activations.ts";
import type { Constraint } from "../constraints.ts";
import type { DType } from "../dtype.ts";
import type { Regularizer } from "../regularizers.ts";
import { tidy } from "../scope.ts";
import type { Tensor } from "../tensor.ts";
import type { Variable } from "../variable.ts";

/** A layer's variable with what belongs to it. */
export class Weight {
  /** Made by `addWeight`. */
  constructor(
    /** Path within the model, such as `dense/kernel`. */
    readonly name: string,
    /** The values. */
    readonly variable: Variable,
    readonly regularizer: Regularizer | null,
    readonly constraint: Constraint | null,
    /** Type that its layer computes in. */
    readonly computeDtype: DType = variable.dtype,
  ) {}

  /** Whether training may change it, its layer's own switch aside. */
  get trainable(): boolean {
    return this.variable.trainable;
  }
  /** Its shape. */
  get shape(): number[] {
    return this.variable.shape;
  }
  /** Its type. */
  get dtype(): DType {
    return this.variable.dtype;
  }
  /** Its values as the layer computes with them: floats in the type that it computes in. */
  read(): Tensor {
    return castFloats(this.variable, this.computeDtype);
  }
  /** Overwrites its values, with floats of any type where it holds floats. */
  write(value: Tensor): this {
    tidy(() => this.variable.assign(castFloats(value, this.dtype)));
    return this;
  }
}

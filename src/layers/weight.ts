// What is a weight? A variable of a layer, with its path, the penalty on it and the bounds it is held to.

import { castFloats } from "../activations.ts";
import type { Constraint } from "../constraints.ts";
import type { DType } from "../dtype.ts";
import { DinogradError } from "../errors.ts";
import type { Regularizer } from "../regularizers.ts";
import { tidy } from "../scope.ts";
import { showShape, sizeOf } from "../shape.ts";
import type { Tensor } from "../tensor.ts";
import type { Variable } from "../variable.ts";

interface Making {
  room: number;
  readonly made: { dispose(): void }[];
}
let making: Making | undefined;

/**
 * Runs `make`, in which layers may make weights of `room` values in all. Where it fails, what its layers had made is given back: nobody
 * else knows of it.
 */
export function makeWithin<T>(room: number, make: () => T): T {
  const before = making, now: Making = making = { room, made: [] };
  try {
    return make();
  } catch (error) {
    for (const thing of now.made) thing.dispose();
    throw error;
  } finally {
    making = before;
  }
}

/** Takes room for a weight that is about to be made. */
export function takeRoom(path: string, shape: readonly number[]): void {
  if (!making) return;
  making.room -= sizeOf(shape);
  if (making.room >= 0) return;
  throw new DinogradError(
    `Weight "${path}" ${
      showShape(shape)
    } is larger than what is left of the weights that are there`,
  );
}

/** Notes what a layer has made. */
export function noteMade<T extends { dispose(): void }>(thing: T): T {
  making?.made.push(thing);
  return thing;
}

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

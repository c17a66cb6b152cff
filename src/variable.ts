// What is a variable? A tensor that owns one buffer for life and whose values change in place.

import type { DType } from "./dtype.ts";
import { DinogradError } from "./errors.ts";
import { sameShape, showShape } from "./shape.ts";
import { allocate, Tensor, wantTensor } from "./tensor.ts";

let unnamed = 0;
let written: Set<Variable> | null = null; // while somebody collects them

/** Runs `fn` and says which variables were written to. */
export function collectWrites<T>(fn: () => T): { result: T; variables: Set<Variable> } {
  const before = written;
  const variables = written = new Set<Variable>();
  try {
    return { result: fn(), variables };
  } finally {
    written = before;
    for (const variable of variables) before?.add(variable);
  }
}

/** A tensor that can be assigned to, such as a model's weight. Never disposed of by `tidy`. */
export class Variable extends Tensor {
  /** Unique name. */
  readonly name: string;
  /** Whether `variableGrads` without a list takes it in. */
  trainable: boolean;

  /** A variable that starts with the values of `initial`, on its device. */
  constructor(initial: Tensor, trainable = true, name?: string) {
    const storage = allocate(initial.device, initial.dtype, initial.size, true);
    const { native } = initial.device;
    native.check(native.calls.dg_copy(initial.handle, storage.handle));
    super([...initial.shape], initial.dtype, storage);
    this.kept = true;
    this.trainable = trainable;
    this.name = name ?? `variable_${++unnamed}`;
  }

  /** Makes the variable's own values those of `value`: same shape and type. Tensors that shared its buffer keep the old values. */
  assign(value: Tensor): this {
    wantTensor(value, `Variable "${this.name}" is assigned a tensor`);
    if (value.dtype !== this.dtype || !sameShape(value.shape, this.shape)) {
      throw new DinogradError(
        `Cannot assign ${value.dtype} ${
          showShape(value.shape)
        } to variable "${this.name}": wanted ${this.dtype} ${showShape(this.shape)}`,
      );
    }
    if (value.device !== this.device) { // a disposed value says so here
      const [from, to] = [value.device.name, this.device.name];
      throw new DinogradError(
        `Cannot assign a tensor on ${from} to variable "${this.name}" on ${to}: move it with x.to("${to}")`,
      );
    }
    const { native } = this.device;
    if (value.storage === this.storage) return this;
    native.check(native.calls.dg_copy(value.handle, this.writable()));
    return this;
  }

  /**
   * The native array, for a kernel that writes into it. Tensors and tapes that share the buffer get a copy of the present values
   * first, so that none of them sees the change.
   */
  writable(): number {
    written?.add(this);
    if (this.storage.refs > 1) {
      const { device, dtype, size, storage } = this;
      const copy = allocate(device, dtype, size);
      device.native.check(device.native.calls.dg_copy(storage.handle, copy.handle));
      storage.exchange(copy);
      this.backing = copy;
      storage.release();
    }
    return this.handle;
  }
}

/** A new variable with the values of `initial` (TensorFlow.js's argument order: value, trainable, name, dtype). */
export function variable(
  initial: Tensor,
  trainable = true,
  name?: string,
  dtype?: DType,
): Variable {
  wantTensor(initial, "variable needs a tensor");
  if (dtype !== undefined && dtype !== initial.dtype) {
    throw new DinogradError(
      `variable got a ${initial.dtype} value and dtype ${dtype}: cast the value first`,
    );
  }
  return new Variable(initial, trainable, name);
}

declare module "./tensor.ts" {
  interface Tensor {
    /** A new variable that starts with these values. */
    variable(trainable?: boolean, name?: string, dtype?: DType): Variable;
  }
}
Object.defineProperty(Tensor.prototype, "variable", {
  value(this: Tensor, trainable?: boolean, name?: string, dtype?: DType): Variable {
    return variable(this, trainable, name, dtype);
  },
  writable: true,
  configurable: true,
});

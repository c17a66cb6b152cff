// How is a tensor put together value by value? In a buffer on the host.

import type { DType, TypedArray } from "../dtype.ts";
import { DinogradError } from "../errors.ts";
import { toTyped } from "./creation.ts";
import { checkShape, showShape, sizeOf, stridesOf } from "../shape.ts";
import { fromHost, type Tensor } from "../tensor.ts";

/** Values on the host that can be set one by one and then become a tensor. */
export class TensorBuffer {
  /** Sizes of the dimensions. */
  readonly shape: readonly number[];
  /** Element type of the tensor to be. */
  readonly dtype: DType;
  /** Number of elements. */
  readonly size: number;
  /** The values, row-major. */
  readonly values: TypedArray;

  /** Zeros, or the given values, which are used in place. */
  constructor(shape: readonly number[], dtype: DType, values?: TypedArray) {
    checkShape(shape, "buffer");
    this.shape = [...shape];
    this.dtype = dtype;
    this.size = sizeOf(shape);
    this.values = values ?? toTyped(new Uint8Array(this.size), dtype);
    if (this.values.length !== this.size) {
      throw new DinogradError(
        `A buffer of shape ${
          showShape(shape)
        } needs ${this.size} values, got ${this.values.length}`,
      );
    }
  }
  /** Sets the element at an index. */
  set(value: number, ...index: number[]): void {
    this.values[this.indexToLoc(index)] = value;
  }
  /** The element at an index. */
  get(...index: number[]): number {
    return this.values[this.indexToLoc(index)];
  }
  /** The position of an index among the values. */
  indexToLoc(index: readonly number[]): number {
    const inside = index.length === this.shape.length &&
      index.every((i, d) => Number.isInteger(i) && i >= 0 && i < this.shape[d]);
    if (!inside) {
      throw new DinogradError(
        `Index [${index}] is not inside a buffer of shape ${showShape(this.shape)}`,
      );
    }
    const strides = stridesOf(this.shape);
    return index.reduce((at, i, d) => at + i * strides[d], 0);
  }
  /** A tensor of the values as they are now. */
  toTensor(): Tensor {
    return fromHost(this.values, [...this.shape], this.dtype);
  }
}

/** A buffer of zeros, or of the given values, to set elements in before they become a tensor. */
export function buffer(
  shape: readonly number[],
  dtype: DType = "float32",
  values?: TypedArray,
): TensorBuffer {
  return new TensorBuffer(shape, dtype, values);
}

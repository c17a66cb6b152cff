// Where do tensors come from? From host values, from one value, from a rule.

import { type DType, hostDType, toDType, type TypedArray } from "../dtype.ts";
import { DinogradError } from "../errors.ts";
import { checkShape, sameShape, showShape, sizeOf } from "../shape.ts";
import { fromHost, makeTensor, type Tensor } from "../tensor.ts";

/** Values for `tensor`: a number, a boolean, arrays of them nested to any depth, or a typed array. */
export type TensorLike =
  | number
  | boolean
  | TypedArray
  | Uint8ClampedArray
  | Float64Array
  | readonly TensorLike[];

function isTyped(
  value: unknown,
): value is Float32Array | Int32Array | Uint8Array | Uint8ClampedArray | Float64Array {
  return ArrayBuffer.isView(value) && !(value instanceof DataView);
}

// The shape that nested arrays have by themselves.
function shapeOf(value: TensorLike): number[] {
  const shape: number[] = [];
  let level: unknown = value;
  while (Array.isArray(level) || isTyped(level)) {
    shape.push(level.length);
    level = level[0];
  }
  return shape;
}

function flatten(value: TensorLike, shape: readonly number[], into: number[], depth = 0): void {
  if (depth === shape.length) {
    if (typeof value !== "number" && typeof value !== "boolean") {
      throw new DinogradError(
        Array.isArray(value) || isTyped(value)
          ? `Nested values are deeper in some places than the first entry, whose shape is [${shape}]`
          : `A tensor takes numbers and booleans, got ${
            typeof value === "object"
              ? value?.constructor.name ?? "null"
              : `${typeof value} ${String(value)}`
          }`,
      );
    }
    into.push(Number(value));
    return;
  }
  const list = value as readonly TensorLike[];
  if (!(Array.isArray(list) || isTyped(list)) || list.length !== shape[depth]) {
    throw new DinogradError(
      `Nested values are uneven: wanted ${shape[depth]} entries at depth ${depth}, got ${
        Array.isArray(list) || isTyped(list) ? list.length : typeof list
      }`,
    );
  }
  for (const item of list) flatten(item, shape, into, depth + 1);
}

/** Host values in the form that a type is uploaded in. */
export function toTyped(values: ArrayLike<number>, dtype: DType): TypedArray {
  switch (hostDType(dtype)) {
    case "float32":
      return values instanceof Float32Array ? values : Float32Array.from(values);
    case "int32":
      return values instanceof Int32Array ? values : Int32Array.from(values);
    case "uint8":
      return values instanceof Uint8Array ? values : Uint8Array.from(values);
    default:
      return Uint8Array.from(values, (v) => v ? 1 : 0); // bool
  }
}

function inferDType(value: TensorLike): DType {
  if (value instanceof Float32Array || value instanceof Float64Array) return "float32";
  if (isTyped(value)) return "int32";
  let first: unknown = value;
  while (Array.isArray(first)) first = first[0];
  if (isTyped(first)) return inferDType(first);
  return typeof first === "boolean" ? "bool" : "float32";
}

/**
 * A tensor of the given values. The shape is that of the nesting unless given; the type is float32 for numbers, bool for
 * booleans, and for typed arrays float32 or int32 as their own, unless given.
 *
 * ```ts
 * import * as dg from "../../mod.ts";
 * import assert from "node:assert";
 *
 * const x = dg.tensor([[1, 2, 3], [4, 5, 6]]);
 * assert.deepEqual([x.shape, x.dtype], [[2, 3], "float32"]);
 * ```
 */
export function tensor(values: TensorLike, shape?: readonly number[], dtype?: DType): Tensor {
  const type = dtype === undefined ? inferDType(values) : toDType(dtype);
  const own = shapeOf(values);
  let flat: ArrayLike<number>;
  if (isTyped(values)) {
    flat = values;
  } else {
    const list: number[] = [];
    flatten(values, own, list);
    flat = list;
  }
  if (shape) {
    checkShape(shape, "tensor");
    if (own.length > 1 && !sameShape(own, shape)) {
      throw new DinogradError(
        `tensor got values of shape ${showShape(own)} and shape ${
          showShape(shape)
        }: they must agree`,
      );
    }
    if (sizeOf(shape) !== flat.length) {
      throw new DinogradError(
        `Shape ${showShape(shape)} needs ${sizeOf(shape)} values, got ${flat.length}`,
      );
    }
  }
  return fromHost(toTyped(flat, type), [...(shape ?? own)], type);
}

function ofRank(
  rank: number,
  values: TensorLike,
  shape?: readonly number[],
  dtype?: DType,
): Tensor {
  const got = (shape ?? shapeOf(values)).length;
  if (got !== rank) {
    throw new DinogradError(
      `tensor${rank}d needs values of rank ${rank}${
        rank > 1 ? ", or a shape" : ""
      }: got rank ${got}`,
    );
  }
  return tensor(values, shape, dtype);
}

/** A tensor of rank 0. */
export function scalar(value: number | boolean, dtype?: DType): Tensor {
  if (typeof value !== "number" && typeof value !== "boolean") {
    throw new DinogradError(`scalar needs a number or a boolean, got ${typeof value}`);
  }
  return tensor(value, [], dtype);
}
/** A tensor of rank 1. */
export function tensor1d(values: TensorLike, dtype?: DType): Tensor {
  return ofRank(1, values, undefined, dtype);
}
/** A tensor of rank 2. */
export function tensor2d(values: TensorLike, shape?: [number, number], dtype?: DType): Tensor {
  return ofRank(2, values, shape, dtype);
}
/** A tensor of rank 3. */
export function tensor3d(
  values: TensorLike,
  shape?: [number, number, number],
  dtype?: DType,
): Tensor {
  return ofRank(3, values, shape, dtype);
}
/** A tensor of rank 4. */
export function tensor4d(values: TensorLike, shape?: number[], dtype?: DType): Tensor {
  return ofRank(4, values, shape, dtype);
}
/** A tensor of rank 5. */
export function tensor5d(values: TensorLike, shape?: number[], dtype?: DType): Tensor {
  return ofRank(5, values, shape, dtype);
}
/** A tensor of rank 6. */
export function tensor6d(values: TensorLike, shape?: number[], dtype?: DType): Tensor {
  return ofRank(6, values, shape, dtype);
}

/** A tensor whose every element is `value`. */
export function fill(
  shape: readonly number[],
  value: number | boolean,
  dtype: DType = typeof value === "boolean" ? "bool" : "float32",
): Tensor {
  checkShape(shape, "fill");
  const y = makeTensor([...shape], toDType(dtype));
  if (!y.isAbstract) {
    const { native } = y.device;
    native.check(native.calls.dg_fill(y.handle, Number(value)));
  }
  return y;
}
/** A tensor of zeros. */
export function zeros(shape: readonly number[], dtype: DType = "float32"): Tensor {
  return fill(shape, 0, dtype);
}
/** A tensor of ones. */
export function ones(shape: readonly number[], dtype: DType = "float32"): Tensor {
  return fill(shape, 1, dtype);
}

function like(x: Tensor, value: number): Tensor {
  const y = makeTensor(x.shape, x.dtype, x.isAbstract ? undefined : x.device);
  if (!y.isAbstract) {
    const { native } = y.device;
    native.check(native.calls.dg_fill(y.handle, value));
  }
  return y;
}
/** Zeros of the shape, type and device of `x`. */
export function zerosLike(x: Tensor): Tensor {
  return like(x, 0);
}
/** Ones of the shape, type and device of `x`. */
export function onesLike(x: Tensor): Tensor {
  return like(x, 1);
}

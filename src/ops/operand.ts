// What may be passed where an operation takes a tensor? Tensors, and plain values that become one.

import { type DType, isFloat } from "../dtype.ts";
import { Tensor } from "../tensor.ts";
import { scalar, tensor, type TensorLike } from "./creation.ts";

/** An operand: a tensor, or values for one. */
export type Operand = Tensor | TensorLike;

/** An operand as a tensor. A plain number beside a tensor of type `like` takes that type where the type can hold it. */
export function toTensor(x: Operand, like?: DType): Tensor {
  if (x instanceof Tensor) return x;
  if (typeof x === "number" && like !== undefined && like !== "bool") {
    if (isFloat(like) || Number.isInteger(x)) return scalar(x, like);
  }
  return tensor(x as TensorLike);
}

/** Two operands as tensors, plain numbers taking the other's type. */
export function toTensors(a: Operand, b: Operand): [Tensor, Tensor] {
  const x = toTensor(a, b instanceof Tensor ? b.dtype : undefined);
  return [x, toTensor(b, x.dtype)];
}

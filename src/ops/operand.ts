// What may be passed where an operation takes a tensor? Tensors, and plain values that become one.

import { type DType, isFloat } from "../dtype.ts";
import { currentDevice, type Device, within } from "../native/device.ts";
import { tidy } from "../scope.ts";
import { fromHost, Tensor } from "../tensor.ts";
import { tensor, type TensorLike, toTyped } from "./creation.ts";

/** An operand: a tensor, or values for one. */
export type Operand = Tensor | TensorLike;

function holds(dtype: DType, value: number): boolean {
  if (isFloat(dtype)) return true;
  if (!Number.isInteger(value) || dtype === "bool") return false;
  return dtype === "uint8" ? value >= 0 && value < 256 : value === (value | 0);
}

/** A scalar on the device of `like` (the current one where it has none). */
export function scalarBeside(value: number, like: Tensor, dtype: DType = like.dtype): Tensor {
  return fromHost(toTyped([value], dtype), [], dtype, deviceOf(like));
}

/** The device a tensor lives on; the current one for a tensor that is only described. */
function deviceOf(x: Tensor): Device {
  return x.isAbstract ? currentDevice() : x.device;
}

/** An operand as a tensor. A plain number beside a tensor takes its device, and its type where that can hold the number. */
export function toTensor(x: Operand, beside?: Tensor): Tensor {
  if (x instanceof Tensor) return x;
  if (typeof x !== "number" || !beside) return tensor(x);
  return scalarBeside(x, beside, holds(beside.dtype, x) ? beside.dtype : "float32");
}

/** Two operands as tensors, a plain number taking after the other one. */
export function toTensors(a: Operand, b: Operand): [Tensor, Tensor] {
  const x = toTensor(a, b instanceof Tensor ? b : undefined);
  return [x, toTensor(b, x)];
}

/** Runs `fn` on an operand as a tensor; one that had to be made for it is disposed of afterwards. */
export function use<T>(x: Operand, fn: (x: Tensor) => T): T {
  return x instanceof Tensor ? fn(x) : tidy(() => fn(tensor(x)));
}

/** Runs a composite operation: its operand as a tensor, the device of that as the current one, intermediates disposed of. */
export function composite<T>(x: Operand, fn: (x: Tensor) => T): T {
  return tidy(() => {
    const t = toTensor(x);
    return within(deviceOf(t), () => fn(t));
  });
}

// Which operations only look at the same values in another shape? They share their operand's buffer.

import { DinogradError } from "../errors.ts";
import { op } from "../op.ts";
import { inferShape, normalizeAxes, normalizeAxis } from "../shape.ts";
import { shareTensor, type Tensor } from "../tensor.ts";
import { type Operand, toTensor } from "./operand.ts";

type Reshape = (inputs: { x: Tensor }, attrs: { from: number[]; to: number[] }) => Tensor;

const reshapeOp: Reshape = op({
  name: "reshape",
  check: ({ x }, { to }) => ({ shape: to, dtype: x.dtype }),
  forward: ({ x }, { to }) => shareTensor(x, to),
  grad: ({ dy }, { from, to }) => ({ x: () => reshapeOp({ x: dy }, { from: to, to: from }) }),
});

/** The same values in another shape of the same size; one dimension may be -1 and is inferred. */
export function reshape(x: Operand, shape: readonly number[]): Tensor {
  const t = toTensor(x);
  return reshapeOp({ x: t }, { from: t.shape, to: inferShape(t.shape, shape) });
}

/** A new dimension of size 1 at `axis` (-1: last). */
export function expandDims(x: Operand, axis = 0): Tensor {
  const t = toTensor(x);
  const at = normalizeAxis(axis, t.rank + 1, "expandDims");
  return reshape(t, [...t.shape.slice(0, at), 1, ...t.shape.slice(at)]);
}

/** Without its dimensions of size 1, or without those of `axes`, which must be 1. */
export function squeeze(x: Operand, axes?: readonly number[]): Tensor {
  const t = toTensor(x);
  const gone = axes?.length
    ? normalizeAxes(axes, t.rank, "squeeze")
    : t.shape.flatMap((d, i) => d === 1 ? [i] : []);
  const wrong = gone.find((i) => t.shape[i] !== 1 && !Number.isNaN(t.shape[i]));
  if (wrong !== undefined) {
    throw new DinogradError(`Cannot squeeze axis ${wrong} of [${t.shape}]: its size must be 1`);
  }
  return reshape(t, t.shape.filter((_, i) => !gone.includes(i)));
}

/** All values in one dimension. */
export function flatten(x: Operand): Tensor {
  const t = toTensor(x);
  return reshape(t, [t.size]);
}

/** Another tensor over the same values. */
export function clone(x: Operand): Tensor {
  const t = toTensor(x);
  return reshapeOp({ x: t }, { from: t.shape, to: t.shape });
}

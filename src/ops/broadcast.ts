// How do shapes stretch and shrink? broadcastTo and sum, each the other's gradient.

import { DinogradError } from "../errors.ts";
import { op } from "../op.ts";
import { tidy } from "../scope.ts";
import {
  broadcastShapes,
  checkShape,
  normalizeAxes,
  padRank,
  reducedShape,
  sameShape,
  showShape,
  stridesOf,
} from "../shape.ts";
import { Constant, constant, fromHost, makeTensor, type Tensor } from "../tensor.ts";
import { asType } from "./cast.ts";
import { type Operand, toTensor, use } from "./operand.ts";
import { clone, reshape } from "./reshape.ts";
import { copyStrided } from "./strided.ts";

const broadcastOp = op<{ x: Tensor }, { from: number[]; to: number[] }>({
  name: "broadcastTo",
  check: ({ x }, { to }) => ({ shape: to, dtype: x.dtype }),
  forward: ({ x }, { from, to }, { shape, dtype }, device) => {
    if (x instanceof Constant && x.isUnwritten) return constant(x.value, to, device);
    const y = makeTensor(shape, dtype, device);
    const padded = padRank(from, to.length);
    const strides = stridesOf(padded).map((s, i) => padded[i] === 1 ? 0 : s);
    copyStrided(x, { offset: 0, strides }, y, { offset: 0, strides: stridesOf(to) }, to);
    return y;
  },
  grad: ({ dy }, { from }) => ({ x: () => sumTo(dy, from) }),
});

/** The tensor itself where it has the shape already, else its values repeated to fill it. */
export function stretch(x: Tensor, shape: readonly number[]): Tensor {
  return sameShape(x.shape, shape) ? x : broadcastOp({ x }, { from: x.shape, to: [...shape] });
}

/** The values repeated along dimensions of size 1 (and new leading ones) to fill `shape`. */
export function broadcastTo(x: Operand, shape: readonly number[]): Tensor {
  return use(x, (t) => {
    checkShape(shape, "broadcastTo");
    if (
      t.rank > shape.length ||
      !sameShape(broadcastShapes(t.shape, shape, "broadcast"), shape)
    ) {
      throw new DinogradError(`Cannot broadcast ${showShape(t.shape)} to ${showShape(shape)}`);
    }
    return sameShape(t.shape, shape) ? clone(t) : stretch(t, shape);
  });
}

/** The shape (int32) that tensors of two shapes, given as vectors, have together. Reads them on the host. */
export function broadcastArgs(s0: Operand, s1: Operand): Tensor {
  return tidy(() => {
    const [a, b] = [s0, s1].map((s) => [...toTensor(s).dataSync()]);
    const shape = Int32Array.from(broadcastShapes(a, b, "broadcastArgs"));
    return fromHost(shape, [shape.length], "int32");
  });
}

/** Arguments of a reduction: axes in ascending order, and the operand's shape. */
export interface ReduceAttrs {
  readonly axes: number[];
  readonly keepDims: boolean;
  readonly from: number[];
}

/** A native reduction over axes. */
export function reduceInto(name: string, x: Tensor, y: Tensor, axes: readonly number[]): Tensor {
  const { native } = x.device;
  native.list(x.shape);
  let mask = 0;
  for (const a of axes) mask |= 1 << a;
  native.check(
    native.calls.dg_reduce(native.id("reduce", name), x.handle, y.handle, x.rank, mask),
  );
  return y;
}

/** A reduction's result stretched back over what was reduced. */
export function unreduce(y: Tensor, { axes, from }: ReduceAttrs): Tensor {
  return stretch(reshape(y, reducedShape(from, axes, true)), from);
}

const sumOp = op<{ x: Tensor }, ReduceAttrs>({
  name: "sum",
  check: ({ x }, { axes, keepDims }) => ({
    shape: reducedShape(x.shape, axes, keepDims),
    dtype: x.dtype,
  }),
  forward: ({ x }, { axes }, { shape, dtype }, device) =>
    reduceInto("sum", x, makeTensor(shape, dtype, device), axes),
  grad: ({ dy }, attrs) => ({ x: () => unreduce(dy, attrs) }),
});

/** The tensor in a type that sums are made in: bool and uint8 as int32. */
export function asSummand(x: Tensor): Tensor {
  return x.dtype === "bool" || x.dtype === "uint8" ? asType(x, "int32") : x;
}

/**
 * The sum over axes (all when left out); bool and uint8 are summed as int32. Over an empty axis: 0.
 *
 * ```ts
 * import * as dg from "../../mod.ts";
 * import assert from "node:assert";
 *
 * assert.deepEqual(dg.sum([[1, 2], [3, 4]], 1, true).arraySync(), [[3], [7]]);
 * ```
 */
export function sum(
  x: Operand,
  axis?: number | readonly number[] | null,
  keepDims = false,
): Tensor {
  return tidy(() => {
    const t = asSummand(toTensor(x)), axes = normalizeAxes(axis, t.rank, "sum");
    if (isSingle(t, axes)) return reshape(t, reducedShape(t.shape, axes, keepDims));
    return sumOp({ x: t }, { axes, keepDims, from: t.shape });
  });
}

/** Whether there is only one element along all these axes, which is then its own sum, mean, maximum, ... */
export function isSingle(x: Tensor, axes: readonly number[]): boolean {
  return axes.every((a) => x.shape[a] === 1);
}

/** The sum over the dimensions along which `shape` would be stretched to that of `x`: the gradient of broadcasting. */
export function sumTo(x: Tensor, shape: readonly number[]): Tensor {
  if (sameShape(x.shape, shape)) return x;
  const axes = padRank(shape, x.rank).flatMap((d, i) => d === 1 && x.shape[i] !== 1 ? [i] : []);
  const from = x.shape;
  return reshape(axes.length ? sumOp({ x }, { axes, keepDims: true, from }) : x, shape);
}

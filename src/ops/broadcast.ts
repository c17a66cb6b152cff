// How do shapes stretch and shrink? broadcastTo and sum, each the other's gradient.

import { DinogradError } from "../errors.ts";
import { op } from "../op.ts";
import {
  broadcastShapes,
  normalizeAxes,
  padRank,
  reducedShape,
  sameShape,
  showShape,
} from "../shape.ts";
import { makeTensor, type Tensor } from "../tensor.ts";
import { cast } from "./cast.ts";
import { type Operand, toTensor } from "./operand.ts";
import { reshape } from "./reshape.ts";

/** Strides that read `shape` as if it were `out` (same rank): 0 along stretched dimensions. */
function broadcastStrides(shape: readonly number[], out: readonly number[]): number[] {
  const strides = new Array<number>(out.length);
  let step = 1;
  for (let i = out.length - 1; i >= 0; i--) {
    strides[i] = shape[i] === 1 ? 0 : step;
    step *= shape[i];
  }
  return strides;
}

const broadcastOp = op<{ x: Tensor }, { from: number[]; to: number[] }>({
  name: "broadcastTo",
  check: ({ x }, { to }) => ({ shape: to, dtype: x.dtype }),
  forward: ({ x }, { from, to }, { shape, dtype }, device) => {
    const { native } = device;
    const y = makeTensor(shape, dtype, device);
    const padded = padRank(from, to.length);
    let step = 1;
    const ys = to.map(() => 0);
    for (let i = to.length - 1; i >= 0; i--) {
      ys[i] = step;
      step *= to[i];
    }
    native.list(to, broadcastStrides(padded, to), ys);
    native.check(native.calls.dg_strided(x.handle, 0, y.handle, 0, to.length));
    return y;
  },
  grad: ({ dy }, { from }) => ({ x: () => sumTo(dy, from) }),
});

/** The values repeated along dimensions of size 1 (and new leading ones) to fill `shape`. */
export function broadcastTo(x: Operand, shape: readonly number[]): Tensor {
  const t = toTensor(x);
  if (sameShape(t.shape, shape)) return t;
  if (
    t.rank > shape.length ||
    !sameShape(broadcastShapes(t.shape, shape, "broadcast"), shape)
  ) {
    throw new DinogradError(`Cannot broadcast ${showShape(t.shape)} to ${showShape(shape)}`);
  }
  return broadcastOp({ x: t }, { from: t.shape, to: [...shape] });
}

/** Arguments of a reduction: axes in ascending order. */
export interface ReduceAttrs {
  readonly axes: number[];
  readonly keepDims: boolean;
}

/** Runs a native reduction over axes. */
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

const sumOp = op<{ x: Tensor }, ReduceAttrs & { from: number[] }>({
  name: "sum",
  check: ({ x }, { axes, keepDims }) => ({
    shape: reducedShape(x.shape, axes, keepDims),
    dtype: x.dtype,
  }),
  forward: ({ x }, { axes }, { shape, dtype }, device) =>
    reduceInto("sum", x, makeTensor(shape, dtype, device), axes),
  grad: ({ dy }, { axes, from }) => ({
    x: () => broadcastTo(reshape(dy, reducedShape(from, axes, true)), from),
  }),
});

/** The sum over axes (all when left out); bool and uint8 are summed as int32. Over an empty axis: 0. */
export function sum(
  x: Operand,
  axis?: number | readonly number[] | null,
  keepDims = false,
): Tensor {
  const given = toTensor(x);
  const t = given.dtype === "bool" || given.dtype === "uint8" ? cast(given, "int32") : given;
  const axes = normalizeAxes(axis, t.rank, "sum");
  return sumOp({ x: t }, { axes, keepDims, from: t.shape });
}

/** The sum over the dimensions along which `shape` would be stretched to that of `x`: the gradient of broadcasting. */
export function sumTo(x: Tensor, shape: readonly number[]): Tensor {
  if (sameShape(x.shape, shape)) return x;
  const padded = padRank(shape, x.rank);
  const axes = padded.flatMap((d, i) => d === 1 && x.shape[i] !== 1 ? [i] : []);
  return reshape(axes.length ? sum(x, axes, true) : x, shape);
}

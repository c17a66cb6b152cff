// How are elements picked out, put in place and reordered? Reading a window of a tensor (slice, reverse) and writing one into a
// background (pad) are each other's gradient; so are transposes.

import { DinogradError } from "../errors.ts";
import { op } from "../op.ts";
import { normalizeAxes, normalizeAxis, showShape, stridesOf } from "../shape.ts";
import { makeTensor, type Tensor } from "../tensor.ts";
import { type Operand, use } from "./operand.ts";
import { clone } from "./reshape.ts";
import { copyStrided, type Places } from "./strided.ts";

/** The elements begin, begin + step, ... (`size` of them) along each dimension of a tensor of shape `whole`. */
export interface Window {
  readonly begin: readonly number[];
  readonly step: readonly number[];
  readonly size: readonly number[];
  readonly whole: readonly number[];
}

function placesOf({ begin, step, size, whole }: Window): Places {
  const strides = stridesOf(whole);
  const offset = size.includes(0) ? 0 : begin.reduce((at, b, i) => at + b * strides[i], 0);
  return { offset, strides: strides.map((s, i) => s * step[i]) };
}

/** The window's elements. */
export const readWindow: (inputs: { x: Tensor }, window: Window) => Tensor = op({
  name: "slice",
  check: ({ x }, { size }) => ({ shape: size, dtype: x.dtype }),
  forward: ({ x }, window, { shape, dtype }, device) => {
    const y = makeTensor(shape, dtype, device);
    const dense = { offset: 0, strides: stridesOf(shape) };
    copyStrided(x, placesOf(window), y, dense, shape);
    return y;
  },
  grad: ({ dy }, window) => ({ x: () => writeWindow({ x: dy }, { ...window, value: 0 }) }),
});

/** A tensor of `value` with the window's elements set to those of x. */
export const writeWindow: (inputs: { x: Tensor }, window: Window & { value: number }) => Tensor =
  op({
    name: "pad",
    check: ({ x }, { whole }) => ({ shape: whole, dtype: x.dtype }),
    forward: ({ x }, window, { shape, dtype }, device) => {
      const { native } = device;
      const y = makeTensor(shape, dtype, device);
      if (x.size < y.size) native.check(native.calls.dg_fill(y.handle, window.value));
      const dense = { offset: 0, strides: stridesOf(x.shape) };
      copyStrided(x, dense, y, placesOf(window), x.shape);
      return y;
    },
    grad: ({ dy }, { value: _, ...window }) => ({ x: () => readWindow({ x: dy }, window) }),
  });

/**
 * The part that starts at `begin` and has `size` elements along each dimension (-1: all the rest). Dimensions beyond those given
 * are taken whole.
 *
 * ```ts
 * import * as dg from "../../mod.ts";
 * import assert from "node:assert";
 *
 * assert.deepEqual(dg.slice([[1, 2, 3], [4, 5, 6]], [0, 1], [2, 1]).arraySync(), [[2], [5]]);
 * ```
 */
export function slice(
  x: Operand,
  begin: number | readonly number[],
  size?: number | readonly number[],
): Tensor {
  return use(x, (t) => {
    const starts = typeof begin === "number" ? [begin] : begin;
    const sizes = size === undefined ? [] : typeof size === "number" ? [size] : size;
    if (t.rank === 0 || starts.length > t.rank || sizes.length > t.rank) {
      throw new DinogradError(
        `slice of ${
          showShape(t.shape)
        } got begin [${starts}] and size [${sizes}]: at most ${t.rank} entries each`,
      );
    }
    const from = t.shape.map((_, i) => starts[i] ?? 0);
    const count = t.shape.map((d, i) => (sizes[i] ?? -1) === -1 ? d - from[i] : sizes[i]);
    if (t.shape.some((d, i) => from[i] < 0 || count[i] < 0 || from[i] + count[i] > d)) {
      throw new DinogradError(
        `Cannot slice ${showShape(count)} from ${showShape(from)} on out of ${showShape(t.shape)}`,
      );
    }
    const step = t.shape.map(() => 1);
    return readWindow({ x: t }, { begin: from, step, size: count, whole: t.shape });
  });
}

/** The values in opposite order along the given axes (all when left out). */
export function reverse(x: Operand, axis?: number | readonly number[]): Tensor {
  return use(x, (t) => {
    const axes = normalizeAxes(axis, t.rank, "reverse");
    const turned = (d: number) => axes.includes(d);
    return readWindow({ x: t }, {
      begin: t.shape.map((d, i) => turned(i) ? d - 1 : 0),
      step: t.shape.map((_, i) => turned(i) ? -1 : 1),
      size: t.shape,
      whole: t.shape,
    });
  });
}

/** The tensor with `paddings[i]` = [before, after] elements of a constant added along each dimension i. */
export function pad(
  x: Operand,
  paddings: readonly (readonly [number, number])[],
  constantValue = 0,
): Tensor {
  return use(x, (t) => {
    checkPaddings(t, paddings, "pad");
    return writeWindow({ x: t }, {
      begin: paddings.map(([before]) => before),
      step: t.shape.map(() => 1),
      size: t.shape,
      whole: t.shape.map((d, i) => d + paddings[i][0] + paddings[i][1]),
      value: constantValue,
    });
  });
}

/** Checks that there is a pair of whole, non-negative numbers for each dimension. */
export function checkPaddings(
  x: Tensor,
  paddings: readonly (readonly [number, number])[],
  name: string,
): void {
  const good = paddings.length === x.rank &&
    paddings.every((p) => p.length === 2 && p.every((n) => Number.isInteger(n) && n >= 0));
  if (good) return;
  throw new DinogradError(
    `${name} of ${showShape(x.shape)} wants ${x.rank} pairs of numbers of at least 0, got ${
      JSON.stringify(paddings)
    }`,
  );
}

const transposeOp: (inputs: { x: Tensor }, perm: readonly number[]) => Tensor = op({
  name: "transpose",
  check: ({ x }, perm) => ({ shape: perm.map((p) => x.shape[p]), dtype: x.dtype }),
  forward: ({ x }, perm, { shape, dtype }, device) => {
    const y = makeTensor(shape, dtype, device);
    const strides = stridesOf(x.shape);
    const from = { offset: 0, strides: perm.map((p) => strides[p]) };
    copyStrided(x, from, y, { offset: 0, strides: stridesOf(shape) }, shape);
    return y;
  },
  grad: ({ dy }, perm) => ({
    x: () => transposeOp({ x: dy }, perm.map((_, i) => perm.indexOf(i))),
  }),
});

/**
 * The dimensions in another order: dimension i of the result is `perm[i]` of x (reversed when left out).
 *
 * ```ts
 * import * as dg from "../../mod.ts";
 * import assert from "node:assert";
 *
 * assert.deepEqual(dg.transpose(dg.ones([2, 3, 4]), [2, 0, 1]).shape, [4, 2, 3]);
 * ```
 */
export function transpose(x: Operand, perm?: readonly number[] | null): Tensor {
  return use(x, (t) => {
    const order = perm
      ? perm.map((p) => normalizeAxis(p, t.rank, "transpose"))
      : t.shape.map((_, i) => t.rank - 1 - i);
    if (order.length !== t.rank || new Set(order).size !== t.rank) {
      throw new DinogradError(
        `transpose of ${showShape(t.shape)} wants each axis once, got [${perm}]`,
      );
    }
    return order.every((p, i) => p === i) ? clone(t) : transposeOp({ x: t }, order);
  });
}

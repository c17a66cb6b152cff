// How does a tensor shrink along axes? mean, max, min, prod, all, any, sumSquares, argMax, argMin; sum is in broadcast.ts.

import { isFloat } from "../dtype.ts";
import { DinogradError } from "../errors.ts";
import { op } from "../op.ts";
import { tidy } from "../scope.ts";
import { normalizeAxes, normalizeAxis, reducedShape, showShape, sizeOf } from "../shape.ts";
import { makeTensor, type Tensor } from "../tensor.ts";
import { asSummand, isSingle, type ReduceAttrs, reduceInto, sum, unreduce } from "./broadcast.ts";
import { asType } from "./cast.ts";
import { div, mul } from "./elementwise.ts";
import { equal } from "./logical.ts";
import { transpose } from "./movement.ts";
import { type Operand, toTensor } from "./operand.ts";
import { reshape } from "./reshape.ts";
import { cumprod } from "./scan.ts";

/** Axes of a reduction: one, several, or all when left out. */
export type Axes = number | readonly number[] | null;

// A native reduction; `bring` takes the operand to a type it takes, `grad` says how the operand's gradient follows.
function reduction<S extends "x" | "y" = never>(
  name: string,
  bring: (x: Tensor) => Tensor,
  saves: readonly S[] = [],
  grad?: (
    saved: { dy: Tensor } & { [K in S]: Tensor },
    attrs: ReduceAttrs,
  ) => Tensor,
): (x: Operand, axis?: Axes, keepDims?: boolean) => Tensor {
  const run = op<{ x: Tensor }, ReduceAttrs, S>({
    name,
    check: ({ x }, { axes, keepDims }) => ({
      shape: reducedShape(x.shape, axes, keepDims),
      dtype: x.dtype,
    }),
    forward: ({ x }, { axes }, { shape, dtype }, device) =>
      reduceInto(name, x, makeTensor(shape, dtype, device), axes),
    saves,
    grad: grad && ((saved, attrs) => ({ x: () => grad(saved, attrs) })),
  });
  return (given, axis, keepDims = false) =>
    tidy(() => {
      const x = bring(toTensor(given)), axes = normalizeAxes(axis, x.rank, name);
      if (name !== "sumSquares" && isSingle(x, axes)) {
        return reshape(x, reducedShape(x.shape, axes, keepDims));
      }
      return run({ x }, { axes, keepDims, from: x.shape });
    });
}

const asFloat = (x: Tensor) => isFloat(x.dtype) ? x : asType(x, "float32");
const asBool = (x: Tensor) => {
  if (x.dtype === "bool") return x;
  throw new DinogradError(`all and any want bool tensors, got ${x.dtype}`);
};

/**
 * The mean over axes, float32 for integers. Over an empty axis: NaN.
 *
 * ```ts
 * import * as dg from "../../mod.ts";
 * import assert from "node:assert";
 *
 * assert.deepEqual(dg.mean([[1, 2], [3, 6]], 0).arraySync(), [2, 4]);
 * ```
 */
export const mean: (x: Operand, axis?: Axes, keepDims?: boolean) => Tensor = reduction(
  "mean",
  asFloat,
  [],
  ({ dy }, attrs) => {
    const n = sizeOf(attrs.axes.map((a) => attrs.from[a]));
    return unreduce(div(dy, n), attrs);
  },
);

// The gradient goes to the elements that attain the extremum, in equal parts.
const toExtrema = (
  { dy, x, y }: { dy: Tensor; x: Tensor; y: Tensor },
  attrs: ReduceAttrs,
): Tensor => {
  const hits = asType(equal(x, reshape(y, reducedShape(attrs.from, attrs.axes, true))), dy.dtype);
  const share = div(
    reshape(dy, reducedShape(attrs.from, attrs.axes, true)),
    sum(hits, attrs.axes, true),
  );
  return mul(hits, share);
};

/** The largest value over axes; NaN spreads. Over an empty axis: -Infinity (integers: the smallest). */
export const max: (x: Operand, axis?: Axes, keepDims?: boolean) => Tensor = reduction(
  "max",
  asSummand,
  ["x", "y"],
  toExtrema,
);

/** The smallest value over axes; NaN spreads. Over an empty axis: Infinity (integers: the largest). */
export const min: (x: Operand, axis?: Axes, keepDims?: boolean) => Tensor = reduction(
  "min",
  asSummand,
  ["x", "y"],
  toExtrema,
);

/** The product over axes; bool and uint8 as int32. Over an empty axis: 1. */
export const prod: (x: Operand, axis?: Axes, keepDims?: boolean) => Tensor = reduction(
  "prod",
  asSummand,
  ["x"],
  ({ dy, x }, { axes, from }) => {
    // The product of all others, without dividing by what may be 0: the running products from both ends.
    const kept = from.flatMap((_, i) => axes.includes(i) ? [] : [i]);
    const order = [...kept, ...axes];
    const moved = transpose(x, order);
    const flat = reshape(moved, [
      sizeOf(kept.map((i) => from[i])),
      sizeOf(axes.map((i) => from[i])),
    ]);
    const others = mul(cumprod(flat, 1, true, false), cumprod(flat, 1, true, true));
    const dx = mul(reshape(dy, [flat.shape[0], 1]), others);
    return transpose(reshape(dx, moved.shape), order.map((_, i) => order.indexOf(i)));
  },
);

/** The sum of squares over axes. */
export const sumSquares: (x: Operand, axis?: Axes, keepDims?: boolean) => Tensor = reduction(
  "sumSquares",
  asSummand,
  ["x"],
  ({ dy, x }, attrs) => mul(x, reshape(mul(dy, 2), reducedShape(attrs.from, attrs.axes, true))),
);

/** Whether all values (bool) over axes are true. Over an empty axis: true. */
export const all: (x: Operand, axis?: Axes, keepDims?: boolean) => Tensor = reduction(
  "all",
  asBool,
);
/** Whether any value (bool) over axes is true. Over an empty axis: false. */
export const any: (x: Operand, axis?: Axes, keepDims?: boolean) => Tensor = reduction(
  "any",
  asBool,
);

function argReduction(name: "argMax" | "argMin"): (x: Operand, axis?: number) => Tensor {
  const run = op<{ x: Tensor }, number>({
    name,
    check: ({ x }, axis) => ({ shape: reducedShape(x.shape, [axis], false), dtype: "int32" }),
    forward: ({ x }, axis, { shape, dtype }, device) => {
      const { native } = device;
      const y = makeTensor(shape, dtype, device);
      native.check(native.calls.dg_argreduce(
        native.id("argreduce", name),
        x.handle,
        y.handle,
        sizeOf(x.shape.slice(0, axis)),
        x.shape[axis],
        sizeOf(x.shape.slice(axis + 1)),
      ));
      return y;
    },
  });
  return (given, axis = 0) =>
    tidy(() => {
      const x = asSummand(toTensor(given));
      const at = normalizeAxis(axis, x.rank, name);
      if (x.shape[at] === 0) {
        throw new DinogradError(`${name} along axis ${at} of ${showShape(x.shape)}: it is empty`);
      }
      return run({ x }, at);
    });
}

/** The position (int32) of the largest value along an axis, the first among equals. */
export const argMax: (x: Operand, axis?: number) => Tensor = argReduction("argMax");
/** The position (int32) of the smallest value along an axis, the first among equals. */
export const argMin: (x: Operand, axis?: number) => Tensor = argReduction("argMin");

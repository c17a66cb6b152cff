// How are images made smaller? By the maximum or the average of the pixels in a window, for every channel by itself.

import { isFloat } from "../dtype.ts";
import { DinogradError } from "../errors.ts";
import { type Calls, PoolKind } from "../native/symbols.ts";
import { op } from "../op.ts";
import { tidy } from "../scope.ts";
import { sizeOf } from "../shape.ts";
import { makeTensor, type Spec, type Tensor } from "../tensor.ts";
import { asType } from "./cast.ts";
import { add, mul } from "./elementwise.ts";
import { gatherRows } from "./gather.ts";
import { range } from "./grids.ts";
import { composite, type Operand } from "./operand.ts";
import { reshape } from "./reshape.ts";
import {
  layWindows,
  onImages,
  type Padding,
  type Rounding,
  type WindowArgs,
  type Windows,
} from "./windows.ts";

type Pool<Names extends string> = (
  inputs: Readonly<Record<Names, Tensor>>,
  windows: Windows,
) => Tensor;

const resized = (
  x: Tensor,
  sizes: readonly number[],
) => [x.shape[0], ...sizes, x.shape[x.rank - 1]];

// The result that `call` fills, with the windows over images like x in the scratch area.
function filled(
  x: Tensor,
  w: Windows,
  { shape, dtype }: Spec,
  call: (calls: Calls, result: Tensor, rank: number) => number,
): Tensor {
  const { native } = x.device, result = makeTensor(shape, dtype, x.device);
  const sizes = [x.shape[0], x.shape[x.rank - 1]];
  native.list(sizes, w.in, w.out, w.window, w.strides, w.dilations, w.padding);
  native.check(call(native.calls, result, w.in.length));
  return result;
}

const maxPoolOp: Pool<"x"> = op<{ x: Tensor }, Windows, "x" | "y">({
  name: "maxPool",
  check: ({ x }, { out }) => ({ shape: resized(x, out), dtype: x.dtype }),
  forward: ({ x }, windows, spec) =>
    filled(x, windows, spec, (calls, y, n) => calls.dg_pool(PoolKind.max, x.handle, y.handle, n)),
  saves: ["x", "y"],
  grad: ({ dy, x, y }, windows) => ({ x: () => maxPoolGrad({ x, y, dy }, windows) }),
});

// The gradient of each output at the first maximum of its window.
const maxPoolGrad: Pool<"x" | "y" | "dy"> = op<Record<"x" | "y" | "dy", Tensor>, Windows, "x">({
  name: "maxPoolGrad",
  check: ({ x }) => ({ shape: x.shape, dtype: x.dtype }),
  forward: ({ x, y, dy }, windows, spec) =>
    filled(
      x,
      windows,
      spec,
      (calls, dx, n) =>
        calls.dg_pool_grad(PoolKind.max, x.handle, y.handle, dy.handle, dx.handle, n),
    ),
  saves: ["x"],
  grad: ({ dy, x }, windows) => ({
    dy: () => {
      const places = numbered(argmaxOp({ x }, windows), sizeOf(x.shape.slice(1)));
      const picked = gatherRows(reshape(dy, [1, dy.size, 1]), reshape(places, [places.size]));
      return reshape(picked, places.shape);
    },
  }),
});

// Where in its sample the first maximum of each window lies.
const argmaxOp: Pool<"x"> = op<{ x: Tensor }, Windows>({
  name: "maxPoolWithArgmax",
  check: ({ x }, { out }) => ({ shape: resized(x, out), dtype: "int32" }),
  forward: ({ x }, windows, spec) =>
    filled(
      x,
      windows,
      spec,
      (calls, y, n) => calls.dg_pool(PoolKind.argmax, x.handle, y.handle, n),
    ),
});

// Places in samples of `size` elements as places in the batch.
function numbered(places: Tensor, size: number): Tensor {
  const [batch, ...rest] = places.shape;
  const starts = mul(range(0, batch, 1, "int32"), size);
  return add(places, reshape(starts, [batch, ...rest.map(() => 1)]));
}

const averageOp: Pool<"x"> = op<{ x: Tensor }, Windows>({
  name: "avgPool",
  check: ({ x }, { out }) => ({ shape: resized(x, out), dtype: x.dtype }),
  forward: ({ x }, windows, spec) =>
    filled(
      x,
      windows,
      spec,
      (calls, y, n) => calls.dg_pool(PoolKind.average, x.handle, y.handle, n),
    ),
  grad: ({ dy }, windows) => ({ x: () => averageGrad({ dy }, windows) }),
});

const averageGrad: Pool<"dy"> = op<{ dy: Tensor }, Windows>({
  name: "avgPoolGrad",
  check: ({ dy }, windows) => ({ shape: resized(dy, windows.in), dtype: dy.dtype }),
  forward: ({ dy }, windows, spec) =>
    filled(
      dy,
      windows,
      spec,
      (calls, dx, n) => calls.dg_pool_grad(PoolKind.average, 0, 0, dy.handle, dx.handle, n),
    ),
  grad: ({ dy }, windows) => ({ dy: () => averageOp({ x: dy }, windows) }),
});

function lay(name: string, x: Tensor, args: WindowArgs): Windows {
  const windows = layWindows(name, x.shape.slice(1, -1), args);
  // A window all of padding has neither a maximum nor an average.
  const { padding, dilations, window, out, strides } = windows;
  const reach = window.map((w, i) => (w - 1) * dilations[i] + 1);
  const outside = reach.some((r, i) =>
    padding[i] >= r || (out[i] - 1) * strides[i] - padding[i] >= windows.in[i]
  );
  if (!outside) return windows;
  throw new DinogradError(
    `${name} wants padding smaller than its windows, got pad ${
      JSON.stringify(args.pad)
    } and windows of [${reach}]`,
  );
}

/** The maximum or average of images of `rank` spatial dimensions in windows: what all poolings have in common. */
export function poolImages(
  name: string,
  rank: number,
  kind: "max" | "avg",
  x: Operand,
  args: WindowArgs,
): Tensor {
  return composite(x, (t) => {
    const y = onImages(
      name,
      isFloat(t.dtype) ? t : asType(t, "float32"),
      rank,
      args.dataFormat,
      (i) => (kind === "max" ? maxPoolOp : averageOp)({ x: i }, lay(name, i, args)),
    );
    return asType(y, t.dtype);
  });
}

/**
 * The maximum in each window of images [batch, height, width, channels]; x may lack the batch. The first of several maxima gets the
 * gradient.
 *
 * ```ts
 * import * as dg from "../../mod.ts";
 * import assert from "node:assert";
 *
 * const x = dg.tensor([[1, 2, 0], [5, 3, 1]]).reshape([1, 2, 3, 1]);
 * assert.deepEqual(dg.maxPool(x, 2, 1, "valid").reshape([2]).arraySync(), [5, 3]);
 * ```
 */
export function maxPool(
  x: Operand,
  filterSize: number | readonly number[],
  strides: number | readonly number[],
  pad: Padding,
  dimRoundingMode?: Rounding,
): Tensor {
  return poolImages("maxPool", 2, "max", x, { window: filterSize, strides, pad, dimRoundingMode });
}

/** The average in each window of images [batch, height, width, channels]; padding does not count. x may lack the batch. */
export function avgPool(
  x: Operand,
  filterSize: number | readonly number[],
  strides: number | readonly number[],
  pad: Padding,
  dimRoundingMode?: Rounding,
): Tensor {
  return poolImages("avgPool", 2, "avg", x, { window: filterSize, strides, pad, dimRoundingMode });
}

/** The maximum in each window of volumes [batch, depth, height, width, channels]. x may lack the batch. */
export function maxPool3d(
  x: Operand,
  filterSize: number | readonly number[],
  strides: number | readonly number[],
  pad: Padding,
  dimRoundingMode?: Rounding,
  dataFormat = "NDHWC",
): Tensor {
  const args = { window: filterSize, strides, pad, dimRoundingMode, dataFormat };
  return poolImages("maxPool3d", 3, "max", x, args);
}

/** The average in each window of volumes [batch, depth, height, width, channels]; padding does not count. x may lack the batch. */
export function avgPool3d(
  x: Operand,
  filterSize: number | readonly number[],
  strides: number | readonly number[],
  pad: Padding,
  dimRoundingMode?: Rounding,
  dataFormat = "NDHWC",
): Tensor {
  const args = { window: filterSize, strides, pad, dimRoundingMode, dataFormat };
  return poolImages("avgPool3d", 3, "avg", x, args);
}

/** The maximum or average in windows whose elements may lie apart: as maxPool and avgPool, with dilations. */
export function pool(
  input: Operand,
  windowShape: number | readonly number[],
  poolingType: "max" | "avg",
  pad: Padding,
  dilations: number | readonly number[] = 1,
  strides: number | readonly number[] = 1,
  dimRoundingMode?: Rounding,
): Tensor {
  if (poolingType !== "max" && poolingType !== "avg") {
    throw new DinogradError(`pool wants the type "max" or "avg", got "${poolingType}"`);
  }
  const args = { window: windowShape, strides, pad, dilations, dimRoundingMode };
  return poolImages("pool", 2, poolingType, input, args);
}

/**
 * maxPool, and where the maxima lie: (row * width + column) * channels + channel in their image, or in the whole batch where
 * `includeBatchInIndex` says so.
 */
export function maxPoolWithArgmax(
  x: Operand,
  filterSize: number | readonly number[],
  strides: number | readonly number[],
  pad: Padding,
  includeBatchInIndex = false,
): { result: Tensor; indexes: Tensor } {
  const name = "maxPoolWithArgmax", args = { window: filterSize, strides, pad };
  const list = tidy(() => [
    poolImages(name, 2, "max", x, args),
    composite(x, (t) => {
      const places = onImages(
        name,
        isFloat(t.dtype) ? t : asType(t, "float32"),
        2,
        "NHWC",
        (i) => argmaxOp({ x: i }, lay(name, i, args)),
      );
      return includeBatchInIndex && t.rank === 4
        ? numbered(places, sizeOf(t.shape.slice(1)))
        : places;
    }),
  ]);
  return { result: list[0], indexes: list[1] };
}

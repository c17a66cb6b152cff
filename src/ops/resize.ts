// How are images made larger or smaller? By reading between their pixels, or the nearest one. Linear in the pixels, so that the
// gradient's gradient is resizing again.

import { isFloat } from "../dtype.ts";
import { DinogradError } from "../errors.ts";
import { ResizeGrid, ResizeKind } from "../native/symbols.ts";
import { op } from "../op.ts";
import { showShape } from "../shape.ts";
import { makeTensor, type Tensor } from "../tensor.ts";
import { asType } from "./cast.ts";
import { composite, type Operand } from "./operand.ts";
import { reshape } from "./reshape.ts";

type Sizes = readonly [height: number, width: number];

interface Resizing {
  readonly kind: number;
  readonly grid: number;
  readonly from: Sizes;
  readonly to: Sizes;
}

function run(call: "dg_resize" | "dg_resize_grad", x: Tensor, y: Tensor, r: Resizing): Tensor {
  const { native } = x.device, [batch, , , channels] = x.shape;
  native.list([batch, channels, r.from[0], r.to[0], r.from[1], r.to[1]]);
  native.check(native.calls[call](r.kind, x.handle, y.handle, r.grid));
  return y;
}

const resizeOp: (inputs: { x: Tensor }, resizing: Resizing) => Tensor = op({
  name: "resize",
  check: ({ x }, { to }) => ({ shape: [x.shape[0], ...to, x.shape[3]], dtype: x.dtype }),
  forward: ({ x }, r, { shape, dtype }, device) =>
    run("dg_resize", x, makeTensor(shape, dtype, device), r),
  grad: ({ dy }, r) => ({ x: () => resizeGrad({ dy }, r) }),
});

const resizeGrad: (inputs: { dy: Tensor }, resizing: Resizing) => Tensor = op({
  name: "resizeGrad",
  check: ({ dy }, { from }) => ({ shape: [dy.shape[0], ...from, dy.shape[3]], dtype: dy.dtype }),
  forward: ({ dy }, r, { shape, dtype }, device) =>
    run("dg_resize_grad", dy, makeTensor(shape, dtype, device), r),
  grad: ({ dy }, r) => ({ dy: () => resizeOp({ x: dy }, r) }),
});

/** Checks the sizes that images are to have. */
export function checkSizes(name: string, size: readonly number[]): Sizes {
  const good = (n: number) => Number.isInteger(n) && n >= 1 && n <= 2 ** 20;
  if (Array.isArray(size) && size.length === 2 && size.every(good)) return [size[0], size[1]];
  throw new DinogradError(
    `${name} wants [height, width], whole numbers from 1 to 2^20, got ${JSON.stringify(size)}`,
  );
}

/** Runs `fn` on a batch of images, which may also be a single one: [height, width, channels]. */
export function onBatch(name: string, x: Tensor, fn: (x: Tensor) => Tensor): Tensor {
  if (x.rank === 4) return fn(x);
  if (x.rank === 3) {
    const y = fn(reshape(x, [1, ...x.shape]));
    return reshape(y, y.shape.slice(1));
  }
  throw new DinogradError(
    `${name} wants images [batch, height, width, channels] or a single one, got ${
      showShape(x.shape)
    }`,
  );
}

/** Images at any size, before the choice of a function: what both resizings, and layers, have in common. */
export function resize(
  name: string,
  kind: keyof typeof ResizeKind,
  images: Operand,
  size: readonly number[],
  grid: keyof typeof ResizeGrid,
): Tensor {
  return composite(images, (t) => {
    const to = checkSizes(name, size);
    const x = kind === "nearest" || isFloat(t.dtype) ? t : asType(t, "float32");
    return onBatch(name, x, (batch) => {
      const from: Sizes = [batch.shape[1], batch.shape[2]];
      if (from.some((n) => n === 0)) {
        throw new DinogradError(`${name} wants images with pixels, got ${showShape(t.shape)}`);
      }
      return resizeOp({ x: batch }, { kind: ResizeKind[kind], grid: ResizeGrid[grid], from, to });
    });
  });
}

function gridOf(name: string, alignCorners: boolean, halfPixelCenters: boolean) {
  if (!alignCorners) return halfPixelCenters ? "centers" : "edges";
  if (!halfPixelCenters) return "corners";
  throw new DinogradError(`${name} wants alignCorners or halfPixelCenters, got both`);
}

/**
 * Images [batch, height, width, channels], or a single one, at `size` = [height, width]: each new pixel is mixed from the four around
 * its place, by how near they are. Floats keep their type; others become float32.
 *
 * New row i lies at row i * height / newHeight of the old ones; with `alignCorners` at i * (height - 1) / (newHeight - 1), so that the
 * outermost pixels stay; with `halfPixelCenters` (as Keras's layers do) at (i + 0.5) * height / newHeight - 0.5. Columns likewise.
 *
 * ```ts
 * import * as dg from "../../mod.ts";
 * import assert from "node:assert";
 *
 * const x = dg.tensor([0, 8], [1, 2, 1]);
 * assert.deepEqual(dg.image.resizeBilinear(x, [1, 4], false, true).flatten().arraySync(), [0, 2, 6, 8]);
 * ```
 */
export function resizeBilinear(
  images: Operand,
  size: readonly number[],
  alignCorners = false,
  halfPixelCenters = false,
): Tensor {
  const name = "image.resizeBilinear";
  return resize(name, "bilinear", images, size, gridOf(name, alignCorners, halfPixelCenters));
}

/** The same of the nearest pixel only, which any type can be: the one at or before a new pixel's place, or, with `alignCorners` or
 * `halfPixelCenters`, the one nearest to it. */
export function resizeNearestNeighbor(
  images: Operand,
  size: readonly number[],
  alignCorners = false,
  halfPixelCenters = false,
): Tensor {
  const name = "image.resizeNearestNeighbor";
  return resize(name, "nearest", images, size, gridOf(name, alignCorners, halfPixelCenters));
}

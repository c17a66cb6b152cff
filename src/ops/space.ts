// How are spatial blocks moved into the batch or the channels, and back?

import { DinogradError } from "../errors.ts";
import { tidy } from "../scope.ts";
import { showShape, sizeOf } from "../shape.ts";
import type { Tensor } from "../tensor.ts";
import { pad, slice, transpose } from "./movement.ts";
import { type Operand, toTensor } from "./operand.ts";
import { reshape } from "./reshape.ts";

/** Pairs of numbers, one per spatial dimension. */
export type Pairs = readonly (readonly [number, number])[];

function refuse(name: string, x: Tensor, block: readonly number[], pairs: Pairs): DinogradError {
  return new DinogradError(
    `${name} of ${showShape(x.shape)} cannot take blocks [${block}] with ${JSON.stringify(pairs)}`,
  );
}

/** Pads the dimensions after the batch, cuts them into blocks and moves the positions inside a block to the batch. */
export function spaceToBatchND(
  x: Operand,
  blockShape: readonly number[],
  paddings: Pairs,
): Tensor {
  return tidy(() => {
    const t = toTensor(x), m = blockShape.length;
    if (t.rank <= m || paddings.length !== m) {
      throw refuse("spaceToBatchND", t, blockShape, paddings);
    }
    const none = t.shape.slice(m + 1).map((): [number, number] => [0, 0]);
    const padded = pad(t, [[0, 0], ...paddings, ...none]);
    const [batch, ...sizes] = padded.shape;
    const space = sizes.slice(0, m), rest = sizes.slice(m);
    if (space.some((d, i) => d % blockShape[i] !== 0)) {
      throw refuse("spaceToBatchND", t, blockShape, paddings);
    }
    const blocks = space.map((d, i) => d / blockShape[i]);
    const cut = reshape(padded, [batch, ...blocks.flatMap((d, i) => [d, blockShape[i]]), ...rest]);
    const outer = blocks.map((_, i) => 1 + 2 * i), inner = outer.map((d) => d + 1);
    const moved = transpose(cut, [...inner, 0, ...outer, ...rest.map((_, i) => 1 + 2 * m + i)]);
    return reshape(moved, [batch * sizeOf(blockShape), ...blocks, ...rest]);
  });
}

/** The opposite of `spaceToBatchND`: puts blocks back together and crops what padding had added. */
export function batchToSpaceND(
  x: Operand,
  blockShape: readonly number[],
  crops: Pairs,
): Tensor {
  return tidy(() => {
    const t = toTensor(x), m = blockShape.length;
    const batch = t.shape[0] / sizeOf(blockShape);
    if (t.rank <= m || crops.length !== m || !(Number.isInteger(batch) || Number.isNaN(batch))) {
      throw refuse("batchToSpaceND", t, blockShape, crops);
    }
    const space = t.shape.slice(1, m + 1), rest = t.shape.slice(m + 1);
    const cut = reshape(t, [...blockShape, batch, ...space, ...rest]);
    const order = space.flatMap((_, i) => [m + 1 + i, i]);
    const moved = transpose(cut, [m, ...order, ...rest.map((_, i) => 2 * m + 1 + i)]);
    const whole = reshape(moved, [batch, ...space.map((d, i) => d * blockShape[i]), ...rest]);
    const begin = [0, ...crops.map(([before]) => before)];
    const size = crops.map(([before, after], i) => whole.shape[i + 1] - before - after);
    return slice(whole, begin, [-1, ...size]);
  });
}

/** Moves groups of blockSize^2 channels into blocks of space: [b, h, w, c] to [b, h * s, w * s, c / s^2]; "NCHW" likewise. */
export function depthToSpace(
  x: Operand,
  blockSize: number,
  dataFormat: "NHWC" | "NCHW" = "NHWC",
): Tensor {
  return tidy(() => {
    const t = toTensor(x), s = blockSize;
    const last = dataFormat === "NHWC";
    const [b, h, w, c] = last ? t.shape : [0, 2, 3, 1].map((i) => t.shape[i]);
    const depth = c / (s * s);
    if (t.rank !== 4 || !Number.isInteger(depth)) {
      throw new DinogradError(
        `depthToSpace of ${showShape(t.shape)} (${dataFormat}) wants rank 4 and channels that ${
          s * s
        } divides`,
      );
    }
    return last
      ? reshape(transpose(reshape(t, [b, h, w, s, s, depth]), [0, 1, 3, 2, 4, 5]), [
        b,
        h * s,
        w * s,
        depth,
      ])
      : reshape(transpose(reshape(t, [b, s, s, depth, h, w]), [0, 3, 4, 1, 5, 2]), [
        b,
        depth,
        h * s,
        w * s,
      ]);
  });
}

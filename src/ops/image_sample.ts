// What do images show between their pixels, and outside? Reading at any places, for operations that move pixels about.

import { DinogradError } from "../errors.ts";
import { showShape, sizeOf } from "../shape.ts";
import type { Tensor } from "../tensor.ts";
import { asType } from "./cast.ts";
import { add, mul, sub } from "./elementwise.ts";
import { gatherRows } from "./gather.ts";
import { greaterEqual, less, logicalAnd, where } from "./logical.ts";
import { floor } from "./math.ts";
import { expandDims, reshape } from "./reshape.ts";

/** How pixels are read between their places: the nearest one, or a mixture of the four around. */
export type Interpolation = "nearest" | "bilinear";

/** Checks a name of an interpolation. */
export function checkInterpolation(name: string, given: string): Interpolation {
  if (given === "nearest" || given === "bilinear") return given;
  throw new DinogradError(`${name} interpolates by "nearest" or "bilinear", got "${given}"`);
}

/** Where to read: number of the image (int32), row and column (float32), which broadcast to [n, height, width]. */
export interface Places {
  readonly image: Tensor;
  readonly row: Tensor;
  readonly column: Tensor;
}

const within = (at: Tensor, size: number) => logicalAnd(greaterEqual(at, 0), less(at, size));

/** [n, height, width, channels] from images [batch, rows, columns, channels]; what lies outside reads as `fill`. Of x's type. */
export function sample(
  name: string,
  x: Tensor,
  places: Places,
  interpolation: Interpolation,
  fill: number,
): Tensor {
  const [batch, rows, columns, channels] = x.shape;
  if (batch * rows * columns === 0 && places.image.size > 0) {
    throw new DinogradError(`${name} wants images with pixels, got ${showShape(x.shape)}`);
  }
  const pixels = reshape(x, [1, batch * rows * columns, channels]);
  const image = mul(places.image, rows), there = within(places.image, batch);
  const read = (row: Tensor, column: Tensor): Tensor => {
    const inside = logicalAnd(there, logicalAnd(within(row, rows), within(column, columns)));
    const line = mul(add(image, asType(row, "int32")), columns);
    const index = where(inside, add(line, asType(column, "int32")), 0);
    const picked = gatherRows(pixels, reshape(index, [sizeOf(index.shape)]));
    return where(expandDims(inside, -1), reshape(picked, [...index.shape, channels]), fill);
  };
  if (interpolation === "nearest") {
    return asType(read(floor(add(places.row, 0.5)), floor(add(places.column, 0.5))), x.dtype);
  }
  const row = floor(places.row), column = floor(places.column);
  const down = expandDims(sub(places.row, row), -1);
  const right = expandDims(sub(places.column, column), -1);
  const mix = (a: Tensor, b: Tensor, share: Tensor) => add(mul(a, sub(1, share)), mul(b, share));
  const line = (r: Tensor) => mix(read(r, column), read(r, add(column, 1)), right);
  return asType(mix(line(row), line(add(row, 1)), down), x.dtype);
}

// How are images turned, moved, scaled and tilted? By a projection that says for each new pixel where it comes from.

import { DinogradError } from "../errors.ts";
import { showShape } from "../shape.ts";
import type { Tensor } from "../tensor.ts";
import { asType } from "./cast.ts";
import { add, div, mul, sub } from "./elementwise.ts";
import { range } from "./grids.ts";
import { checkInterpolation, type Interpolation, sample } from "./image_sample.ts";
import { split } from "./join.ts";
import { greater, greaterEqual, less, notEqual, where } from "./logical.ts";
import { clipByValue, floor } from "./math.ts";
import { composite, type Operand, toTensor } from "./operand.ts";
import { mod } from "./power.ts";
import { reshape } from "./reshape.ts";
import { checkSizes } from "./resize.ts";

export type { Interpolation };

/**
 * What lies outside an image: one value ("constant"), the image mirrored at its borders ("reflect": dcba|abcd|dcba), repeated ("wrap":
 * abcd|abcd|abcd), or its border ("nearest").
 */
export type FillMode = "constant" | "reflect" | "wrap" | "nearest";

// Where in an image of `size` a place is read, for each mode but "constant".
const modes: Readonly<Record<string, (at: Tensor, size: number) => Tensor>> = {
  constant: (at) => at,
  nearest: (at, size) => clipByValue(at, 0, size - 1),
  reflect: (at, size) => {
    const p = mod(at, 2 * size);
    return clipByValue(where(greaterEqual(p, size), sub(2 * size - 1, p), p), 0, size - 1);
  },
  // As TensorFlow counts repetitions: by the distance of the outermost pixels.
  wrap: (at, size) => {
    if (size === 1) return mul(at, 0);
    const before = add(at, mul(add(floor(div(at, 1 - size)), 1), size));
    const behind = sub(at, mul(floor(div(at, size - 1)), size));
    const inside = where(less(at, 0), before, where(greater(at, size - 1), behind, at));
    return clipByValue(inside, 0, size - 1);
  },
};

/**
 * Images [batch, height, width, channels] seen through projections [batch or 1, 8] = [a0, a1, a2, b0, b1, b2, c0, c1]: the pixel at
 * (x, y) of the result is read at ((a0 x + a1 y + a2) / k, (b0 x + b1 y + b2) / k) with k = c0 x + c1 y + 1.
 * `outputShape`: [height, width], the image's own when left out.
 *
 * ```ts
 * import * as dg from "../../mod.ts";
 * import assert from "node:assert";
 *
 * const x = dg.tensor([1, 2, 3], [1, 1, 3, 1]);
 * const left = dg.image.transform(x, [[1, 0, 1, 0, 1, 0, 0, 0]]);
 * assert.deepEqual(left.flatten().arraySync(), [2, 3, 0]);
 * ```
 */
export function transform(
  image: Operand,
  transforms: Operand,
  interpolation: Interpolation = "nearest",
  fillMode: FillMode = "constant",
  fillValue = 0,
  outputShape?: readonly number[],
): Tensor {
  const name = "image.transform";
  checkInterpolation(name, interpolation);
  if (!Object.hasOwn(modes, fillMode)) {
    throw new DinogradError(
      `${name} wants fillMode ${Object.keys(modes).join(", ")}, got "${fillMode}"`,
    );
  }
  return composite(image, (t) => {
    const matrices = toTensor(transforms), [n, rows, columns] = t.shape;
    const [count, parts] = matrices.shape;
    if (
      t.rank !== 4 || matrices.rank !== 2 || parts !== 8 || !(count === 1 || count === n)
    ) {
      throw new DinogradError(
        `${name} wants images of rank 4 and transforms [1,8] or [batch,8], got ${
          showShape(t.shape)
        } and ${showShape(matrices.shape)}`,
      );
    }
    const [height, width] = outputShape ? checkSizes(name, outputShape) : [rows, columns];
    const [a0, a1, a2, b0, b1, b2, c0, c1] = split(
      reshape(asType(matrices, "float32"), [count, 8, 1]),
      8,
      1,
    );
    const x = range(0, width), y = reshape(range(0, height), [height, 1]);
    const line = (a: Tensor, b: Tensor, c: Tensor | number) => add(add(mul(a, x), mul(b, y)), c);
    const k = line(c0, c1, 1), seen = notEqual(k, 0);
    const at = (place: Tensor, size: number) =>
      where(seen, modes[fillMode](div(place, where(seen, k, 1)), size), -2);
    const places = {
      image: reshape(range(0, n, 1, "int32"), [n, 1, 1]),
      row: at(line(b0, b1, b2), rows),
      column: at(line(a0, a1, a2), columns),
    };
    return sample(name, t, places, interpolation, fillValue);
  });
}

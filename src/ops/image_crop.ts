// What is inside boxes of images? Crops, all brought to one size.

import { isFloat } from "../dtype.ts";
import { DinogradError } from "../errors.ts";
import { showShape } from "../shape.ts";
import type { Tensor } from "../tensor.ts";
import { asType } from "./cast.ts";
import { add, mul, sub } from "./elementwise.ts";
import { asIndex } from "./gather.ts";
import { range } from "./grids.ts";
import { checkInterpolation, type Interpolation, sample } from "./image_sample.ts";
import { split } from "./join.ts";
import { greaterEqual, lessEqual, logicalAnd, where } from "./logical.ts";
import { composite, type Operand, toTensor } from "./operand.ts";
import { reshape } from "./reshape.ts";
import { checkSizes } from "./resize.ts";

/** How crops are brought to their size. */
export type CropMethod = Interpolation;

// Where `count` rows (or columns) of each box lie in an image of `size`; -2, which is outside, for those outside it.
function spread(from: Tensor, to: Tensor, size: number, count: number): Tensor {
  const shares = count > 1 ? mul(range(0, count), 1 / (count - 1)) : toTensor([0.5]);
  const at = mul(add(from, mul(sub(to, from), shares)), size - 1);
  return where(logicalAnd(greaterEqual(at, 0), lessEqual(at, size - 1)), at, -2);
}

/**
 * Boxes [n, 4] = [y1, x1, y2, x2] cut from images [batch, height, width, channels] and brought to `cropSize` = [height, width]:
 * [n, ...cropSize, channels], floats. 0 and 1 are the middles of an image's first and last row and column; a box may be turned over, and
 * reach outside, where it shows `extrapolationValue`. boxInd (int32 [n]): the image of each box.
 */
export function cropAndResize(
  image: Operand,
  boxes: Operand,
  boxInd: Operand,
  cropSize: readonly number[],
  method: CropMethod = "bilinear",
  extrapolationValue = 0,
): Tensor {
  const name = "image.cropAndResize";
  return composite(image, (t) => {
    const corners = toTensor(boxes), numbers = asIndex(boxInd, name), n = numbers.size;
    const [height, width] = checkSizes(name, cropSize);
    if (t.rank !== 4 || corners.rank !== 2 || corners.shape[1] !== 4 || numbers.rank !== 1) {
      throw new DinogradError(
        `${name} wants images of rank 4, boxes [n,4] and numbers [n], got ${showShape(t.shape)}, ${
          showShape(corners.shape)
        } and ${showShape(numbers.shape)}`,
      );
    }
    if (corners.shape[0] !== n) {
      throw new DinogradError(
        `${name} wants an image for each of ${corners.shape[0]} boxes, got ${n}`,
      );
    }
    const x = isFloat(t.dtype) ? t : asType(t, "float32");
    const [y1, x1, y2, x2] = split(asType(corners, "float32"), 4, 1);
    const places = {
      image: reshape(numbers, [n, 1, 1]),
      row: reshape(spread(y1, y2, x.shape[1], height), [n, height, 1]),
      column: reshape(spread(x1, x2, x.shape[2], width), [n, 1, width]),
    };
    return sample(name, x, places, checkInterpolation(name, method), extrapolationValue);
  });
}

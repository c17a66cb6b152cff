// Which convolutions are there? In one to three dimensions, with groups, strides and dilations, forwards and transposed.

import { DinogradError } from "../errors.ts";
import { sameShape, showShape } from "../shape.ts";
import type { Tensor } from "../tensor.ts";
import { convImages, convTransposeImages, type FilterArgs, type Following } from "./conv_images.ts";
import { type Operand, use } from "./operand.ts";
import type { Padding, Rounding } from "./windows.ts";

/**
 * A convolution along one dimension: x [batch, width, in] by filter [width, in, out], where `in` may be a part of x's channels, which
 * are then divided into groups. x may lack the batch.
 */
export function conv1d(
  x: Operand,
  filter: Operand,
  stride: number,
  pad: Padding,
  dataFormat = "NWC",
  dilation = 1,
  dimRoundingMode?: Rounding,
): Tensor {
  const args = { strides: stride, pad, dataFormat, dilations: dilation, dimRoundingMode };
  return convImages("conv1d", 1, x, filter, args);
}

/**
 * A convolution of images: x [batch, height, width, in] by filter [height, width, in, out], where `in` may be a part of x's channels,
 * which are then divided into groups. x may lack the batch.
 *
 * ```ts
 * import * as dg from "../../mod.ts";
 * import assert from "node:assert";
 *
 * const x = dg.ones([1, 3, 3, 1]), filter = dg.ones([2, 2, 1, 1]);
 * const sums = dg.conv2d(x, filter, 1, "same").reshape([3, 3]);
 * assert.deepEqual(sums.arraySync(), [[4, 4, 2], [4, 4, 2], [2, 2, 1]]);
 * ```
 */
export function conv2d(
  x: Operand,
  filter: Operand,
  strides: number | readonly number[],
  pad: Padding,
  dataFormat = "NHWC",
  dilations: number | readonly number[] = 1,
  dimRoundingMode?: Rounding,
): Tensor {
  const args = { strides, pad, dataFormat, dilations, dimRoundingMode };
  return convImages("conv2d", 2, x, filter, args);
}

/** A convolution of volumes: x [batch, depth, height, width, in] by filter [depth, height, width, in, out]. x may lack the batch. */
export function conv3d(
  x: Operand,
  filter: Operand,
  strides: number | readonly number[],
  pad: Padding,
  dataFormat = "NDHWC",
  dilations: number | readonly number[] = 1,
): Tensor {
  return convImages("conv3d", 3, x, filter, { strides, pad, dataFormat, dilations });
}

/** Arguments of `fusedConv2d` and `fusedDepthwiseConv2d`. */
export interface FusedConv2dArgs extends FilterArgs, Following {
  /** Images [batch, height, width, in]. */
  x: Operand;
  /** The filter, as of conv2d (or depthwiseConv2d). */
  filter: Operand;
}

/**
 * `activation(conv2d(x, filter, strides, pad) + bias)`: one native call where the activation's derivative follows from its result, else
 * two.
 */
export function fusedConv2d({ x, filter, ...args }: FusedConv2dArgs): Tensor {
  return convImages("fused.conv2d", 2, x, filter, args, args);
}

/** A transposed convolution of images [batch, sizes.., in] by a filter [window.., out, in]. */
export type ConvTranspose = (
  x: Operand,
  filter: Operand,
  outputShape: readonly number[],
  strides: number | readonly number[],
  pad: Padding,
  dimRoundingMode?: Rounding,
) => Tensor;

const transposed = (rank: number): ConvTranspose => {
  const name = `conv${rank}dTranspose`;
  return (x, filter, outputShape, strides, pad, dimRoundingMode) =>
    use(x, (t) => {
      const sizes = outputShape.slice(-1 - rank, -1), args = { strides, pad, dimRoundingMode };
      const y = convTransposeImages(name, rank, t, filter, sizes, args);
      if (sameShape(y.shape, outputShape)) return y;
      y.dispose();
      throw new DinogradError(
        `${name} of ${showShape(t.shape)} gives ${showShape(y.shape)}, not the outputShape ${
          showShape(outputShape)
        }`,
      );
    });
};

/** The transposed convolution along one dimension: x [batch, width, in] by filter [width, out, in] to `outputShape`. */
export const conv1dTranspose: ConvTranspose = transposed(1);

/**
 * The transposed convolution of images, which leads back from a convolution's output to its input: x [batch, height, width, in] by
 * filter [height, width, out, in] to `outputShape`, of which a convolution with these strides and this padding makes images of x's size.
 *
 * ```ts
 * import * as dg from "../../mod.ts";
 * import assert from "node:assert";
 *
 * const x = dg.ones([1, 2, 2, 3]), filter = dg.ones([2, 2, 1, 3]);
 * const y = dg.conv2dTranspose(x, filter, [1, 4, 4, 1], 2, "same");
 * assert.deepEqual(y.reshape([16]).arraySync(), Array(16).fill(3));
 * ```
 */
export const conv2dTranspose: ConvTranspose = transposed(2);

/** The transposed convolution of volumes: x [batch, depth, height, width, in] by filter [depth, height, width, out, in]. */
export const conv3dTranspose: ConvTranspose = transposed(3);

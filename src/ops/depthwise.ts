// How are channels convolved by themselves? By filters of their own, perhaps followed by a mixture of them (separable); and what is
// the same with maximum and sum in place of sum and product (dilation2d)?

import { isFloat, promote } from "../dtype.ts";
import { DinogradError } from "../errors.ts";
import { sameShape, showShape } from "../shape.ts";
import type { Tensor } from "../tensor.ts";
import { asType } from "./cast.ts";
import type { FusedConv2dArgs } from "./conv.ts";
import { convImages, type FilterArgs, type Following } from "./conv_images.ts";
import { add } from "./elementwise.ts";
import { stack } from "./join.ts";
import { pad as padBorders, readWindow } from "./movement.ts";
import { composite, type Operand, toTensor } from "./operand.ts";
import { max } from "./reduce.ts";
import { reshape } from "./reshape.ts";
import { layWindows, onImages, type Padding, type Rounding } from "./windows.ts";

/** Convolves each channel by filters of its own: `filter` is [window.., channels, filters for each]. */
export function depthwiseImages(
  name: string,
  rank: number,
  x: Operand,
  filter: Operand,
  args: FilterArgs,
  following?: Following,
): Tensor {
  return convImages(name, rank, x, filter, args, following, (w, channels) => {
    const [own, times] = w.shape.slice(-2);
    if (own !== channels) {
      throw new DinogradError(
        `${name} wants filters for ${channels} channels, got ${showShape(w.shape)}`,
      );
    }
    return reshape(w, [...w.shape.slice(0, rank), 1, own * times]);
  });
}

/** Convolves channels by filters of their own, then mixes them at every pixel by [1.., channels * filters, out]. */
export function separableImages(
  name: string,
  rank: number,
  x: Operand,
  depthwiseFilter: Operand,
  pointwiseFilter: Operand,
  args: FilterArgs,
  following?: Following,
): Tensor {
  return composite(x, (t) => {
    const mixture = toTensor(pointwiseFilter);
    if (!sameShape(mixture.shape.slice(0, -2), new Array(rank).fill(1))) {
      throw new DinogradError(
        `${name} wants a pointwise filter [${"1,".repeat(rank)}in,out], got ${
          showShape(mixture.shape)
        }`,
      );
    }
    const apart = depthwiseImages(name, rank, t, depthwiseFilter, args);
    const { dataFormat } = args;
    return convImages(name, rank, apart, mixture, { strides: 1, pad: 0, dataFormat }, following);
  });
}

/**
 * A convolution of each channel by filters of its own: x [batch, height, width, channels] by filter [height, width, channels, filters
 * for each] gives [batch, height, width, channels * filters for each]. x may lack the batch.
 */
export function depthwiseConv2d(
  x: Operand,
  filter: Operand,
  strides: number | readonly number[],
  pad: Padding,
  dataFormat = "NHWC",
  dilations: number | readonly number[] = 1,
  dimRoundingMode?: Rounding,
): Tensor {
  const args = { strides, pad, dataFormat, dilations, dimRoundingMode };
  return depthwiseImages("depthwiseConv2d", 2, x, filter, args);
}

/** `activation(depthwiseConv2d(x, filter, strides, pad) + bias)`; see fused.conv2d. */
export function fusedDepthwiseConv2d({ x, filter, ...args }: FusedConv2dArgs): Tensor {
  return depthwiseImages("fused.depthwiseConv2d", 2, x, filter, args, args);
}

/**
 * depthwiseConv2d by `depthwiseFilter`, then a mixture of the channels at every pixel by `pointwiseFilter` [1, 1, channels * filters
 * for each, out].
 */
export function separableConv2d(
  x: Operand,
  depthwiseFilter: Operand,
  pointwiseFilter: Operand,
  strides: number | readonly number[],
  pad: Padding,
  dilation: number | readonly number[] = 1,
  dataFormat = "NHWC",
): Tensor {
  const args = { strides, pad, dilations: dilation, dataFormat };
  return separableImages("separableConv2d", 2, x, depthwiseFilter, pointwiseFilter, args);
}

/**
 * The greyscale dilation of images: the largest sum of a pixel of the window and the filter's entry [height, width, channels] for it.
 * Where several are largest, they share the gradient.
 */
export function dilation2d(
  x: Operand,
  filter: Operand,
  strides: number | readonly number[],
  pad: Padding,
  dilations: number | readonly number[] = 1,
  dataFormat = "NHWC",
): Tensor {
  return composite(x, (given) => {
    const w = toTensor(filter), dtype = promote(given.dtype, w.dtype);
    const type = isFloat(dtype) ? dtype : "float32", f = asType(w, type);
    return onImages("dilation2d", asType(given, type), 2, dataFormat, (t) => {
      const [batch, ...sizes] = t.shape, channels = sizes.pop()!;
      if (f.rank !== 3 || f.shape[2] !== channels) {
        throw new DinogradError(
          `dilation2d wants a filter [height,width,${channels}], got ${showShape(f.shape)}`,
        );
      }
      const [height, width] = f.shape, window = [height, width];
      const args = { window, strides, pad, dilations, dataFormat };
      const { out, padding, strides: step, dilations: apart } = layWindows(
        "dilation2d",
        sizes,
        args,
      );
      // Whole windows, on images with borders that are never the largest.
      const reach = out.map((n, i) => (n - 1) * step[i] + (window[i] - 1) * apart[i] + 1);
      const borders = sizes.map((size, i): [number, number] => [
        padding[i],
        Math.max(reach[i] - size - padding[i], 0),
      ]);
      const whole = padBorders(t, [[0, 0], ...borders, [0, 0]], -Infinity);
      const taps = Array.from({ length: height * width }, (_, tap) => {
        const at = [Math.floor(tap / width), tap % width];
        const pixels = readWindow({ x: whole }, {
          begin: [0, ...at.map((w, i) => w * apart[i]), 0],
          step: [1, ...step, 1],
          size: [batch, ...out, channels],
          whole: whole.shape,
        });
        const entry = readWindow({ x: f }, {
          begin: [...at, 0],
          step: [1, 1, 1],
          size: [1, 1, channels],
          whole: f.shape,
        });
        return add(pixels, reshape(entry, [channels]));
      });
      return max(stack(taps), 0);
    });
  });
}

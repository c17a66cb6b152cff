// What have all convolutions of images in common? Operands brought to one type and form, windows laid, and a bias and an activation
// that follow in the same native call where that is possible.

import { isFloat, promote } from "../dtype.ts";
import { DinogradError } from "../errors.ts";
import type { Inputs } from "../op.ts";
import { sameShape, showShape } from "../shape.ts";
import type { Tensor } from "../tensor.ts";
import { prelu } from "./activations.ts";
import { asType } from "./cast.ts";
import { activatedConv, conv, type Convolution } from "./conv_kernels.ts";
import { epilogue } from "./epilogue.ts";
import { composite, type Operand, toTensor } from "./operand.ts";
import { layWindows, onImages, type WindowArgs } from "./windows.ts";

/** Windows whose sizes are those of a filter. */
export type FilterArgs = Omit<WindowArgs, "window">;

/** Bias and activation, which follow a convolution. */
export interface Following {
  /** Added to every pixel: shape [output channels]. */
  readonly bias?: Operand;
  /** Name of an activation, such as "relu"; none when left out or "linear". */
  readonly activation?: string;
  /** Slopes of the activation "prelu" below 0. */
  readonly preluActivationWeights?: Operand;
  /** Slope of the activation "leakyRelu" below 0. */
  readonly leakyreluAlpha?: number;
}

function withFollowing(
  name: string,
  part: "output" | "input",
  inputs: Inputs,
  attrs: Convolution,
  { bias, activation = "linear", preluActivationWeights, leakyreluAlpha }: Following,
): Tensor {
  if (bias !== undefined) {
    const c = toTensor(bias), { dtype } = inputs.filter;
    const channels = part === "output" ? attrs.outChannels : attrs.inChannels;
    if (!sameShape(c.shape, [channels]) || c.dtype !== dtype) {
      throw new DinogradError(
        `${name} wants a ${dtype} bias of shape [${channels}], got ${c.dtype} ${
          showShape(c.shape)
        }`,
      );
    }
    inputs = { ...inputs, bias: c };
  }
  if (activation === "linear") return conv[part](inputs, attrs);
  if (activation === "prelu") {
    if (preluActivationWeights === undefined) {
      throw new DinogradError(`${name} with activation "prelu" wants preluActivationWeights`);
    }
    return prelu(conv[part](inputs, attrs), preluActivationWeights);
  }
  const last = epilogue(activation);
  return last.grad
    ? activatedConv[part](inputs, { ...attrs, activation })
    : last.apply(conv[part](inputs, attrs), leakyreluAlpha);
}

// Runs `fn` on images and filter as floats of one type, the images with a batch and channels last.
function onOperands(
  name: string,
  rank: number,
  x: Operand,
  filter: Operand,
  format: string | undefined,
  fn: (images: Tensor, filter: Tensor) => Tensor,
): Tensor {
  return composite(x, (t) => {
    const w = toTensor(filter), promoted = promote(t.dtype, w.dtype);
    const dtype = isFloat(promoted) ? promoted : "float32";
    if (w.rank !== rank + 2) {
      throw new DinogradError(
        `${name} wants a filter of rank ${rank + 2}, got ${showShape(w.shape)}`,
      );
    }
    return onImages(name, asType(t, dtype), rank, format, (i) => fn(i, asType(w, dtype)));
  });
}

/**
 * Convolves images of `rank` spatial dimensions. The filter is [window.., in, out], where `in` may be a part of the images' channels,
 * which are then divided into groups; `arrange` makes one of another form so.
 */
export function convImages(
  name: string,
  rank: number,
  x: Operand,
  filter: Operand,
  args: FilterArgs,
  following: Following = {},
  arrange: (filter: Tensor, channels: number) => Tensor = (w) => w,
): Tensor {
  return onOperands(name, rank, x, filter, args.dataFormat, (input, given) => {
    const inChannels = input.shape[rank + 1], w = arrange(given, inChannels);
    const [depth, outChannels] = w.shape.slice(-2), groups = inChannels / depth;
    if (!Number.isInteger(groups) || outChannels % groups !== 0) {
      throw new DinogradError(
        `Cannot ${name} ${showShape(input.shape)} by a filter ${
          showShape(w.shape)
        }: ${inChannels} ` +
          `channels do not go into ${depth}${
            groups > 1 ? `, and ${outChannels} not into groups` : ""
          }`,
      );
    }
    const window = w.shape.slice(0, rank);
    const windows = layWindows(name, input.shape.slice(1, -1), { ...args, window });
    const attrs = { ...windows, inChannels, outChannels, groups };
    return withFollowing(name, "output", { input, filter: w }, attrs, following);
  });
}

/**
 * The transposed convolution: images of `sizes` from which a convolution makes images like x, as its gradient is made. The filter is
 * [window.., out, in].
 */
export function convTransposeImages(
  name: string,
  rank: number,
  x: Operand,
  filter: Operand,
  sizes: readonly number[],
  args: FilterArgs,
  following: Following = {},
): Tensor {
  return onOperands(name, rank, x, filter, args.dataFormat, (output, w) => {
    const [inChannels, outChannels] = w.shape.slice(-2), channels = output.shape[rank + 1];
    if (channels !== outChannels) {
      throw new DinogradError(
        `Cannot ${name} ${showShape(output.shape)} by a filter ${
          showShape(w.shape)
        }: the last sizes must match, got ${channels} and ${outChannels}`,
      );
    }
    const windows = layWindows(name, sizes, { ...args, window: w.shape.slice(0, rank) });
    if (!sameShape(windows.out, output.shape.slice(1, -1))) {
      throw new DinogradError(
        `${name} of ${showShape(output.shape)} cannot give images of ${
          showShape(sizes)
        }: these would be convolved to ${showShape(windows.out)}`,
      );
    }
    const attrs = { ...windows, inChannels, outChannels, groups: 1 };
    return withFollowing(name, "input", { output, filter: w }, attrs, following);
  });
}

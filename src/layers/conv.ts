// Which layers convolve? In one to three dimensions, forwards and transposed.

import type { ConstraintIdentifier } from "../constraints.ts";
import { DinogradError } from "../errors.ts";
import type { InitializerIdentifier } from "../initializers.ts";
import { convImages, convTransposeImages, type Following } from "../ops/conv_images.ts";
import type { WindowArgs } from "../ops/windows.ts";
import type { RegularizerIdentifier } from "../regularizers.ts";
import type { Config } from "../serialization.ts";
import { registerClass } from "../serialization/registry.ts";
import type { Tensor } from "../tensor.ts";
import { BaseConv, type BaseConvLayerArgs } from "./conv_base.ts";
import { countOf, sizesOf } from "./windowed.ts";

/** Arguments of the layers `conv1d`, `conv2d` and `conv3d`. */
export interface ConvLayerArgs extends BaseConvLayerArgs {
  /** Number of output channels. */
  filters: number;
  /** Parts that input and output channels are divided into, each convolved by itself; 1 when left out. */
  groups?: number;
  kernelInitializer?: InitializerIdentifier;
  kernelRegularizer?: RegularizerIdentifier;
  kernelConstraint?: ConstraintIdentifier;
}

abstract class Conv extends BaseConv {
  readonly filters: number;
  readonly #groups: number;

  constructor(args: ConvLayerArgs, rank: number) {
    super(args, rank, ["kernel"]);
    this.filters = countOf(`filters of "${this.name}"`, args.filters);
    this.#groups = countOf(`groups of "${this.name}"`, args.groups ?? 1);
    if (this.filters % this.#groups) {
      throw new DinogradError(
        `"${this.name}" cannot divide ${this.filters} filters into ${this.#groups} groups`,
      );
    }
  }
  protected override buildKernels(channels: number): number {
    if (channels % this.#groups) {
      throw new DinogradError(
        `"${this.name}" cannot divide ${channels} channels into ${this.#groups} groups`,
      );
    }
    const shape = [...this.windows.sizes, channels / this.#groups, this.filters];
    this.addOptional("kernel", "kernel", shape);
    return this.filters;
  }
  protected override convolve(x: Tensor, args: WindowArgs, following: Following): Tensor {
    return convImages(`conv in layer "${this.name}"`, this.rank, x, this.kernel(), args, following);
  }
  override getConfig(): Config {
    return { ...super.getConfig(), filters: this.filters, groups: this.#groups };
  }
}

/** `activation(conv1d(x, kernel) + bias)`: [batch, width, in] to [batch, width, filters]. */
export class Conv1D extends Conv {
  static override className = "Conv1D";
  constructor(args: ConvLayerArgs) {
    super(args, 1);
  }
}
registerClass(Conv1D);

/** `activation(conv2d(x, kernel) + bias)`: [batch, height, width, in] to [batch, height, width, filters]. */
export class Conv2D extends Conv {
  static override className = "Conv2D";
  constructor(args: ConvLayerArgs) {
    super(args, 2);
  }
}
registerClass(Conv2D);

/** `activation(conv3d(x, kernel) + bias)`: [batch, depth, height, width, in] to [batch, depth, height, width, filters]. */
export class Conv3D extends Conv {
  static override className = "Conv3D";
  constructor(args: ConvLayerArgs) {
    super(args, 3);
  }
}
registerClass(Conv3D);

/** Arguments of the layers `conv1dTranspose`, `conv2dTranspose` and `conv3dTranspose`. */
export interface ConvTransposeLayerArgs extends Omit<ConvLayerArgs, "groups"> {
  /** Added to the output's sizes, where several would lead back to the input's; worked out from the padding when left out. */
  outputPadding?: number | number[];
}

abstract class ConvTranspose extends BaseConv {
  readonly filters: number;
  readonly #outputPadding: number[] | undefined;

  constructor(args: ConvTransposeLayerArgs, rank: number) {
    if ((args.padding as string) === "causal") {
      throw new DinogradError(
        'A transposed convolution takes padding "valid" or "same", got "causal"',
      );
    }
    super(args, rank, ["kernel"]);
    this.filters = countOf(`filters of "${this.name}"`, args.filters);
    if (args.outputPadding === undefined) return;
    const what = `outputPadding of "${this.name}"`, { strides } = this.windows;
    this.#outputPadding = sizesOf(what, args.outputPadding, rank, 0);
    if (this.#outputPadding.some((p, i) => p >= strides[i])) {
      throw new DinogradError(
        `${what} must be less than the strides [${strides}], got [${this.#outputPadding}]`,
      );
    }
  }
  protected override buildKernels(channels: number): number {
    this.addOptional("kernel", "kernel", [...this.windows.sizes, this.filters, channels]);
    return this.filters;
  }
  // The size that a convolution leads back from to `size`, along one dimension.
  #outputSize(size: number, i: number): number {
    const { sizes, strides, dilations, padding } = this.windows;
    const reach = (sizes[i] - 1) * dilations[i] + 1, extra = this.#outputPadding?.[i];
    if (extra === undefined) {
      return size * strides[i] + (padding === "valid" ? Math.max(reach - strides[i], 0) : 0);
    }
    const cut = padding === "same" ? 2 * Math.floor(reach / 2) : 0;
    return (size - 1) * strides[i] + reach - cut + extra;
  }
  protected override convolve(x: Tensor, args: WindowArgs, following: Following): Tensor {
    const name = `convTranspose in layer "${this.name}"`;
    const sizes = this.spatial(x.shape).map((size, i) => this.#outputSize(size, i));
    return convTransposeImages(name, this.rank, x, this.kernel(), sizes, args, following);
  }
  override getConfig(): Config {
    return {
      ...super.getConfig(),
      filters: this.filters,
      output_padding: this.#outputPadding ?? null,
    };
  }
}

/** The transposed convolution along one dimension: [batch, width, in] to [batch, width * stride, filters] with padding "same". */
export class Conv1DTranspose extends ConvTranspose {
  static override className = "Conv1DTranspose";
  constructor(args: ConvTransposeLayerArgs) {
    super(args, 1);
  }
}
registerClass(Conv1DTranspose);

/** The transposed convolution of images, which makes them larger by the strides. */
export class Conv2DTranspose extends ConvTranspose {
  static override className = "Conv2DTranspose";
  constructor(args: ConvTransposeLayerArgs) {
    super(args, 2);
  }
}
registerClass(Conv2DTranspose);

/** The transposed convolution of volumes, which makes them larger by the strides. */
export class Conv3DTranspose extends ConvTranspose {
  static override className = "Conv3DTranspose";
  constructor(args: ConvTransposeLayerArgs) {
    super(args, 3);
  }
}
registerClass(Conv3DTranspose);

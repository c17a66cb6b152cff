// Which layers convolve channels by themselves? Depthwise by filters of their own, separable with a mixture of the results after it.

import type { ConstraintIdentifier } from "../constraints.ts";
import type { InitializerIdentifier } from "../initializers.ts";
import type { Following } from "../ops/conv_images.ts";
import { depthwiseImages, separableImages } from "../ops/depthwise.ts";
import type { WindowArgs } from "../ops/windows.ts";
import type { RegularizerIdentifier } from "../regularizers.ts";
import type { Config } from "../serialization.ts";
import { registerClass } from "../serialization/registry.ts";
import type { Tensor } from "../tensor.ts";
import { BaseConv, type BaseConvLayerArgs } from "./conv_base.ts";
import { countOf } from "./windowed.ts";

/** Arguments of the layers `depthwiseConv1d` and `depthwiseConv2d`. */
export interface DepthwiseConvLayerArgs extends BaseConvLayerArgs {
  /** Filters for each channel, 1 when left out. */
  depthMultiplier?: number;
  depthwiseInitializer?: InitializerIdentifier;
  depthwiseRegularizer?: RegularizerIdentifier;
  depthwiseConstraint?: ConstraintIdentifier;
}

abstract class DepthwiseConv extends BaseConv {
  readonly #multiplier: number;

  constructor(args: DepthwiseConvLayerArgs, rank: number) {
    super(args, rank, ["depthwise"]);
    const what = `depthMultiplier of "${this.name}"`;
    this.#multiplier = countOf(what, args.depthMultiplier ?? 1);
  }
  protected override buildKernels(channels: number): number {
    const shape = [...this.windows.sizes, channels, this.#multiplier];
    this.addOptional("depthwise", "depthwise_kernel", shape);
    return channels * this.#multiplier;
  }
  protected override convolve(x: Tensor, args: WindowArgs, following: Following): Tensor {
    const name = `depthwiseConv in layer "${this.name}"`;
    return depthwiseImages(name, this.rank, x, this.kernel("depthwise"), args, following);
  }
  override getConfig(): Config {
    return { ...super.getConfig(), depth_multiplier: this.#multiplier };
  }
}

/** Each channel of sequences convolved by filters of its own: [batch, width, channels] to [batch, width, channels * filters]. */
export class DepthwiseConv1D extends DepthwiseConv {
  static override className = "DepthwiseConv1D";
  constructor(args: DepthwiseConvLayerArgs) {
    super(args, 1);
  }
}
registerClass(DepthwiseConv1D);

/** Each channel of images convolved by filters of its own. */
export class DepthwiseConv2D extends DepthwiseConv {
  static override className = "DepthwiseConv2D";
  constructor(args: DepthwiseConvLayerArgs) {
    super(args, 2);
  }
}
registerClass(DepthwiseConv2D);

/** Arguments of the layers `separableConv1d` and `separableConv2d`. */
export interface SeparableConvLayerArgs extends DepthwiseConvLayerArgs {
  /** Number of output channels. */
  filters: number;
  pointwiseInitializer?: InitializerIdentifier;
  pointwiseRegularizer?: RegularizerIdentifier;
  pointwiseConstraint?: ConstraintIdentifier;
}

abstract class SeparableConv extends BaseConv {
  readonly filters: number;
  readonly #multiplier: number;

  constructor(args: SeparableConvLayerArgs, rank: number) {
    super(args, rank, ["depthwise", "pointwise"]);
    const what = `depthMultiplier of "${this.name}"`;
    this.filters = countOf(`filters of "${this.name}"`, args.filters);
    this.#multiplier = countOf(what, args.depthMultiplier ?? 1);
  }
  protected override buildKernels(channels: number): number {
    const { sizes } = this.windows, mixed = channels * this.#multiplier;
    this.addOptional("depthwise", "depthwise_kernel", [...sizes, channels, this.#multiplier]);
    this.addOptional("pointwise", "pointwise_kernel", [...sizes.map(() => 1), mixed, this.filters]);
    return this.filters;
  }
  protected override convolve(x: Tensor, args: WindowArgs, following: Following): Tensor {
    return separableImages(
      `separableConv in layer "${this.name}"`,
      this.rank,
      x,
      this.kernel("depthwise"),
      this.kernel("pointwise"),
      args,
      following,
    );
  }
  override getConfig(): Config {
    return {
      ...super.getConfig(),
      filters: this.filters,
      depth_multiplier: this.#multiplier,
    };
  }
}

/** A depthwise convolution of sequences, and a mixture of its channels: [batch, width, in] to [batch, width, filters]. */
export class SeparableConv1D extends SeparableConv {
  static override className = "SeparableConv1D";
  constructor(args: SeparableConvLayerArgs) {
    super(args, 1);
  }
}
registerClass(SeparableConv1D);

/** A depthwise convolution of images, and a mixture of its channels at every pixel. */
export class SeparableConv2D extends SeparableConv {
  static override className = "SeparableConv2D";
  constructor(args: SeparableConvLayerArgs) {
    super(args, 2);
  }
}
registerClass(SeparableConv2D);

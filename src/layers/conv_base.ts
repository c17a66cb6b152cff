// What do all convolution layers have in common? Windows, an activation, a bias, and checks of their channels.

import { type Activation, type ActivationIdentifier, getActivation } from "../activations.ts";
import type { ConstraintIdentifier } from "../constraints.ts";
import { DinogradError } from "../errors.ts";
import type { InitializerIdentifier } from "../initializers.ts";
import type { Following } from "../ops/conv_images.ts";
import type { WindowArgs } from "../ops/windows.ts";
import type { RegularizerIdentifier } from "../regularizers.ts";
import { type Config, serialize } from "../serialization.ts";
import { showShape } from "../shape.ts";
import type { Tensor } from "../tensor.ts";
import { only } from "./core.ts";
import type { Weight } from "./weight.ts";
import { WeightOptions } from "./weight_options.ts";
import {
  checkPadding,
  ImageLayer,
  type ImageLayerArgs,
  type LayerWindows,
  type PaddingName,
  sizesOf,
  windowArgs,
} from "./windowed.ts";

/** Arguments of all convolution layers. */
export interface BaseConvLayerArgs extends ImageLayerArgs {
  /** Sizes of the windows: a number for all spatial dimensions, or one each. */
  kernelSize: number | number[];
  /** Distances of windows, 1 when left out. */
  strides?: number | number[];
  /** "valid" when left out. */
  padding?: PaddingName;
  /** Distances of a window's elements, 1 when left out. */
  dilationRate?: number | number[];
  activation?: ActivationIdentifier;
  useBias?: boolean;
  biasInitializer?: InitializerIdentifier;
  biasRegularizer?: RegularizerIdentifier;
  biasConstraint?: ConstraintIdentifier;
}

/** The base of convolution layers. */
export abstract class BaseConv extends ImageLayer {
  /** The windows. */
  readonly windows: LayerWindows;
  /** What is put over the result. */
  readonly activation: Activation;
  readonly #useBias: boolean;
  readonly #options: readonly WeightOptions[];
  readonly #weights: Record<string, Weight> = {};
  #channels!: number;

  /** `kernels`: names of the weights besides the bias. */
  constructor(args: BaseConvLayerArgs, rank: number, kernels: readonly string[]) {
    super(args, rank);
    const what = (option: string) => `${option} of "${this.name}"`;
    if (args.kernelSize === undefined) {
      throw new DinogradError(`${this.getClassName()} needs kernelSize`);
    }
    this.windows = {
      sizes: sizesOf(what("kernelSize"), args.kernelSize, rank),
      strides: sizesOf(what("strides"), args.strides ?? 1, rank),
      dilations: sizesOf(what("dilationRate"), args.dilationRate ?? 1, rank),
      padding: checkPadding(this.getClassName(), args.padding ?? "valid", rank === 1),
    };
    this.activation = getActivation(args.activation);
    this.#useBias = args.useBias ?? true;
    this.#options = [
      ...kernels.map((kernel) => new WeightOptions(kernel, args, "glorotUniform")),
      new WeightOptions("bias", args, "zeros"),
    ];
  }

  /** Makes the weight of a name, with its options. */
  protected addOptional(option: string, name: string, shape: number[]): void {
    const { initializer, regularizer, constraint } = this.#options.find((o) => o.name === option)!;
    this.#weights[option] = this.addWeight(
      name,
      shape,
      this.dtype,
      initializer,
      regularizer,
      true,
      constraint,
    );
  }
  /** A weight's values. */
  protected kernel(option = "kernel"): Tensor {
    return this.#weights[option].read();
  }

  /** Makes the kernels for inputs with so many channels, and gives the number of output channels. */
  protected abstract buildKernels(channels: number): number;

  override build(inputShape: number[]): void {
    this.checkImages(inputShape);
    this.#channels = inputShape[this.channelAxis];
    const outputs = this.buildKernels(this.#channels);
    if (this.#useBias) this.addOptional("bias", "bias", [outputs]);
  }

  /** Convolves images by the kernels, with bias and activation as far as `following` has them. */
  protected abstract convolve(x: Tensor, args: WindowArgs, following: Following): Tensor;

  override call(inputs: Tensor | Tensor[]): Tensor {
    const x = only(inputs, this.name);
    this.checkImages(x.shape);
    if (x.shape[this.channelAxis] !== this.#channels) {
      throw new DinogradError(
        `Layer "${this.name}" was built for inputs of ${this.#channels} channels, got ${
          showShape(x.shape)
        }`,
      );
    }
    const bias = this.#useBias ? this.kernel("bias") : undefined;
    const { fused } = this.activation;
    const y = this.convolve(x, windowArgs(this.windows, this.dataFormat), {
      bias,
      activation: fused,
    });
    return fused === undefined ? this.activation.apply(y) : y;
  }

  override getConfig(): Config {
    const { sizes, strides, dilations, padding } = this.windows;
    return {
      ...super.getConfig(),
      kernel_size: sizes,
      strides,
      padding,
      dilation_rate: dilations,
      activation: serialize(this.activation),
      use_bias: this.#useBias,
      ...WeightOptions.config(this.#options),
    };
  }
}

// Which layers make training harder on purpose, and do nothing otherwise? Dropout in its forms, noise, a penalty on activity.

import { DinogradError } from "../errors.ts";
import { asType } from "../ops/cast.ts";
import { add, mul, sub } from "../ops/elementwise.ts";
import { bernoulli, randomNormal, type RandomState } from "../ops/random.ts";
import { dropout } from "../ops/sampling.ts";
import { L1L2 } from "../regularizers.ts";
import { tidy } from "../scope.ts";
import type { Config } from "../serialization.ts";
import { registerClass } from "../serialization/registry.ts";
import { showShape } from "../shape.ts";
import type { Tensor } from "../tensor.ts";
import { only } from "./core.ts";
import { type CallArgs, Layer, type LayerArgs, type Shape } from "./layer.ts";
import { checkDataFormat, type DataFormat } from "./reshaping.ts";

/** Arguments of layers that draw numbers. */
export interface SeededLayerArgs extends LayerArgs {
  /** Makes it draw the same numbers each time the layer is made. */
  seed?: number;
}

/** The base of layers that change their input at random while training, and pass it on otherwise. */
abstract class Noise extends Layer {
  readonly #seed: number | undefined;
  #state: RandomState | undefined;

  constructor(args: SeededLayerArgs, readonly strength: number) {
    super(args);
    this.supportsMasking = true;
    this.#seed = args.seed;
  }
  /** What becomes of the input while training. */
  protected abstract disturb(x: Tensor, state: RandomState): Tensor;

  override build(_inputShape: number[] | number[][]): void {
    this.#state = this.addRandomState(this.#seed);
  }
  override call(inputs: Tensor | Tensor[], { training }: CallArgs): Tensor {
    const x = only(inputs, this.name);
    if (!training || this.strength === 0 || x.isAbstract) return x;
    return tidy(() => this.disturb(x, this.#state!));
  }
  override getConfig(): Config {
    return { ...super.getConfig(), seed: this.#seed ?? null };
  }
}

function checkRate(layer: string, rate: number): number {
  if (rate >= 0 && rate < 1) return rate;
  throw new DinogradError(`${layer} needs a rate from 0 to below 1, got ${rate}`);
}

const sizes = (noiseShape: Shape | undefined, x: Tensor) =>
  noiseShape?.map((d, i) => d ?? x.shape[i]);

/** Arguments of `layers.dropout`. */
export interface DropoutLayerArgs extends SeededLayerArgs {
  /** Share of the inputs set to zero, in [0, 1). */
  rate: number;
  /** Shape of the mask: 1 where it is shared along a dimension, null for the input's own size. */
  noiseShape?: Shape;
}

/** While training, sets a random share of its inputs to zero and scales the rest by 1 / (1 - rate). */
export class Dropout extends Noise {
  static override className = "Dropout";
  readonly #noiseShape: Shape | undefined;

  constructor(args: DropoutLayerArgs) {
    super(args, checkRate("dropout", args.rate));
    this.#noiseShape = args.noiseShape;
  }
  protected override disturb(x: Tensor, state: RandomState): Tensor {
    return dropout(x, this.strength, sizes(this.#noiseShape, x), state);
  }
  override getConfig(): Config {
    return {
      ...super.getConfig(),
      rate: this.strength,
      noise_shape: this.#noiseShape ?? null,
    };
  }
}
registerClass(Dropout);

/** Arguments of `layers.spatialDropout1d` and its kin. */
export interface SpatialDropoutLayerArgs extends SeededLayerArgs {
  /** Share of the feature maps set to zero, in [0, 1). */
  rate: number;
  /** Where the maps are numbered: in the last dimension, unless "channelsFirst". */
  dataFormat?: DataFormat;
}

/** The base of layers that drop whole feature maps. */
abstract class SpatialDropout extends Noise {
  readonly #dataFormat: DataFormat;
  readonly #dimensions: number;

  constructor(args: SpatialDropoutLayerArgs, dimensions: number) {
    const name = `spatialDropout${dimensions}d`;
    super(args, checkRate(name, args.rate));
    this.#dataFormat = checkDataFormat(args.dataFormat, name);
    this.#dimensions = dimensions;
  }
  override build(inputShape: number[]): void {
    super.build(inputShape);
    if (inputShape.length === this.#dimensions + 2) return;
    throw new DinogradError(
      `Layer "${this.name}" takes inputs of rank ${this.#dimensions + 2}, got ${
        showShape(inputShape)
      }`,
    );
  }
  protected override disturb(x: Tensor, state: RandomState): Tensor {
    const channels = this.#dataFormat === "channelsLast" ? x.rank - 1 : 1;
    const noise = x.shape.map((d, i) => i === 0 || i === channels ? d : 1);
    return dropout(x, this.strength, noise, state);
  }
  override getConfig(): Config {
    const format = this.#dataFormat === "channelsLast" ? "channels_last" : "channels_first";
    return { ...super.getConfig(), rate: this.strength, data_format: format };
  }
}

/** Dropout of whole features of sequences [batch, time, features]. */
export class SpatialDropout1D extends SpatialDropout {
  static override className = "SpatialDropout1D";
  constructor(args: SpatialDropoutLayerArgs) {
    super(args, 1);
  }
}
registerClass(SpatialDropout1D);

/** Dropout of whole channels of images [batch, height, width, channels]. */
export class SpatialDropout2D extends SpatialDropout {
  static override className = "SpatialDropout2D";
  constructor(args: SpatialDropoutLayerArgs) {
    super(args, 2);
  }
}
registerClass(SpatialDropout2D);

/** Dropout of whole channels of volumes [batch, depth, height, width, channels]. */
export class SpatialDropout3D extends SpatialDropout {
  static override className = "SpatialDropout3D";
  constructor(args: SpatialDropoutLayerArgs) {
    super(args, 3);
  }
}
registerClass(SpatialDropout3D);

/** Arguments of `layers.gaussianNoise`. */
export interface GaussianNoiseArgs extends SeededLayerArgs {
  /** Standard deviation of the noise, at least 0. */
  stddev: number;
}

/** While training, adds normally distributed noise. */
export class GaussianNoise extends Noise {
  static override className = "GaussianNoise";

  constructor(args: GaussianNoiseArgs) {
    const stddev = args?.stddev;
    if (!(Number.isFinite(stddev) && stddev >= 0)) {
      throw new DinogradError(`gaussianNoise needs stddev, a number of at least 0: got ${stddev}`);
    }
    super(args, stddev);
  }
  protected override disturb(x: Tensor, state: RandomState): Tensor {
    return add(x, randomNormal(x.shape, 0, this.strength, x.dtype, state));
  }
  override getConfig(): Config {
    return { ...super.getConfig(), stddev: this.strength };
  }
}
registerClass(GaussianNoise);

/** Arguments of `layers.gaussianDropout`. */
export interface GaussianDropoutArgs extends SeededLayerArgs {
  /** The noise has deviation sqrt(rate / (1 - rate)), as dropout's has; in [0, 1). */
  rate: number;
}

/** While training, multiplies by normally distributed noise of mean 1. */
export class GaussianDropout extends Noise {
  static override className = "GaussianDropout";

  constructor(args: GaussianDropoutArgs) {
    super(args, checkRate("gaussianDropout", args.rate));
  }
  protected override disturb(x: Tensor, state: RandomState): Tensor {
    const deviation = Math.sqrt(this.strength / (1 - this.strength));
    return mul(x, randomNormal(x.shape, 1, deviation, x.dtype, state));
  }
  override getConfig(): Config {
    return { ...super.getConfig(), rate: this.strength };
  }
}
registerClass(GaussianDropout);

/** Arguments of `layers.alphaDropout`. */
export interface AlphaDropoutArgs extends SeededLayerArgs {
  /** Share of the inputs that are replaced, in [0, 1). */
  rate: number;
  /** Shape of the mask: 1 where it is shared along a dimension, null for the input's own size. */
  noiseShape?: Shape;
}

// What selu falls to: -scale * alpha.
const SELU_FLOOR = -1.0507009873554805 * 1.6732632423543772;

/**
 * While training, replaces a random share of its inputs by what selu falls to, then scales and shifts so that mean 0 and variance 1
 * stay as they were.
 */
export class AlphaDropout extends Noise {
  static override className = "AlphaDropout";
  readonly #noiseShape: Shape | undefined;

  constructor(args: AlphaDropoutArgs) {
    super(args, checkRate("alphaDropout", args.rate));
    this.#noiseShape = args.noiseShape;
  }
  protected override disturb(x: Tensor, state: RandomState): Tensor {
    const rate = this.strength;
    const scale = 1 / Math.sqrt((1 - rate) * (1 + rate * SELU_FLOOR ** 2));
    const kept = asType(bernoulli(sizes(this.#noiseShape, x) ?? x.shape, 1 - rate, state), x.dtype);
    const mixed = add(mul(x, kept), mul(sub(1, kept), SELU_FLOOR));
    return sub(mul(mixed, scale), scale * SELU_FLOOR * rate);
  }
  override getConfig(): Config {
    return { ...super.getConfig(), rate: this.strength, noise_shape: this.#noiseShape ?? null };
  }
}
registerClass(AlphaDropout);

/** Arguments of `layers.activityRegularization`. */
export interface ActivityRegularizationArgs extends LayerArgs {
  /** Factor of the sum of magnitudes, 0 when left out. */
  l1?: number;
  /** Factor of the sum of squares, 0 when left out. */
  l2?: number;
}

/** Passes its input on, and adds a penalty on it to the loss: `(l1 * sum(|x|) + l2 * sum(x^2)) / batch`. */
export class ActivityRegularization extends Layer {
  static override className = "ActivityRegularization";
  readonly #factors: { l1: number; l2: number };

  constructor({ l1 = 0, l2 = 0, ...args }: ActivityRegularizationArgs = {}) {
    super({ ...args, activityRegularizer: new L1L2({ l1, l2 }) });
    this.supportsMasking = true;
    this.#factors = { l1, l2 };
  }
  override call(inputs: Tensor | Tensor[]): Tensor | Tensor[] {
    return inputs;
  }
  override getConfig(): Config {
    const { activity_regularizer: _, ...config } = super.getConfig();
    return { ...config, ...this.#factors };
  }
}
registerClass(ActivityRegularization);

// Which layers bring images to a size? By resizing, by cutting out their middle, or by a width drawn at random.

import { DinogradError } from "../errors.ts";
import { isFloat } from "../dtype.ts";
import { asType } from "../ops/cast.ts";
import { checkInterpolation, type Interpolation } from "../ops/image_sample.ts";
import { round } from "../ops/math.ts";
import { pad, slice } from "../ops/movement.ts";
import { type RandomState, randomUniform } from "../ops/random.ts";
import { resize } from "../ops/resize.ts";
import type { Config } from "../serialization.ts";
import { registerClass } from "../serialization/registry.ts";
import type { Tensor } from "../tensor.ts";
import { only } from "./core.ts";
import type { CallArgs, Shape } from "./layer.ts";
import { type Factor, factorOf, onImagesOf } from "./image_change.ts";
import { countOf, ImageLayer, type ImageLayerArgs } from "./windowed.ts";

// Images at a size, of the type they had: whole numbers are rounded.
function resized(name: string, x: Tensor, size: number[], interpolation: Interpolation): Tensor {
  const y = resize(name, interpolation, x, size, "centers");
  return asType(isFloat(x.dtype) ? y : round(y), x.dtype);
}

/** Arguments of `layers.centerCrop`. */
export interface CenterCropArgs extends ImageLayerArgs {
  /** Height of the result. */
  height: number;
  /** Width of the result. */
  width: number;
}

/** The base of layers whose result has one size. */
abstract class SizedLayer extends ImageLayer {
  readonly height: number;
  readonly width: number;

  constructor(args: CenterCropArgs) {
    super(args, 2);
    this.height = countOf(`height of "${this.name}"`, args.height);
    this.width = countOf(`width of "${this.name}"`, args.width);
  }
  /** What becomes of images [batch, height, width, channels]. */
  protected abstract change(x: Tensor): Tensor;

  /** The largest part of x of the result's proportions, from its middle. */
  protected middle(x: Tensor): Tensor {
    const [, rows, columns] = x.shape;
    const height = Math.max(1, Math.min(rows, Math.trunc(columns * this.height / this.width)));
    const width = Math.max(1, Math.min(columns, Math.trunc(rows * this.width / this.height)));
    return cut(x, height, width);
  }
  override call(inputs: Tensor | Tensor[]): Tensor {
    return onImagesOf(this, only(inputs, this.name), (x) => this.change(x));
  }
  override computeOutputShape(inputShape: Shape | Shape[]): Shape {
    const shape = [...inputShape as Shape], at = this.spatialAxis + shape.length - 4;
    [shape[at], shape[at + 1]] = [this.height, this.width];
    return shape;
  }
  override getConfig(): Config {
    return { ...super.getConfig(), height: this.height, width: this.width };
  }
}

// The middle of images.
function cut(x: Tensor, height: number, width: number): Tensor {
  const [n, rows, columns, channels] = x.shape;
  const begin = [0, Math.trunc((rows - height) / 2), Math.trunc((columns - width) / 2), 0];
  return slice(x, begin, [n, height, width, channels]);
}

/** Arguments of `layers.resizing`. */
export interface ResizingArgs extends CenterCropArgs {
  /** How pixels are read between their places, "bilinear" when left out. */
  interpolation?: Interpolation;
  /** Whether what does not fit the new proportions is cut off rather than squeezed. */
  cropToAspectRatio?: boolean;
  /** Whether images are put on a background of the new proportions rather than stretched. */
  padToAspectRatio?: boolean;
  /** The background: one value. */
  fillMode?: "constant";
  /** Its value, 0 when left out. */
  fillValue?: number;
}

/** Images [batch, height, width, channels], or a single one, at another size; pixels' centres are half a pixel from the border. */
export class Resizing extends SizedLayer {
  static override className = "Resizing";
  readonly #interpolation: Interpolation;
  readonly #crop: boolean;
  readonly #pad: boolean;
  readonly #fillValue: number;

  constructor(args: ResizingArgs) {
    super(args);
    this.#interpolation = checkInterpolation("resizing", args.interpolation ?? "bilinear");
    this.#crop = args.cropToAspectRatio ?? false;
    this.#pad = args.padToAspectRatio ?? false;
    this.#fillValue = args.fillValue ?? 0;
    if (this.#crop && this.#pad) {
      throw new DinogradError("resizing wants cropToAspectRatio or padToAspectRatio, got both");
    }
    if ((args.fillMode ?? "constant") !== "constant") {
      throw new DinogradError(`resizing fills by "constant" only, got "${args.fillMode}"`);
    }
  }
  protected override change(x: Tensor): Tensor {
    const fitted = this.#crop ? this.middle(x) : this.#pad ? this.#padded(x) : x;
    return resized(this.name, fitted, [this.height, this.width], this.#interpolation);
  }
  #padded(x: Tensor): Tensor {
    const [, rows, columns] = x.shape;
    const more = [
      Math.max(0, Math.trunc(columns * this.height / this.width) - rows),
      Math.max(0, Math.trunc(rows * this.width / this.height) - columns),
    ];
    const sides = more.map((n): [number, number] => [n >> 1, n - (n >> 1)]);
    return pad(x, [[0, 0], ...sides, [0, 0]], this.#fillValue);
  }
  override getConfig(): Config {
    return {
      ...super.getConfig(),
      interpolation: this.#interpolation,
      crop_to_aspect_ratio: this.#crop,
      pad_to_aspect_ratio: this.#pad,
      fill_mode: "constant",
      fill_value: this.#fillValue,
    };
  }
}
registerClass(Resizing);

/**
 * The middle of images. Of images that are smaller than wanted, the largest part of the same proportions, made larger.
 */
export class CenterCrop extends SizedLayer {
  static override className = "CenterCrop";
  constructor(args: CenterCropArgs) {
    super(args);
  }
  protected override change(x: Tensor): Tensor {
    const { height, width } = this, [, rows, columns] = x.shape;
    if (rows >= height && columns >= width) return cut(x, height, width);
    return resized(this.name, this.middle(x), [height, width], "bilinear");
  }
}
registerClass(CenterCrop);

/** Arguments of `layers.randomWidth`. */
export interface RandomWidthArgs extends ImageLayerArgs {
  /** By which share the width changes: one number for as much either way, or [least, most], which may be negative. */
  factor: Factor;
  /** How pixels are read between their places, "bilinear" when left out. */
  interpolation?: Interpolation;
  /** Makes it draw the same numbers each time the layer is made. */
  seed?: number;
}

/**
 * While training, images of another width, drawn for each batch. The result's size depends on what is drawn, so training steps run
 * eagerly.
 */
export class RandomWidth extends ImageLayer {
  static override className = "RandomWidth";
  readonly #factor: Factor;
  readonly #range: readonly [number, number];
  readonly #interpolation: Interpolation;
  readonly #seed: number | undefined;
  #state: RandomState | undefined;

  constructor(args: RandomWidthArgs) {
    super(args, 2);
    this.#range = factorOf("factor", args.factor, this.name);
    this.#factor = args.factor;
    this.#interpolation = checkInterpolation("randomWidth", args.interpolation ?? "bilinear");
    this.#seed = args.seed;
  }
  override build(_inputShape: number[] | number[][]): void {
    this.#state = this.addRandomState(this.#seed);
  }
  override call(inputs: Tensor | Tensor[], { training }: CallArgs): Tensor {
    const x = only(inputs, this.name);
    if (!training) return x;
    return onImagesOf(this, x, (batch) => {
      const [, height, width] = batch.shape, [low, high] = this.#range;
      const [factor] = randomUniform([1], 1 + low, 1 + high, "float32", this.#state).dataSync();
      const size = [height, Math.max(1, Math.round(factor * width))];
      return resized(this.name, batch, size, this.#interpolation);
    });
  }
  override computeOutputShape(inputShape: Shape | Shape[]): Shape {
    const shape = [...inputShape as Shape];
    shape[this.spatialAxis + shape.length - 3] = null;
    return shape;
  }
  override getConfig(): Config {
    const config = { ...super.getConfig(), factor: this.#factor as Config[string] };
    return { ...config, interpolation: this.#interpolation, seed: this.#seed ?? null };
  }
}
registerClass(RandomWidth);

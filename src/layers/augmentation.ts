// Which layers show images differently at each step of training? Mirrored, turned, moved, nearer or further away. Each image of a
// batch is drawn for by itself; numbers and images stay on the device, so that steps can be recorded.

import { DinogradError } from "../errors.ts";
import { add, mul, neg, sub } from "../ops/elementwise.ts";
import { checkInterpolation, type Interpolation } from "../ops/image_sample.ts";
import { type FillMode, transform } from "../ops/image_transform.ts";
import { stack } from "../ops/join.ts";
import { less, where } from "../ops/logical.ts";
import { cos, sin } from "../ops/math.ts";
import { reverse } from "../ops/movement.ts";
import { ones, zeros } from "../ops/creation.ts";
import { type RandomState, randomUniform } from "../ops/random.ts";
import type { Config } from "../serialization.ts";
import { registerClass } from "../serialization/registry.ts";
import type { Tensor } from "../tensor.ts";
import { only } from "./core.ts";
import type { CallArgs } from "./layer.ts";
import { type Factor, factorOf, onImagesOf } from "./image_change.ts";
import { ImageLayer, type ImageLayerArgs } from "./windowed.ts";

/** Arguments of layers that change images at random. */
export interface AugmentationArgs extends ImageLayerArgs {
  /** Makes it draw the same numbers each time the layer is made. */
  seed?: number;
}

/** The base of layers that change images at random while training, and pass them on otherwise. */
abstract class Augmentation extends ImageLayer {
  readonly #seed: number | undefined;
  #state: RandomState | undefined;

  constructor(args: AugmentationArgs) {
    super(args, 2);
    this.#seed = args.seed;
  }
  /** What becomes of images [batch, height, width, channels] while training. */
  protected abstract change(x: Tensor): Tensor;

  /** A number of [low, high) for each of n images. */
  protected draw(n: number, [low, high]: readonly [number, number]): Tensor {
    return randomUniform([n], low, high, "float32", this.#state);
  }
  override build(_inputShape: number[] | number[][]): void {
    this.#state = this.addRandomState(this.#seed);
  }
  override call(inputs: Tensor | Tensor[], { training }: CallArgs): Tensor {
    const x = only(inputs, this.name);
    if (!training || x.isAbstract) return x;
    return onImagesOf(this, x, (batch) => this.change(batch));
  }
  override getConfig(): Config {
    return { ...super.getConfig(), seed: this.#seed ?? null };
  }
}

/** Arguments of `layers.randomFlip`. */
export interface RandomFlipArgs extends AugmentationArgs {
  /** "horizontal", "vertical", or both, as when left out. */
  mode?: "horizontal" | "vertical" | "horizontal_and_vertical";
}

/** Mirrors every other image, by chance. */
export class RandomFlip extends Augmentation {
  static override className = "RandomFlip";
  readonly #mode: string;

  constructor(args: RandomFlipArgs = {}) {
    super(args);
    this.#mode = args.mode ?? "horizontal_and_vertical";
    if (!["horizontal", "vertical", "horizontal_and_vertical"].includes(this.#mode)) {
      throw new DinogradError(
        `randomFlip wants the mode "horizontal", "vertical" or "horizontal_and_vertical", got "${this.#mode}"`,
      );
    }
  }
  protected override change(x: Tensor): Tensor {
    const flip = (from: Tensor, axis: number) => {
      const chance = this.draw(x.shape[0], [0, 1]).reshape([x.shape[0], 1, 1, 1]);
      return where(less(chance, 0.5), reverse(from, axis), from);
    };
    const across = this.#mode === "vertical" ? x : flip(x, 2);
    return this.#mode === "horizontal" ? across : flip(across, 1);
  }
  override getConfig(): Config {
    return { ...super.getConfig(), mode: this.#mode };
  }
}
registerClass(RandomFlip);

/** Arguments of layers that look at images through a projection. */
export interface ProjectionArgs extends AugmentationArgs {
  /** What lies outside an image, "reflect" when left out. */
  fillMode?: FillMode;
  /** The value of "constant", 0 when left out. */
  fillValue?: number;
  /** How pixels are read between their places, "bilinear" when left out. */
  interpolation?: Interpolation;
}

abstract class Projection extends Augmentation {
  readonly #fillMode: FillMode;
  readonly #fillValue: number;
  readonly #interpolation: Interpolation;

  constructor(args: ProjectionArgs) {
    super(args);
    this.#fillMode = args.fillMode ?? "reflect";
    this.#fillValue = args.fillValue ?? 0;
    this.#interpolation = checkInterpolation(this.name, args.interpolation ?? "bilinear");
    if (!["reflect", "wrap", "constant", "nearest"].includes(this.#fillMode)) {
      throw new DinogradError(
        `"${this.name}" wants fillMode reflect, wrap, constant or nearest, got "${this.#fillMode}"`,
      );
    }
  }
  /** For each of n images of a size, x and y of where a pixel is read: [xx, xy, x0, yx, yy, y0] of x' = xx x + xy y + x0. */
  protected abstract places(n: number, height: number, width: number): Tensor[];

  protected override change(x: Tensor): Tensor {
    const [n, height, width] = x.shape, none = zeros([n]);
    const matrices = stack([...this.places(n, height, width), none, none], 1);
    return transform(x, matrices, this.#interpolation, this.#fillMode, this.#fillValue);
  }
  override getConfig(): Config {
    return {
      ...super.getConfig(),
      fill_mode: this.#fillMode,
      fill_value: this.#fillValue,
      interpolation: this.#interpolation,
    };
  }
}

/** Arguments of `layers.randomRotation`. */
export interface RandomRotationArgs extends ProjectionArgs {
  /** How far images are turned, as a share of a full turn; positive is counterclockwise. */
  factor: Factor;
}

/** Turns images about their middle. */
export class RandomRotation extends Projection {
  static override className = "RandomRotation";
  readonly #factor: Factor;
  readonly #range: readonly [number, number];

  constructor(args: RandomRotationArgs) {
    super(args);
    this.#range = factorOf("factor", args.factor, this.name, -Infinity);
    this.#factor = args.factor;
  }
  protected override places(n: number, height: number, width: number): Tensor[] {
    const angle = mul(this.draw(n, this.#range), 2 * Math.PI), c = cos(angle), s = sin(angle);
    const x = (width - 1) / 2, y = (height - 1) / 2;
    const stay = (middle: number, turned: Tensor) => sub(middle, turned);
    return [
      c,
      neg(s),
      stay(x, sub(mul(c, x), mul(s, y))),
      s,
      c,
      stay(y, add(mul(s, x), mul(c, y))),
    ];
  }
  override getConfig(): Config {
    return { ...super.getConfig(), factor: this.#factor as Config[string] };
  }
}
registerClass(RandomRotation);

/** Arguments of `layers.randomZoom`. */
export interface RandomZoomArgs extends ProjectionArgs {
  /** How much more of the height is shown: positive shows more (smaller), negative less (larger). */
  heightFactor: Factor;
  /** The same of the width; as the height, in proportion, when left out. */
  widthFactor?: Factor;
}

/** Shows images from nearer or further away. */
export class RandomZoom extends Projection {
  static override className = "RandomZoom";
  readonly #factors: readonly [height: Factor, width: Factor | undefined];
  readonly #height: readonly [number, number];
  readonly #width: readonly [number, number] | undefined;

  constructor(args: RandomZoomArgs) {
    super(args);
    this.#factors = [args.heightFactor, args.widthFactor];
    this.#height = factorOf("heightFactor", args.heightFactor, this.name);
    this.#width = args.widthFactor === undefined
      ? undefined
      : factorOf("widthFactor", args.widthFactor, this.name);
  }
  protected override places(n: number, height: number, width: number): Tensor[] {
    const y = add(this.draw(n, this.#height), 1);
    const x = this.#width ? add(this.draw(n, this.#width), 1) : y;
    const stay = (size: number, zoom: Tensor) => mul(sub(1, zoom), (size - 1) / 2);
    const none = zeros([n]);
    return [x, none, stay(width, x), none, y, stay(height, y)];
  }
  override getConfig(): Config {
    const [height, width] = this.#factors as readonly (Config[string] | undefined)[];
    return { ...super.getConfig(), height_factor: height!, width_factor: width ?? null };
  }
}
registerClass(RandomZoom);

/** Arguments of `layers.randomTranslation`. */
export interface RandomTranslationArgs extends ProjectionArgs {
  /** How far images move, as a share of their height; positive is down. */
  heightFactor: Factor;
  /** How far they move to the right, as a share of their width. */
  widthFactor: Factor;
}

/** Moves images. */
export class RandomTranslation extends Projection {
  static override className = "RandomTranslation";
  readonly #factors: readonly [height: Factor, width: Factor];
  readonly #ranges: readonly (readonly [number, number])[];

  constructor(args: RandomTranslationArgs) {
    super(args);
    this.#factors = [args.heightFactor, args.widthFactor];
    this.#ranges = [
      factorOf("heightFactor", args.heightFactor, this.name),
      factorOf("widthFactor", args.widthFactor, this.name),
    ];
  }
  protected override places(n: number, height: number, width: number): Tensor[] {
    const down = mul(this.draw(n, this.#ranges[0]), -height);
    const right = mul(this.draw(n, this.#ranges[1]), -width);
    return [ones([n]), zeros([n]), right, zeros([n]), ones([n]), down];
  }
  override getConfig(): Config {
    const [height, width] = this.#factors as readonly Config[string][];
    return { ...super.getConfig(), height_factor: height, width_factor: width };
  }
}
registerClass(RandomTranslation);

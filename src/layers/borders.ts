// Which layers add to the borders of images, cut them off, or repeat pixels? Zero padding, cropping, upsampling.

import { DinogradError } from "../errors.ts";
import { checkInterpolation, type Interpolation } from "../ops/image_sample.ts";
import { tile } from "../ops/join.ts";
import { pad, slice } from "../ops/movement.ts";
import { reshape } from "../ops/reshape.ts";
import { resize } from "../ops/resize.ts";
import { tidy } from "../scope.ts";
import type { Config } from "../serialization.ts";
import { registerClass } from "../serialization/registry.ts";
import { showShape } from "../shape.ts";
import type { Tensor } from "../tensor.ts";
import { only } from "./core.ts";
import type { Shape } from "./layer.ts";
import { onImagesOf } from "./image_change.ts";
import { ImageLayer, type ImageLayerArgs, sizesOf } from "./windowed.ts";

/** Pixels at the borders: as many at all of them; for each dimension as many on both sides; or [before, behind] for each. */
export type Borders = number | number[] | [number, number][];

// [before, behind] for each spatial dimension.
function pairsOf(what: string, given: Borders, rank: number): [number, number][] {
  const good = (n: unknown) => Number.isInteger(n) && (n as number) >= 0;
  const list: unknown[] = typeof given === "number" ? new Array(rank).fill(given) : given;
  // In one dimension a pair is the one for it.
  const sides: unknown[] = rank === 1 && list?.length === 2 ? [list] : list;
  const pairs = Array.isArray(sides) ? sides.map((s) => Array.isArray(s) ? s : [s, s]) : [];
  if (pairs.length === rank && pairs.every((p) => p.length === 2 && p.every(good))) {
    return pairs as [number, number][];
  }
  throw new DinogradError(
    `${what} must be a whole number of at least 0, ${rank} of them, or ${rank} pairs: got ${
      JSON.stringify(given)
    }`,
  );
}

abstract class BorderLayer extends ImageLayer {
  /** [before, behind] for each spatial dimension. */
  readonly pairs: readonly [number, number][];
  readonly #key: string;

  constructor(args: ImageLayerArgs, rank: number, key: string, given: Borders) {
    super(args, rank);
    this.#key = key;
    this.pairs = pairsOf(`${key} of "${this.name}"`, given, rank);
  }
  /** The pairs of all dimensions, batch and channels included. */
  protected allPairs(): [number, number][] {
    const all = Array.from({ length: this.rank + 2 }, (): [number, number] => [0, 0]);
    this.pairs.forEach((pair, i) => all[this.spatialAxis + i] = pair);
    return all;
  }
  override getConfig(): Config {
    return { ...super.getConfig(), [this.#key]: this.rank === 1 ? this.pairs[0] : this.pairs };
  }
}

/** Arguments of the layers `zeroPadding1d`, `zeroPadding2d` and `zeroPadding3d`. */
export interface ZeroPaddingLayerArgs extends ImageLayerArgs {
  /** 1 on every side when left out. */
  padding?: Borders;
}

abstract class ZeroPadding extends BorderLayer {
  constructor(args: ZeroPaddingLayerArgs, rank: number) {
    super(args, rank, "padding", args.padding ?? 1);
  }
  override call(inputs: Tensor | Tensor[]): Tensor {
    const x = only(inputs, this.name);
    this.checkImages(x.shape);
    return pad(x, this.allPairs());
  }
}

/** Zeros before and behind sequences: [batch, width, channels] to [batch, before + width + behind, channels]. */
export class ZeroPadding1D extends ZeroPadding {
  static override className = "ZeroPadding1D";
  constructor(args: ZeroPaddingLayerArgs = {}) {
    super(args, 1);
  }
}
registerClass(ZeroPadding1D);

/** A border of zeros around images. */
export class ZeroPadding2D extends ZeroPadding {
  static override className = "ZeroPadding2D";
  constructor(args: ZeroPaddingLayerArgs = {}) {
    super(args, 2);
  }
}
registerClass(ZeroPadding2D);

/** A border of zeros around volumes. */
export class ZeroPadding3D extends ZeroPadding {
  static override className = "ZeroPadding3D";
  constructor(args: ZeroPaddingLayerArgs = {}) {
    super(args, 3);
  }
}
registerClass(ZeroPadding3D);

/** Arguments of the layers `cropping1d`, `cropping2d` and `cropping3d`. */
export interface CroppingLayerArgs extends ImageLayerArgs {
  /** When left out, nothing in two dimensions, else 1 on every side. */
  cropping?: Borders;
}

abstract class Cropping extends BorderLayer {
  constructor(args: CroppingLayerArgs, rank: number) {
    super(args, rank, "cropping", args.cropping ?? (rank === 2 ? 0 : 1));
  }
  override call(inputs: Tensor | Tensor[]): Tensor {
    const x = only(inputs, this.name), pairs = this.allPairs();
    this.checkImages(x.shape);
    const size = x.shape.map((d, i) => d - pairs[i][0] - pairs[i][1]);
    if (size.some((d, i) => d < 1 && x.shape[i] > 0)) {
      throw new DinogradError(
        `Layer "${this.name}" cannot crop ${JSON.stringify(this.pairs)} from ${showShape(x.shape)}`,
      );
    }
    return slice(x, pairs.map(([before]) => before), size);
  }
}

/** Sequences without their ends. */
export class Cropping1D extends Cropping {
  static override className = "Cropping1D";
  constructor(args: CroppingLayerArgs = {}) {
    super(args, 1);
  }
}
registerClass(Cropping1D);

/** Images without their borders. */
export class Cropping2D extends Cropping {
  static override className = "Cropping2D";
  constructor(args: CroppingLayerArgs = {}) {
    super(args, 2);
  }
}
registerClass(Cropping2D);

/** Volumes without their borders. */
export class Cropping3D extends Cropping {
  static override className = "Cropping3D";
  constructor(args: CroppingLayerArgs = {}) {
    super(args, 3);
  }
}
registerClass(Cropping3D);

/** Arguments of the layers `upSampling1d` and `upSampling3d`. */
export interface UpSamplingLayerArgs extends ImageLayerArgs {
  /** How often pixels are repeated, 2 when left out: a number for all spatial dimensions, or one each. */
  size?: number | number[];
}

abstract class UpSampling extends ImageLayer {
  /** How often pixels are repeated along each spatial dimension. */
  protected readonly size: readonly number[];

  constructor(args: UpSamplingLayerArgs, rank: number) {
    super(args, rank);
    this.size = sizesOf(`size of "${this.name}"`, args.size ?? 2, rank);
  }
  override call(inputs: Tensor | Tensor[]): Tensor {
    const x = only(inputs, this.name);
    this.checkImages(x.shape);
    const times = x.shape.map((_, i) => this.size[i - this.spatialAxis] ?? 1);
    return tidy(() => {
      // Every size is followed by one for the repetitions.
      const apart = reshape(x, x.shape.flatMap((d, i) => times[i] > 1 ? [d, 1] : [d]));
      const repeated = tile(apart, times.flatMap((n) => n > 1 ? [1, n] : [1]));
      return reshape(repeated, x.shape.map((d, i) => d * times[i]));
    });
  }
  override getConfig(): Config {
    return { ...super.getConfig(), size: this.rank === 1 ? this.size[0] : this.size };
  }
}

/** Steps of sequences repeated: [batch, width, channels] to [batch, width * size, channels]. */
export class UpSampling1D extends UpSampling {
  static override className = "UpSampling1D";
  constructor(args: UpSamplingLayerArgs = {}) {
    super(args, 1);
  }
}
registerClass(UpSampling1D);

/** Arguments of the layer `upSampling2d`. */
export interface UpSampling2DLayerArgs extends UpSamplingLayerArgs {
  /** "nearest" (when left out): pixels are repeated; "bilinear": they are mixed. */
  interpolation?: Interpolation;
}

/** Images made larger by repeating their pixels, or mixing them. */
export class UpSampling2D extends UpSampling {
  static override className = "UpSampling2D";
  readonly #interpolation: Interpolation;

  constructor(args: UpSampling2DLayerArgs = {}) {
    super(args, 2);
    this.#interpolation = checkInterpolation("upSampling2d", args.interpolation ?? "nearest");
  }
  override call(inputs: Tensor | Tensor[]): Tensor {
    if (this.#interpolation === "nearest") return super.call(inputs);
    const x = only(inputs, this.name);
    this.checkImages(x.shape);
    return onImagesOf(this, x, (images) => {
      const size = this.size.map((n, i) => n * images.shape[i + 1]);
      return resize(this.name, "bilinear", images, size, "centers");
    });
  }
  override computeOutputShape(inputShape: Shape | Shape[]): Shape {
    return (inputShape as Shape).map((d, i) => d && d * (this.size[i - this.spatialAxis] ?? 1));
  }
  override getConfig(): Config {
    return { ...super.getConfig(), interpolation: this.#interpolation };
  }
}
registerClass(UpSampling2D);

/** Volumes made larger by repeating their pixels. */
export class UpSampling3D extends UpSampling {
  static override className = "UpSampling3D";
  constructor(args: UpSamplingLayerArgs = {}) {
    super(args, 3);
  }
}
registerClass(UpSampling3D);

// Which layers make images smaller? Maxima and averages in windows, or of each channel as a whole.

import { asType } from "../ops/cast.ts";
import { mul } from "../ops/elementwise.ts";
import { sum } from "../ops/broadcast.ts";
import { poolImages } from "../ops/pool.ts";
import { divNoNan } from "../ops/power.ts";
import { max, mean } from "../ops/reduce.ts";
import { expandDims } from "../ops/reshape.ts";
import { tidy } from "../scope.ts";
import type { Config } from "../serialization.ts";
import { registerClass } from "../serialization/registry.ts";
import { Tensor } from "../tensor.ts";
import { only } from "./core.ts";
import type { CallArgs } from "./layer.ts";
import {
  checkPadding,
  ImageLayer,
  type ImageLayerArgs,
  type LayerWindows,
  sizesOf,
  windowArgs,
} from "./windowed.ts";

/** Arguments of layers that pool in windows. */
export interface PoolingLayerArgs extends ImageLayerArgs {
  /** Sizes of the windows, 2 when left out: a number for all spatial dimensions, or one each. */
  poolSize?: number | number[];
  /** Distances of the windows; their sizes when left out. */
  strides?: number | number[];
  /** "valid" when left out. */
  padding?: "valid" | "same";
}

type Kind = "max" | "avg";

abstract class Pooling extends ImageLayer {
  readonly #windows: LayerWindows;
  readonly #kind: Kind;

  constructor(args: PoolingLayerArgs, rank: number, kind: Kind) {
    super(args, rank);
    const sizes = sizesOf(`poolSize of "${this.name}"`, args.poolSize ?? 2, rank);
    this.#kind = kind;
    this.#windows = {
      sizes,
      strides: sizesOf(`strides of "${this.name}"`, args.strides ?? sizes, rank),
      dilations: sizes.map(() => 1),
      padding: checkPadding(this.getClassName(), args.padding ?? "valid", false),
    };
  }
  override call(inputs: Tensor | Tensor[]): Tensor {
    const x = only(inputs, this.name), args = windowArgs(this.#windows, this.dataFormat);
    this.checkImages(x.shape);
    return poolImages(`pooling in layer "${this.name}"`, this.rank, this.#kind, x, args);
  }
  override getConfig(): Config {
    const { sizes, strides, padding } = this.#windows;
    return { ...super.getConfig(), pool_size: sizes, strides, padding };
  }
}

/** Arguments of layers that pool each channel as a whole. */
export interface GlobalPoolingLayerArgs extends ImageLayerArgs {
  /** Whether the spatial dimensions stay, with sizes of 1. */
  keepDims?: boolean;
}

abstract class GlobalPooling extends ImageLayer {
  readonly #keepDims: boolean;
  readonly #kind: Kind;

  constructor(args: GlobalPoolingLayerArgs & { keepdims?: boolean }, rank: number, kind: Kind) {
    super(args, rank);
    this.#keepDims = args.keepDims ?? args.keepdims ?? false; // Keras's configs have no underscore there
    this.#kind = kind;
  }
  override call(inputs: Tensor | Tensor[], { mask }: CallArgs): Tensor {
    const x = only(inputs, this.name);
    this.checkImages(x.shape);
    const axes = Array.from({ length: this.rank }, (_, i) => this.spatialAxis + i);
    if (this.#kind === "max") return max(x, axes, this.#keepDims);
    if (!(mask instanceof Tensor)) return mean(x, axes, this.#keepDims);
    return tidy(() => {
      const counted = expandDims(asType(mask, x.dtype), this.channelAxis);
      return divNoNan(
        sum(mul(x, counted), axes, this.#keepDims),
        sum(counted, axes, this.#keepDims),
      );
    });
  }
  override getConfig(): Config {
    return { ...super.getConfig(), keepdims: this.#keepDims };
  }
}

/** The maximum in windows of sequences [batch, width, channels]. */
export class MaxPooling1D extends Pooling {
  static override className = "MaxPooling1D";
  constructor(args: PoolingLayerArgs = {}) {
    super(args, 1, "max");
  }
}
registerClass(MaxPooling1D);

/** The maximum in windows of images [batch, height, width, channels]. */
export class MaxPooling2D extends Pooling {
  static override className = "MaxPooling2D";
  constructor(args: PoolingLayerArgs = {}) {
    super(args, 2, "max");
  }
}
registerClass(MaxPooling2D);

/** The maximum in windows of volumes [batch, depth, height, width, channels]. */
export class MaxPooling3D extends Pooling {
  static override className = "MaxPooling3D";
  constructor(args: PoolingLayerArgs = {}) {
    super(args, 3, "max");
  }
}
registerClass(MaxPooling3D);

/** The average in windows of sequences; padding does not count. */
export class AveragePooling1D extends Pooling {
  static override className = "AveragePooling1D";
  constructor(args: PoolingLayerArgs = {}) {
    super(args, 1, "avg");
  }
}
registerClass(AveragePooling1D);

/** The average in windows of images; padding does not count. */
export class AveragePooling2D extends Pooling {
  static override className = "AveragePooling2D";
  constructor(args: PoolingLayerArgs = {}) {
    super(args, 2, "avg");
  }
}
registerClass(AveragePooling2D);

/** The average in windows of volumes; padding does not count. */
export class AveragePooling3D extends Pooling {
  static override className = "AveragePooling3D";
  constructor(args: PoolingLayerArgs = {}) {
    super(args, 3, "avg");
  }
}
registerClass(AveragePooling3D);

/** The maximum of each channel of sequences: [batch, width, channels] to [batch, channels]. */
export class GlobalMaxPooling1D extends GlobalPooling {
  static override className = "GlobalMaxPooling1D";
  constructor(args: GlobalPoolingLayerArgs = {}) {
    super(args, 1, "max");
  }
}
registerClass(GlobalMaxPooling1D);

/** The maximum of each channel of images: [batch, height, width, channels] to [batch, channels]. */
export class GlobalMaxPooling2D extends GlobalPooling {
  static override className = "GlobalMaxPooling2D";
  constructor(args: GlobalPoolingLayerArgs = {}) {
    super(args, 2, "max");
  }
}
registerClass(GlobalMaxPooling2D);

/** The maximum of each channel of volumes: [batch, depth, height, width, channels] to [batch, channels]. */
export class GlobalMaxPooling3D extends GlobalPooling {
  static override className = "GlobalMaxPooling3D";
  constructor(args: GlobalPoolingLayerArgs = {}) {
    super(args, 3, "max");
  }
}
registerClass(GlobalMaxPooling3D);

/** The average of each channel of sequences, of the steps that a mask counts where there is one. */
export class GlobalAveragePooling1D extends GlobalPooling {
  static override className = "GlobalAveragePooling1D";
  constructor(args: GlobalPoolingLayerArgs = {}) {
    super(args, 1, "avg");
  }
}
registerClass(GlobalAveragePooling1D);

/** The average of each channel of images: [batch, height, width, channels] to [batch, channels]. */
export class GlobalAveragePooling2D extends GlobalPooling {
  static override className = "GlobalAveragePooling2D";
  constructor(args: GlobalPoolingLayerArgs = {}) {
    super(args, 2, "avg");
  }
}
registerClass(GlobalAveragePooling2D);

/** The average of each channel of volumes: [batch, depth, height, width, channels] to [batch, channels]. */
export class GlobalAveragePooling3D extends GlobalPooling {
  static override className = "GlobalAveragePooling3D";
  constructor(args: GlobalPoolingLayerArgs = {}) {
    super(args, 3, "avg");
  }
}
registerClass(GlobalAveragePooling3D);

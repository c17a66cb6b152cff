// Which layers only move or repeat the values of each sample? Flatten, reshape, permute, repeatVector.

import { DinogradError } from "../errors.ts";
import { tile } from "../ops/join.ts";
import { transpose } from "../ops/movement.ts";
import { expandDims, reshape } from "../ops/reshape.ts";
import type { Config } from "../serialization.ts";
import { registerClass } from "../serialization/registry.ts";
import { inferShape, showShape, sizeOf } from "../shape.ts";
import type { Tensor } from "../tensor.ts";
import { only } from "./core.ts";
import { Layer, type LayerArgs, type Shape } from "./layer.ts";

/** Where images have their channels: in the last dimension, or in the one after the batch. */
export type DataFormat = "channelsLast" | "channelsFirst";

/** The data format that is meant, in either spelling. */
export function checkDataFormat(given: string | undefined, what: string): DataFormat {
  switch (given) {
    case undefined:
    case "channelsLast":
    case "channels_last":
      return "channelsLast";
    case "channelsFirst":
    case "channels_first":
      return "channelsFirst";
  }
  throw new DinogradError(`${what} takes dataFormat channelsLast or channelsFirst, got "${given}"`);
}

/** Arguments of `layers.flatten`. */
export interface FlattenLayerArgs extends LayerArgs {
  /** With "channelsFirst", channels go last before everything is flattened, so that both formats give the same order. */
  dataFormat?: DataFormat;
}

/** All dimensions but the batch in one: [batch, ...] to [batch, n]. */
export class Flatten extends Layer {
  static override className = "Flatten";
  readonly #dataFormat: DataFormat;

  constructor(args: FlattenLayerArgs = {}) {
    super(args);
    this.#dataFormat = checkDataFormat(args.dataFormat, "flatten");
  }
  override call(inputs: Tensor | Tensor[]): Tensor {
    const x = only(inputs, this.name);
    const moved = this.#dataFormat === "channelsFirst" && x.rank > 2
      ? transpose(x, [0, ...Array.from({ length: x.rank - 2 }, (_, i) => i + 2), 1])
      : x;
    return reshape(moved, [x.shape[0], sizeOf(x.shape.slice(1))]);
  }
  override getConfig(): Config {
    const format = this.#dataFormat === "channelsLast" ? "channels_last" : "channels_first";
    return { ...super.getConfig(), data_format: format };
  }
}
registerClass(Flatten);

/** Arguments of `layers.reshape`. */
export interface ReshapeLayerArgs extends LayerArgs {
  /** New shape without the batch; one entry may be -1 (or null) and is inferred. */
  targetShape: Shape;
}

/** Another shape for each sample: [batch, ...] to [batch, ...targetShape]. */
export class Reshape extends Layer {
  static override className = "Reshape";
  readonly #target: number[];

  constructor(args: ReshapeLayerArgs) {
    super(args);
    this.#target = args.targetShape.map((d) => d ?? -1);
  }
  override call(inputs: Tensor | Tensor[]): Tensor {
    const x = only(inputs, this.name);
    const sample = inferShape(x.shape.slice(1), this.#target, `reshape in layer "${this.name}"`);
    return reshape(x, [x.shape[0], ...sample]);
  }
  override getConfig(): Config {
    return { ...super.getConfig(), target_shape: this.#target };
  }
}
registerClass(Reshape);

/** Arguments of `layers.permute`. */
export interface PermuteLayerArgs extends LayerArgs {
  /** The new order of the dimensions after the batch, counted from 1. */
  dims: number[];
}

/** The dimensions of each sample in another order: [batch, 3, 4] to [batch, 4, 3] by dims [2, 1]. */
export class Permute extends Layer {
  static override className = "Permute";
  readonly #dims: number[];

  constructor(args: PermuteLayerArgs) {
    const { dims } = args ?? {};
    if (!Array.isArray(dims) || [...dims].sort((a, b) => a - b).some((d, i) => d !== i + 1)) {
      throw new DinogradError(
        `permute needs dims, the numbers from 1 on in some order: got ${JSON.stringify(dims)}`,
      );
    }
    super(args);
    this.#dims = [...dims];
  }
  override call(inputs: Tensor | Tensor[]): Tensor {
    const x = only(inputs, this.name);
    if (x.rank !== this.#dims.length + 1) {
      throw new DinogradError(
        `Layer "${this.name}" permutes ${this.#dims.length} dimensions after the batch, got ${
          showShape(x.shape)
        }`,
      );
    }
    return transpose(x, [0, ...this.#dims]);
  }
  override getConfig(): Config {
    return { ...super.getConfig(), dims: this.#dims };
  }
}
registerClass(Permute);

/** Arguments of `layers.repeatVector`. */
export interface RepeatVectorLayerArgs extends LayerArgs {
  /** How often. */
  n: number;
}

/** Each sample n times: [batch, features] to [batch, n, features]. */
export class RepeatVector extends Layer {
  static override className = "RepeatVector";
  readonly #n: number;

  constructor(args: RepeatVectorLayerArgs) {
    const { n } = args ?? {};
    if (!Number.isInteger(n) || n < 1) {
      throw new DinogradError(`repeatVector needs n, a whole number of at least 1: got ${n}`);
    }
    super(args);
    this.#n = n;
  }
  override call(inputs: Tensor | Tensor[]): Tensor {
    const x = only(inputs, this.name);
    if (x.rank !== 2) {
      throw new DinogradError(
        `Layer "${this.name}" takes [batch, features], got ${showShape(x.shape)}`,
      );
    }
    return tile(expandDims(x, 1), [1, this.#n, 1]);
  }
  override getConfig(): Config {
    return { ...super.getConfig(), n: this.#n };
  }
}
registerClass(RepeatVector);

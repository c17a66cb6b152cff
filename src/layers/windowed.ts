// What do layers have in common that move windows over images? Numbers of spatial dimensions, data formats, sizes and paddings as
// programs spell them, and checks of what the layers are given.

import { DinogradError } from "../errors.ts";
import type { WindowArgs } from "../ops/windows.ts";
import type { Config } from "../serialization.ts";
import { showShape } from "../shape.ts";
import { Layer, type LayerArgs } from "./layer.ts";
import { checkDataFormat, type DataFormat } from "./reshaping.ts";

/** Arguments of layers over images. */
export interface ImageLayerArgs extends LayerArgs {
  /** Whether channels come last (as they do when left out) or after the batch. */
  dataFormat?: DataFormat;
}

/** Names of padding: none, or as much as keeps the sizes at strides of 1; "causal", for one dimension, puts it all in front. */
export type PaddingName = "valid" | "same" | "causal";

/** The base of layers over images [batch, sizes.., channels], or [batch, channels, sizes..]. */
export abstract class ImageLayer extends Layer {
  /** Where the channels are. */
  readonly dataFormat: DataFormat;

  /** `rank`: number of spatial dimensions. */
  constructor(args: ImageLayerArgs, readonly rank: number) {
    super(args);
    this.dataFormat = checkDataFormat(args.dataFormat, this.getClassName());
  }

  /** The dimension of the channels. */
  get channelAxis(): number {
    return this.dataFormat === "channelsLast" ? this.rank + 1 : 1;
  }
  /** The first of the spatial dimensions. */
  get spatialAxis(): number {
    return this.dataFormat === "channelsLast" ? 1 : 2;
  }
  /** The spatial sizes of a shape. */
  spatial<T>(shape: readonly T[]): T[] {
    return shape.slice(this.spatialAxis, this.spatialAxis + this.rank);
  }
  /** Checks that a shape is one of images. */
  checkImages(shape: readonly number[]): void {
    if (shape.length === this.rank + 2) return;
    throw new DinogradError(
      `Layer "${this.name}" needs inputs of rank ${this.rank + 2}, got ${showShape(shape)}`,
    );
  }
  /** Keras's layers over one dimension do not all know of data formats: those take the usual one without being told. */
  override getConfig(): Config {
    const config = super.getConfig();
    if (this.dataFormat === "channelsFirst") return { ...config, data_format: "channels_first" };
    return this.rank === 1 ? config : { ...config, data_format: "channels_last" };
  }
}

/** Checks a number of things. */
export function countOf(what: string, value: number): number {
  if (Number.isInteger(value) && value >= 1) return value;
  throw new DinogradError(`${what} must be a whole number of at least 1, got ${value}`);
}

/** One number for all spatial dimensions, or one for each, as a list. */
export function sizesOf(
  what: string,
  value: number | readonly number[],
  rank: number,
  least = 1,
): number[] {
  const list = typeof value === "number" ? new Array<number>(rank).fill(value) : value;
  if (
    Array.isArray(list) && list.length === rank &&
    list.every((v) => Number.isInteger(v) && v >= least)
  ) return [...list];
  throw new DinogradError(
    `${what} must be a whole number of at least ${least}, or ${rank} of them: got ${
      JSON.stringify(value)
    }`,
  );
}

/** Windows as layers spell them. */
export interface LayerWindows {
  readonly sizes: readonly number[];
  readonly strides: readonly number[];
  readonly dilations: readonly number[];
  readonly padding: PaddingName;
}

/** Checks a name of padding; causal only along one dimension. */
export function checkPadding(what: string, padding: unknown, causal: boolean): PaddingName {
  if (padding === "valid" || padding === "same" || (causal && padding === "causal")) return padding;
  throw new DinogradError(
    `${what} takes padding "valid"${causal ? ', "same" or "causal"' : ' or "same"'}, got ${
      JSON.stringify(padding)
    }`,
  );
}

/** Windows as operations take them. */
export function windowArgs(w: LayerWindows, dataFormat: string): WindowArgs {
  return {
    window: w.sizes,
    strides: w.strides,
    dilations: w.dilations,
    pad: w.padding === "causal" ? [[(w.sizes[0] - 1) * w.dilations[0], 0]] : w.padding,
    dataFormat,
  };
}

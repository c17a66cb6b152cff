// How do windows lie over images? From strides, dilations and padding as TensorFlow.js spells them to the sizes that the native
// library takes; and where an image has its channels.

import { DinogradError } from "../errors.ts";
import { showShape } from "../shape.ts";
import type { Tensor } from "../tensor.ts";
import { transpose } from "./movement.ts";
import { reshape } from "./reshape.ts";
import type { Pairs } from "./space.ts";

/**
 * Padding of images: "valid" (none), "same" (as much as makes the output's sizes those of the input, divided by the strides and
 * rounded up), a number for all sides, or [before, behind] for each dimension of the tensor or each spatial one.
 */
export type Padding = "valid" | "same" | number | Pairs;
/** How a number of windows that is not whole is rounded, where padding is given in numbers. */
export type Rounding = "floor" | "round" | "ceil";

/** Windows over the spatial dimensions: lists with a number for each, as dg_conv takes them. */
export interface Windows {
  readonly in: readonly number[];
  readonly out: readonly number[];
  readonly window: readonly number[];
  readonly strides: readonly number[];
  readonly dilations: readonly number[];
  /** Before the input. */
  readonly padding: readonly number[];
}

/** What an operation is told of its windows. */
export interface WindowArgs {
  /** Sizes of the windows. */
  readonly window: number | readonly number[];
  /** Distances of windows. */
  readonly strides: number | readonly number[];
  /** What is put around the images. */
  readonly pad: Padding;
  /** Where the images have their channels: "NHWC" (also "NWC", "NDHWC", "channelsLast") or "NCHW" (likewise). */
  readonly dataFormat?: string;
  /** Distances of the elements of a window. */
  readonly dilations?: number | readonly number[];
  /** How the number of windows is rounded; only where pad is given in numbers. */
  readonly dimRoundingMode?: Rounding;
}

/** One number for all spatial dimensions, or one for each. */
function perDimension(
  name: string,
  what: string,
  value: number | readonly number[],
  rank: number,
): number[] {
  const list = typeof value === "number" ? new Array<number>(rank).fill(value) : [...value];
  if (list.length === rank && list.every((v) => Number.isInteger(v) && v >= 1)) return list;
  throw new DinogradError(
    `${name} wants ${what}: a whole number of at least 1, or ${rank} of them, got ${
      JSON.stringify(value)
    }`,
  );
}

/** [before, behind] for each spatial dimension, of padding in numbers. */
function pairsOf(name: string, pad: Padding, rank: number, first: boolean): Pairs {
  const good = (n: unknown) => Number.isInteger(n) && (n as number) >= 0;
  if (good(pad)) return new Array(rank).fill([pad, pad]);
  if (Array.isArray(pad) && pad.every((p) => p?.length === 2 && p.every(good))) {
    if (pad.length === rank) return pad;
    const begin = first ? 2 : 1;
    const others = pad.filter((_, i) => i < begin || i >= begin + rank);
    if (pad.length === rank + 2 && !others.flat().some(Boolean)) {
      return pad.slice(begin, begin + rank);
    }
  }
  throw new DinogradError(
    `${name} wants pad "valid", "same", a whole number of at least 0, or [before, behind] for each dimension with nothing for batch ` +
      `and channels, got ${JSON.stringify(pad)}`,
  );
}

const roundings: Readonly<Record<Rounding, (n: number) => number>> = {
  floor: Math.floor,
  round: Math.round,
  ceil: Math.ceil,
};

function roundingOf(name: string, mode: Rounding | undefined, pad: Padding) {
  if (mode === undefined) return Math.floor;
  if (Object.hasOwn(roundings, mode) && typeof pad !== "string") return roundings[mode];
  throw new DinogradError(
    `${name} wants dimRoundingMode "floor", "round" or "ceil", and pad in numbers for it, got ${
      JSON.stringify(mode)
    } and ${JSON.stringify(pad)}`,
  );
}

/** Lays windows over spatial dimensions, of which some sizes may not be known yet. */
export function layWindows(name: string, sizes: readonly number[], args: WindowArgs): Windows {
  const rank = sizes.length, { pad } = args;
  const round = roundingOf(name, args.dimRoundingMode, pad);
  const window = perDimension(name, "sizes of windows", args.window, rank);
  const strides = perDimension(name, "strides", args.strides, rank);
  const dilations = perDimension(name, "dilations", args.dilations ?? 1, rank);
  const reach = window.map((w, i) => (w - 1) * dilations[i] + 1);
  const common = { in: sizes, window, strides, dilations };
  if (pad === "same") {
    const out = sizes.map((size, i) => Math.ceil(size / strides[i]));
    const missing = out.map((n, i) => (n - 1) * strides[i] + reach[i] - sizes[i]);
    return { ...common, out, padding: missing.map((n) => n > 0 ? Math.floor(n / 2) : 0) };
  }
  const pairs = pad === "valid"
    ? pairsOf(name, 0, rank, false)
    : pairsOf(name, pad, rank, channelsFirst(name, args.dataFormat));
  const room = sizes.map((size, i) => size + pairs[i][0] + pairs[i][1] - reach[i]);
  if (room.some((n) => n < 0)) {
    throw new DinogradError(
      `${name} cannot lay windows that reach over ${showShape(reach)} into ${showShape(sizes)}${
        pad === "valid" ? "" : ` padded by ${JSON.stringify(pairs)}`
      }`,
    );
  }
  const out = room.map((n, i) => round(n / strides[i]) + 1);
  return { ...common, out, padding: pairs.map(([before]) => before) };
}

/** Whether channels come after the batch rather than last. */
export function channelsFirst(name: string, format = "NHWC"): boolean {
  if (/^(N?[DHW]+C|channels_?last)$/i.test(format)) return false;
  if (/^(N?C[DHW]+|channels_?first)$/i.test(format)) return true;
  throw new DinogradError(
    `${name} wants dataFormat "NHWC" or "NCHW", or what these are in other ranks, got ${
      JSON.stringify(format)
    }`,
  );
}

/**
 * Runs `fn` on images with a batch in front and channels last, as kernels take them, and brings its result into the form of x: of
 * `rank` spatial dimensions, perhaps without a batch, channels where `format` says.
 */
export function onImages(
  name: string,
  x: Tensor,
  rank: number,
  format: string | undefined,
  fn: (x: Tensor) => Tensor,
): Tensor {
  const first = channelsFirst(name, format);
  if (x.rank === rank + 1) {
    const y = onImages(name, reshape(x, [1, ...x.shape]), rank, format, fn);
    return reshape(y, y.shape.slice(1));
  }
  if (x.rank !== rank + 2) {
    throw new DinogradError(
      `${name} wants images of rank ${rank + 2}, or ${rank + 1} without a batch, got ${
        showShape(x.shape)
      }`,
    );
  }
  if (!first) return fn(x);
  const spatial = Array.from({ length: rank }, (_, i) => i + 1);
  const y = fn(transpose(x, [0, ...spatial.map((d) => d + 1), 1]));
  return transpose(y, [0, rank + 1, ...spatial]);
}

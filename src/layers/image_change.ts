// What do layers share that change images? Images however they are given, and how far a change may go.

import { DinogradError } from "../errors.ts";
import { transpose } from "../ops/movement.ts";
import { onBatch } from "../ops/resize.ts";
import { tidy } from "../scope.ts";
import type { Tensor } from "../tensor.ts";
import type { ImageLayer } from "./windowed.ts";

/** Runs `fn` on images with their channels last, in a batch, however they are given. */
export function onImagesOf(
  layer: ImageLayer,
  x: Tensor,
  fn: (x: Tensor) => Tensor,
): Tensor {
  return tidy(() =>
    onBatch(`Layer "${layer.name}"`, x, (batch) => {
      if (layer.dataFormat === "channelsLast") return fn(batch);
      return transpose(fn(transpose(batch, [0, 2, 3, 1])), [0, 3, 1, 2]);
    })
  );
}

/** How far something is drawn to change, as a share: one number for as far either way, or [least, most]. */
export type Factor = number | [number, number];

/** [least, most] of a factor, which may not be below `least`. */
export function factorOf(
  what: string,
  factor: Factor,
  layer: string,
  least = -1,
): readonly [number, number] {
  const range = typeof factor === "number" ? [-factor, factor] : factor;
  if (Array.isArray(range) && range.length === 2 && range[0] >= least && range[1] >= range[0]) {
    return [range[0], range[1]];
  }
  throw new DinogradError(
    `"${layer}" wants ${what}: a number of at least 0, or [least, most] with least of at least ${least}, got ${
      JSON.stringify(factor)
    }`,
  );
}

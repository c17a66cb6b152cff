// How do sequences of different lengths become one tensor? Cut and filled up to one length.

import type { DType } from "../dtype.ts";
import { DinogradError } from "../errors.ts";
import type { NestedArray } from "../format.ts";
import { tensor } from "../ops/creation.ts";
import { sameShape, showShape, sizeOf } from "../shape.ts";
import type { Tensor } from "../tensor.ts";

/** Options of `text.padSequences`. */
export interface PadOptions {
  /** Length of all; that of the longest when left out. */
  maxlen?: number | null;
  /** Where to fill up: before ("pre", when left out) or after ("post"). */
  padding?: "pre" | "post";
  /** Where to cut: at the beginning ("pre", when left out) or at the end ("post"). */
  truncating?: "pre" | "post";
  /** What to fill up with, 0 when left out. */
  value?: number;
  /** Type of the tensor, int32 when left out. */
  dtype?: DType;
}

function shapeOf(entry: NestedArray): number[] {
  const shape: number[] = [];
  for (let level = entry; Array.isArray(level); level = level[0] ?? 0) shape.push(level.length);
  return shape;
}

function side(name: string, value: string): boolean {
  if (value === "pre" || value === "post") return value === "pre";
  throw new DinogradError(
    `padSequences needs ${name} "pre" or "post", got ${JSON.stringify(value)}`,
  );
}

/**
 * Sequences as a tensor [sequences, length, ...], with the numbers before and after cut and filled up as Keras does. Entries may be
 * numbers, or arrays of one shape.
 *
 * ```ts
 * import * as dg from "../../mod.ts";
 * import assert from "node:assert";
 *
 * const x = dg.text.padSequences([[1], [2, 3, 4, 5]], { maxlen: 3 });
 * assert.deepEqual(x.arraySync(), [[0, 0, 1], [3, 4, 5]]);
 * ```
 */
export function padSequences(
  sequences: readonly (readonly NestedArray[])[],
  options: PadOptions = {},
): Tensor {
  const { maxlen, padding = "pre", truncating = "pre", value = 0, dtype = "int32" } = options;
  const [padsBefore, cutsBefore] = [side("padding", padding), side("truncating", truncating)];
  const stray = sequences.findIndex((sequence) => !Array.isArray(sequence));
  if (stray >= 0) {
    throw new DinogradError(
      `padSequences needs arrays of numbers, got ${typeof sequences[stray]} at ${stray}`,
    );
  }
  const length = maxlen ?? Math.max(0, ...sequences.map((sequence) => sequence.length));
  if (!Number.isInteger(length) || length < 0) {
    throw new DinogradError(`padSequences needs maxlen to be a whole number, got ${maxlen}`);
  }
  const first = sequences.find((sequence) => sequence.length > 0)?.[0];
  const shape = first === undefined ? [] : shapeOf(first), inner = sizeOf(shape);
  const all = new Float64Array(sequences.length * length * inner).fill(value);
  sequences.forEach((sequence, row) => {
    const extra = Math.max(0, sequence.length - length);
    const kept = sequence.slice(cutsBefore ? extra : 0, cutsBefore ? sequence.length : length);
    const start = row * length + (padsBefore ? length - kept.length : 0);
    kept.forEach((entry, i) => {
      if (!sameShape(shapeOf(entry), shape)) {
        throw new DinogradError(
          `padSequences needs entries of one shape: wanted ${showShape(shape)}, got ${
            showShape(shapeOf(entry))
          } in sequence ${row}`,
        );
      }
      all.set(([entry] as unknown[]).flat(Infinity) as number[], (start + i) * inner);
    });
  });
  return tensor(all, [sequences.length, length, ...shape], dtype);
}

// Which values stand out? topk, unique, and selections whose size depends on the values. These read values on the host, so a step
// that uses them runs eagerly.

import type { TypedArray } from "../dtype.ts";
import { DinogradError } from "../errors.ts";
import { normalizeAxis, sameShape, showShape, sizeOf } from "../shape.ts";
import { fromHost, type Tensor } from "../tensor.ts";
import { expandDims, reshape } from "./reshape.ts";
import { sum } from "./broadcast.ts";
import { asType } from "./cast.ts";
import { asIndex, gather, gatherRows } from "./gather.ts";
import { range } from "./grids.ts";
import { equal, greater, less, logicalAnd, logicalOr } from "./logical.ts";
import { composite, type Operand, toTensor } from "./operand.ts";

const int32 = (values: ArrayLike<number>, shape: readonly number[]) =>
  fromHost(Int32Array.from(values), shape, "int32");

// Larger first, NaN before all numbers, then the lower position.
function descending(values: TypedArray): (a: number, b: number) => number {
  return (a, b) => {
    const x = values[a], y = values[b];
    if (x > y) return -1;
    if (x < y) return 1;
    const nan = Number(Number.isNaN(y)) - Number(Number.isNaN(x));
    return nan || a - b;
  };
}

/**
 * The k largest values along the last axis and their positions (int32), largest first, the lower position among equals.
 *
 * ```ts
 * import * as dg from "../../mod.ts";
 * import assert from "node:assert";
 *
 * const { values, indices } = dg.topk([3, 1, 4, 1, 5], 2);
 * assert.deepEqual([values.arraySync(), indices.arraySync()], [[5, 4], [4, 2]]);
 * ```
 */
export function topk(x: Operand, k = 1, _sorted = true): { values: Tensor; indices: Tensor } {
  return composite(x, (t) => {
    const n = t.shape[t.rank - 1];
    if (t.rank === 0 || !Number.isInteger(k) || k < 0 || k > n) {
      throw new DinogradError(
        `topk of ${showShape(t.shape)} wants k from 0 to the last size, got ${k}`,
      );
    }
    const values = t.dataSync(), order = descending(values);
    const rows = sizeOf(t.shape.slice(0, -1));
    const picked = new Int32Array(rows * k);
    for (let row = 0; row < rows; row++) {
      const places = Int32Array.from({ length: n }, (_, i) => row * n + i).sort(order);
      picked.set(places.subarray(0, k), row * k);
    }
    const shape = [...t.shape.slice(0, -1), k];
    const flat = reshape(t, [1, rows * n, 1]);
    return {
      values: reshape(gatherRows(flat, int32(picked, [rows * k])), shape),
      indices: int32(picked.map((place) => place % n), shape),
    };
  });
}

/** For each row of predictions [..., classes], whether the target (int32 [...]) is among its k largest. */
export function inTopKAsync(
  predictions: Operand,
  targets: Operand,
  k = 1,
): Promise<Tensor> {
  return Promise.resolve().then(() =>
    composite(predictions, (x) => {
      const t = asIndex(targets, "inTopK");
      const n = x.shape[x.rank - 1];
      if (x.rank < 2 || !sameShape(t.shape, x.shape.slice(0, -1)) || !(k > 0 && k <= n)) {
        throw new DinogradError(
          `inTopK of ${showShape(x.shape)} by targets ${
            showShape(t.shape)
          } with k ${k}: wanted targets of shape ${
            showShape(x.shape.slice(0, -1))
          } and k from 1 to ${n}`,
        );
      }
      const own = expandDims(gather(x, expandDims(t, -1), x.rank - 1, x.rank - 1), -1);
      const score = reshape(own, [...t.shape, 1]);
      const earlier = less(range(0, n, 1, "int32"), expandDims(t, -1));
      const ahead = logicalOr(greater(x, score), logicalAnd(equal(x, score), earlier));
      return less(sum(asType(ahead, "int32"), -1), k);
    })
  );
}

/** The distinct slices of x along `axis`, in order of first appearance, and for each slice of x its position among them (int32). */
export function unique(x: Operand, axis?: number | null): { values: Tensor; indices: Tensor } {
  return composite(x, (t) => {
    const at = normalizeAxis(axis ?? 0, t.rank, "unique");
    const n = t.shape[at], inner = sizeOf(t.shape.slice(at + 1));
    const outer = sizeOf(t.shape.slice(0, at));
    const data = t.dataSync();
    const seen = new Map<string | number, number>(), first: number[] = [];
    const indices = Int32Array.from({ length: n }, (_, i) => {
      // One number is its own key; a longer slice is keyed by its text, -0 counting as 0 in both.
      const parts: number[] = [];
      for (let o = 0; o < outer; o++) {
        for (let j = 0; j < inner; j++) parts.push(data[(o * n + i) * inner + j]);
      }
      const key = parts.length === 1 ? parts[0] : parts.join();
      let place = seen.get(key);
      if (place === undefined) {
        seen.set(key, place = first.length);
        first.push(i);
      }
      return place;
    });
    return { values: gather(t, int32(first, [first.length]), at), indices: int32(indices, [n]) };
  });
}

/** The values of vector x that are not in y, and their positions in x (int32). */
export function setdiff1dAsync(x: Operand, y: Operand): Promise<[Tensor, Tensor]> {
  return Promise.resolve().then(() =>
    composite(x, (a) => {
      const b = toTensor(y);
      if (a.rank !== 1 || b.rank !== 1 || a.dtype !== b.dtype) {
        throw new DinogradError(
          `setdiff1d wants two vectors of one type, got ${a.dtype} ${
            showShape(a.shape)
          } and ${b.dtype} ${showShape(b.shape)}`,
        );
      }
      const other = new Set<number>(b.dataSync());
      const kept: number[] = [];
      a.dataSync().forEach((v, i) => {
        if (!other.has(v)) kept.push(i);
      });
      const indices = int32(kept, [kept.length]);
      return [gather(a, indices), indices] as [Tensor, Tensor];
    })
  );
}

/** Positions (int32 [count, rank]) of the elements of a condition that are true, in row-major order. */
export function whereAsync(condition: Operand): Promise<Tensor> {
  return Promise.resolve().then(() =>
    composite(condition, (t) => {
      const data = t.dataSync(), places: number[] = [];
      let count = 0;
      data.forEach((v, i) => {
        if (!v) return;
        count++;
        const at = new Array<number>(t.rank);
        for (let d = t.rank - 1; d >= 0; d--) {
          at[d] = i % t.shape[d];
          i = Math.floor(i / t.shape[d]);
        }
        places.push(...at);
      });
      return int32(places, [count, t.rank]);
    })
  );
}

/** The slices of x, along the dimensions from `axis` on that the mask covers, where the mask is true. */
export function booleanMaskAsync(x: Operand, mask: Operand, axis = 0): Promise<Tensor> {
  return Promise.resolve().then(() =>
    composite(x, (t) => {
      const m = toTensor(mask);
      const at = normalizeAxis(axis, t.rank, "booleanMask");
      const covered = t.shape.slice(at, at + m.rank);
      if (m.rank === 0 || !sameShape(m.shape, covered)) {
        throw new DinogradError(
          `booleanMask of ${
            showShape(t.shape)
          } at axis ${at} wants a mask of its sizes there, got ${showShape(m.shape)}`,
        );
      }
      const kept: number[] = [];
      m.dataSync().forEach((v, i) => {
        if (v) kept.push(i);
      });
      const flat = reshape(t, [...t.shape.slice(0, at), m.size, ...t.shape.slice(at + m.rank)]);
      return gather(flat, int32(kept, [kept.length]), at);
    })
  );
}

// What does a slice with steps, negative positions and masks select? TensorFlow's stridedSlice, reduced to a window.

import { DinogradError } from "../errors.ts";
import { showShape } from "../shape.ts";
import type { Tensor } from "../tensor.ts";
import { readWindow } from "./movement.ts";
import { type Operand, use } from "./operand.ts";
import { reshape } from "./reshape.ts";

const has = (mask: number, i: number) => (mask >> i & 1) === 1;

/**
 * The elements `begin`, `begin + stride`, ... up to but not including `end` along each dimension; negative positions count from the
 * end. Bit i of a mask changes entry i: begin and end masks take the dimension's edge instead, ellipsis stands for as many whole
 * dimensions as are missing, newAxis inserts a dimension of size 1, shrinkAxis takes the single element at `begin` and drops the
 * dimension.
 *
 * ```ts
 * import * as dg from "../../mod.ts";
 * import assert from "node:assert";
 *
 * // x[::-2] of Python
 * const backwards = dg.stridedSlice([0, 1, 2, 3, 4], [0], [0], [-2], 0b1, 0b1);
 * assert.deepEqual(backwards.arraySync(), [4, 2, 0]);
 * ```
 */
export function stridedSlice(
  x: Operand,
  begin: readonly number[],
  end: readonly number[],
  strides: readonly number[] = begin.map(() => 1),
  beginMask = 0,
  endMask = 0,
  ellipsisMask = 0,
  newAxisMask = 0,
  shrinkAxisMask = 0,
): Tensor {
  return use(x, (t) => {
    const refuse = (why: string) =>
      new DinogradError(
        `stridedSlice of ${
          showShape(t.shape)
        } with begin [${begin}], end [${end}], strides [${strides}]: ${why}`,
      );
    const n = begin.length;
    if (end.length !== n || strides.length !== n) throw refuse("wanted lists of one length");
    const positions = begin.map((_, i) => i);
    const ellipses = positions.filter((i) => has(ellipsisMask, i));
    if (ellipses.length > 1) throw refuse("at most one ellipsis is possible");
    const used = positions.filter((i) => !has(ellipsisMask, i) && !has(newAxisMask, i)).length;
    if (used > t.rank) throw refuse(`at most ${t.rank} dimensions can be named`);
    // Dimensions that no entry names are taken whole: where the ellipsis stands, or at the end.
    const window = { begin: [] as number[], step: [] as number[], size: [] as number[] };
    const shape: number[] = [];
    const take = (from: number, step: number, size: number) => {
      window.begin.push(from);
      window.step.push(step);
      window.size.push(size);
    };
    const takeWhole = (count: number) => {
      for (let k = 0; k < count; k++) {
        const d = t.shape[window.size.length];
        take(0, 1, d);
        shape.push(d);
      }
    };
    for (const i of positions) {
      if (has(ellipsisMask, i)) {
        takeWhole(t.rank - used);
        continue;
      }
      if (has(newAxisMask, i)) {
        shape.push(1);
        continue;
      }
      const d = t.shape[window.size.length], step = strides[i];
      if (!Number.isInteger(step) || step === 0) {
        throw refuse("strides must be whole numbers other than 0");
      }
      const from = begin[i] < 0 ? begin[i] + d : begin[i];
      if (has(shrinkAxisMask, i)) {
        if (from < 0 || from >= d) throw refuse(`position ${begin[i]} is outside dimension ${d}`);
        take(from, 1, 1);
        continue;
      }
      const to = end[i] < 0 ? end[i] + d : end[i];
      const [low, high] = step > 0 ? [0, d] : [-1, d - 1];
      const clamp = (v: number) => Math.min(Math.max(v, low), high);
      const first = has(beginMask, i) ? (step > 0 ? low : high) : clamp(from);
      const last = has(endMask, i) ? (step > 0 ? high : low) : clamp(to);
      const size = Math.max(0, Math.ceil((last - first) / step));
      take(first, step, size);
      shape.push(size);
    }
    takeWhole(t.rank - window.size.length);
    return reshape(readWindow({ x: t }, { ...window, whole: t.shape }), shape);
  });
}

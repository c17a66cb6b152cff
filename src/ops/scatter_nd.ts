// How are positions in several dimensions read and written? gatherND, scatterND, tensorScatterUpdate, sparseToDense.

import { DinogradError } from "../errors.ts";
import { checkShape, sameShape, showShape, sizeOf, stridesOf } from "../shape.ts";
import type { Tensor } from "../tensor.ts";
import { asSummand, broadcastTo, sum } from "./broadcast.ts";
import { asType } from "./cast.ts";
import { asIndex, gatherRows, scatterRows } from "./gather.ts";
import { maximum, mul } from "./elementwise.ts";
import { greaterEqual, less, logicalAnd, where } from "./logical.ts";
import { composite, type Operand, toTensor } from "./operand.ts";
import { all } from "./reduce.ts";
import { clone, reshape } from "./reshape.ts";

// Positions among the first dimensions of `shape` as row numbers; -1 where one is outside.
function flatIndex(indices: Tensor, shape: readonly number[]): Tensor {
  const depth = indices.shape[indices.rank - 1];
  const dims = shape.slice(0, depth);
  const count = sizeOf(indices.shape.slice(0, -1));
  const positions = reshape(indices, [count, depth]);
  const limits = toTensor(Int32Array.from(dims)),
    steps = toTensor(Int32Array.from(stridesOf(dims)));
  const inside = all(logicalAnd(greaterEqual(positions, 0), less(positions, limits)), 1);
  return where(inside, sum(mul(positions, steps), 1), -1);
}

function checkDepth(indices: Tensor, shape: readonly number[], name: string): number {
  const depth = indices.shape[indices.rank - 1];
  if (indices.rank >= 1 && depth <= shape.length) return depth;
  throw new DinogradError(
    `${name} wants indices of shape [..., up to ${shape.length}] for ${showShape(shape)}, got ${
      showShape(indices.shape)
    }`,
  );
}

/** The slices of x at the positions that the last dimension of `indices` (int32 [..., k]) gives in its first k dimensions. */
export function gatherND(x: Operand, indices: Operand): Tensor {
  return composite(x, (t) => {
    const index = asIndex(indices, "gatherND");
    const depth = checkDepth(index, t.shape, "gatherND");
    const after = t.shape.slice(depth);
    const rows = reshape(t, [1, sizeOf(t.shape.slice(0, depth)), sizeOf(after)]);
    const y = gatherRows(rows, flatIndex(index, t.shape));
    return reshape(y, [...index.shape.slice(0, -1), ...after]);
  });
}

/** Zeros of the given shape with `updates` added at the positions of `indices` (int32 [..., k]); positions outside are left out. */
export function scatterND(
  indices: Operand,
  updates: Operand,
  shape: readonly number[],
): Tensor {
  return composite(updates, (given) => {
    checkShape(shape, "scatterND");
    const index = asIndex(indices, "scatterND"), t = asSummand(given);
    const depth = checkDepth(index, shape, "scatterND");
    const after = shape.slice(depth);
    const wanted = [...index.shape.slice(0, -1), ...after];
    if (!sameShape(t.shape, wanted)) {
      throw new DinogradError(
        `scatterND wants updates of shape ${showShape(wanted)}, got ${showShape(t.shape)}`,
      );
    }
    const flat = flatIndex(index, shape);
    const rows = reshape(t, [1, flat.size, sizeOf(after)]);
    const y = scatterRows(rows, flat, sizeOf(shape.slice(0, depth)));
    return reshape(y, shape);
  });
}

/**
 * x with the slices at the positions of `indices` (int32 [..., k]) replaced by `updates`; the last of repeated positions wins.
 * Reads the indices on the host, so a step that uses it runs eagerly.
 */
export function tensorScatterUpdate(x: Operand, indices: Operand, updates: Operand): Tensor {
  return composite(x, (t) => {
    const index = asIndex(indices, "tensorScatterUpdate"), news = toTensor(updates);
    const depth = checkDepth(index, t.shape, "tensorScatterUpdate");
    const before = t.shape.slice(0, depth), after = t.shape.slice(depth);
    const wanted = [...index.shape.slice(0, -1), ...after];
    if (news.dtype !== t.dtype || !sameShape(news.shape, wanted)) {
      throw new DinogradError(
        `tensorScatterUpdate wants ${t.dtype} updates of shape ${
          showShape(wanted)
        }, got ${news.dtype} ${showShape(news.shape)}`,
      );
    }
    const rows = sizeOf(before), inner = sizeOf(after), count = sizeOf(index.shape.slice(0, -1));
    if (t.size === 0 || count === 0) return clone(t);
    // For each row, the update that replaces it, or -1.
    const winner = new Int32Array(rows).fill(-1);
    flatIndex(index, t.shape).dataSync().forEach((row, i) => {
      if (row >= 0) winner[row] = i;
    });
    const chosen = toTensor(winner);
    const sources = reshape(news, [1, count, inner]);
    const picked = gatherRows(sources, maximum(chosen, 0));
    const replaced = reshape(greaterEqual(chosen, 0), [rows, 1]);
    return reshape(where(replaced, picked, reshape(t, [1, rows, inner])), t.shape);
  });
}

/**
 * A tensor of shape `outputShape` of `defaultValue`, with `sparseValues` at the positions of `sparseIndices` (int32 [count, rank], or
 * [count] in a vector); one value may stand for all. Reads the indices on the host.
 */
export function sparseToDense(
  sparseIndices: Operand,
  sparseValues: Operand,
  outputShape: readonly number[],
  defaultValue: Operand = 0,
): Tensor {
  return composite(sparseValues, (values) => {
    checkShape(outputShape, "sparseToDense");
    const given = asIndex(sparseIndices, "sparseToDense");
    const index = given.rank === 2 ? given : reshape(given, [given.size, 1]);
    const dense = broadcastTo(asType(toTensor(defaultValue), values.dtype), outputShape);
    const updates = values.rank === 0 ? broadcastTo(values, [index.shape[0]]) : values;
    return tensorScatterUpdate(dense, index, updates);
  });
}

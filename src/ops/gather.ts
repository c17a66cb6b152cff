// What does an index tensor select, and where does it put things? gather and scatter-add, each the other's gradient, and their kin.

import { DinogradError } from "../errors.ts";
import { op } from "../op.ts";
import { tidy } from "../scope.ts";
import { checkShape, normalizeAxis, sameShape, showShape, sizeOf } from "../shape.ts";
import { makeTensor, type Tensor, track } from "../tensor.ts";
import { asSummand } from "./broadcast.ts";
import { asType } from "./cast.ts";
import { zeros } from "./creation.ts";
import { add, mul } from "./elementwise.ts";
import { range } from "./grids.ts";
import { greaterEqual, less, logicalAnd, where } from "./logical.ts";
import { transpose } from "./movement.ts";
import { composite, type Operand, toTensor } from "./operand.ts";
import { reshape } from "./reshape.ts";
import { ScatteredRows, scatterInto } from "./scattered_rows.ts";

const gatherOp = op<{ x: Tensor; index: Tensor }, { rows: number }, "index">({
  name: "gather",
  check: ({ x, index }) => ({ shape: [x.shape[0], index.size, x.shape[2]], dtype: x.dtype }),
  forward: ({ x, index }, { rows }, { shape, dtype }, device) => {
    const { native } = device;
    const y = makeTensor(shape, dtype, device);
    const [outer, count, inner] = shape;
    native.check(
      native.calls.dg_gather(x.handle, index.handle, 0, y.handle, outer, rows, count, inner),
    );
    return y;
  },
  saves: ["index"],
  // What could be gathered lies inside.
  grad: ({ dy, index }, { rows }) => ({
    x: () => scatterOp({ x: dy, index }, { rows, inside: true }),
  }),
});

const scatterOp: (
  inputs: { x: Tensor; index: Tensor },
  attrs: { rows: number; inside: boolean },
) => Tensor = op({
  name: "scatterAdd",
  check: ({ x }, { rows }) => ({ shape: [x.shape[0], rows, x.shape[2]], dtype: x.dtype }),
  forward: ({ x, index }, { rows, inside }, { shape, dtype }, device) => {
    if (inside) return track(new ScatteredRows(x, index, shape, device));
    const y = makeTensor(shape, dtype, device);
    scatterInto(y.handle, x, index, rows);
    return y;
  },
  saves: ["index"],
  grad: ({ dy, index }, { inside }) => ({
    x: () => inside ? gatherRows(dy, index) : gatherOrZero(dy, index),
  }),
});

/** y [outer, count, inner] = rows of x [outer, rows, inner]. An index outside is refused; on GPUs it gives zeros. */
export function gatherRows(x: Tensor, index: Tensor): Tensor {
  return gatherOp({ x, index }, { rows: x.shape[1] });
}

/** y [outer, rows, inner] = sums of the x [outer, count, inner] that share an index; those with an index outside are left out. */
export function scatterRows(x: Tensor, index: Tensor, rows: number): Tensor {
  return scatterOp({ x, index }, { rows, inside: false });
}

function gatherOrZero(x: Tensor, index: Tensor): Tensor {
  const [outer, rows, inner] = x.shape;
  if (rows === 0) return composite(x, () => zeros([outer, index.size, inner], x.dtype));
  const inside = logicalAnd(greaterEqual(index, 0), less(index, rows));
  const picked = gatherRows(x, where(inside, index, 0));
  return where(reshape(inside, [index.size, 1]), picked, 0);
}

/** An operand as int32 positions. */
export function asIndex(x: Operand, name: string): Tensor {
  const t = toTensor(x);
  if (t.dtype === "int32" || t.dtype === "uint8" || !(x === t)) return asType(t, "int32");
  throw new DinogradError(`${name} wants int32 indices, got ${t.dtype}`);
}

/**
 * The slices of x along `axis` that `indices` (int32) names: shape x.shape[..axis] + indices.shape[batchDims..] + x.shape[axis+1..].
 * The first `batchDims` dimensions of both are walked together.
 *
 * ```ts
 * import * as dg from "../../mod.ts";
 * import assert from "node:assert";
 *
 * const rows = dg.gather([[1, 2], [3, 4], [5, 6]], [2, 0]);
 * assert.deepEqual(rows.arraySync(), [[5, 6], [1, 2]]);
 * ```
 */
export function gather(x: Operand, indices: Operand, axis = 0, batchDims = 0): Tensor {
  return composite(x, (t) => {
    const index = asIndex(indices, "gather");
    const at = normalizeAxis(axis, t.rank, "gather");
    const shared = t.shape.slice(0, batchDims);
    if (
      batchDims < 0 || batchDims > Math.min(at, index.rank) ||
      !sameShape(shared, index.shape.slice(0, batchDims))
    ) {
      throw new DinogradError(
        `gather from ${showShape(t.shape)} by indices ${
          showShape(index.shape)
        }: the first ${batchDims} dimensions must agree and come before axis ${at}`,
      );
    }
    const rows = t.shape[at];
    const middle = t.shape.slice(batchDims, at), after = t.shape.slice(at + 1);
    const picked = index.shape.slice(batchDims);
    const shape = [...shared, ...middle, ...picked, ...after];
    const inner = sizeOf(after);
    if (batchDims === 0) {
      return reshape(gatherRows(reshape(t, [sizeOf(middle), rows, inner]), index), shape);
    }
    // Bring the gathered dimension next to the shared ones, gather from all batches' rows at once, and put the rest back in place.
    const batch = sizeOf(shared), wide = sizeOf(middle), count = sizeOf(picked);
    const moved = transpose(reshape(t, [batch, wide, rows, inner]), [0, 2, 1, 3]);
    const together = reshape(moved, [1, batch * rows, wide * inner]);
    const inside = logicalAnd(greaterEqual(index, 0), less(index, rows));
    const starts = mul(range(0, batch, 1, "int32"), rows);
    const flat = add(reshape(index, [batch, count]), reshape(starts, [batch, 1]));
    const checked = where(reshape(inside, [batch, count]), flat, -1);
    const y = gatherRows(together, reshape(checked, [batch * count]));
    return reshape(transpose(reshape(y, [batch, count, wide, inner]), [0, 2, 1, 3]), shape);
  });
}

/** Sums of the slices of x that share a segment: y[s] = sum of x[i] where segmentIds[i] = s; ids outside are left out. */
export function unsortedSegmentSum(
  x: Operand,
  segmentIds: Operand,
  numSegments: number,
): Tensor {
  return tidy(() => {
    checkShape([numSegments], "unsortedSegmentSum");
    const t = asSummand(toTensor(x)), index = asIndex(segmentIds, "unsortedSegmentSum");
    if (index.rank > t.rank || !sameShape(index.shape, t.shape.slice(0, index.rank))) {
      throw new DinogradError(
        `unsortedSegmentSum of ${showShape(t.shape)} wants ids of its first dimensions, got ${
          showShape(index.shape)
        }`,
      );
    }
    const after = t.shape.slice(index.rank);
    const rows = reshape(t, [1, index.size, sizeOf(after)]);
    return reshape(scatterRows(rows, index, numSegments), [numSegments, ...after]);
  });
}

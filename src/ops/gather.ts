// What does an index tensor select, and where does it put things? gather and scatter-add, each the other's gradient, and their kin.

import { DinogradError } from "../errors.ts";
import { op } from "../op.ts";
import { tidy } from "../scope.ts";
import { checkShape, normalizeAxis, sameShape, showShape, sizeOf } from "../shape.ts";
import { makeTensor, type Tensor } from "../tensor.ts";
import { asSummand } from "./broadcast.ts";
import { asType } from "./cast.ts";
import { zeros } from "./creation.ts";
import { add, mul } from "./elementwise.ts";
import { range } from "./grids.ts";
import { greaterEqual, less, logicalAnd, where } from "./logical.ts";
import { transpose } from "./movement.ts";
import { type Operand, toTensor } from "./operand.ts";
import { reshape } from "./reshape.ts";

/** The [outer, rows, inner] that a tensor is seen as. */
export interface Rows {
  readonly outer: number;
  readonly rows: number;
  readonly inner: number;
}

/** y [outer, count, inner] = rows of x [outer, rows, inner]. An index outside is refused; on GPUs it gives zeros. */
export const gatherRows: (inputs: { x: Tensor; index: Tensor }, sizes: Rows) => Tensor = op({
  name: "gather",
  check: ({ x, index }, { outer, inner }) => ({
    shape: [outer, index.size, inner],
    dtype: x.dtype,
  }),
  forward: ({ x, index }, { outer, rows, inner }, { shape, dtype }, device) => {
    const { native } = device;
    const y = makeTensor(shape, dtype, device);
    const count = index.size;
    native.check(
      native.calls.dg_gather(x.handle, index.handle, 0, y.handle, outer, rows, count, inner),
    );
    return y;
  },
  saves: ["index"],
  grad: ({ dy, index }, sizes) => ({
    x: () => scatterRows({ x: dy, index }, { ...sizes, strict: true }),
  }),
});

/**
 * y [outer, rows, inner] = sums of the x [outer, count, inner] that share an index; those with an index outside are left out.
 * `strict`: there are none, so that the gradient need not look.
 */
export const scatterRows: (
  inputs: { x: Tensor; index: Tensor },
  sizes: Rows & { strict: boolean },
) => Tensor = op({
  name: "scatterAdd",
  check: ({ x }, { outer, rows, inner }) => ({ shape: [outer, rows, inner], dtype: x.dtype }),
  forward: ({ x, index }, { outer, rows, inner }, { shape, dtype }, device) => {
    const { native } = device;
    const y = makeTensor(shape, dtype, device);
    const count = index.size;
    native.check(native.calls.dg_fill(y.handle, 0));
    native.check(
      native.calls.dg_scatter_add(x.handle, index.handle, y.handle, outer, rows, count, inner),
    );
    return y;
  },
  saves: ["index"],
  grad: ({ dy, index }, { strict, ...sizes }) => ({
    x: () => strict ? gatherRows({ x: dy, index }, sizes) : gatherOrZero(dy, index, sizes),
  }),
});

function gatherOrZero(x: Tensor, index: Tensor, sizes: Rows): Tensor {
  if (sizes.rows === 0) return zeros([sizes.outer, index.size, sizes.inner]);
  const inside = logicalAnd(greaterEqual(index, 0), less(index, sizes.rows));
  const rows = gatherRows({ x, index: where(inside, index, 0) }, sizes);
  return where(reshape(inside, [index.size, 1]), rows, 0);
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
 */
export function gather(x: Operand, indices: Operand, axis = 0, batchDims = 0): Tensor {
  return tidy(() => {
    const t = toTensor(x), index = asIndex(indices, "gather");
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
      return reshape(gatherRows({ x: t, index }, { outer: sizeOf(middle), rows, inner }), shape);
    }
    // Bring the gathered dimension next to the shared ones, gather from all batches' rows at once, and put the rest back in place.
    const batch = sizeOf(shared), wide = sizeOf(middle), count = sizeOf(picked);
    const together = transpose(reshape(t, [batch, wide, rows, inner]), [0, 2, 1, 3]);
    const inside = logicalAnd(greaterEqual(index, 0), less(index, rows));
    const starts = mul(range(0, batch, 1, "int32"), rows);
    const flat = add(reshape(index, [batch, count]), reshape(starts, [batch, 1]));
    const checked = where(reshape(inside, [batch, count]), flat, -1);
    const sizes = { outer: 1, rows: batch * rows, inner: wide * inner };
    const y = gatherRows({ x: together, index: reshape(checked, [batch * count]) }, sizes);
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
    const sizes = { outer: 1, rows: numSegments, inner: sizeOf(after), strict: false };
    return reshape(scatterRows({ x: t, index }, sizes), [numSegments, ...after]);
  });
}

// What follows from counting class numbers? oneHot, bincount, confusionMatrix.

import { type DType, toDType } from "../dtype.ts";
import { DinogradError } from "../errors.ts";
import { op } from "../op.ts";
import { tidy } from "../scope.ts";
import { checkShape, sameShape, showShape } from "../shape.ts";
import { makeTensor, type Tensor } from "../tensor.ts";
import { asType } from "./cast.ts";
import { ones } from "./creation.ts";
import { add, mul } from "./elementwise.ts";
import { asIndex, unsortedSegmentSum } from "./gather.ts";
import { range } from "./grids.ts";
import { greaterEqual, less, logicalAnd, notEqual, where } from "./logical.ts";
import { matMul } from "./matmul.ts";
import { composite, type Operand, toTensor } from "./operand.ts";
import { reshape } from "./reshape.ts";

interface OneHotAttrs {
  readonly depth: number;
  readonly on: number;
  readonly off: number;
  readonly dtype: DType;
}

const oneHotOp: (inputs: { index: Tensor }, attrs: OneHotAttrs) => Tensor = op({
  name: "oneHot",
  check: ({ index }, { depth, dtype }) => ({ shape: [...index.shape, depth], dtype }),
  forward: ({ index }, { depth, on, off }, { shape, dtype }, device) => {
    const { native } = device;
    const y = makeTensor(shape, dtype, device);
    native.check(native.calls.dg_one_hot(index.handle, y.handle, depth, on, off));
    return y;
  },
});

/**
 * A new last dimension of size `depth`: `onValue` where it counts to the index, `offValue` elsewhere (everywhere if outside).
 *
 * ```ts
 * import * as dg from "../../mod.ts";
 * import assert from "node:assert";
 *
 * assert.deepEqual(dg.oneHot([0, 2], 3).arraySync(), [[1, 0, 0], [0, 0, 1]]);
 * ```
 */
export function oneHot(
  indices: Operand,
  depth: number,
  onValue = 1,
  offValue = 0,
  dtype: DType = "int32",
): Tensor {
  checkShape([depth], "oneHot");
  toDType(dtype);
  return tidy(() =>
    oneHotOp({ index: asIndex(indices, "oneHot") }, { depth, on: onValue, off: offValue, dtype })
  );
}

/**
 * How often each of 0 .. size - 1 occurs in x (int32 [n]): int32 [size], or float32 sums of `weights` (of x's shape) where they are
 * not empty. Other values are left out.
 */
export function bincount(x: Operand, weights: Operand, size: number): Tensor {
  return composite(x, () => {
    const index = asIndex(x, "bincount");
    if (index.rank !== 1) {
      throw new DinogradError(`bincount wants values of rank 1, got ${showShape(index.shape)}`);
    }
    return unsortedSegmentSum(countWeights(index, weights, "bincount"), index, size);
  });
}

function countWeights(index: Tensor, weights: Operand, name: string): Tensor {
  const w = toTensor(weights);
  if (w.size === 0) return ones(index.shape, "int32");
  if (sameShape(w.shape, index.shape)) return w;
  throw new DinogradError(
    `${name} wants no weights or some of shape ${showShape(index.shape)}, got ${
      showShape(w.shape)
    }`,
  );
}

/** `bincount` of a vector, or of each row of a matrix ([rows, size]); `binaryOutput`: 1 where a value occurs at all. */
export function denseBincount(
  x: Operand,
  weights: Operand,
  size: number,
  binaryOutput = false,
): Tensor {
  return composite(x, () => {
    const index = asIndex(x, "denseBincount");
    if (index.rank !== 1 && index.rank !== 2) {
      throw new DinogradError(
        `denseBincount wants values of rank 1 or 2, got ${showShape(index.shape)}`,
      );
    }
    const rows = index.rank === 2 ? index.shape[0] : 1, n = index.shape[index.rank - 1];
    const w = countWeights(index, weights, "denseBincount");
    // Each row counts into a block of its own; values outside must not reach a neighbour's.
    const values = reshape(index, [rows, n]);
    const inside = logicalAnd(greaterEqual(values, 0), less(values, size));
    const starts = reshape(mul(range(0, rows, 1, "int32"), size), [rows, 1]);
    const block = where(inside, add(values, starts), -1);
    const counts = unsortedSegmentSum(reshape(w, [rows, n]), block, rows * size);
    const y = binaryOutput ? asType(notEqual(counts, 0), counts.dtype) : counts;
    return reshape(y, index.rank === 2 ? [rows, size] : [size]);
  });
}

/** Counts [numClasses, numClasses] int32: row i, column j says how often label i was predicted as j. */
export function confusionMatrix(
  labels: Operand,
  predictions: Operand,
  numClasses: number,
): Tensor {
  checkShape([numClasses], "confusionMatrix");
  return tidy(() => {
    const truth = asIndex(labels, "confusionMatrix");
    const guess = asIndex(predictions, "confusionMatrix");
    if (truth.rank !== 1 || !sameShape(truth.shape, guess.shape)) {
      throw new DinogradError(
        `confusionMatrix wants labels and predictions of one length, got ${
          showShape(truth.shape)
        } and ${showShape(guess.shape)}`,
      );
    }
    return matMul(oneHot(truth, numClasses), oneHot(guess, numClasses), true, false);
  });
}

// How many predictions are right and wrong on each side of a threshold? Weighted counts of a batch.

import { DinogradError } from "../errors.ts";
import { alignTargets, applyWeights } from "../losses/loss.ts";
import { broadcastTo, sum } from "../ops/broadcast.ts";
import { asType } from "../ops/cast.ts";
import { tensor } from "../ops/creation.ts";
import { mul, sub } from "../ops/elementwise.ts";
import { range } from "../ops/grids.ts";
import { equal, greater, logicalOr, notEqual, where } from "../ops/logical.ts";
import { slice } from "../ops/movement.ts";
import { argMax } from "../ops/reduce.ts";
import { expandDims, reshape } from "../ops/reshape.ts";
import { showShape } from "../shape.ts";
import type { Tensor } from "../tensor.ts";

/** Which predictions are judged. */
export interface Selection {
  /** Only the k largest predictions along the last axis can be positive. */
  topK?: number | null;
  /** Only this class, a position along the last axis. */
  classId?: number | null;
  /** Whether each position along the last axis is counted by itself. */
  multiLabel?: boolean;
}

/** Weighted numbers [thresholds, labels] (labels 1 unless they are counted by themselves). */
export interface Counts {
  truePositives: Tensor;
  falsePositives: Tensor;
  trueNegatives: Tensor;
  falseNegatives: Tensor;
}

// Everything but the k largest predictions of each row (the first among equals) pushed below all thresholds.
function onlyTopK(p: Tensor, k: number): Tensor {
  const columns = range(0, p.shape[p.rank - 1], 1, "int32");
  const lowest = -1e10;
  let rest = p, kept: Tensor | undefined;
  for (let i = 0; i < k; i++) {
    const best = equal(expandDims(argMax(rest, -1), -1), columns);
    kept = kept ? logicalOr(kept, best) : best;
    rest = where(best, -Infinity, rest);
  }
  return where(kept!, p, lowest);
}

/** Counts at each threshold; a prediction is positive when it is above. Makes tensors that the caller's `tidy` collects. */
export function countsAt(
  thresholds: readonly number[],
  yTrue: Tensor,
  yPred: Tensor,
  sampleWeight: Tensor | undefined,
  { topK, classId, multiLabel = false }: Selection,
): Counts {
  let [t, p] = alignTargets(yTrue, yPred, "A confusion metric");
  const weight = sampleWeight && applyWeights(p, sampleWeight)[1];
  let w = weight && broadcastTo(weight, p.shape);
  if (topK) p = onlyTopK(p, topK);
  if (classId !== null && classId !== undefined) {
    const last = p.rank - 1;
    if (last < 1 || classId >= p.shape[last]) {
      throw new DinogradError(
        `classId ${classId} needs predictions with that many classes along the last axis, got ${
          showShape(p.shape)
        }`,
      );
    }
    const begin = p.shape.map((_, i) => i === last ? classId : 0);
    const size = p.shape.map((d, i) => i === last ? 1 : d);
    [t, p] = [slice(t, begin, size), slice(p, begin, size)];
    w = w && slice(w, begin, size);
  }
  const labels = multiLabel ? p.shape[p.rank - 1] : 1;
  const rows = (x: Tensor) => reshape(x, [1, x.size / labels, labels]);
  const isTrue = asType(notEqual(rows(t), 0), "float32"), isFalse = sub(1, isTrue);
  const ofTrue = w ? mul(isTrue, rows(w)) : isTrue, ofFalse = w ? mul(isFalse, rows(w)) : isFalse;
  const limits = tensor([...thresholds], [thresholds.length, 1, 1]);
  const positive = asType(greater(rows(p), limits), "float32");
  const truePositives = sum(mul(positive, ofTrue), 1);
  const falsePositives = sum(mul(positive, ofFalse), 1);
  return {
    truePositives,
    falsePositives,
    trueNegatives: sub(sum(ofFalse, 1), falsePositives),
    falseNegatives: sub(sum(ofTrue, 1), truePositives),
  };
}

// Which of many boxes that overlap are kept? Those with the best scores. The answer's size depends on values, so boxes are read on
// the host, and a step that does it runs eagerly.

import type { TypedArray } from "../dtype.ts";
import { DinogradError } from "../errors.ts";
import { tidy } from "../scope.ts";
import { showShape } from "../shape.ts";
import { fromHost, type Tensor } from "../tensor.ts";
import { scalar } from "./creation.ts";
import { type Operand, toTensor } from "./operand.ts";

// The area that boxes i and j share, over that which either covers.
function overlapOf(boxes: TypedArray, i: number, j: number): number {
  const side = (box: number, axis: number) => {
    const a = boxes[box * 4 + axis], b = boxes[box * 4 + axis + 2];
    return [Math.min(a, b), Math.max(a, b)];
  };
  let shared = 1, first = 1, second = 1;
  for (const axis of [0, 1]) {
    const [a, b] = side(i, axis), [c, d] = side(j, axis);
    shared *= Math.max(0, Math.min(b, d) - Math.max(a, c));
    first *= b - a;
    second *= d - c;
  }
  return first > 0 && second > 0 ? shared / (first + second - shared) : 0;
}

interface Candidate {
  readonly box: number;
  score: number;
  /** How many of the kept boxes it has been held against. */
  seen: number;
}

// Better first; of equal ones that with the lower number.
const byScore = (a: Candidate, b: Candidate) => b.score - a.score || a.box - b.box;

function suppress(
  name: string,
  boxes: Operand,
  scores: Operand,
  most: number,
  iouThreshold: number,
  scoreThreshold: number,
  sigma: number,
): Candidate[] {
  return tidy(() => {
    const corners = toTensor(boxes), points = toTensor(scores);
    if (
      corners.rank !== 2 || corners.shape[1] !== 4 || points.rank !== 1 ||
      points.size !== corners.shape[0]
    ) {
      throw new DinogradError(
        `${name} wants boxes [n,4] and scores [n], got ${showShape(corners.shape)} and ${
          showShape(points.shape)
        }`,
      );
    }
    if (!(iouThreshold >= 0 && iouThreshold <= 1) || !(most >= 0) || !(sigma >= 0)) {
      throw new DinogradError(
        `${name} wants maxOutputSize and softNmsSigma of at least 0 and iouThreshold from 0 to 1, got ${most}, ${sigma} and ` +
          `${iouThreshold}`,
      );
    }
    const places = corners.dataSync();
    const waiting = Array.from(points.dataSync(), (score, box) => ({ box, score, seen: 0 }))
      .filter(({ score }) => score > scoreThreshold).sort(byScore).reverse();
    const kept: Candidate[] = [];
    while (kept.length < most && waiting.length > 0) {
      const next = waiting.pop()!, before = next.score;
      let covered = false;
      for (let i = kept.length - 1; i >= next.seen && !covered; i--) {
        const overlap = overlapOf(places, next.box, kept[i].box);
        covered = overlap >= iouThreshold;
        if (sigma > 0) next.score *= Math.exp(-0.5 / sigma * overlap * overlap);
      }
      next.seen = kept.length;
      if (covered || next.score <= scoreThreshold) continue;
      if (next.score === before) kept.push(next);
      else {
        const at = waiting.findIndex((other) => byScore(other, next) < 0);
        waiting.splice(at < 0 ? waiting.length : at, 0, next);
      }
    }
    return kept;
  });
}

const numbers = (kept: readonly Candidate[], size = kept.length) => {
  const list = new Int32Array(size);
  kept.forEach(({ box }, i) => list[i] = box);
  return fromHost(list, [size], "int32");
};

/**
 * The numbers (int32) of up to `maxOutputSize` boxes [n, 4] = [y1, x1, y2, x2] in the order of their scores [n], best first, without
 * those whose overlap (intersection over union) with a better one that is kept is `iouThreshold` or more, and those whose score is not above
 * `scoreThreshold`.
 *
 * ```ts
 * import * as dg from "../../mod.ts";
 * import assert from "node:assert";
 *
 * const boxes = [[0, 0, 1, 1], [0, 0.1, 1, 1.1], [0, 5, 1, 6]];
 * assert.deepEqual(dg.image.nonMaxSuppression(boxes, [0.6, 0.9, 0.7], 3).arraySync(), [1, 2]);
 * ```
 */
export function nonMaxSuppression(
  boxes: Operand,
  scores: Operand,
  maxOutputSize: number,
  iouThreshold = 0.5,
  scoreThreshold: number = -Infinity,
): Tensor {
  const name = "image.nonMaxSuppression";
  return numbers(suppress(name, boxes, scores, maxOutputSize, iouThreshold, scoreThreshold, 0));
}

/** The same, and the scores: with `softNmsSigma` > 0 those lose exp(-overlap^2 / (2 sigma)) for each better box that is kept. */
export function nonMaxSuppressionWithScore(
  boxes: Operand,
  scores: Operand,
  maxOutputSize: number,
  iouThreshold = 0.5,
  scoreThreshold: number = -Infinity,
  softNmsSigma = 0,
): { selectedIndices: Tensor; selectedScores: Tensor } {
  const name = "image.nonMaxSuppressionWithScore";
  const kept = suppress(
    name,
    boxes,
    scores,
    maxOutputSize,
    iouThreshold,
    scoreThreshold,
    softNmsSigma,
  );
  const points = Float32Array.from(kept, ({ score }) => score);
  return {
    selectedIndices: numbers(kept),
    selectedScores: fromHost(points, [kept.length], "float32"),
  };
}

/** `nonMaxSuppression`, and how many boxes it kept; `padToMaxOutputSize` fills the list up with zeros. */
export function nonMaxSuppressionPadded(
  boxes: Operand,
  scores: Operand,
  maxOutputSize: number,
  iouThreshold = 0.5,
  scoreThreshold: number = -Infinity,
  padToMaxOutputSize = false,
): { selectedIndices: Tensor; validOutputs: Tensor } {
  const name = "image.nonMaxSuppressionPadded";
  const kept = suppress(name, boxes, scores, maxOutputSize, iouThreshold, scoreThreshold, 0);
  return {
    selectedIndices: numbers(kept, padToMaxOutputSize ? maxOutputSize : kept.length),
    validOutputs: scalar(kept.length, "int32"),
  };
}

/** `nonMaxSuppression`, as a promise. */
export function nonMaxSuppressionAsync(
  ...args: Parameters<typeof nonMaxSuppression>
): Promise<Tensor> {
  return Promise.resolve().then(() => nonMaxSuppression(...args));
}
/** `nonMaxSuppressionWithScore`, as a promise. */
export function nonMaxSuppressionWithScoreAsync(
  ...args: Parameters<typeof nonMaxSuppressionWithScore>
): Promise<{ selectedIndices: Tensor; selectedScores: Tensor }> {
  return Promise.resolve().then(() => nonMaxSuppressionWithScore(...args));
}
/** `nonMaxSuppressionPadded`, as a promise. */
export function nonMaxSuppressionPaddedAsync(
  ...args: Parameters<typeof nonMaxSuppressionPadded>
): Promise<{ selectedIndices: Tensor; validOutputs: Tensor }> {
  return Promise.resolve().then(() => nonMaxSuppressionPadded(...args));
}

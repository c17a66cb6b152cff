// Where do values belong in sorted sequences?

import { DinogradError } from "../errors.ts";
import { tidy } from "../scope.ts";
import { sameShape, showShape } from "../shape.ts";
import type { Tensor } from "../tensor.ts";
import { sum } from "./broadcast.ts";
import { less, lessEqual } from "./logical.ts";
import { type Operand, toTensor } from "./operand.ts";
import { expandDims } from "./reshape.ts";

/**
 * For each value [..., m], how many entries of its row of the sorted sequence [..., n] come before it (int32 [..., m]): those below
 * it ("left"), or also those equal to it ("right"). All pairs are compared, on the device.
 */
export function searchSorted(
  sortedSequence: Operand,
  values: Operand,
  side: "left" | "right" = "left",
): Tensor {
  if (side !== "left" && side !== "right") {
    throw new DinogradError(`searchSorted wants the side "left" or "right", got "${side}"`);
  }
  return tidy(() => {
    const sorted = toTensor(sortedSequence), v = toTensor(values);
    if (sorted.rank === 0 || !sameShape(sorted.shape.slice(0, -1), v.shape.slice(0, -1))) {
      throw new DinogradError(
        `searchSorted of values ${showShape(v.shape)} in ${
          showShape(sorted.shape)
        }: all dimensions but the last must agree`,
      );
    }
    const before = side === "left" ? less : lessEqual;
    return sum(before(expandDims(sorted, -2), expandDims(v, -1)), -1);
  });
}

/** `searchSorted` from the left: how many entries are below each value. */
export function lowerBound(sortedSequence: Operand, values: Operand): Tensor {
  return searchSorted(sortedSequence, values, "left");
}

/** `searchSorted` from the right: how many entries are not above each value. */
export function upperBound(sortedSequence: Operand, values: Operand): Tensor {
  return searchSorted(sortedSequence, values, "right");
}

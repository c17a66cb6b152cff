// What is done to matrices besides multiplying them? Bands of their diagonals.

import { DinogradError } from "../errors.ts";
import { showShape } from "../shape.ts";
import type { Tensor } from "../tensor.ts";
import { sub } from "./elementwise.ts";
import { range } from "./grids.ts";
import { lessEqual, logicalAnd, where } from "./logical.ts";
import { composite, type Operand } from "./operand.ts";
import { reshape } from "./reshape.ts";

/**
 * Matrices [..., rows, columns] with everything set to 0 outside the band of `numLower` diagonals below the main one and `numUpper`
 * above it; a negative number takes all of that side.
 */
export function bandPart(a: Operand, numLower: number, numUpper: number): Tensor {
  return composite(a, (t) => {
    if (t.rank < 2 || !Number.isInteger(numLower) || !Number.isInteger(numUpper)) {
      throw new DinogradError(
        `bandPart wants matrices and whole numbers, got ${
          showShape(t.shape)
        }, ${numLower} and ${numUpper}`,
      );
    }
    const [rows, columns] = t.shape.slice(-2);
    const i = reshape(range(0, rows, 1, "int32"), [rows, 1]), j = range(0, columns, 1, "int32");
    const inside = logicalAnd(
      lessEqual(sub(i, j), numLower < 0 ? rows : numLower),
      lessEqual(sub(j, i), numUpper < 0 ? columns : numUpper),
    );
    return where(inside, t, 0);
  });
}

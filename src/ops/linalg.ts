// What is done to matrices besides multiplying them? Bands of their diagonals, and orthonormal bases of what they span.

import { isFloat } from "../dtype.ts";
import { DinogradError } from "../errors.ts";
import { tidy } from "../scope.ts";
import { showShape } from "../shape.ts";
import { Tensor } from "../tensor.ts";
import { sum } from "./broadcast.ts";
import { asType } from "./cast.ts";
import { div, mul, neg, sub } from "./elementwise.ts";
import { eye, range } from "./grids.ts";
import { stack, unstack } from "./join.ts";
import { equal, greater, greaterEqual, lessEqual, logicalAnd, where } from "./logical.ts";
import { matMul } from "./matmul.ts";
import { slice } from "./movement.ts";
import { norm } from "./norm.ts";
import { composite, type Operand } from "./operand.ts";
import { divNoNan } from "./power.ts";
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

/**
 * Q and R of matrices x = Q R [..., m, n], by Householder reflections: Q's columns are orthonormal, R is upper triangular. With k the
 * smaller of m and n, Q is [..., m, k] and R [..., k, n]; `fullMatrices`: [..., m, m] and [..., m, n].
 *
 * ```ts
 * import * as dg from "../../mod.ts";
 * import assert from "node:assert";
 *
 * const [q, r] = dg.linalg.qr([[0, 2], [3, 4]]);
 * assert.ok(dg.matMul(q, r).sub([[0, 2], [3, 4]]).abs().max().arraySync() as number < 1e-5);
 * ```
 */
export function qr(x: Operand, fullMatrices = false): [Tensor, Tensor] {
  return composite(x, (given): [Tensor, Tensor] => {
    if (given.rank < 2) {
      throw new DinogradError(`qr wants matrices, got ${showShape(given.shape)}`);
    }
    const t = asType(given, "float32"), [m, n] = t.shape.slice(-2), before = t.shape.slice(0, -2);
    const row = reshape(range(0, m, 1, "int32"), [m, 1]), k = Math.min(m, n);
    let r = t, q = eye(m, m, before);
    for (let j = 0; j < k; j++) {
      // I - factor w w' turns the rest of column j into a multiple of its first entry's direction.
      const column = slice(r, [...before.map(() => 0), 0, j], [...before, m, 1]);
      const rest = where(greaterEqual(row, j), column, 0);
      const head = sum(where(equal(row, j), column, 0), -2, true);
      const length = norm(rest, "euclidean", -2, true);
      const sign = where(greater(head, 0), -1, 1), u = sub(head, mul(sign, length));
      const w = where(equal(row, j), 1, divNoNan(rest, u));
      const scaled = mul(neg(divNoNan(mul(sign, u), length)), w);
      r = sub(r, matMul(scaled, matMul(w, r, true)));
      q = sub(q, matMul(matMul(q, w), scaled, false, true));
    }
    const from = new Array(t.rank).fill(0), type = isFloat(given.dtype) ? given.dtype : "float32";
    const parts: [Tensor, Tensor] = fullMatrices
      ? [q, r]
      : [slice(q, from, [...before, m, k]), slice(r, from, [...before, k, n])];
    return [asType(parts[0], type), asType(parts[1], type)];
  });
}

/** Vectors, the rows of a matrix or a list, made orthonormal one after another (Gram-Schmidt). */
export function gramSchmidt(xs: Tensor): Tensor;
/** The same of a list. */
export function gramSchmidt(xs: readonly Tensor[]): Tensor[];
export function gramSchmidt(xs: Tensor | readonly Tensor[]): Tensor | Tensor[] {
  return tidy(() => {
    const given = xs instanceof Tensor ? unstack(xs) : xs, [first] = given;
    const good = given.length > 0 && given.every((x) => x.rank === 1 && x.size === first.size);
    if (!good || given.length > first.size) {
      throw new DinogradError(
        `gramSchmidt wants vectors of one size, at most as many as that, got ${
          given.map((x) => showShape(x.shape)).join(", ")
        }`,
      );
    }
    const done: Tensor[] = [];
    for (const x of given) {
      const rest = done.reduce((v, y) => sub(v, mul(sum(mul(v, y)), y)), asType(x, "float32"));
      done.push(div(rest, norm(rest)));
    }
    const rounded = done.map((y, i) => isFloat(given[i].dtype) ? asType(y, given[i].dtype) : y);
    return xs instanceof Tensor ? stack(rounded) : rounded;
  });
}

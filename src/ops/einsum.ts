// How is a sum of products named by letters computed? Pair by pair, each pair as one batched matrix product.

import { DinogradError } from "../errors.ts";
import { tidy } from "../scope.ts";
import { sameDim, showShape, sizeOf } from "../shape.ts";
import type { Tensor } from "../tensor.ts";
import { sum } from "./broadcast.ts";
import { matMul } from "./matmul.ts";
import { transpose } from "./movement.ts";
import { type Operand, toTensor } from "./operand.ts";
import { clone, reshape } from "./reshape.ts";

/** A tensor with a letter for each dimension. */
interface Term {
  readonly x: Tensor;
  readonly letters: string;
}

function parse(equation: string, tensors: readonly Tensor[]): { terms: Term[]; output: string } {
  const refuse = (why: string) =>
    new DinogradError(
      `einsum "${equation}" of ${tensors.map((t) => showShape(t.shape)).join(", ")}: ${why}`,
    );
  const [left, output, extra] = equation.replaceAll(" ", "").split("->");
  if (output === undefined || extra !== undefined) throw refuse('wanted one "->"');
  const inputs = left.split(",");
  if (inputs.length !== tensors.length) {
    throw refuse(`it names ${inputs.length} operands, got ${tensors.length}`);
  }
  const sizes = new Map<string, number>();
  inputs.forEach((letters, i) => {
    if (!/^[A-Za-z]*$/.test(letters)) throw refuse(`"${letters}" holds more than letters`);
    if (new Set(letters).size !== letters.length) {
      throw refuse(`"${letters}" repeats a letter, which is not supported`);
    }
    if (letters.length !== tensors[i].rank) {
      throw refuse(`"${letters}" does not fit rank ${tensors[i].rank}`);
    }
    [...letters].forEach((letter, d) => {
      const size = tensors[i].shape[d], known = sizes.get(letter);
      if (known !== undefined && !sameDim(known, size)) {
        throw refuse(`"${letter}" has sizes ${known} and ${size}`);
      }
      sizes.set(letter, size);
    });
  });
  if (new Set(output).size !== output.length || [...output].some((c) => !sizes.has(c))) {
    throw refuse(`the result "${output}" wants each letter once, and only letters of the operands`);
  }
  return { terms: tensors.map((x, i) => ({ x, letters: inputs[i] })), output };
}

// The same values with the dimensions in the order of `letters`.
function arrange({ x, letters }: Term, wanted: string): Tensor {
  return wanted === letters ? x : transpose(x, [...wanted].map((c) => letters.indexOf(c)));
}

// Summed over the letters that are not wanted.
function reduce({ x, letters }: Term, wanted: (letter: string) => boolean): Term {
  const axes = [...letters].flatMap((c, i) => wanted(c) ? [] : [i]);
  if (axes.length === 0) return { x, letters };
  return { x: sum(x, axes), letters: [...letters].filter(wanted).join("") };
}

// The product of two terms, summed over the letters that nobody asks for any more.
function contract(left: Term, right: Term, wanted: (letter: string) => boolean): Term {
  const a = reduce(left, (c) => wanted(c) || right.letters.includes(c));
  const b = reduce(right, (c) => wanted(c) || a.letters.includes(c));
  const pick = (term: Term, test: (c: string) => boolean) =>
    [...term.letters].filter(test).join("");
  const batch = pick(a, (c) => b.letters.includes(c) && wanted(c));
  const inner = pick(a, (c) => b.letters.includes(c) && !wanted(c));
  const rows = pick(a, (c) => !b.letters.includes(c));
  const columns = pick(b, (c) => !a.letters.includes(c));
  const dims = (term: Term, letters: string) =>
    [...letters].map((c) => term.x.shape[term.letters.indexOf(c)]);
  const sizes = (term: Term, ...groups: string[]) => groups.map((g) => sizeOf(dims(term, g)));
  // An operand that lies transposed already is multiplied as it lies.
  const transposeA = rows !== "" && a.letters === batch + inner + rows;
  const transposeB = inner !== "" && b.letters === batch + columns + inner;
  const y = matMul(
    transposeA
      ? reshape(a.x, sizes(a, batch, inner, rows))
      : reshape(arrange(a, batch + rows + inner), sizes(a, batch, rows, inner)),
    transposeB
      ? reshape(b.x, sizes(b, batch, columns, inner))
      : reshape(arrange(b, batch + inner + columns), sizes(b, batch, inner, columns)),
    transposeA,
    transposeB,
  );
  return {
    x: reshape(y, [...dims(a, batch), ...dims(a, rows), ...dims(b, columns)]),
    letters: batch + rows + columns,
  };
}

/**
 * Einstein summation: products of the operands' elements, summed over every letter that the result does not name:
 * `einsum("bik,bkj->bij", a, b)`. A letter may stand once per operand.
 *
 * ```ts
 * import * as dg from "../../mod.ts";
 * import assert from "node:assert";
 *
 * const scores = dg.einsum("bqd,bkd->bqk", dg.ones([2, 3, 4]), dg.ones([2, 5, 4]));
 * assert.deepEqual(scores.shape, [2, 3, 5]);
 * ```
 */
export function einsum(equation: string, ...tensors: Operand[]): Tensor {
  return tidy(() => {
    const { terms, output } = parse(equation, tensors.map((x) => toTensor(x)));
    let [result, ...rest] = terms;
    while (rest.length) {
      const [next, ...later] = rest;
      const wanted = (c: string) => output.includes(c) || later.some((t) => t.letters.includes(c));
      result = contract(result, next, wanted);
      rest = later;
    }
    result = reduce(result, (c) => output.includes(c));
    return clone(arrange(result, output));
  });
}

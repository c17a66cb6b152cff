// What are TensorFlow.js's functions for one step of an LSTM: of one cell, and of several on top of each other?

import { DinogradError } from "../errors.ts";
import { tidy } from "../scope.ts";
import { showShape } from "../shape.ts";
import type { Tensor } from "../tensor.ts";
import { sigmoid, tanh } from "./activations.ts";
import { add, mul } from "./elementwise.ts";
import { concat, split } from "./join.ts";
import { matMul } from "./matmul.ts";
import { type Operand, toTensor } from "./operand.ts";

/** One step of a cell: from data [batch, features] and the states c and h [batch, units] to the states after it. */
export type LSTMCellFunc = (data: Tensor, c: Tensor, h: Tensor) => [Tensor, Tensor];

/**
 * One step of an LSTM with `lstmKernel` [features + units, 4 * units] and `lstmBias` [4 * units], whose parts are the gates i, the new
 * content j, f and o: `c' = c sigmoid(f + forgetBias) + sigmoid(i) tanh(j)`, `h' = tanh(c') sigmoid(o)`. Gives [c', h'].
 *
 * ```ts
 * import * as dg from "../../mod.ts";
 * import assert from "node:assert";
 *
 * const kernel = dg.zeros([3, 8]), bias = dg.zeros([8]);
 * const [c] = dg.basicLSTMCell(0, kernel, bias, dg.ones([1, 1]), dg.ones([1, 2]), dg.ones([1, 2]));
 * assert.deepEqual(c.arraySync(), [[0.5, 0.5]]);
 * ```
 */
export function basicLSTMCell(
  forgetBias: number | Tensor,
  lstmKernel: Operand,
  lstmBias: Operand,
  data: Operand,
  c: Operand,
  h: Operand,
): [Tensor, Tensor] {
  return tidy(() => {
    const joined = concat([data, h], 1), kernel = toTensor(lstmKernel);
    const states = [toTensor(c), toTensor(h)], [, units] = states[0].shape;
    if (states.some((s) => s.rank !== 2)) {
      throw new DinogradError(
        `basicLSTMCell wants states c and h [batch, units], got ${
          states.map((s) => showShape(s.shape)).join(" and ")
        }`,
      );
    }
    if (kernel.rank !== 2 || kernel.shape[1] !== 4 * units) {
      throw new DinogradError(
        `basicLSTMCell of ${units} units wants a kernel [features + units, ${4 * units}], got ${
          showShape(kernel.shape)
        }`,
      );
    }
    const [i, j, f, o] = split(add(matMul(joined, kernel), lstmBias), 4, 1);
    const kept = mul(c, sigmoid(add(f, forgetBias)));
    const next = add(kept, mul(sigmoid(i), tanh(j)));
    return [next, mul(tanh(next), sigmoid(o))];
  });
}

/**
 * One step of cells on top of each other, each of which takes the h of the one below as its data: gives their states c and h after it.
 */
export function multiRNNCell(
  lstmCells: readonly LSTMCellFunc[],
  data: Operand,
  c: readonly Operand[],
  h: readonly Operand[],
): [Tensor[], Tensor[]] {
  const count = lstmCells.length;
  if (c.length !== count || h.length !== count) {
    throw new DinogradError(
      `multiRNNCell of ${count} cells wants as many states c and h, got ${c.length} and ${h.length}`,
    );
  }
  return tidy(() => {
    let input = toTensor(data);
    const states = lstmCells.map((cell, i) => {
      const [nextC, nextH] = cell(input, toTensor(c[i]), toTensor(h[i]));
      input = nextH;
      return [nextC, nextH];
    });
    return [states.map(([nextC]) => nextC), states.map(([, nextH]) => nextH)];
  });
}

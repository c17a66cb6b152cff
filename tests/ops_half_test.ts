// Do operations compute in 16-bit floats what they compute in float32, rounded? The op table, its inputs rounded to each type.

import assert from "node:assert";
import { type DType, isFloat as isFloating } from "../src/dtype.ts";
import { grads } from "../src/grad.ts";
import { addN, cast, mul, sum } from "../src/ops/mod.ts";
import type { Tensor } from "../src/tensor.ts";
import { type Input, type Row, rows } from "./cases.ts";
import { type Half, halves } from "./half.ts";
import {
  assertClose,
  assertLaterRunsAgree,
  draw,
  isFloat,
  listOf,
  load,
  onDevices,
  randomFor,
} from "./op_table.ts";
import type { Plain } from "./plain.ts";

const float = { dtype: "float32" } as Input;

/** A row with inputs of one size, rounded to a 16-bit type. */
class Case {
  readonly wanted: Plain[];
  readonly #inputs: Plain[];
  readonly #weights: Plain[]; // of the results, in a sum whose gradients are taken

  constructor(readonly row: Row, readonly n: number, readonly half: Half) {
    const specs = row.inputs(n), prng = randomFor(row, n);
    const round = (x: Plain) => x.map((v) => half.round(v));
    this.#inputs = draw(specs, prng).map((x, i) => isFloat(specs[i]) ? round(x) : x);
    this.wanted = listOf(row.plain(...this.#inputs));
    this.#weights = this.wanted.map((y) => round(y.map(() => prng.uniform(-1, 1))));
  }

  /** The inputs with their floats as `dtype`. */
  inputs(dtype: DType): Tensor[] {
    return this.row.inputs(this.n).map((spec, i) =>
      load(this.#inputs[i], isFloat(spec) ? { ...spec, dtype } : spec)
    );
  }

  /** Gradients of the weighted sum of the results, and of the sum of those, with respect to the floats as `dtype`. */
  gradients(dtype: DType): { first: number[]; second: number[] } {
    const inputs = this.inputs(dtype);
    const f = (...floats: Tensor[]) => {
      let next = 0;
      const ys = listOf(this.row.run(...inputs.map((x) => x.dtype === dtype ? floats[next++] : x)));
      return addN(
        ys.flatMap((y, i) =>
          isFloating(y.dtype) ? [sum(mul(cast(y, "float32"), load(this.#weights[i], float)))] : []
        ),
      );
    };
    const slope = (...floats: Tensor[]) =>
      addN(grads(f)(floats).map((g) => sum(cast(g, "float32"))));
    const floats = inputs.filter((x) => x.dtype === dtype);
    const [first, second] = [f, slope].map((fn) =>
      grads(fn)(floats).flatMap((g) => {
        assert.equal(g.dtype, dtype, "type of a gradient");
        return [...g.dataSync()];
      })
    );
    return { first, second };
  }
}

/** Holds results to the plain reference: rounded once, they are within half an epsilon of it. */
function checkValues({ row, half, wanted }: Case, ys: readonly Tensor[], what: string): void {
  const { rtol = 1e-6, atol = 1e-6, roundings, wide } = row;
  const { dtype, epsilon } = half;
  const bound = (want: number) => {
    const size = Math.abs(want);
    if (roundings) return roundings * epsilon * Math.max(1, size);
    return atol + (wide ? rtol : rtol + epsilon / 2) * size;
  };
  ys.forEach((y, i) => {
    const float = isFloating(y.dtype);
    if (float) assert.equal(y.dtype, wide ? "float32" : dtype, what);
    assertClose(y.dataSync(), wanted[i].data, float ? bound : () => 0, what);
  });
}

/** Holds gradients to those in float32, within some epsilons of the largest. */
function checkGradients(c: Case, what: string): void {
  const { dtype, epsilon } = c.half;
  const wanted = c.gradients("float32"), got = c.gradients(dtype);
  for (const [order, epsilons] of [["first", 2], ["second", 8]] as const) {
    const largest = Math.max(1, ...wanted[order].map(Math.abs));
    const bound = () => epsilons * epsilon * largest;
    assertClose(got[order], wanted[order], bound, `${order} gradient, ${what}`);
  }
}

for (const row of rows) {
  if (!row.inputs(1).some(isFloat)) continue;
  Deno.test(`${row.name}: 16-bit floats`, () => {
    for (const half of halves) {
      for (const n of [0, 3, 20]) {
        const c = new Case(row, n, half);
        onDevices((name) => {
          const what = `${half.dtype}, size ${n} on ${name}`;
          const xs = c.inputs(half.dtype);
          checkValues(c, listOf(row.run(...xs)), what);
          if (n !== 3) return;
          if (!row.host) assertLaterRunsAgree(row, xs, name);
          if (row.grad !== false) checkGradients(c, what);
        });
      }
    }
  });
}

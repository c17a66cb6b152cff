// Do operations compute what they should, forward and backward, on every device? The op table against plain references.

import assert from "node:assert";
import { grads } from "../src/grad.ts";
import { devices } from "../src/native/device.ts";
import * as ops from "../src/ops/mod.ts";
import type { Tensor } from "../src/tensor.ts";
import { type Input, rows } from "./cases.ts";
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
import { count, Plain, total } from "./plain.ts";

console.log(`Operations are tested on: ${devices().map((d) => d.name).join(", ")}`);

const sizes = [0, 1, 2, 3, 20], smallSizes = [1, 2, 4];
const float = { dtype: "float32" } as Input;

// What makes tensors (tensor_test.ts, random_test.ts) or selects asynchronously (selection_test.ts), and names for the same.
const elsewhere = new Set([
  ...["tensor", "tensor1d", "tensor2d", "tensor3d", "tensor4d", "tensor5d", "tensor6d", "scalar"],
  ...["fill", "zeros", "ones", "zerosLike", "onesLike", "eye", "linspace", "range", "meshgrid"],
  ...["buffer", "TensorBuffer", "clone", "ensureShape", "to"],
  ...["rand", "randomNormal", "randomStandardNormal", "randomUniform", "randomUniformInt"],
  ...["truncatedNormal", "bernoulli", "multinomial", "randomGamma", "dropout"],
  ...["RandomState", "newRandomState", "setRandomSeed"],
  ...["whereAsync", "booleanMaskAsync", "setdiff1dAsync", "inTopKAsync"],
  ...["searchSorted"], // lowerBound and upperBound
  ...["basicLSTMCell", "multiRNNCell"], // recurrent_test.ts
  ...["concat", "pad", "reverse", "slice"].flatMap((name) =>
    [1, 2, 3, 4].map((rank) => `${name}${rank}d`)
  ),
]);

Deno.test("every operation has a row", () => {
  const words = new Set(rows.flatMap((row) => row.name.split(" ")));
  const functions = Object.entries(ops).filter(([, value]) => typeof value === "function");
  const missing = functions.map(([name]) => name).filter((n) => !words.has(n) && !elsewhere.has(n));
  assert.deepEqual(missing, []);
});

for (const row of rows) {
  Deno.test(`${row.name}: values`, () => {
    const { rtol = 1e-6, atol = 1e-6 } = row;
    for (const n of sizes) {
      const specs = row.inputs(n), inputs = draw(specs, randomFor(row, n));
      const wanted = listOf(row.plain(...inputs));
      onDevices((name) => {
        const results = listOf(row.run(...inputs.map((x, i) => load(x, specs[i]))));
        assert.equal(results.length, wanted.length, "number of results");
        results.forEach((y, i) => {
          const what = `size ${n} on ${name}`;
          assert.deepEqual(y.shape, [...wanted[i].shape], `${what}: shape`);
          assertClose(y.dataSync(), wanted[i].data, (w) => atol + rtol * Math.abs(w), what);
        });
      });
    }
  });
}

for (const row of rows) {
  if (row.host) continue;
  Deno.test(`${row.name}: described and recorded`, () => {
    const specs = row.inputs(3), inputs = draw(specs, randomFor(row, 3));
    onDevices((name) => {
      const xs = inputs.map((x, i) => load(x, specs[i]));
      assertLaterRunsAgree(row, xs, name);
    });
  });
}

/** Parts of a list, with the given shapes. */
function cut(x: readonly number[], shapes: readonly (readonly number[])[]): Plain[] {
  let at = 0;
  return shapes.map((shape) => new Plain(shape, x.slice(at, at += count(shape))));
}

/** Central differences of f, one for each number of x. */
function slopes(f: (x: readonly number[]) => number, x: readonly number[], h: number): number[] {
  return x.map((v, i) => (f(x.with(i, v + h)) - f(x.with(i, v - h))) / (2 * h));
}

for (const row of rows) {
  if (row.grad === false || !row.inputs(1).some(isFloat)) continue;
  // F: the float32 results times random weights, summed up. Its gradient, and the gradient of its slope along a random direction.
  Deno.test(`${row.name}: gradients`, () => {
    for (const n of smallSizes) {
      const prng = randomFor(row, n), specs = row.inputs(n), inputs = draw(specs, prng);
      const shapes = specs.filter(isFloat).map((s) => s.shape);
      const x = inputs.flatMap((p, i) => isFloat(specs[i]) ? p.data : []);
      const random = (size: number) =>
        Array.from({ length: size }, () => Math.fround(prng.uniform(-1, 1)));
      const direction = random(x.length);
      const weights = listOf(row.plain(...inputs)).map((y) =>
        new Plain(y.shape, random(y.data.length))
      );

      const withFloats = <T>(all: readonly T[], floats: readonly T[]): T[] => {
        let next = 0;
        return all.map((v, i) => isFloat(specs[i]) ? floats[next++] : v);
      };
      let counted: boolean[] = []; // which results are float32
      const F = (...xs: Tensor[]) => {
        const ys = listOf(row.run(...withFloats(inputs.map((p, i) => load(p, specs[i])), xs)));
        counted = ys.map(isFloat);
        return ops.addN(
          ys.flatMap((y, i) => isFloat(y) ? [ops.sum(ops.mul(y, load(weights[i], float)))] : []),
        );
      };
      const plainF = (x: readonly number[]) =>
        total(
          listOf(row.plain(...withFloats(inputs, cut(x, shapes)))).flatMap((y, i) =>
            counted[i] ? y.data.map((v, k) => v * weights[i].data[k]) : []
          ),
        );

      let first: number[] | undefined, second: number[] | undefined;
      onDevices((name) => {
        const parts = (values: readonly number[]) => cut(values, shapes).map((p) => load(p, float));
        const along = parts(direction);
        const slopeAlong = (...xs: Tensor[]) =>
          ops.addN(grads(F)(xs).map((g, i) => ops.sum(ops.mul(g, along[i]))));
        const flat = (gradients: Tensor[]) => gradients.flatMap((g) => [...g.dataSync()]);
        const gotFirst = flat(grads(F)(parts(x))), gotSecond = flat(grads(slopeAlong)(parts(x)));

        first ??= slopes(plainF, x, 1e-5);
        second ??= slopes(
          (x) => {
            const h = 2e-4, by = (s: number) => x.map((v, i) => v + s * h * direction[i]);
            return (plainF(by(1)) - plainF(by(-1))) / (2 * h);
          },
          x,
          2e-4,
        );
        const bound = (tol: number, all: number[]) => {
          const largest = Math.max(1, ...all.map(Math.abs));
          return () => tol * largest;
        };
        const { gtol = 1e-5 } = row;
        assertClose(gotFirst, first, bound(gtol, first), `gradient, size ${n} on ${name}`);
        assertClose(
          gotSecond,
          second,
          bound(10 * gtol, second),
          `second one, size ${n} on ${name}`,
        );
      });
    }
  });
}

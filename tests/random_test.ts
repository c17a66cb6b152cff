// Are random tensors distributed as they say, the same for the same seed, and new in every replayed step?

import assert from "node:assert";
import * as dg from "../mod.ts";
import { Arena, record } from "../src/record.ts";
import { onEachDevice } from "./fixtures.ts";

const values = (x: dg.Tensor) => [...x.dataSync()];
const take = (x: dg.Tensor) => dg.tidy(() => values(x));

/** Mean, deviation and extremes of many draws. */
function shapeOf(x: dg.Tensor) {
  const v = values(x);
  x.dispose();
  const mean = v.reduce((a, b) => a + b, 0) / v.length;
  const deviation = Math.sqrt(v.reduce((a, b) => a + (b - mean) ** 2, 0) / v.length);
  return { mean, deviation, min: Math.min(...v), max: Math.max(...v) };
}
const near = (got: number, want: number, bound: number, what: string) =>
  assert.ok(Math.abs(got - want) <= bound, `${what}: got ${got}, wanted ${want}`);

onEachDevice("draws have the moments and the range of their distribution", () => {
  const n = 20000, error = 5 / Math.sqrt(n); // five standard errors
  const cases: [string, dg.Tensor, number, number, number, number][] = [
    ["uniform", dg.randomUniform([n], -1, 3, "float32", 1), 1, 4 / Math.sqrt(12), -1, 3],
    ["normal", dg.randomNormal([n], 2, 0.5, "float32", 2), 2, 0.5, -3, 7],
    ["standard normal", dg.randomStandardNormal([n], "float32", 3), 0, 1, -7, 7],
    ["truncated normal", dg.truncatedNormal([n], 1, 2, "float32", 4), 1, 2 * 0.8796, -3, 5],
    ["bernoulli", dg.bernoulli([n], 0.3, 5), 0.3, Math.sqrt(0.21), 0, 1],
    ["integers", dg.randomUniformInt([n], -2, 3, 6), 0, Math.SQRT2, -2, 2],
    ["gamma", dg.randomGamma([n], 3, 2, "float32", 7), 1.5, Math.sqrt(3) / 2, 0, 12],
    ["gamma below 1", dg.randomGamma([n], 0.5, 1, "float32", 8), 0.5, Math.SQRT1_2, 0, 15],
  ];
  for (const [name, x, mean, deviation, low, high] of cases) {
    const got = shapeOf(x);
    near(got.mean, mean, error * deviation, `${name}: mean`);
    near(got.deviation, deviation, 3 * error * deviation, `${name}: deviation`);
    assert.ok(got.min >= low && got.max <= high, `${name}: range ${got.min} to ${got.max}`);
  }
});

onEachDevice("the same seed gives the same values, another one others", () => {
  const draw = (seed?: number) => take(dg.randomNormal([7], 0, 1, "float32", seed));
  assert.deepEqual(draw(5), draw(5));
  assert.notDeepEqual(draw(5), draw(6));
  assert.notDeepEqual(draw(), draw());
  dg.setRandomSeed(9);
  const first = [draw(), draw()];
  assert.notDeepEqual(first[0], first[1]);
  dg.setRandomSeed(9);
  assert.deepEqual([draw(), draw()], first);
});

onEachDevice("generators of one's own follow the global seed, each its own way", (device) => {
  const draw = () => {
    dg.setRandomSeed(1);
    const states = [dg.newRandomState(device), dg.newRandomState(device)];
    const all = states.map((s) => take(dg.bernoulli([40], 0.5, s)));
    for (const s of states) s.dispose();
    return all;
  };
  const [a, b] = draw();
  assert.notDeepEqual(a, b);
  assert.deepEqual(draw(), [a, b]);
});

onEachDevice(
  "a replayed step draws anew, as the eager one does; a seed of its own makes it repeat",
  (device) => {
    const state = dg.newRandomState(device, 3), arena = new Arena(device);
    const step = () => [
      dg.randomUniform([4], 0, 1, "float32", state),
      dg.randomNormal([3], 0, 1, "float32", 8),
    ];
    const eager = [0, 1, 2].map(() => step().map(take));
    assert.notDeepEqual(eager[0][0], eager[1][0]);
    assert.deepEqual(eager[0][1], eager[1][1]);
    state.reset(3);
    const { program, result } = record(arena, step);
    for (const want of eager) {
      program.replay();
      assert.deepEqual(result.map(values), want);
    }
    dg.dispose(result);
    program.dispose();
    arena.dispose();
    state.dispose();
  },
);

onEachDevice("multinomial draws classes as often as their probabilities say", () => {
  const counts = (x: dg.Tensor, k: number) => {
    const data = take(x);
    return Array.from({ length: k }, (_, c) => data.filter((v) => v === c).length / data.length);
  };
  const logits = [Math.log(1), Math.log(2), Math.log(5)];
  counts(dg.multinomial(logits, 8000, 1), 3).forEach((p, i) =>
    near(p, [1, 2, 5][i] / 8, 0.03, "logits")
  );
  const p = counts(dg.multinomial([[0, 0.25, 0.75], [0, 0.25, 0.75]], 4000, 2, true), 3);
  p.forEach((q, i) => near(q, [0, 0.25, 0.75][i], 0.03, "probabilities"));
  const y = dg.multinomial([[1, 2]], 3, 1);
  assert.deepEqual([y.shape, y.dtype], [[1, 3], "int32"]);
  y.dispose();
});

onEachDevice("dropout zeroes a share and scales the rest; noiseShape shares draws", () => {
  dg.tidy(() => {
    const x = dg.ones([50, 40]);
    const y = dg.dropout(x, 0.25, undefined, 1);
    const zeros = values(y).filter((v) => v === 0).length / x.size;
    near(zeros, 0.25, 0.05, "share of zeros");
    assert.deepEqual([...new Set(values(y))].sort(), [0, Math.fround(1 / 0.75)]);
    const rows = dg.dropout(x, 0.5, [50, 1], 1).arraySync() as number[][];
    for (const row of rows) assert.equal(new Set(row).size, 1);
    assert.deepEqual(values(dg.dropout(x, 0)), values(x));
    // The gradient passes where the value did.
    const g = dg.grad((x) => dg.dropout(x, 0.25, undefined, 1))(x);
    assert.deepEqual(values(g), values(y));
  });
});

onEachDevice("rand asks a function for each value", () => {
  let next = 0;
  assert.deepEqual(take(dg.rand([2, 2], () => next++)), [0, 1, 2, 3]);
});

Deno.test("impossible distributions get sentences", () => {
  assert.throws(() => dg.bernoulli([2], 1.5), /probability from 0 to 1, got 1.5/);
  assert.throws(() => dg.randomUniformInt([2], 3, 3), /minval < maxval, got 3 and 3/);
  assert.throws(() => dg.randomGamma([2], 0), /above 0, got 0 and 1/);
  assert.throws(() => dg.dropout([1], 1), /rate from 0 to below 1, got 1/);
  assert.throws(() => dg.randomNormal([-1]), /whole dimensions of at least 0, got \[-1\]/);
  assert.throws(() => dg.setRandomSeed(NaN), /wants a number, got NaN/);
  assert.throws(() => dg.multinomial([1], 2), /at least 2 classes, got \[1\]/);
});

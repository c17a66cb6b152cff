// Do layers compute what Keras computes, forwards and backwards? And do they refuse what they cannot take?

import assert from "node:assert";
import * as dg from "../mod.ts";
import { cases, close, type FixtureTensor, load, onEachDevice } from "./fixtures.ts";

const list = <T>(x: T | T[]): T[] => Array.isArray(x) ? x : [x];
const one = <T>(xs: T[]): T | T[] => xs.length === 1 ? xs[0] : xs;

/** Arguments of a call, with the tensors in them. */
function callArgs(args: Record<string, unknown>): dg.CallArgs {
  const value = (v: unknown): unknown =>
    Array.isArray(v)
      ? v.map(value)
      : typeof v === "object" && v !== null
      ? load(v as FixtureTensor)
      : v;
  const camel = (key: string) => key.replace(/_(.)/g, (_, letter) => letter.toUpperCase());
  return Object.fromEntries(Object.entries(args).map(([k, v]) => [camel(k), value(v)]));
}

onEachDevice("layers agree with Keras", () => {
  for (const c of cases("layers.json")) {
    dg.tidy(() => {
      const layer = dg.deserializeLayer(c), args = callArgs(c.call_args);
      const xs: dg.Tensor[] = c.inputs.map(load);
      const run = (inputs: dg.Tensor[]) => list(layer.apply(one(inputs), args) as dg.Tensor);
      run(xs);
      const tensors = (given: { tensor: FixtureTensor }[]) => given.map((w) => w.tensor);
      (c.initial_weights ?? []).forEach((w: { tensor: FixtureTensor } | null, i: number) => {
        if (w?.tensor) close(layer.weights[i].read(), w.tensor.data, `${c.name} initial ${i}`);
      });
      layer.setWeights(tensors(c.weights).map(load));
      const expected = list<FixtureTensor>(c.output);
      run(xs).forEach((y, i) => {
        close(y, expected[i].data, `${c.name} output ${i}`, c);
        assert.deepEqual(y.shape, expected[i].shape, c.name);
      });
      tensors(c.weights_after ?? []).forEach((w, i) =>
        close(layer.weights[i].read(), w.data, `${c.name} weight ${i} afterwards`, c)
      );
      if (c.upstream) {
        layer.setWeights(tensors(c.weights).map(load));
        const upstream = list<FixtureTensor>(c.upstream).map(load);
        const variables = layer.weights.map((w) => w.read());
        const found = dg.grads((...all: dg.Tensor[]) => {
          const ys = run(all.slice(0, xs.length));
          return dg.addN(ys.map((y, i) => y.mul(upstream[i]).sum()));
        })([...xs, ...variables]);
        const wanted = [
          ...c.grad_inputs,
          ...c.grad_weights.map((g: { tensor: FixtureTensor } | null) => g && (g.tensor ?? g)),
        ];
        wanted.forEach((g: FixtureTensor | null, i: number) => {
          if (g) close(found[i], g.data, `${c.name} gradient ${i}`, c);
        });
      }
      layer.dispose();
    });
  }
});

onEachDevice("dropout drops while training, keeps the mean, and draws anew each time", () => {
  dg.tidy(() => {
    const layer = dg.layers.dropout({ rate: 0.25, seed: 7 });
    const x = dg.ones([100, 100]);
    const y = layer.apply(x, { training: true }) as dg.Tensor;
    const values = y.dataSync();
    const zeros = values.filter((v) => v === 0).length / values.length;
    assert.ok(Math.abs(zeros - 0.25) < 0.02, `share of zeros ${zeros}`);
    assert.ok(values.every((v) => v === 0 || Math.abs(v - 4 / 3) < 1e-6));
    const again = (layer.apply(x, { training: true }) as dg.Tensor).dataSync();
    assert.notDeepEqual(values, again);
    assert.deepEqual((layer.apply(x, {}) as dg.Tensor).dataSync(), x.dataSync());
    const rows = dg.layers.dropout({ rate: 0.5, noiseShape: [null, 1], seed: 1 });
    const whole = (rows.apply(x, { training: true }) as dg.Tensor).sum(1).dataSync();
    assert.ok(whole.every((v) => v === 0 || v === 200), "a row is dropped as a whole");
    layer.dispose();
    rows.dispose();
  });
});

Deno.test("layers say what they want", () => {
  assert.throws(() => dg.layers.dense({ units: 0 }), /units.*whole number.*got 0/);
  assert.throws(() => dg.layers.dropout({ rate: 1 }), /rate from 0 to below 1, got 1/);
  assert.throws(() => dg.layers.dense({ units: 1, activation: "rellu" }), /rellu.*relu/);
  assert.throws(
    () => dg.layers.dense({ units: 1, kernelInitializer: "glorotUnifrom" }),
    /glorotUnifrom.*did you mean/,
  );
  assert.throws(() => dg.layers.inputLayer({}), /inputShape/);
  const layer = dg.layers.dense({ units: 2, inputShape: [3], name: "head" });
  dg.tidy(() => {
    layer.apply(dg.zeros([1, 3]));
    assert.throws(() => layer.apply(dg.zeros([1, 4])), /"head".*last size 3, got \[1,4\]/);
    assert.throws(() => layer.setWeights([dg.zeros([3, 2])]), /"head" has 2 weights, got 1/);
    assert.throws(
      () => layer.setWeights([dg.zeros([3, 3]), dg.zeros([2])]),
      /head\/kernel.*\[3,2\], got \[3,3\]/,
    );
    const reshape = dg.layers.reshape({ targetShape: [7, 7, 1] });
    assert.throws(() => reshape.apply(dg.zeros([2, 128])), /128 elements.*7,7,1/);
  });
  layer.dispose();
});

// Do layers compute what Keras computes, forwards and backwards? And do they refuse what they cannot take?

import assert from "node:assert";
import * as dg from "../mod.ts";
import { cases, close, load, onEachDevice } from "./fixtures.ts";

const classes: Record<string, (config: Record<string, unknown>) => dg.Layer> = {
  Dense: ({ units, activation, use_bias, kernel_initializer }) =>
    dg.layers.dense({
      units: units as number,
      activation: activation as string,
      useBias: use_bias as boolean,
      kernelInitializer: kernel_initializer as string | undefined,
    }),
  Activation: ({ activation }) => dg.layers.activation({ activation: activation as string }),
  Flatten: () => dg.layers.flatten(),
  Reshape: ({ target_shape }) => dg.layers.reshape({ targetShape: target_shape as number[] }),
  Dropout: ({ rate }) => dg.layers.dropout({ rate: rate as number }),
};

onEachDevice("layers agree with Keras", () => {
  for (const c of cases("layers.json")) {
    dg.tidy(() => {
      const layer = classes[c.class_name](c.config);
      const x = load(c.inputs[0]);
      layer.apply(x, {});
      if (c.initial_weights) {
        // deno-lint-ignore no-explicit-any
        c.initial_weights.forEach((w: any, i: number) => {
          if (w?.tensor) close(layer.weights[i].variable, w.tensor.data, `${c.name} initial ${i}`);
        });
      }
      layer.setWeights(
        c.weights.map((w: { tensor: Parameters<typeof load>[0] }) => load(w.tensor)),
      );
      const run = (input: dg.Tensor) => layer.apply(input, c.call_args) as dg.Tensor;
      close(run(x), c.output.data, `${c.name} output`, c);
      assert.deepEqual(run(x).shape, c.output.shape);
      if (!c.upstream) return;
      const upstream = load(c.upstream);
      const weights = layer.weights.map((w) => w.variable);
      const found = dg.grads((...xs: dg.Tensor[]) => run(xs[0]))([x, ...weights], upstream);
      close(found[0], c.grad_inputs[0].data, `${c.name} input gradient`, c);
      c.grad_weights.forEach((g: { data: number[]; tensor?: { data: number[] } }, i: number) => {
        if (g) close(found[i + 1], (g.tensor ?? g).data, `${c.name} gradient of weight ${i}`, c);
      });
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

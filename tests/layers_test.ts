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

onEachDevice("noise has the mean and the spread it should have, while training only", () => {
  dg.tidy(() => {
    const x = dg.randomNormal([200, 200], 0, 1, "float32", 5);
    const check = (layer: dg.Layer, mean: number, deviation: number) => {
      const y = layer.apply(x, { training: true }) as dg.Tensor;
      const got = dg.moments(y), d = Math.sqrt(got.variance.dataSync()[0]);
      assert.ok(Math.abs(got.mean.dataSync()[0] - mean) < 0.03, `${layer.name} mean ${got.mean}`);
      assert.ok(Math.abs(d - deviation) < 0.03, `${layer.name} deviation ${d}`);
      const again = layer.apply(x, { training: true }) as dg.Tensor;
      assert.notDeepEqual(again.dataSync(), y.dataSync(), layer.name);
      assert.equal(layer.apply(x, {}), x, layer.name);
      layer.dispose();
    };
    check(dg.layers.gaussianNoise({ stddev: 0.5, seed: 1 }), 0, Math.sqrt(1.25));
    check(dg.layers.gaussianDropout({ rate: 0.2, seed: 1 }), 0, Math.sqrt(1.25));
    check(dg.layers.alphaDropout({ rate: 0.3, seed: 1 }), 0, 1);
  });
});

onEachDevice("spatial dropout drops whole maps", () => {
  dg.tidy(() => {
    const maps = (layer: dg.Layer, shape: number[], within: number[]) => {
      const y = layer.apply(dg.ones(shape), { training: true }) as dg.Tensor;
      const [low, high] = [y.min(within), y.max(within)].map((t) => [...t.dataSync()]);
      assert.deepEqual(low, high, "a map is all zeros or all of one value");
      const zeros = low.filter((v) => v === 0).length / low.length;
      assert.ok(zeros > 0.4 && zeros < 0.6, `${layer.name} share of zeros ${zeros}`);
      layer.dispose();
    };
    const rate = 0.5, seed = 2;
    maps(dg.layers.spatialDropout1d({ rate, seed }), [20, 4, 30], [1]);
    maps(dg.layers.spatialDropout2d({ rate, seed }), [20, 3, 4, 30], [1, 2]);
    maps(
      dg.layers.spatialDropout2d({ rate, seed, dataFormat: "channelsFirst" }),
      [20, 30, 3, 4],
      [2, 3],
    );
    maps(dg.layers.spatialDropout3d({ rate, seed }), [20, 2, 3, 2, 30], [1, 2, 3]);
  });
});

onEachDevice("a function is a layer, with the arguments of the call", () => {
  dg.tidy(() => {
    const scale = dg.layers.lambda({
      function: (x: dg.Tensor, { by, training }) => x.mul(training ? by as number : 1),
      arguments: { by: 3 },
    });
    const x = dg.tensor([[1, 2]]);
    close(scale.apply(x, { training: true }) as dg.Tensor, [3, 6], "training");
    close(scale.apply(x) as dg.Tensor, [1, 2], "not training");
    const input = dg.input({ shape: [2] });
    const pair = dg.layers.lambda({
      function: ([a, b]: dg.Tensor[]) => dg.tensor([[a.dataSync()[0], b.dataSync()[0]]]),
      outputShape: [2],
    });
    const both = pair.apply([input, scale.apply(input) as dg.SymbolicTensor]) as dg.SymbolicTensor;
    assert.deepEqual(both.shape, [null, 2]);
    const model = dg.model({ inputs: input, outputs: both });
    close(model.predict(x) as dg.Tensor, [1, 1], "values only");
    const shape = dg.layers.lambda({ function: (x: dg.Tensor) => x, outputShape: () => [5, 6] });
    assert.deepEqual((shape.apply(input) as dg.SymbolicTensor).shape, [5, 6]);
  });
});

onEachDevice("inputs of several ranks are merged, and channels first are flattened alike", () => {
  dg.tidy(() => {
    const a = dg.tensor([[1, 2]]), b = dg.tensor([[[1, 1], [2, 2], [3, 3]]]);
    const sum = dg.layers.add().apply([a, b]) as dg.Tensor;
    assert.deepEqual(sum.arraySync(), [[[2, 3], [3, 4], [4, 5]]]);
    const images = dg.randomNormal([2, 3, 4, 5]);
    const last = dg.layers.flatten().apply(images) as dg.Tensor;
    const first = dg.layers.flatten({ dataFormat: "channelsFirst" })
      .apply(images.transpose([0, 3, 1, 2])) as dg.Tensor;
    assert.deepEqual(first.arraySync(), last.arraySync());
    const zeros = dg.layers.unitNormalization();
    const f = (x: dg.Tensor) => (zeros.apply(x) as dg.Tensor).sum();
    assert.deepEqual(dg.grad(f)(dg.zeros([1, 3])).arraySync().toString().includes("NaN"), false);
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
  assert.throws(() => dg.layers.permute({ dims: [1, 3] }), /dims.*from 1 on.*got \[1,3\]/);
  assert.throws(() => dg.layers.repeatVector({ n: 0 }), /n, a whole number of at least 1: got 0/);
  assert.throws(() => dg.layers.dot({ axes: [1] as unknown as number }), /dot needs axes.*\[1\]/);
  assert.throws(() => dg.layers.concatenate({ axis: 0 }), /other than 0, the batch: got 0/);
  assert.throws(() => dg.layers.gaussianNoise({ stddev: -1 }), /stddev.*at least 0: got -1/);
  assert.throws(() => dg.layers.alphaDropout({ rate: 1 }), /rate from 0 to below 1, got 1/);
  assert.throws(() => dg.layers.leakyReLU({ alpha: NaN }), /alpha to be a number, got NaN/);
  assert.throws(() => dg.layers.flatten({ dataFormat: "first" as never }), /channelsLast.*"first"/);
  assert.throws(() => dg.layers.lambda({} as never), /lambda needs a function, got undefined/);
  const refuses = (l: dg.Layer, x: dg.Tensor | dg.Tensor[], sentence: RegExp) =>
    dg.tidy(() => assert.throws(() => l.apply(x), sentence));
  dg.tidy(() => {
    const m = dg.ones([2, 3]), n = dg.ones([4, 3]);
    refuses(dg.layers.add({ name: "s" }), m, /"s" takes a list of inputs, got one/);
    refuses(dg.layers.add({ name: "s" }), [m, n], /"s" takes inputs of one batch size.*\[4,3\]/);
    refuses(dg.layers.subtract({ name: "s" }), [m, m, m], /"s" takes two inputs, got 3/);
    refuses(dg.layers.dot({ axes: 0, name: "d" }), [m, m], /"d" cannot multiply.*not the batch/);
    refuses(dg.layers.dot({ axes: 1 }), [m, dg.ones([2, 4])], /\[2,3\] along axis 1 by \[2,4\]/);
    refuses(dg.layers.permute({ dims: [1, 2], name: "p" }), m, /"p" permutes 2 dimensions/);
    refuses(dg.layers.repeatVector({ n: 2 }), dg.ones([2, 3, 4]), /\[batch, features\], got/);
    refuses(dg.layers.spatialDropout1d({ rate: 0.1 }), m, /inputs of rank 3, got \[2,3\]/);
    refuses(dg.layers.prelu({ sharedAxes: 2 }), m, /along axes from 1 to 1, got 2/);
  });
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

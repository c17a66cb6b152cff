// Do layers that bring values to a common scale keep their statistics, in fit as step by step, heed masks and types, come back from
// files, and say what they cannot take? Their numbers are held to Keras's in layers_test.ts.

import assert from "node:assert";
import * as dg from "../mod.ts";
import { close, onEachDevice } from "./fixtures.ts";
import { fromMemory, on, saved, values } from "./saved_models.ts";

const L = dg.layers;
const one = (y: dg.Tensor | dg.Tensor[]) => y as dg.Tensor;
const numbers = (y: dg.Tensor) => dg.tidy(() => [...y.cast("float32").dataSync()]);

onEachDevice(
  "moving statistics are those of Keras's rule, in recorded steps as in eager ones",
  async () => {
    const x = dg.randomNormal([70, 6, 3], 2, 3), y = dg.randomNormal([70, 1]);
    const train = async (runEagerly: boolean) => {
      dg.setRandomSeed(5);
      const model = dg.sequential({
        layers: [
          L.batchNormalization({ inputShape: [6, 3], momentum: 0.9 }),
          L.flatten(),
          L.dense({ units: 1 }),
        ],
      });
      model.compile({ optimizer: "sgd", loss: "meanSquaredError", runEagerly });
      await model.fit(x, y, { epochs: 3, batchSize: 16, shuffle: false, verbose: 0 });
      const all = values(model);
      model.dispose();
      return all;
    };
    const recorded = await train(false);
    assert.deepEqual(recorded, await train(true));
    const mean = [0, 0, 0], variance = [1, 1, 1];
    for (let step = 0; step < 15; step++) {
      dg.tidy(() => {
        const first = step % 5 * 16, batch = x.slice([first], [Math.min(16, 70 - first)]);
        const now = dg.moments(batch, [0, 1]);
        [...now.mean.dataSync()].forEach((m, c) => mean[c] = mean[c] * 0.9 + m * 0.1);
        [...now.variance.dataSync()].forEach((v, c) => variance[c] = variance[c] * 0.9 + v * 0.1);
      });
    }
    const [, , movingMean, movingVariance] = recorded.map(([, , data]) => data as number[]);
    close(movingMean, mean, "moving mean");
    close(movingVariance, variance, "moving variance");
    dg.dispose([x, y]);
  },
);

onEachDevice("a frozen layer uses its moving statistics and leaves them alone", () => {
  dg.tidy(() => {
    const layer = L.batchNormalization({ epsilon: 0 }), x = dg.tensor([[1, 2], [3, 6]]);
    layer.apply(x, { training: true });
    layer.setWeights([dg.ones([2]), dg.zeros([2]), dg.tensor([1, 2]), dg.tensor([4, 16])]);
    layer.trainable = false;
    assert.equal(layer.trainableWeights.length, 0);
    const y = one(layer.apply(x, { training: true }));
    close(y, [0, 0, 1, 1], "frozen");
    assert.deepEqual(layer.getWeights().slice(2).map(numbers), [[1, 2], [4, 16]]);
    layer.trainable = true;
    assert.equal(layer.trainableWeights.length, 2);
    close(one(layer.apply(x, { training: true })), [-1, -1, 1, 1], "learning");
    layer.dispose();
  });
});

onEachDevice("masked entries do not count", () => {
  dg.tidy(() => {
    const layer = L.batchNormalization({ momentum: 0, epsilon: 1e-3 });
    const model = dg.sequential({ layers: [L.masking({ inputShape: [3, 2] }), layer] });
    const x = dg.tensor([[[1, 10], [3, 30], [0, 0]], [[5, 20], [0, 0], [0, 0]]]);
    const y = one(model.apply(x, { training: true }));
    const scaled = (v: number, c: number) =>
      (v - [3, 20][c]) / Math.sqrt([8 / 3, 200 / 3 * 4 / 4][c] + 1e-3);
    close(y, [...x.dataSync()].map((v, i) => scaled(v, i % 2)), "output");
    const [mean, variance] = layer.getWeights().slice(2).map(numbers);
    close(mean, [3, 20], "mean");
    close(variance, [8 / 3, 200 / 3], "variance");
    // Gradients flow through statistics of masked entries as they do through those of all.
    const loss = (mask: dg.Tensor | null) => (t: dg.Tensor) =>
      one(layer.apply(t, { training: true, mask })).mul(x).sum();
    const all = x.greater(-1).all(-1);
    close(dg.grad(loss(all))(x), [...dg.grad(loss(null))(x).dataSync()], "gradient", {
      atol: 1e-4,
    });
    model.dispose();
  });
});

onEachDevice("channels may lie along any dimension", () => {
  dg.tidy(() => {
    const x = dg.randomNormal([4, 6, 5], 1, 2), moved = x.transpose([0, 2, 1]);
    for (
      const make of [
        (axis: number) => L.batchNormalization({ axis }),
        (axis: number) => L.groupNormalization({ axis, groups: 3 }),
        (axis: number) => L.groupNormalization({ axis, groups: -1 }),
        (axis: number) => L.layerNormalization({ axis }),
        (axis: number) => L.rmsNormalization({ axis }),
      ]
    ) {
      const last = make(-1), other = make(1), args = { training: true };
      const wanted = one(last.apply(moved, args)).transpose([0, 2, 1]);
      close(one(other.apply(x, args)), [...wanted.dataSync()], last.getClassName());
      last.getWeights().forEach((w, i) => {
        close(other.getWeights()[i], [...w.dataSync()], `weight ${i} of ${last.getClassName()}`);
      });
      last.dispose();
      other.dispose();
    }
  });
});

onEachDevice("root mean square normalization subtracts nothing", () => {
  dg.tidy(() => {
    const layer = L.rmsNormalization({ epsilon: 0.5 }), x = dg.tensor([[1, 2, 3], [-4, 0, 4]]);
    layer.build([2, 3]);
    layer.built = true;
    layer.setWeights([dg.tensor([1, 2, -1])]);
    const root = (v: number[]) => Math.sqrt(v.reduce((s, a) => s + a * a, 0) / 3 + 0.5);
    const wanted = x.arraySync() as number[][];
    close(
      one(layer.apply(x)),
      wanted.flatMap((v) => v.map((a, i) => a / root(v) * [1, 2, -1][i])),
      "output",
    );
    assert.deepEqual(layer.weights.map((w) => w.name.split("/")[1]), ["scale"]);
    layer.dispose();
  });
});

onEachDevice("statistics are float32 where layers compute in 16 bits", () => {
  dg.tidy(() => {
    // In float16 sums of these squares would be infinite.
    const x = dg.randomNormal([64, 8], 300, 20), wide = { training: true };
    for (const dtype of ["mixed_float16", "mixed_bfloat16", "float16"] as const) {
      const layers = [L.batchNormalization, L.layerNormalization, L.groupNormalization];
      for (const make of layers) {
        const options = { groups: 2, momentum: 0 };
        const layer = make({ ...options, dtype } as object), plain = make(options as object);
        const y = one(layer.apply(x, wide)),
          wanted = one(plain.apply(x.cast(y.dtype).cast("float32"), wide));
        assert.equal(y.dtype, dtype === "mixed_bfloat16" ? "bfloat16" : "float16");
        close(numbers(y), numbers(wanted), `${layer.getClassName()} in ${dtype}`, {
          rtol: 0,
          atol: dtype === "mixed_bfloat16" ? 0.02 : 0.003,
        });
        layer.weights.forEach((w, i) => {
          assert.equal(w.dtype, dtype === "float16" ? dtype : "float32");
          if (w.dtype === "float32") close(w.variable, numbers(plain.weights[i].variable), w.name);
        });
        layer.dispose();
        plain.dispose();
      }
    }
  });
});

onEachDevice("models with normalization come back from files", async () => {
  const input = dg.input({ shape: [4, 4, 6] });
  let x = input;
  for (
    const layer of [
      L.batchNormalization({ momentum: 0.3, name: "b" }),
      L.conv2d({ filters: 4, kernelSize: 3 }),
      L.groupNormalization({ groups: 2, epsilon: 0.01 }),
      L.layerNormalization({ axis: [1, 2], center: false, gammaConstraint: "nonNeg" }),
      L.rmsNormalization({ axis: [-1] }),
      L.flatten(),
      L.dense({ units: 1 }),
    ]
  ) x = on(layer, x);
  const model = dg.model({ inputs: input, outputs: x });
  model.compile({ optimizer: "adam", loss: "meanSquaredError" });
  const data = dg.randomNormal([8, 4, 4, 6]), targets = dg.ones([8, 1]);
  await model.fit(data, targets, { epochs: 2, verbose: 0 });
  const again = await fromMemory(await saved(model));
  assert.deepEqual(values(again), values(model));
  const outputs = [model, again].map((m) => dg.tidy(() => numbers(one(m.predict(data)))));
  assert.deepEqual(outputs[0], outputs[1]);
  assert.deepEqual(model.layers.map((l) => l.getConfig()), again.layers.map((l) => l.getConfig()));
  assert.deepEqual(model.layers[1].weights.map((w) => w.name), [
    ...["gamma", "beta", "moving_mean", "moving_variance"].map((name) => `b/${name}`),
  ]);
  for (const m of [model, again]) m.dispose();
  dg.dispose([data, targets]);
});

Deno.test("configs are Keras's", () => {
  const shared = {
    center: true,
    scale: true,
    epsilon: 0.001,
    beta_initializer: { class_name: "Zeros", config: {} },
    gamma_initializer: { class_name: "Ones", config: {} },
    beta_regularizer: null,
    gamma_regularizer: null,
    beta_constraint: null,
    gamma_constraint: null,
  };
  const config = (layer: dg.Layer) => {
    const { name: _, trainable: _t, dtype: _d, ...rest } = layer.getConfig();
    return rest;
  };
  assert.deepEqual(config(L.batchNormalization()), {
    ...shared,
    axis: -1,
    momentum: 0.99,
    moving_mean_initializer: { class_name: "Zeros", config: {} },
    moving_variance_initializer: { class_name: "Ones", config: {} },
  });
  assert.deepEqual(config(L.layerNormalization({ axis: [1, 2] })), { ...shared, axis: [1, 2] });
  assert.deepEqual(config(L.groupNormalization()), { ...shared, axis: -1, groups: 32 });
  assert.deepEqual(config(L.rmsNormalization()), { axis: -1, epsilon: 1e-6 });
  // Keras 2 has the axis in a list.
  const old = { class_name: "BatchNormalization", config: { name: "old", axis: [3] } };
  assert.equal(dg.deserializeLayer(old).getConfig().axis, 3);
});

onEachDevice("a gradient penalty trains through layer and batch normalization", () => {
  dg.tidy(() => {
    const layers = [
      L.dense({ units: 6, activation: "tanh" }),
      L.layerNormalization(),
      L.dense({ units: 5 }),
      L.batchNormalization(),
      L.dense({ units: 1 }),
    ];
    const x = dg.randomNormal([8, 4], 0, 1, "float32", 3);
    const score = (t: dg.Tensor) =>
      layers.reduce((y, layer) => one(layer.apply(y, { training: true })), t).sum();
    const penalty = () => dg.grad(score)(x).square().sum(1).sqrt().sub(1).square().mean();
    penalty();
    const { grads } = dg.variableGrads(penalty);
    const weights = layers.flatMap((l) => l.trainableWeights).map((w) => w.variable);
    const before = weights.map((w) => w.clone());
    const direction = weights.map((w, i) => dg.randomNormal(w.shape, 0, 1, "float32", i));
    const at = (step: number) => {
      weights.forEach((w, i) => w.assign(before[i].add(direction[i].mul(step))));
      return penalty().dataSync()[0];
    };
    const wanted = (at(1e-2) - at(-1e-2)) / 2e-2;
    const slope = weights.reduce(
      (sum, w, i) => sum + (grads[w.name]?.mul(direction[i]).sum().dataSync()[0] ?? 0),
      0,
    );
    close([slope], [wanted], "slope of the penalty", { rtol: 0.02, atol: 1e-3 });
    layers.forEach((l) => l.dispose());
  });
});

Deno.test("normalization says what it wants", () => {
  const refused = (make: () => unknown, message: RegExp) => assert.throws(make, message);
  dg.tidy(() => {
    const x = dg.ones([2, 6]);
    refused(
      () => L.batchNormalization({ axis: [1, 2], name: "n" }),
      /"n" takes one axis, got \[1,2\]/,
    );
    refused(
      () => L.batchNormalization({ epsilon: -1, name: "n" }),
      /epsilon of "n" must be a number from 0, got -1/,
    );
    refused(() => L.batchNormalization({ axis: 2, name: "n" }).apply(x), /"n" got axis 2/);
    const builders = [
      L.batchNormalization,
      L.layerNormalization,
      (args: { name: string }) => L.groupNormalization({ ...args, groups: 1 }),
      L.rmsNormalization,
    ];
    for (const make of builders) {
      const layer = make({ name: "n" });
      layer.apply(x);
      const other = () => layer.apply(dg.ones([2, 5]));
      refused(other, /"n" was built for \[6\] along axis 1, got \[2,5\]/);
      layer.dispose();
    }
    const layer = L.layerNormalization({ axis: [1, 2], name: "n" });
    layer.apply(dg.ones([2, 3, 4]));
    refused(
      () => layer.apply(dg.ones([2, 4, 3])), // as many values
      /"n" was built for \[3,4\] along axis 1,2, got \[2,4,3\]/,
    );
    layer.dispose();
    refused(
      () => L.groupNormalization({ groups: 4, name: "n" }).apply(x),
      /"n" cannot divide dimension 1 of \[2,6\] into 4 groups/,
    );
    refused(
      () => dg.batchNorm2d(dg.ones([2, 2, 2]), 0, 1),
      /batchNorm2d wants x of rank 2, got \[2,2,2\]/,
    );
    refused(
      () => dg.batchNorm4d(dg.ones([2, 2, 2, 2]), dg.ones([2, 2]), dg.ones([2])),
      /batchNorm4d wants mean of rank 4 or 1, got \[2,2\]/,
    );
    refused(() => dg.localResponseNormalization(dg.ones([2, 2])), /one sample, got \[2,2\]/);
    refused(
      () => dg.localResponseNormalization(dg.ones([2, 2, 2]), 0.5),
      /whole number from 0, got 0.5/,
    );
  });
});

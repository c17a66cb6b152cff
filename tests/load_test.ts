// Does what was saved come back to the bit, optimizer and all, from folders and memory? And are weights found by name or order?

import assert from "node:assert";
import * as dg from "../mod.ts";
import { close, onEachDevice } from "./fixtures.ts";
import { fromMemory, graph, row, saved, values } from "./saved_models.ts";

const state = (m: dg.Model) =>
  dg.tidy(() => m.optimizer.getWeights().map(({ tensor }) => [...tensor.dataSync()]));
const decay = dg.schedules.exponentialDecay({
  initialLearningRate: 0.05,
  decaySteps: 3,
  decayRate: 0.5,
});
const optimizers: (() => dg.Optimizer)[] = [
  () => dg.train.sgd(0.05),
  () => dg.train.momentum(0.05, 0.9, true),
  () => dg.train.adam({ learningRate: 0.01, amsgrad: true }),
  () => dg.train.adam(0.01),
  () => dg.train.adamw({ learningRate: 0.01, weightDecay: 0.1, clipnorm: 1 }),
  () => dg.train.rmsprop(0.01),
  () => dg.train.rmsprop(0.01, 0.8, 0.5, 1e-6, true),
  () => dg.train.adagrad(0.1),
  () => dg.train.adadelta(0.5),
  () => dg.train.adamax(),
  () => dg.train.nadam(),
  () => dg.train.ftrl(),
  () => dg.train.lion(0.01),
  () => dg.train.adam(decay),
];

onEachDevice("training goes on from a file as if it had not stopped", async () => {
  const x = dg.randomNormal([24, 3]), y = dg.randomNormal([24, 2]);
  const z = dg.tidy(() => y.greater(0).cast("float32"));
  const args = { epochs: 2, batchSize: 8, shuffle: false, verbose: 0 } as const;
  const before = dg.memory();
  for (const make of optimizers) {
    const model = row();
    model.compile({ optimizer: make(), loss: "meanSquaredError", metrics: ["mae"] });
    await model.fit(x, y, args);
    const again = await fromMemory(await saved(model, { includeOptimizer: true }));
    const what = `${model.optimizer.getClassName()} ${JSON.stringify(model.optimizer.getConfig())}`;
    assert.equal(again.optimizer.iterations, 6, what);
    assert.deepEqual(values(again), values(model), what);
    assert.deepEqual(state(again), state(model), what);
    const [on, off] = [await again.fit(x, y, args), await model.fit(x, y, args)];
    assert.deepEqual(on.history, off.history, what);
    assert.deepEqual(Object.keys(on.history), ["loss", "mae"]);
    assert.deepEqual(values(again), values(model), what);
    model.dispose();
    again.dispose();
  }
  const model = graph();
  model.compile({
    optimizer: "adam",
    loss: ["meanSquaredError", "binaryCrossentropy"],
    lossWeights: [1, 0.5],
    metrics: { z: ["accuracy"] },
  });
  await model.fit({ one: x, two: x }, { y, z }, args);
  const folder = await Deno.makeTempDir();
  try {
    await model.save(`file://${folder}/m`, { includeOptimizer: true });
    const again = await dg.loadLayersModel(`file://${folder}/m/model.json`);
    const [on, off] = [
      await again.fit([x, x], { y, z }, args),
      await model.fit([x, x], [y, z], args),
    ];
    assert.deepEqual(on.history, off.history);
    assert.ok(on.history.z_accuracy.length === 2 && on.history.y_loss.length === 2);
    assert.deepEqual(values(again), values(model));
    again.dispose();
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
  model.dispose();
  for (const t of [x, y, z]) assert.ok(!t.isDisposed);
  assert.deepEqual(dg.memory(), before);
  dg.dispose([x, y, z]);
});

onEachDevice("a loss scale comes back with what it scales", async () => {
  const x = dg.randomNormal([16, 3]), y = dg.randomNormal([16, 2]);
  const args = { epochs: 2, batchSize: 8, shuffle: false, verbose: 0 } as const;
  const model = row("mixed_float16");
  model.compile({ optimizer: dg.train.adam(0.01), loss: "meanSquaredError" });
  await model.fit(x, y, args);
  const artifacts = await saved(model, { includeOptimizer: true });
  const { class_name } = artifacts.trainingConfig!.optimizer_config as dg.ClassConfig;
  assert.equal(class_name, "dinograd>LossScaleOptimizer");
  const again = await fromMemory(artifacts);
  assert.deepEqual(state(again), state(model));
  await again.fit(x, y, args);
  await model.fit(x, y, args);
  assert.deepEqual(state(again), state(model));
  assert.deepEqual(values(again), values(model));
  model.dispose();
  again.dispose();
  dg.dispose([x, y]);
});

Deno.test("optimizers of TensorFlow.js are written and read in its terms", async () => {
  const x = dg.ones([4, 3]), y = dg.zeros([4, 2]);
  const config = async (optimizer: dg.Optimizer) => {
    const model = row();
    model.compile({ optimizer, loss: "meanSquaredError" });
    await model.trainOnBatch(x, y);
    const { trainingConfig, weightSpecs } = await saved(model, { includeOptimizer: true });
    model.dispose();
    const names = weightSpecs.filter((s) => s.group === "optimizer").map((s) => s.name);
    return { ...trainingConfig!.optimizer_config as dg.ClassConfig, names };
  };
  const parts = ["a_kernel", "a_bias", "b_kernel", "b_bias", "c_kernel", "c_bias"];
  const all = (slot: string) => parts.map((p) => `${p}_${slot}`);
  const adam = await config(dg.train.adam(0.01));
  assert.equal(adam.class_name, "Adam");
  assert.deepEqual(adam.config, {
    learning_rate: 0.01,
    name: "adam",
    beta_1: 0.9,
    beta_2: 0.999,
    epsilon: 1e-7,
  });
  assert.deepEqual(adam.names, ["iter", ...all("momentum"), ...all("velocity")]);
  const rmsprop = await config(dg.train.rmsprop(0.01));
  assert.equal(rmsprop.class_name, "RMSProp");
  assert.equal(rmsprop.config.decay, 0.9);
  assert.deepEqual(rmsprop.names, ["iter", ...all("velocity"), ...all("momentum")]);
  for (
    const [make, name] of [
      [dg.train.sgd(0.1), "SGD"],
      [dg.train.adagrad(0.1), "Adagrad"],
      [dg.train.adadelta(0.1), "dinograd>Adadelta"],
      [dg.train.rmsprop(0.01, 0.9, 0, 1e-7, true), "dinograd>RMSprop"],
      [dg.train.momentum(0.1, 0.9), "dinograd>SGD"],
      [dg.train.adam({ clipnorm: 1 }), "dinograd>Adam"],
      [dg.train.adam(decay), "dinograd>Adam"],
    ] as const
  ) {
    assert.equal((await config(make)).class_name, name);
  }
  // TensorFlow.js's Momentum keeps sums of gradients.
  const model = row();
  model.compile({ optimizer: dg.train.momentum(0.5, 0.9), loss: "meanSquaredError" });
  await model.trainOnBatch(x, y);
  const artifacts = await saved(model, { includeOptimizer: true });
  artifacts.trainingConfig!.optimizer_config = {
    class_name: "Momentum",
    config: { learningRate: 0.5, momentum: 0.9, useNesterov: false },
  };
  const again = await fromMemory(artifacts);
  const [ours, theirs] = [state(model), state(again)].map((s) => s.slice(2).flat());
  close(theirs.map((v) => v * -2), ours, "momentum");
  model.dispose();
  again.dispose();
  dg.dispose([x, y]);
});

Deno.test("hard_sigmoid is Keras 2's in files of TensorFlow.js, and ours comes back as ours", async () => {
  const model = dg.sequential({
    layers: ["hard_sigmoid", "keras2_hard_sigmoid", "silu"].map((activation, i) =>
      dg.layers.activation({ activation, inputShape: i === 0 ? [1] : undefined })
    ),
  });
  const artifacts = await saved(model);
  const layers = (artifacts.modelTopology as dg.ClassConfig).config.layers as dg.ClassConfig[];
  assert.deepEqual(layers.map((l) => l.config.activation), [
    "keras3_hard_sigmoid",
    "hard_sigmoid",
    "swish",
  ]);
  const again = await fromMemory(artifacts);
  assert.deepEqual(again.getConfig(), model.getConfig());
  const at = async (topology: dg.Config) => {
    const config = { activation: "hard_sigmoid", batch_input_shape: [null, 1] };
    const layer = { class_name: "Activation", config };
    const m = await dg.models.modelFromJSON({
      ...topology,
      class_name: "Sequential",
      config: { layers: [layer] },
    });
    return dg.tidy(() => (m.predict(dg.tensor2d([[-2.6], [1], [2.6]])) as dg.Tensor).dataSync());
  };
  close(await at({}), [0, 0.7, 1], "no version");
  close(await at({ keras_version: "tfjs-layers 4.22.0" }), [0, 0.7, 1], "TensorFlow.js");
  close(await at({ keras_version: "2.15.0" }), [0, 0.7, 1], "Keras 2");
  close(await at({ keras_version: "3.0.0", backend: "dinograd" }), [0, 0.7, 1], "dinograd");
  close(await at({ keras_version: "3.5.0", backend: "tensorflow" }), [
    0.4 / 6,
    4 / 6,
    5.6 / 6,
  ], "Keras 3");
});

Deno.test("a reLU that TensorFlow.js has not goes by a name that it does not know", async () => {
  const model = dg.sequential({
    layers: [
      dg.layers.reLU({ maxValue: 2, inputShape: [1] }),
      dg.layers.reLU({ negativeSlope: 0.1 }),
      dg.layers.reLU({ threshold: 0.5 }),
    ],
  });
  const artifacts = await saved(model), again = await fromMemory(artifacts);
  const { layers } = (artifacts.modelTopology as dg.ClassConfig).config;
  const names = (layers as dg.ClassConfig[]).map((l) => l.class_name);
  assert.deepEqual(names, ["ReLU", "dinograd>ReLU", "dinograd>ReLU"]);
  assert.deepEqual(again.getConfig(), model.getConfig());
});

Deno.test("weights are found by name, by TensorFlow.js's short name, or by order", async () => {
  const model = row(), wanted = values(model);
  const artifacts = await saved(model);
  const renamed = (rename: (name: string, i: number) => string) => ({
    ...artifacts,
    weightSpecs: artifacts.weightSpecs.map((s, i) => ({ ...s, name: rename(s.name, i) })),
  });
  for (
    const rename of [
      (name: string) => name,
      (name: string) => name.replace("/", "/inside/"),
      (_: string, i: number) => `w${i}`,
      (_: string) => "same",
    ]
  ) {
    const again = await fromMemory(renamed(rename));
    assert.deepEqual(values(again), wanted);
    again.dispose();
  }
  await assert.rejects(
    fromMemory(renamed((name, i) => i === 2 ? "x" : name)),
    /holds the weight "x", which the model has not; it has a\/kernel, a\/bias/,
  );
  // The order of the file does not matter where it has names.
  const [first, second] = artifacts.weightSpecs;
  const bytes = new Uint8Array(artifacts.weightData.slice(0));
  const kernel = bytes.slice(0, 60), bias = bytes.slice(60, 80);
  bytes.set(bias, 0);
  bytes.set(kernel, 20);
  const turned = await fromMemory({
    ...artifacts,
    weightSpecs: [second, first, ...artifacts.weightSpecs.slice(2)],
    weightData: [bytes.buffer.slice(0, 50), bytes.buffer.slice(50)],
  });
  assert.deepEqual(values(turned), wanted);
  model.layers[0].trainable = false;
  const part = await saved(model, { trainableOnly: true });
  assert.deepEqual(part.weightSpecs.map((s) => s.name), [
    "b/kernel",
    "b/bias",
    "c/kernel",
    "c/bias",
  ]);
  await assert.rejects(fromMemory(part), /larger than what is left|no values for the model's/);
  const loose = await fromMemory(part, { strict: false });
  assert.deepEqual(values(loose).slice(2), wanted.slice(2));
  assert.equal(loose.layers[0].trainable, false);
  const topology = await fromMemory({ modelTopology: artifacts.modelTopology });
  assert.deepEqual(topology.getConfig().layers, turned.getConfig().layers);
  for (const m of [model, turned, loose, topology]) m.dispose();
});

Deno.test("stored values of every type are read", async () => {
  const model = dg.sequential({
    layers: [dg.layers.dense({ units: 2, inputShape: [2], useBias: false, name: "a" })],
  });
  const artifacts = await saved(model);
  const spec = artifacts.weightSpecs[0];
  const read = async (data: ArrayBufferView, rest: object) => {
    const again = await fromMemory({
      ...artifacts,
      weightSpecs: [{ ...spec, ...rest }],
      weightData: data.buffer.slice(data.byteOffset, data.byteOffset + data.byteLength),
    });
    const [[, , got]] = values(again);
    again.dispose();
    return got as number[];
  };
  const quantization = { scale: 0.5, min: -1 };
  for (const type of [Uint8Array, Uint16Array] as const) {
    const dtype = type === Uint8Array ? "uint8" : "uint16", top = type === Uint8Array ? 255 : 65535;
    assert.deepEqual(
      await read(new type([0, 1, 2, top]), { quantization: { ...quantization, dtype } }),
      [-1, -0.5, 0, top / 2 - 1],
    );
  }
  const halves = new Uint16Array([0x3c00, 0xc000, 0x0001, 0x7c00]);
  const wanted = [1, -2, 2 ** -24, Infinity];
  assert.deepEqual(await read(halves, { quantization: { dtype: "float16" } }), wanted);
  assert.deepEqual(await read(halves, { dtype: "float16" }), wanted);
  await assert.rejects(
    read(new Int32Array(4), { dtype: "int32" }),
    /must hold float32 \[2,2\] for the weight "a\/kernel", got int32 \[2,2\]/,
  );
  model.dispose();
});

Deno.test("int32, bool and quantised whole numbers are weights too", async () => {
  class Whole extends dg.Layer {
    static override className = "Whole";
    override build(): void {
      for (const dtype of ["int32", "bool", "uint8"] as const) {
        this.addWeight(dtype, [2], dtype, "zeros", null, false);
      }
    }
    override call(x: dg.Tensor | dg.Tensor[]) {
      return x;
    }
  }
  dg.serialization.registerClass(Whole);
  const model = dg.sequential({ layers: [new Whole({ inputShape: [1], name: "w" })] });
  model.setWeights([
    dg.tensor([-7, 2 ** 31 - 1], [2], "int32"),
    dg.tensor([1, 0], [2], "bool"),
    dg.tensor([255, 3], [2], "uint8"),
  ]);
  const artifacts = await saved(model), again = await fromMemory(artifacts);
  assert.deepEqual(values(again), values(model));
  const data = new Uint8Array([0, 2, 9, 0, 1, 2]);
  const quantization = { dtype: "uint8", scale: 1.26, min: -3 };
  const quantised = await fromMemory({
    ...artifacts,
    weightSpecs: artifacts.weightSpecs.map((s, i) => i === 0 ? { ...s, quantization } : s),
    weightData: data.buffer,
  });
  assert.deepEqual(values(quantised).map(([, , v]) => v), [[-3, 0], [1, 0], [1, 2]]);
});

Deno.test("what cannot be saved is said", async () => {
  const model = row();
  await assert.rejects(model.save("http://x"), /"http:\/\/x" is no folder/);
  await assert.rejects(model.save("file://"), /"file:\/\/" names no folder/);
  await assert.rejects(saved(model, { includeOptimizer: true }), /must be compiled first/);
  const mine = (y: dg.Tensor, p: dg.Tensor) => y.sub(p).square();
  model.compile({ optimizer: "sgd", loss: mine });
  await assert.rejects(
    saved(model, { includeOptimizer: true }),
    /A file cannot hold the loss function "mine": compile with the name/,
  );
  model.compile({ optimizer: "sgd", loss: new dg.losses.Huber({ delta: 2 }) });
  const again = await fromMemory(await saved(model, { includeOptimizer: true }));
  assert.equal(again.optimizer.getClassName(), "SGD");
  const bare = await fromMemory(await saved(model, { includeOptimizer: true }), {
    compile: false,
  });
  assert.throws(() => bare.optimizer, /must be compiled first/);
  assert.throws(
    () => model.setUserDefinedMetadata(3 as never),
    /must be a plain object, got number/,
  );
  for (const m of [model, again, bare]) m.dispose();
});

// Do configs make the models again that they were taken from: Keras's, TensorFlow.js's and our own?

import assert from "node:assert";
import * as dg from "../mod.ts";
import { cases, close, type FixtureTensor, load, onEachDevice } from "./fixtures.ts";

const one = <T>(xs: T[]): T | T[] => xs.length === 1 ? xs[0] : xs;
const predict = (model: dg.Model, xs: dg.Tensor[]) => [model.predict(one(xs))].flat();

/** The config as a file would hold it. */
const throughJson = <T>(config: T): T => JSON.parse(JSON.stringify(config));

onEachDevice("models of TensorFlow.js and Keras are made from their configs", () => {
  for (const c of cases("models.json")) {
    const what = `${c.name} of ${c.from}`;
    dg.tidy(() => {
      const model = dg.deserializeLayer(c.topology) as dg.Model;
      const weights = c.weights as { name: string; tensor: FixtureTensor }[];
      const last = (name: string) => name.split("/").slice(-2).join("/");
      assert.deepEqual(model.weights.map((w) => w.name), weights.map((w) => last(w.name)), what);
      model.setWeights(weights.map((w) => load(w.tensor)));
      const xs = c.inputs.map(load);
      const again = dg.deserializeLayer(
        throughJson({ class_name: model.getClassName(), config: model.getConfig() }),
      ) as dg.Model;
      again.setWeights(model.getWeights());
      for (const m of [model, again]) {
        predict(m, xs).forEach((y, i) => close(y, c.outputs[i].data, `${what}: output ${i}`, c));
      }
      assert.deepEqual(again.getConfig(), model.getConfig(), what);
      model.dispose();
      again.dispose();
    });
  }
});

const on = (layer: dg.Layer, x: dg.SymbolicTensor | dg.SymbolicTensor[], args?: dg.CallArgs) =>
  layer.apply(x, args) as dg.SymbolicTensor;

/** x times a factor, and a second tensor that comes as an argument. */
class Gate extends dg.Layer {
  static override className = "Gate";
  override call(inputs: dg.Tensor | dg.Tensor[], args: dg.CallArgs): dg.Tensor {
    const { by, lots } = args as { by?: dg.Tensor[]; lots?: number };
    const x = inputs as dg.Tensor;
    return dg.tidy(() => (by ?? []).reduce((y, b) => y.mul(b), x.mul(lots ?? 1)));
  }
}
dg.serialization.registerClass(Gate);

onEachDevice("shared layers, nested models and arguments of calls come through a config", () => {
  dg.tidy(() => {
    const a = dg.input({ shape: [3], name: "a" }), b = dg.input({ shape: [3], name: "b" });
    const shared = dg.layers.dense({ units: 3, activation: "tanh", name: "shared" });
    const x = on(shared, a), y = on(shared, on(shared, b));
    const noise = on(dg.layers.dropout({ rate: 0.5, seed: 3 }), x, { training: true });
    const row = dg.sequential({ layers: [dg.layers.dense({ units: 3 }), dg.layers.elu()] });
    const gate = new Gate({ name: "gate" });
    const gated = on(gate, y, { by: [x, a], lots: 2 });
    const inner = dg.model({ inputs: [a, b], outputs: [gated, on(row, noise), on(row, y)] });
    const c = dg.input({ shape: [3], name: "c" });
    const results = inner.apply([c, on(shared, c)]) as dg.SymbolicTensor[];
    const model = dg.model({ inputs: c, outputs: results, name: "outer" });
    // As the config says it: shared's calls within the inner model are not those of the outer one.
    const config = throughJson(model.getConfig());
    const entry = (config.layers as dg.Config[]).find((l) => l.class_name === "Functional")!;
    assert.deepEqual(entry.inbound_nodes, [[["c", 0, 0, {}], ["shared", 0, 0, {}]]]);
    assert.deepEqual(config.output_layers, [0, 1, 2].map((i) => [inner.name, 1, i]));
    const nested = (entry.config as dg.Config).layers as dg.Config[];
    assert.deepEqual(nested.find((l) => l.name === "gate")!.inbound_nodes, [[
      ["shared", 2, 0, { by: [["shared", 0, 0], ["a", 0, 0]], lots: 2 }],
    ]]);
    const again = dg.Model.fromConfig(config) as dg.Functional;
    assert.deepEqual(again.getConfig(), model.getConfig());
    // The nested model and the outer one share a layer no more: each config stands for itself.
    assert.equal(model.weights.length, 4);
    assert.equal(again.weights.length, 6);
    const [kernel, bias, ...rest] = model.weights.map((w) => w.read());
    again.setWeights([kernel, bias, kernel, bias, ...rest]);
    const values = dg.randomNormal([4, 3]);
    const results2 = [model, again].map((m) =>
      (m.predict(values) as dg.Tensor[]).map((t) => t.arraySync())
    );
    assert.deepEqual(results2[0], results2[1]);
    model.dispose();
    again.dispose();
  });
});

Deno.test("every layer comes through its config", () => {
  const made = [
    dg.layers.inputLayer({ inputShape: [2], dtype: "int32" }),
    dg.layers.dense({
      units: 2,
      activation: dg.layers.leakyReLU({ alpha: 0.1 }),
      trainable: false,
    }),
    dg.layers.activation({ activation: "relu6" }),
    dg.layers.dropout({ rate: 0.1, noiseShape: [null, 1], seed: 4 }),
    dg.layers.spatialDropout1d({ rate: 0.1 }),
    dg.layers.spatialDropout2d({ rate: 0.1, dataFormat: "channelsFirst" }),
    dg.layers.spatialDropout3d({ rate: 0.1 }),
    dg.layers.gaussianNoise({ stddev: 0.1 }),
    dg.layers.gaussianDropout({ rate: 0.1 }),
    dg.layers.alphaDropout({ rate: 0.1 }),
    dg.layers.activityRegularization({ l1: 0.1, l2: 0.2 }),
    dg.layers.flatten({ dataFormat: "channelsFirst" }),
    dg.layers.reshape({ targetShape: [2, -1] }),
    dg.layers.permute({ dims: [2, 1] }),
    dg.layers.repeatVector({ n: 2 }),
    dg.layers.masking({ maskValue: -1 }),
    dg.layers.simpleRNN({ units: 2, activation: "relu", stateful: true, batchSize: 2 }),
    dg.layers.lstm({ units: 2, dropout: 0.1, unitForgetBias: false, returnState: true, seed: 3 }),
    dg.layers.gru({ units: 2, resetAfter: false, recurrentActivation: "hardSigmoid" }),
    dg.layers.rnn({ cell: dg.layers.lstmCell({ units: 2 }), goBackwards: true }),
    dg.layers.rnn({
      cell: [dg.layers.gruCell({ units: 2 }), dg.layers.simpleRNNCell({ units: 3 })],
    }),
    dg.layers.simpleRNNCell({ units: 2, recurrentInitializer: "identity" }),
    dg.layers.lstmCell({ units: 2 }),
    dg.layers.gruCell({ units: 2 }),
    dg.layers.stackedRNNCells({ cells: [dg.layers.gruCell({ units: 2 })] }),
    dg.layers.convLstm2d({
      filters: 2,
      kernelSize: [1, 3],
      strides: 2,
      dataFormat: "channelsFirst",
    }),
    dg.layers.convLstm2dCell({ filters: 2, kernelSize: 3, padding: "same" }),
    dg.layers.bidirectional({ layer: dg.layers.lstm({ units: 2 }), mergeMode: null }),
    dg.layers.timeDistributed({ layer: dg.layers.dense({ units: 2 }) }),
    dg.layers.embedding({ inputDim: 9, outputDim: 2, maskZero: true, inputLength: 4 }),
    dg.layers.batchNormalization({ axis: 1, momentum: 0.5, movingMeanInitializer: "ones" }),
    dg.layers.layerNormalization({ axis: [1, 2], center: false, gammaConstraint: "nonNeg" }),
    dg.layers.groupNormalization({ groups: -1, scale: false, betaRegularizer: "l2" }),
    dg.layers.rmsNormalization({ axis: [1], epsilon: 0.1 }),
    dg.layers.attention({ useScale: true, scoreMode: "concat", dropout: 0.1, seed: 2 }),
    dg.layers.additiveAttention({ useScale: false }),
    dg.layers.multiHeadAttention({ numHeads: 2, keyDim: 3, outputShape: [4, 5], useBias: false }),
    dg.layers.groupedQueryAttention({ headDim: 2, numQueryHeads: 4, numKeyValueHeads: 2 }),
    dg.layers.unitNormalization({ axis: [1, 2] }),
    dg.layers.reLU({ maxValue: 2, negativeSlope: 0.1, threshold: 0.5 }),
    dg.layers.leakyReLU(),
    dg.layers.prelu({ sharedAxes: [1], alphaRegularizer: "l2" }),
    dg.layers.elu({ alpha: 2 }),
    dg.layers.thresholdedReLU({ theta: 0.5 }),
    dg.layers.softmax({ axis: 1 }),
    dg.layers.add(),
    dg.layers.subtract(),
    dg.layers.multiply(),
    dg.layers.average(),
    dg.layers.maximum(),
    dg.layers.minimum(),
    dg.layers.concatenate({ axis: 1 }),
    dg.layers.dot({ axes: [1, 2], normalize: true }),
    dg.layers.conv1d({ filters: 4, kernelSize: 3, padding: "causal", dilationRate: 2 }),
    dg.layers.conv2d({ filters: 4, kernelSize: [3, 2], groups: 2, dataFormat: "channelsFirst" }),
    dg.layers.conv3d({ filters: 4, kernelSize: 2, kernelRegularizer: "l2", useBias: false }),
    dg.layers.conv1dTranspose({ filters: 4, kernelSize: 3, activation: "relu" }),
    dg.layers.conv2dTranspose({ filters: 4, kernelSize: 3, strides: [2, 3], outputPadding: 1 }),
    dg.layers.conv3dTranspose({ filters: 4, kernelSize: 3, padding: "same" }),
    dg.layers.depthwiseConv1d({ kernelSize: 3, depthMultiplier: 2 }),
    dg.layers.depthwiseConv2d({ kernelSize: 3, depthwiseInitializer: "heNormal" }),
    dg.layers.separableConv1d({ filters: 4, kernelSize: 3, pointwiseConstraint: "nonNeg" }),
    dg.layers.separableConv2d({ filters: 4, kernelSize: 3, biasInitializer: "ones" }),
    dg.layers.maxPooling1d({ poolSize: [3], strides: 2 }),
    dg.layers.maxPooling2d(),
    dg.layers.maxPooling3d({ padding: "same" }),
    dg.layers.averagePooling1d(),
    dg.layers.averagePooling2d({ poolSize: [2, 3], dataFormat: "channelsFirst" }),
    dg.layers.averagePooling3d(),
    dg.layers.globalMaxPooling1d({ keepDims: true }),
    dg.layers.globalMaxPooling2d({ dataFormat: "channelsFirst" }),
    dg.layers.globalMaxPooling3d(),
    dg.layers.globalAveragePooling1d(),
    dg.layers.globalAveragePooling2d({ keepDims: true }),
    dg.layers.globalAveragePooling3d(),
    dg.layers.zeroPadding1d({ padding: [2, 0] }),
    dg.layers.zeroPadding2d({ padding: [[1, 2], [0, 3]] }),
    dg.layers.zeroPadding3d({ padding: [1, 2, 3] }),
    dg.layers.cropping1d(),
    dg.layers.cropping2d({ cropping: 2, dataFormat: "channelsFirst" }),
    dg.layers.cropping3d(),
    dg.layers.upSampling1d({ size: 3 }),
    dg.layers.upSampling2d({ size: [1, 2] }),
    dg.layers.upSampling3d(),
    dg.layers.resizing({ height: 3, width: 4, interpolation: "nearest", cropToAspectRatio: true }),
    dg.layers.centerCrop({ height: 3, width: 4, dataFormat: "channelsFirst" }),
    dg.layers.rescaling({ scale: [1, 2], offset: 0.5 }),
    dg.layers.categoryEncoding({ numTokens: 3, outputMode: "count" }),
    dg.layers.normalization({ axis: null }),
    dg.layers.randomWidth({ factor: [-0.1, 0.2], seed: 3 }),
    dg.layers.randomFlip({ mode: "vertical" }),
    dg.layers.randomRotation({ factor: 0.1, fillMode: "constant", fillValue: 2 }),
    dg.layers.randomZoom({ heightFactor: [0.1, 0.2] }),
    dg.layers.randomTranslation({ heightFactor: 0.1, widthFactor: 0.2, interpolation: "nearest" }),
  ];
  for (const layer of made) {
    const config = throughJson({ class_name: layer.getClassName(), config: layer.getConfig() });
    const again = dg.deserializeLayer(config);
    assert.equal(again.constructor, layer.constructor);
    assert.deepEqual(throughJson(again.getConfig()), config.config, config.class_name);
  }
  const tried = new Set(made.map((l) => l.getClassName()));
  const there = Object.keys(dg.serialization.registeredClasses<dg.Layer>(dg.Layer));
  const elsewhere = ["Functional", "Model", "Sequential", "Gate"];
  assert.deepEqual(there.filter((name) => !tried.has(name) && !elsewhere.includes(name)), []);
});

Deno.test("a row comes through its config with the shape of its input", () => {
  const row = dg.sequential({ name: "row" });
  row.add(dg.layers.dense({ units: 3, batchInputShape: [8, 2] }));
  row.add(dg.sequential({ layers: [dg.layers.dense({ units: 1 })] }));
  const again = dg.Sequential.fromConfig(throughJson(row.getConfig()));
  assert.deepEqual([again.name, again.inputShape, again.outputShape], ["row", [8, 2], [8, 1]]);
  assert.deepEqual(again.getConfig(), row.getConfig());
  // Without one it is not built, unless the config says for which input.
  const late = dg.sequential({ layers: [dg.layers.flatten(), dg.layers.dense({ units: 1 })] });
  const config = late.getConfig();
  assert.equal(dg.Sequential.fromConfig(config).built, false);
  const built = dg.Sequential.fromConfig({ ...config, build_input_shape: [null, 2, 3] });
  assert.deepEqual(built.outputShape, [null, 1]);
  for (const m of [row, again, built]) m.dispose();
});

Deno.test("what a config cannot hold or does not say is named", () => {
  const x = dg.input({ shape: [2], name: "x" });
  const twice = dg.layers.lambda({ function: (t: dg.Tensor) => t.mul(2), name: "twice" });
  const model = dg.model({ inputs: x, outputs: on(twice, x) });
  assert.throws(
    () => model.getConfig(),
    /"twice" is a function, which cannot be saved.*registerClass/,
  );
  const constant = dg.ones([2]);
  const gate = new Gate({ name: "gate" });
  const gated = dg.model({ inputs: x, outputs: on(gate, x, { by: [constant] }) });
  assert.throws(() => gated.getConfig(), /call of layer "gate" has a tensor as its argument "by"/);
  constant.dispose();
  assert.throws(
    () => dg.deserializeLayer({ class_name: "Dens", config: {} }),
    /Unknown layer "Dens": did you mean "Dense"/,
  );
  assert.throws(
    () => dg.deserializeLayer("Dense" as unknown as dg.ClassConfig),
    /needs \{ class_name, config \}, got "Dense"/,
  );
  const entry = { class_name: "InputLayer", name: "x", config: { batch_input_shape: [null, 2] } };
  const graph = {
    name: "m",
    layers: [
      { ...entry, inbound_nodes: [] },
      { class_name: "ReLU", name: "r", config: {}, inbound_nodes: [[["y", 0, 0, {}]]] },
    ],
    input_layers: [["x", 0, 0]],
    output_layers: [["r", 0, 0]],
  };
  assert.throws(
    () => dg.Model.fromConfig(graph),
    /model "m" refers to.*none of its layers gives.*"r"/,
  );
});

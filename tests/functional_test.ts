// Are graphs of layers put together, run and summarized as Keras does it, and do they say what is missing?

import assert from "node:assert";
import * as dg from "../mod.ts";
import { close, onEachDevice } from "./fixtures.ts";

const dense = (units: number, args: Partial<Parameters<typeof dg.layers.dense>[0]> = {}) =>
  dg.layers.dense({ units, ...args });
/** Applies a layer to symbolic tensors and expects one. */
const on = (layer: dg.Layer, x: dg.SymbolicTensor | dg.SymbolicTensor[], args?: dg.CallArgs) =>
  layer.apply(x, args) as dg.SymbolicTensor;
const constant = (value: number) => dg.initializers.constant({ value });

/** Two inputs, two outputs, a layer used twice at different depths. */
function twoByTwo() {
  const a = dg.input({ shape: [2], name: "a" }), b = dg.input({ shape: [3], name: "b" });
  const shared = dense(3, { activation: "tanh", name: "shared", kernelInitializer: constant(0.3) });
  const first = dense(2, { name: "first", kernelInitializer: constant(-0.2) });
  const x = on(shared, a), y = on(shared, on(first, b));
  const both = on(dg.layers.concatenate({ name: "both" }), [x, y]);
  const value = on(dense(1, { name: "value", kernelInitializer: constant(0.7) }), both);
  const kind = on(
    dense(2, { name: "kind", activation: "softmax", kernelInitializer: constant(0.1) }),
    on(dg.layers.subtract({ name: "difference" }), [x, y]),
  );
  const model = dg.model({ inputs: [a, b], outputs: [value, kind], name: "two" });
  return { model, a, b, x, y, shared, first, both, value, kind };
}

const twoByTwoData = () =>
  dg.tidy(() => ({
    a: dg.tensor([[1, 2], [3, -4], [0, 1]]).div(4),
    b: dg.tensor([[1, 0, 2], [-1, 1, 1], [2, 2, 0]]).div(4),
    value: dg.tensor([[1], [0], [2]]),
    kind: dg.tensor([0, 1, 1], [3], "int32"),
  }));

Deno.test("symbolic tensors know where they come from", () => {
  const { model, a, x, y, shared, first, both } = twoByTwo();
  assert.deepEqual([a.shape, a.dtype, a.name, a.rank], [[null, 2], "float32", "a", 2]);
  assert.deepEqual([both.shape, both.name], [[null, 6], "both"]);
  assert.deepEqual([x.sourceLayer, x.nodeIndex, x.tensorIndex], [shared, 0, 0]);
  assert.equal(y.nodeIndex, 1);
  assert.deepEqual(shared.inboundNodes.map((n) => n.inboundLayers.map((l) => l.name)), [
    ["a"],
    ["first"],
  ]);
  assert.deepEqual(shared.outboundNodes.map((n) => n.outboundLayer.name), ["both", "difference"]);
  assert.deepEqual([first.input, first.output], [
    model.inputs[1],
    first.inboundNodes[0].outputTensors[0],
  ]);
  assert.deepEqual([shared.getInputAt(0), shared.getOutputAt(1)], [a, y]);
  assert.throws(() => shared.output, /"shared" was called 2 times: ask for one with getOutputAt/);
  assert.throws(() => shared.getInputAt(2), /2 times: there is no call 2/);
  assert.throws(() => dense(1, { name: "lone" }).input, /"lone" is not connected yet/);
  assert.deepEqual(shared.outputShape, [null, 3]);
  assert.equal(String(x), 'SymbolicTensor "shared" float32 [null,3]');
  const whole = dg.input({ batchShape: [8, null], dtype: "int32" });
  assert.deepEqual([whole.shape, whole.dtype], [[8, null], "int32"]);
  assert.match(whole.name, /^input_layer/);
  model.dispose();
});

Deno.test("layers and weights come in Keras's order, each once", () => {
  const { model, shared } = twoByTwo();
  assert.deepEqual(model.layers.map((l) => l.name), [
    ...["b", "a", "first", "shared", "both", "difference", "value", "kind"],
  ]);
  assert.deepEqual(
    model.weights.map((w) => w.name),
    ["first", "shared", "value", "kind"].flatMap((n) => [`${n}/kernel`, `${n}/bias`]),
  );
  assert.deepEqual([model.inputNames, model.outputNames], [["a", "b"], ["value", "kind"]]);
  assert.deepEqual(model.outputShape, [[null, 1], [null, 2]]);
  assert.equal(model.countParams(), 8 + 9 + 7 + 8);
  assert.equal(model.getLayer("shared"), shared);
  // A layer that does not train keeps its place.
  shared.trainable = false;
  assert.deepEqual(model.weights.length, 8);
  assert.equal(model.weights[2].name, "shared/kernel");
  assert.deepEqual(model.nonTrainableWeights.map((w) => w.name), ["shared/kernel", "shared/bias"]);
  // Used by a second model, and inside another, it still counts once.
  const x = dg.input({ shape: [2] });
  const again = dg.model({ inputs: x, outputs: on(shared, x) });
  const outer = dg.model({
    inputs: [x, ...model.inputs],
    outputs: [on(again, x), ...model.apply(model.inputs) as dg.SymbolicTensor[]],
  });
  assert.equal(outer.weights.length, 8);
  outer.dispose();
});

Deno.test("the summary says what layers receive where they are not in a row", () => {
  const lines: string[] = [];
  const { model } = twoByTwo();
  model.summary(undefined, undefined, (text) => lines.push(text));
  const text = lines.join("\n");
  assert.match(text, /Layer \(type\) +Output shape +Param # +Receives inputs\n/);
  assert.match(
    text,
    /shared \(Dense\) +\[null,3\] +9 {2}a\[0\]\[0\]\n +first\[0\]\[0\]\nboth \(Concatenate\) +\[null,6\] +0 {2}shared\[0\]\[0\]\n +shared\[1\]\[0\]\n/,
  );
  assert.match(text, /Total params: 32 \(128\.00 B\)/);
  lines.length = 0;
  const x = dg.input({ shape: [2] });
  const row = dg.model({ inputs: x, outputs: on(dense(3, { name: "only" }), x) });
  row.summary(40, [20, 30, 40], (text) => lines.push(text));
  assert.doesNotMatch(lines.join("\n"), /Receives/);
  assert.ok(lines.includes("only (Dense)        [null,3]           9"), lines.join("\n"));
  model.dispose();
  row.dispose();
});

onEachDevice("two outputs are trained as Keras trains them", async () => {
  const data = twoByTwoData();
  const xs = [data.a, data.b], ys = [data.value, data.kind];
  const expected = {
    loss: [3.2658092975616455, 1.8104137182235718],
    value_loss: [1.4595969915390015, 0.7321099638938904],
    kind_loss: [0.6932304501533508, 0.6923874020576477],
    value_mae: [0.964998722076416, 0.6342518925666809],
    kind_accuracy: [0.3333333432674408, 0.6666666865348816],
  };
  const ways: [Partial<dg.CompileArgs>, dg.TensorData, dg.TensorData][] = [
    [
      {
        loss: ["meanSquaredError", "sparseCategoricalCrossentropy"],
        lossWeights: [2, 0.5],
        metrics: [["mae"], ["accuracy"]],
      },
      xs,
      ys,
    ],
    [
      {
        loss: { kind: "sparseCategoricalCrossentropy", value: "mse" },
        lossWeights: { kind: 0.5, value: 2 },
        metrics: { kind: "accuracy", value: ["mae"] },
      },
      { a: data.a, b: data.b },
      { kind: data.kind, value: data.value },
    ],
  ];
  for (const [args, x, y] of ways) {
    for (const runEagerly of [false, true]) {
      const { model } = twoByTwo();
      model.compile({ optimizer: dg.train.sgd(0.01), runEagerly, ...args });
      assert.deepEqual(model.metricsNames, Object.keys(expected));
      const results = model.evaluate(x, y, { batchSize: 2 }) as dg.Tensor[];
      close(
        results.map((r) => r.dataSync()[0]),
        [3.6502437591552734, 1.6518350839614868, 0.6931471824645996, 1.0125283002853394, 1 / 3],
        "evaluate",
      );
      const { history } = await model.fit(x, y, {
        batchSize: 2,
        epochs: 2,
        shuffle: false,
        verbose: 0,
      });
      assert.deepEqual(Object.keys(history), Object.keys(expected));
      for (const [key, values] of Object.entries(expected)) close(history[key], values, key);
      close(
        model.weights.map((w) => dg.tidy(() => w.read().sum().dataSync()[0])),
        [-1.0213087, 0.1782864, 1.7949381, 0.5905536, 4.242466, 0.1426633, 0.6, 0],
        "sums of weights",
      );
      model.dispose();
      dg.dispose(results);
    }
  }
  dg.dispose(data);
});

onEachDevice(
  "recorded and eager steps of a graph with shared layers give the same bits",
  async () => {
    const data = dg.tidy(() => {
      const a = dg.randomNormal([50, 4], 0, 1, "float32", 1);
      const b = dg.randomNormal([50, 4], 0, 1, "float32", 2);
      return { a, b, near: a.sub(b).abs().sum(1, true), far: a.mul(b).sum(1, true) };
    });
    const train = async (runEagerly: boolean) => {
      dg.setRandomSeed(3);
      const a = dg.input({ shape: [4], name: "a" }), b = dg.input({ shape: [4], name: "b" });
      const code = dg.sequential({
        layers: [
          dense(6, { activation: "relu", inputShape: [4] }),
          dg.layers.dropout({ rate: 0.2 }),
        ],
      });
      const [x, y] = [on(code, a), on(code, b)];
      const noisy = on(dg.layers.gaussianNoise({ stddev: 0.1 }), on(dg.layers.average(), [x, y]));
      const near = on(dense(1, { name: "near" }), on(dg.layers.maximum(), [x, noisy]));
      const far = on(dense(1, { name: "far" }), on(dg.layers.multiply(), [x, y, noisy]));
      const model = dg.model({ inputs: [a, b], outputs: [near, far] });
      model.compile({ optimizer: "adam", loss: "mse", metrics: { near: "mae" }, runEagerly });
      const { history } = await model.fit({ a: data.a, b: data.b }, {
        near: data.near,
        far: data.far,
      }, { epochs: 4, batchSize: 16, verbose: 0 });
      const weights = model.getWeights();
      const values = [
        ...weights.flatMap((w) => [...w.dataSync()]),
        ...Object.values(history).flat(),
      ];
      model.dispose();
      dg.dispose(weights);
      return values;
    };
    assert.deepEqual(await train(false), await train(true));
    dg.dispose(data);
  },
);

onEachDevice("what has been read is given back while a model runs", (d) => {
  // 12 layers of 64 KiB each in a row, and a branch that is read at the end.
  const x = dg.input({ shape: [64] });
  const early = on(dense(64), x);
  let y = early;
  for (let i = 0; i < 12; i++) y = on(dense(64, { activation: "relu" }), y);
  const model = dg.model({ inputs: x, outputs: on(dg.layers.add(), [early, y]) });
  const values = dg.ones([256, 64]), KiB = 1024;
  const peak = () => {
    dg.config.resetMemoryStats(d.name);
    const before = dg.config.getMemoryInfo(d.name).current;
    dg.dispose(model.predictOnBatch(values));
    assert.equal(dg.config.getMemoryInfo(d.name).current, before);
    return dg.config.getMemoryInfo(d.name).peak - before;
  };
  peak();
  assert.ok(peak() <= 4 * 64 * KiB, `${peak() / KiB} KiB at the peak`);
  model.dispose();
  values.dispose();
});

onEachDevice("models are layers, in rows and graphs, and parts of graphs are models", () => {
  dg.tidy(() => {
    const { model, a, both, value } = twoByTwo();
    const { a: xa, b: xb } = twoByTwoData();
    const [whole] = model.predict([xa, xb]) as dg.Tensor[];
    // Up to a value, and on from it: together the whole.
    const front = dg.model({ inputs: model.inputs, outputs: both });
    const back = dg.model({ inputs: both, outputs: value });
    assert.deepEqual([back.inputNames, back.inputShape], [["both_input"], [null, 6]]);
    const parts = back.predict(front.predict([xa, xb]) as dg.Tensor) as dg.Tensor;
    assert.deepEqual(parts.arraySync(), whole.arraySync());
    // Nested twice, and called on two values.
    const row = dg.sequential({ layers: [back, dg.layers.reLU()] });
    assert.deepEqual(row.inputShape, [null, 6]);
    const c = dg.input({ shape: [6] });
    const outer = dg.model({ inputs: [c, a], outputs: [on(row, c), on(row, on(dense(6), a))] });
    const [first] = outer.predict([front.predict([xa, xb]) as dg.Tensor, xa]) as dg.Tensor[];
    assert.deepEqual(first.arraySync(), whole.relu().arraySync());
    assert.equal(outer.weights.length, 4);
    outer.dispose();
    model.dispose();
  });
});

onEachDevice("inputs are cast to their type, and arguments of calls are kept", () => {
  dg.tidy(() => {
    const x = dg.input({ shape: [3] });
    const dropped = on(dg.layers.dropout({ rate: 0.5, seed: 1 }), x, { training: true });
    const model = dg.model({ inputs: x, outputs: [dropped, x] });
    const [y, same] = model.predict(dg.ones([100, 3], "int32")) as dg.Tensor[];
    assert.equal(y.dtype, "float32");
    assert.equal(same.dtype, "float32");
    const zeros = y.dataSync().filter((v) => v === 0).length;
    assert.ok(zeros > 100 && zeros < 200, `${zeros} of 300 dropped`);
    const ids = dg.input({ shape: [2], dtype: "int32" });
    const counting = dg.model({ inputs: ids, outputs: ids });
    assert.equal((counting.predict(dg.tensor([[1.7, 2]])) as dg.Tensor).dtype, "int32");
    model.dispose();
  });
});

Deno.test("graphs that do not hold together are refused with the reason", () => {
  const a = dg.input({ shape: [2], name: "a" }), b = dg.input({ shape: [3], name: "b" });
  const x = on(dense(4, { name: "x" }), a), y = on(dense(4, { name: "y" }), b);
  const sum = on(dg.layers.add({ name: "sum" }), [x, y]);
  const model = (inputs: unknown, outputs: unknown) => () =>
    dg.model({ inputs, outputs, name: "m" } as dg.FunctionalArgs);
  assert.throws(
    model(a, sum),
    /"m" cannot compute its output "sum" \[null,4\] from its inputs \(a\): it also depends on input "b" \[null,3\]/,
  );
  assert.throws(model([a, a], x), /"m" has input "a" twice/);
  assert.throws(model([], x), /"m" needs inputs to be symbolic tensors.*got none/);
  assert.throws(model(a, dg.ones([2])), /"m" needs outputs to be symbolic.*got Tensor/);
  assert.throws(model(a, on(dense(1, { name: "x" }), x)), /"m" has two layers named "x"/);
  assert.throws(() => dg.input({}), /input needs shape or batchShape/);
  assert.throws(() => dg.input({ shape: [2], batchShape: [1, 2] }), /shape or batchShape, one/);
  assert.throws(() => on(dg.layers.add({ name: "z" }), [x, a]), /add.*\[null,4\].*\[null,2\]/);
  assert.throws(
    () => dense(1, { name: "mixed" }).apply([x, dg.ones([1, 4])] as unknown as dg.Tensor[]),
    /"mixed" takes symbolic tensors or tensors with values, got both/,
  );
  assert.throws(() => dg.add(x as unknown as dg.Tensor, 1), /SymbolicTensor/);
  const both = dg.model({ inputs: [a, b], outputs: sum, name: "both" });
  const values = dg.ones([5, 2]);
  assert.throws(() => both.apply(values), /"both" takes 2 inputs \(a, b\), got 1/);
  assert.throws(
    () => both.predict([values, values]),
    /"both" takes \[null,3\] as its input "b", got \[5,2\]/,
  );
  assert.throws(() => both.predict({ a: values, c: values }), /tensor named "b", got a, c/);
  values.dispose();
  both.dispose();
});

Deno.test("compile says which output lacks what", () => {
  const { model } = twoByTwo();
  const no = (args: object, expected: RegExp) =>
    assert.throws(() => model.compile({ optimizer: "sgd", loss: "mse", ...args }), expected);
  no({ loss: ["mse"] }, /got 1 loss for 2 outputs \(value, kind\)/);
  no({ loss: { value: "mse" } }, /no loss for output "kind", only for value/);
  no({ loss: { value: "mse", kin: "mse" } }, /Unknown output in compile's loss "kin".*"kind"/);
  no({ lossWeights: [1] }, /got 1 lossWeights for 2/);
  no({ lossWeights: { values: 1 } }, /Unknown output in compile's lossWeights "values"/);
  no({ metrics: [["mae"], ["mae"], []] }, /got 3 metrics for 2 outputs/);
  no({ metrics: { kin: "mae" } }, /Unknown output in compile's metrics "kin"/);
  model.compile({ optimizer: "sgd", loss: ["mse", null], metrics: ["mae"] });
  assert.deepEqual(model.metricsNames, ["loss", "value_mae", "kind_mae"]);
  model.compile({ optimizer: "sgd", loss: ["mse", null], metrics: [[], "accuracy"] });
  assert.deepEqual(model.metricsNames, ["loss", "kind_accuracy"]);
  model.dispose();
});

onEachDevice("an output without a loss needs no targets", async () => {
  const { model } = twoByTwo(), data = twoByTwoData();
  model.compile({ optimizer: "sgd", loss: { value: "mse", kind: null } });
  const { history } = await model.fit({ a: data.a, b: data.b }, data.value, { verbose: 0 });
  assert.deepEqual(Object.keys(history), ["loss"]);
  await assert.rejects(
    model.fit({ a: data.a, b: data.b }, [data.value, data.kind]),
    /needs one tensor \(value\)/,
  );
  model.dispose();
  dg.dispose(data);
});

onEachDevice(
  "a graph of mixed types keeps what masks, shared layers and losses of its own need",
  async () => {
    const data = dg.tidy(() => ({
      x: dg.randomNormal([24, 3, 4], 0, 1, "float32", 1),
      y: dg.randomNormal([24, 3, 1], 0, 1, "float32", 2),
    }));
    const train = async (dtype: "mixed_float16" | "mixed_bfloat16", runEagerly: boolean) => {
      dg.setRandomSeed(5);
      dg.mixedPrecision.setGlobalPolicy(dtype);
      try {
        const x = dg.input({ shape: [3, 4] });
        const shared = dense(4, { activityRegularizer: "l2" });
        const code = on(shared, on(shared, on(dg.layers.masking(), x)));
        const y = on(dense(1, { dtype: "float32" }), on(dg.layers.add(), [code, on(dense(4), x)]));
        const model = dg.model({ inputs: x, outputs: y });
        assert.deepEqual([x.dtype, code.dtype, y.dtype], [
          "float32",
          dtype.slice("mixed_".length),
          "float32",
        ]);
        model.compile({ optimizer: "adam", loss: "mse", metrics: ["mae"], runEagerly });
        const args = { epochs: 3, batchSize: 8, verbose: 0 } as const;
        const { history } = await model.fit(data.x, data.y, args);
        const again = dg.Functional.fromConfig(model.getConfig());
        assert.deepEqual(again.getConfig(), model.getConfig());
        again.dispose();
        model.dispose();
        return history;
      } finally {
        dg.mixedPrecision.setGlobalPolicy("float32");
      }
    };
    for (const dtype of ["mixed_float16", "mixed_bfloat16"] as const) {
      const recorded = await train(dtype, false);
      assert.deepEqual(recorded, await train(dtype, true), dtype);
      assert.ok(recorded.loss[2] < recorded.loss[0], String(recorded.loss));
    }
    dg.dispose(data);
  },
);

// Do losses and metrics that layers and models add themselves count, once each, with Keras's numbers, and leave nothing behind?

import assert from "node:assert";
import * as dg from "../mod.ts";
import { close, onEachDevice } from "./fixtures.ts";

const on = (layer: dg.Layer, x: dg.SymbolicTensor) => layer.apply(x) as dg.SymbolicTensor;
const ones = (args: Partial<Parameters<typeof dg.layers.dense>[0]> = {}) =>
  dg.layers.dense({ units: 2, kernelInitializer: "ones", ...args });

/** Adds the mean magnitude of what passes to the loss, from within a tidy, and has it logged. */
class Magnitude extends dg.Layer {
  static override className = "Magnitude";
  override call(inputs: dg.Tensor | dg.Tensor[]): dg.Tensor {
    const x = inputs as dg.Tensor;
    dg.tidy(() => {
      const size = x.abs().mean();
      this.addLoss(size);
      this.addMetric(size, "size");
    });
    return x;
  }
}

/** Layers in fields; the loss is added within call. */
class Coder extends dg.Model {
  static override className = "Coder";
  encoder = ones();
  code = new Magnitude({});
  decoder = ones();
  override call(inputs: dg.Tensor | dg.Tensor[]): dg.Tensor {
    return this.decoder.apply(this.code.apply(this.encoder.apply(inputs))) as dg.Tensor;
  }
}

const data = () => ({ x: dg.tensor([[1, -2], [3, 4], [0.5, 1]]), y: dg.zeros([3, 2]) });
const numbers = (results: dg.Tensor | dg.Tensor[]) => [results].flat().map((t) => t.dataSync()[0]);

onEachDevice("penalties on activity are per sample", async () => {
  const { x, y } = data();
  for (const runEagerly of [false, true]) {
    const model = dg.sequential({
      layers: [
        ones({
          inputShape: [2],
          activityRegularizer: dg.regularizers.l2({ l2: 0.1 }),
          kernelRegularizer: dg.regularizers.l1({ l1: 0.01 }),
        }),
        dg.layers.activityRegularization({ l1: 0.2 }),
      ],
    });
    model.compile({ optimizer: dg.train.sgd(0.05), loss: "mse", runEagerly });
    dg.tidy(() => {
      close(numbers(model.evaluate(x, y)), [22.2066707611084], "evaluate");
      close(numbers(model.evaluate(x, y, { batchSize: 2 })), [22.2066707611084], "in two");
    });
    const args = { epochs: 2, batchSize: 2, shuffle: false, verbose: 0 } as const;
    const { history } = await model.fit(x, y, args);
    close(history.loss, [21.1104679107666, 0.7642046809196472], "fit");
    close(model.weights[0].read(), [0.2644683, 0.2644683, -0.0687315, -0.0687315], "kernel");
    assert.deepEqual(model.layers[0].getConfig().activity_regularizer, {
      class_name: "L2",
      config: { l2: 0.1 },
    });
    const again = dg.Sequential.fromConfig(model.getConfig());
    again.setWeights(model.weights.map((w) => w.read()));
    again.compile({ optimizer: "sgd", loss: "mse" });
    dg.tidy(() => close(numbers(again.evaluate(x, y)), numbers(model.evaluate(x, y)), "again"));
    model.dispose();
    again.dispose();
  }
  dg.dispose([x, y]);
});

onEachDevice("a loss added within call counts, in classes of models too", async () => {
  const { x, y } = data();
  for (const runEagerly of [false, true]) {
    const model = new Coder();
    model.compile({ optimizer: dg.train.sgd(0.01), loss: "mse", runEagerly });
    const [loss, size] = dg.tidy(() => numbers(model.evaluate(x, y)));
    close([loss, size], [72.83333587646484, 19 / 6], "evaluate");
    assert.deepEqual(model.metricsNames, ["loss", "size"]);
    const { history } = await model.fit(x, y, { epochs: 2, verbose: 0 });
    close(history.loss, [72.83333587646484, 12.843807220458984], "fit");
    assert.equal(history.size.length, 2);
    close(
      dg.tidy(() => numbers(model.weights.map((w) => w.read().sum()))),
      [2 * (0.6430393 + 0.4487091), -2 * 0.1289333, 4 * 0.5668803, -2 * 0.0696419],
      "sums of weights",
    );
    model.dispose();
  }
  dg.dispose([x, y]);
});

onEachDevice("a layer called twice adds twice, and only what the last pass added is there", () => {
  dg.tidy(() => {
    const { x, y } = data();
    const input = dg.input({ shape: [2] }), layer = new Magnitude({});
    const model = dg.model({ inputs: input, outputs: on(ones(), on(layer, on(layer, input))) });
    model.compile({ optimizer: "sgd", loss: "mse" });
    close(numbers(model.evaluate(x, y)), [52.25 / 3 + 2 * 11.5 / 6, 11.5 / 6], "twice");
    const before = dg.memory().numTensors;
    for (let i = 0; i < 3; i++) {
      const z = model.apply(x) as dg.Tensor;
      assert.equal(model.calculateLosses().length, 2);
      z.dispose();
    }
    // Two losses and two metrics of the last pass; those of earlier ones are gone.
    assert.equal(dg.memory().numTensors, before + 4);
    model.predict(x).toString();
    model.dispose();
  });
});

onEachDevice("functions add to every step, and all of the loss may be added", async () => {
  const { x } = data();
  const layer = ones({ inputShape: [2], useBias: false });
  const model = dg.sequential({ layers: [layer] });
  layer.addLoss([() => layer.weights[0].read().square().mean(), () => dg.scalar(0.5)]);
  model.compile({ optimizer: dg.train.sgd(0.5) });
  const { history } = await model.fit(x, null, { epochs: 3, batchSize: 3, verbose: 0 });
  // Each step takes 1/4 of the weights off: (0.75 ^ n)^2.
  close(history.loss, [1, 0.75 ** 2, 0.75 ** 4].map((v) => v + 0.5), "loss");
  await assert.rejects(model.fit(x, x), /y must be null: compile got no loss/);
  const bare = dg.sequential({ layers: [ones({ inputShape: [2] })] });
  bare.compile({ optimizer: "sgd" });
  await assert.rejects(bare.fit(x, null), /nothing to train on: compile got no loss, and no layer/);
  model.dispose();
  bare.dispose();
  x.dispose();
});

onEachDevice("values of a graph can be losses and metrics of its model", async () => {
  const { x, y } = data();
  const build = (runEagerly: boolean) => {
    const input = dg.input({ shape: [2] });
    const hidden = on(ones({ name: "hidden" }), input);
    const model = dg.model({ inputs: input, outputs: on(ones({ name: "out" }), hidden) });
    const squares = dg.layers.lambda({ function: (h: dg.Tensor) => h.square().mean(-1).mul(0.1) });
    model.addLoss(on(squares, hidden));
    model.addMetric(on(dg.layers.lambda({ function: (h: dg.Tensor) => h.abs() }), hidden), "size");
    model.compile({ optimizer: dg.train.sgd(0.01), loss: "mse", runEagerly });
    return model;
  };
  const [recorded, eager] = [build(false), build(true)];
  const [loss, size] = dg.tidy(() => numbers(recorded.evaluate(x, y)));
  // Sums of rows s are -1, 7, 1.5: hidden is [s, s], the output [2s, 2s].
  const squares = 1 + 49 + 2.25;
  close([loss, size], [4 * squares / 3 + 0.1 * squares, 9.5 / 3], "evaluate");
  assert.deepEqual((recorded.predict(x) as dg.Tensor).shape, [3, 2]);
  assert.deepEqual(recorded.outputShape, [null, 2]);
  const args = { epochs: 3, batchSize: 1, shuffle: false, verbose: 0 } as const;
  const [a, b] = [await recorded.fit(x, y, args), await eager.fit(x, y, args)];
  assert.deepEqual(a.history, b.history);
  // The layers that only the loss needs are not in the config, which can be saved.
  const again = dg.Functional.fromConfig(recorded.getConfig());
  assert.deepEqual(again.layers.map((l) => l.getClassName()), ["InputLayer", "Dense", "Dense"]);
  for (const m of [recorded, eager, again]) m.dispose();
  dg.dispose([x, y]);
});

onEachDevice("what was added leaves memory as it was", async () => {
  const { x, y } = data();
  const model = new Coder();
  model.compile({ optimizer: "adam", loss: "mse", metrics: ["mae"] });
  const round = async () => {
    await model.fit(x, y, { epochs: 4, batchSize: 1, verbose: 0 });
    dg.dispose([model.evaluate(x, y), model.predict(x)]);
    await model.trainOnBatch(x, y);
  };
  await round();
  const before = dg.memory();
  await round();
  await round();
  assert.deepEqual(dg.memory(), before);
  // Outside any tidy, a loss stays until the next call, or until the end.
  for (let i = 0; i < 3; i++) dg.dispose(model.apply(x));
  assert.equal(dg.memory().numTensors, before.numTensors + 2);
  model.dispose();
  dg.dispose([x, y]);
});

Deno.test("what cannot be added is named", () => {
  const layer = new Magnitude({ name: "m" });
  assert.throws(() => layer.addLoss(3 as unknown as dg.Tensor), /addLoss of "m".*got 3/);
  dg.tidy(() => {
    const metric = () => layer.addMetric(dg.scalar(1), undefined as unknown as string);
    assert.throws(metric, /addMetric of "m" needs a name to log under/);
    const { x, y } = data();
    class Clash extends dg.Layer {
      static override className = "Clash";
      override call(inputs: dg.Tensor | dg.Tensor[]): dg.Tensor {
        this.addMetric(inputs as dg.Tensor, "mae");
        return inputs as dg.Tensor;
      }
    }
    const model = dg.sequential({ layers: [ones({ inputShape: [2] }), new Clash({})] });
    model.compile({ optimizer: "sgd", loss: "mse", metrics: ["mae"] });
    assert.throws(() => model.evaluate(x, y), /already logs "mae": addMetric needs another name/);
    model.dispose();
  });
});

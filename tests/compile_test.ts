// What does compile settle, and what does it leave as it was? Names, frozen layers, optimizers, the split for validation.

import assert from "node:assert";
import * as dg from "../mod.ts";
import { close, onEachDevice } from "./fixtures.ts";

function twoLayers(): dg.Sequential {
  return dg.sequential({
    layers: [dg.layers.dense({ units: 2, inputShape: [3] }), dg.layers.dense({ units: 1 })],
  });
}

const values = (layer: dg.Layer) => layer.weights.map((w) => [...w.read().dataSync()]);

onEachDevice("freezing a layer takes effect with the next compile", async () => {
  const x = dg.ones([8, 3]), y = dg.zeros([8, 1]);
  const model = twoLayers(), [first, second] = model.layers;
  const compile = () => model.compile({ optimizer: dg.train.sgd(0.01), loss: "mse" });
  const changed = async (layer: dg.Layer) => {
    const before = values(layer);
    await model.fit(x, y, { epochs: 3, verbose: 0 });
    return JSON.stringify(before) !== JSON.stringify(values(layer));
  };
  compile();
  first.trainable = false;
  assert.equal(model.trainableWeights.length, 2);
  assert.ok(await changed(first), "frozen after compile: still trained");
  compile();
  assert.ok(!await changed(first), "frozen before compile: not trained");
  assert.ok(await changed(second));
  first.trainable = true;
  assert.ok(!await changed(first), "thawed after compile: still not trained");
  compile();
  assert.ok(await changed(first));
  model.dispose();
  dg.dispose([x, y]);
});

onEachDevice("a layer added after compile is trained", async () => {
  const x = dg.ones([8, 3]), y = dg.zeros([8, 1]);
  const model = dg.sequential({ layers: [dg.layers.dense({ units: 2, inputShape: [3] })] });
  model.compile({ optimizer: "sgd", loss: "mse" });
  model.add(dg.layers.dense({ units: 1 }));
  const before = values(model.layers[1]);
  await model.fit(x, y, { verbose: 0 });
  assert.notDeepEqual(values(model.layers[1]), before);
  model.dispose();
  dg.dispose([x, y]);
});

onEachDevice("an optimizer keeps its state between fits and through compile", async () => {
  const x = dg.ones([8, 3]), y = dg.zeros([8, 1]);
  const model = twoLayers(), optimizer = dg.train.adam(0.01);
  const alive = () => dg.memory().numDataBuffers;
  model.compile({ optimizer, loss: "mse", metrics: ["mae"] });
  await model.fit(x, y, { epochs: 2, batchSize: 4, verbose: 0 });
  const held = alive();
  await model.fit(x, y, { epochs: 2, batchSize: 4, verbose: 0 });
  assert.equal(optimizer.iterations, 8);
  assert.equal(alive(), held);
  model.compile({ optimizer, loss: "mae", metrics: ["mse"] });
  await model.fit(x, y, { batchSize: 4, verbose: 0 });
  assert.equal(optimizer.iterations, 10);
  assert.equal(alive(), held, "what the first compile made is gone");
  model.dispose();
  dg.dispose([x, y]);
});

Deno.test("metrics are named at compile, each by itself", () => {
  const model = twoLayers();
  const names = (args: Partial<dg.CompileArgs>) => {
    model.compile({ optimizer: "sgd", loss: "mse", ...args });
    return model.metricsNames.slice(1);
  };
  const spread = (t: dg.Tensor, p: dg.Tensor) => p.sub(t).abs().max(-1);
  assert.deepEqual(names({ metrics: "mae" }), ["mae"]);
  assert.deepEqual(names({ metrics: spread }), ["spread"]);
  assert.deepEqual(names({ metrics: ["accuracy", spread, new dg.metrics.AUC()] }), [
    "accuracy",
    "spread",
    "auc",
  ]);
  assert.deepEqual(names({ metrics: ["mae"], weightedMetrics: ["mae"] }), ["mae", "weighted_mae"]);
  assert.deepEqual(names({ metrics: { [model.outputNames[0]]: "mae" } }), ["mae"]);
  model.dispose();
});

onEachDevice("validationSplit rounds what is trained on down, as Keras does", async () => {
  const model = twoLayers();
  model.compile({ optimizer: "sgd", loss: "mse" });
  const x = dg.ones([10, 3]), y = dg.ones([10, 1]);
  for (const [split, trained] of [[0.2, 8], [0.33, 6], [0.25, 7], [0.05, 9]]) {
    let steps = 0;
    const callbacks = { onBatchEnd: () => void steps++ };
    await model.fit(x, y, { validationSplit: split, batchSize: 1, verbose: 0, callbacks });
    assert.equal(steps, trained, `split ${split}`);
  }
  model.dispose();
  dg.dispose([x, y]);
});

onEachDevice("penalties count in the losses of fit and evaluate", async () => {
  const x = dg.ones([4, 3]), y = dg.zeros([4, 1]);
  const model = dg.sequential({
    layers: [dg.layers.dense({
      units: 1,
      inputShape: [3],
      kernelInitializer: "ones",
      kernelRegularizer: dg.regularizers.l2({ l2: 0.5 }),
    })],
  });
  model.compile({ optimizer: dg.train.sgd(0), loss: "mse" });
  const { history } = await model.fit(x, y, { verbose: 0 });
  const loss = model.evaluate(x, y) as dg.Tensor;
  close(history.loss, [9 + 1.5], "fit");
  close(loss, [9 + 1.5], "evaluate");
  model.dispose();
  dg.dispose([x, y, loss]);
});

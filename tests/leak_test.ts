// Does memory stay where it is while training goes on and on?
import assert from "node:assert";
import * as dg from "../mod.ts";
import { type Device, devices } from "../src/native/device.ts";
import { MemoryKind } from "../src/native/symbols.ts";

const MiB = 2 ** 20;

/** What is alive: on this side, and in the native library, whose handles nobody here may have noted. */
function alive({ native, index }: Device) {
  const { numTensors, numDataBuffers, numBytes } = dg.memory();
  const held = (what: number) => native.calls.dg_memory(index, what);
  return {
    numTensors,
    numDataBuffers,
    numBytes,
    native: held(MemoryKind.live),
    arrays: held(MemoryKind.arrays),
  };
}

/** A model, and data for ten steps per epoch. */
function regression() {
  const x = dg.randomNormal([320, 10]);
  const y = dg.tidy(() => x.sum(1, true));
  const model = dg.sequential({
    layers: [
      dg.layers.dense({ units: 64, activation: "relu", inputShape: [10] }),
      dg.layers.dense({ units: 32, activation: "relu" }),
      dg.layers.dense({ units: 1 }),
    ],
  });
  return { x, y, model };
}

const compileArgs = { optimizer: "adam", loss: "meanSquaredError", metrics: ["mae"] } as const;

for (const device of devices()) {
  Deno.test(`10,000 recorded steps on ${device.name} leave memory as it was`, async () => {
    await dg.setBackend(device.name);
    const { x, y, model } = regression();
    model.compile(compileArgs);
    const fit = (epochs: number) => model.fit(x, y, { epochs, batchSize: 32, verbose: 0 });
    await fit(500); // half as many first, so that engine and pool have what they want to hold
    const before = alive(device), rss = Deno.memoryUsage().rss;
    await fit(1000);
    assert.deepEqual(alive(device), before);
    const grown = (Deno.memoryUsage().rss - rss) / MiB;
    assert.ok(grown < 8, `the process grew by ${grown.toFixed(1)} MiB`);
    model.dispose();
    dg.dispose([x, y]);
  });

  Deno.test(`200 eager steps on ${device.name} leave memory as it was`, async () => {
    await dg.setBackend(device.name);
    const { x, y, model } = regression();
    model.compile({ ...compileArgs, runEagerly: true });
    const fit = () => model.fit(x, y, { epochs: 20, batchSize: 32, verbose: 0 });
    await fit();
    const before = alive(device);
    await fit();
    await model.trainOnBatch(x, y);
    dg.dispose(model.evaluate(x, y));
    dg.dispose(model.predict(x));
    assert.deepEqual(alive(device), before);
    model.dispose();
    dg.dispose([x, y]);
  });

  Deno.test(`a disposed model on ${device.name} leaves nothing`, async () => {
    await dg.setBackend(device.name);
    const train = async () => {
      const { x, y, model } = regression();
      model.compile(compileArgs);
      await model.fit(x, y, { epochs: 2, batchSize: 48, validationSplit: 0.1, verbose: 0 });
      model.dispose();
      dg.dispose([x, y]);
    };
    await train();
    const before = alive(device);
    for (let i = 0; i < 5; i++) await train();
    assert.deepEqual(alive(device), before);
  });
}

for (const device of devices()) {
  Deno.test(`whatever is done with a model on ${device.name} leaves memory as it was`, async () => {
    await dg.setBackend(device.name);
    const { x, y, model } = regression();
    model.add(dg.layers.dropout({ rate: 0.1 }));
    const weights = dg.ones([320]), labels = dg.tidy(() => y.greater(0).cast("float32"));
    const schedule = dg.schedules.exponentialDecay({
      initialLearningRate: 0.01,
      decaySteps: 10,
      decayRate: 0.9,
    });
    const round = async () => {
      model.compile({
        optimizer: dg.train.adam(schedule),
        loss: (t: dg.Tensor, p: dg.Tensor) => dg.losses.meanSquaredError(t, p),
        metrics: ["mae", new dg.metrics.AUC(), (t: dg.Tensor, p: dg.Tensor) => p.sub(t).abs()],
        weightedMetrics: ["mse"],
      });
      const stopping = dg.callbacks.earlyStopping({ restoreBestWeights: true, patience: 1 });
      await model.fit(x, labels, {
        epochs: 3,
        batchSize: 50,
        verbose: 0,
        callbacks: [stopping, { onBatchEnd: () => {} }],
        validationData: [x, labels, weights],
        classWeight: { 0: 1, 1: 2 },
        sampleWeight: weights,
      });
      await model.fit(x, labels, { validationSplit: 0.3, verbose: 0 });
      await model.trainOnBatch(x, labels, weights);
      await model.testOnBatch(x, labels);
      dg.dispose(model.evaluate(x, labels, { batchSize: 33, sampleWeight: weights }));
      dg.dispose([model.predict(x, { batchSize: 33 }), model.predictOnBatch(x)]);
      dg.dispose(model.optimizer.getWeights());
      const values = model.getWeights();
      model.setWeights(values);
      await model.save({ save: () => Promise.resolve() });
      dg.dispose(values);
    };
    await round();
    const before = alive(device);
    await round();
    await round();
    assert.deepEqual(alive(device), before);
    model.dispose();
    dg.dispose([x, y, labels, weights]);
  });
}

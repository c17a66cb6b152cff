// Does tuning find a batch size, within bounds, and leave everything as it was?

import assert from "node:assert";
import * as dg from "../mod.ts";
import { DinogradError } from "../src/errors.ts";
import { onEachDevice } from "./fixtures.ts";

/** A model of every kind of thing that training changes: weights, an optimizer's state, random generators. */
function reader(): dg.Sequential {
  dg.setRandomSeed(3);
  const model = dg.sequential({
    layers: [
      dg.layers.embedding({ inputDim: 7, outputDim: 4, inputLength: 5 }),
      dg.layers.flatten(),
      dg.layers.dropout({ rate: 0.5 }),
      dg.layers.dense({ units: 3, activation: "softmax" }),
    ],
  });
  model.compile({
    optimizer: dg.train.adam(0.01),
    loss: "sparseCategoricalCrossentropy",
    metrics: ["accuracy"],
  });
  return model;
}

const values = (tensors: dg.Tensor[]) => tensors.map((t) => [...t.dataSync()]);

onEachDevice("a batch size is found, and the model is afterwards as it was", async () => {
  const train = async (tuned: boolean) => {
    const model = reader();
    const x = dg.tensor([[1, 2, 3, 4, 5], [6, 5, 4, 3, 2], [0, 1, 0, 1, 0]], undefined, "int32");
    const y = dg.tensor([0, 1, 2], undefined, "int32");
    await model.fit(x, y, { epochs: 2, verbose: 0 });
    if (tuned) {
      const { numTensors } = dg.memory(), { current, limit } = dg.config.getMemoryInfo();
      const met: number[] = [];
      const found = await dg.tune.batchSize(model, {
        min: 3,
        max: 30,
        onBatchSize: ({ batch }) => met.push(batch),
      });
      assert.deepEqual(met, [3, 6, 12, 24]);
      assert.deepEqual(found.sweep.map(({ batch }) => batch), met);
      assert.equal(found.largest, 24);
      assert.equal(found.stoppedBy, "max");
      const rates = found.sweep.map((p) => p.samplesPerSecond);
      assert.equal(found.fastest, met[rates.indexOf(Math.max(...rates))]);
      for (const { batch, secondsPerStep, samplesPerSecond, peakBytes } of found.sweep) {
        assert.ok(secondsPerStep > 0 && peakBytes > 0);
        assert.equal(samplesPerSecond, batch / secondsPerStep);
      }
      assert.equal(dg.memory().numTensors, numTensors);
      const { current: after } = dg.config.getMemoryInfo();
      assert.ok(after - current < 1024, `${after - current} bytes are left`); // constants may stay
      assert.equal(dg.config.getMemoryInfo().limit, limit);
    }
    const { history } = await model.fit(x, y, { epochs: 2, verbose: 0 });
    const weights = model.getWeights(), state = model.optimizer.getWeights().map((s) => s.tensor);
    const drawn = dg.randomUniform([4]);
    const all = [history.loss, history.accuracy, ...values([...weights, ...state, drawn])];
    dg.dispose([weights, state, drawn, x, y]);
    model.dispose();
    return all;
  };
  assert.deepEqual(await train(true), await train(false));
});

onEachDevice("a memory limit ends the search, and holds no longer than that", async () => {
  const model = dg.sequential({ layers: [dg.layers.dense({ units: 4, inputShape: [512] })] });
  model.compile({ optimizer: "sgd", loss: "meanSquaredError" });
  const before = dg.config.getMemoryInfo();
  const memoryLimit = before.current + 12 * 2 ** 20;
  const found = await dg.tune.batchSize(model, { min: 512, memoryLimit });
  assert.equal(found.stoppedBy, "memory");
  assert.ok(found.largest >= 512 && found.largest < 65536, String(found.largest));
  for (const { peakBytes } of found.sweep) assert.ok(peakBytes <= memoryLimit);
  assert.equal(dg.config.getMemoryInfo().limit, before.limit);
  // The device's own limit counts as much.
  dg.config.setMemoryLimit(memoryLimit);
  try {
    const own = await dg.tune.batchSize(model, { min: found.largest });
    assert.deepEqual([own.stoppedBy, own.largest], ["memory", found.largest]);
    assert.equal(dg.config.getMemoryInfo().limit, memoryLimit);
    await assert.rejects(dg.tune.batchSize(model, { min: 65536 }), dg.OutOfMemoryError);
  } finally {
    dg.config.setMemoryLimit(before.limit);
  }
  const x = dg.ones([4, 512]), y = dg.ones([4, 4]);
  await model.fit(x, y, { verbose: 0 });
  dg.dispose([x, y]);
  model.dispose();
});

onEachDevice("models of several inputs and outputs, and in 16 bits, are tuned too", async () => {
  const a = dg.input({ shape: [3] }), b = dg.input({ shape: [2, 2], dtype: "int32" });
  const flat = dg.layers.flatten().apply(b) as dg.SymbolicTensor;
  const joined = dg.layers.concatenate().apply([a, flat]) as dg.SymbolicTensor;
  const dense = (units: number, dtype: "mixed_float16" | "float32") =>
    dg.layers.dense({ units, dtype }).apply(joined) as dg.SymbolicTensor;
  const model = dg.model({
    inputs: [a, b],
    outputs: [dense(1, "mixed_float16"), dense(4, "float32")],
  });
  const sparse = new dg.losses.SparseCategoricalCrossentropy({ fromLogits: true });
  model.compile({ optimizer: "adam", loss: ["meanSquaredError", sparse] });
  const { largest } = await dg.tune.batchSize(model, { max: 2 });
  assert.equal(largest, 2);
  model.dispose();
});

Deno.test("a step that takes too long is the last one", async () => {
  const model = reader();
  const found = await dg.tune.batchSize(model, { maxStepSeconds: 1e-9 });
  assert.deepEqual([found.stoppedBy, found.largest], ["time", 1]);
  model.dispose();
});

Deno.test("what cannot be tuned is refused with a sentence", async () => {
  const refuses = async (model: dg.Model, options: dg.tune.BatchSizeOptions, message: RegExp) => {
    await assert.rejects(dg.tune.batchSize(model, options), (error) => {
      assert.ok(error instanceof DinogradError, String(error));
      assert.match(error.message, message);
      return true;
    });
    model.dispose();
  };
  const compiled = (...layers: dg.Layer[]) => {
    const model = dg.sequential({ layers });
    model.compile({ optimizer: "adam", loss: "meanSquaredError" });
    return model;
  };
  const { lstm, dense } = dg.layers;
  await refuses(compiled(dense({ units: 1 })), {}, /does not know the shape of its inputs/);
  await refuses(
    compiled(lstm({ units: 2, inputShape: [null, 3] })),
    {},
    /needs to know the size of a sample, got an input of shape \[null,null,3\]/,
  );
  await refuses(
    compiled(dense({ units: 1, batchInputShape: [8, 2] })),
    {},
    /takes batches of any size, got one for batches of 8/,
  );
  const plain = dg.sequential({ layers: [dense({ units: 1, inputShape: [2] })] });
  await refuses(plain, {}, /must be compiled first/);
  const options = { maxx: 3 } as dg.tune.BatchSizeOptions;
  await refuses(
    reader(),
    options,
    /Unknown option of tune.batchSize "maxx": did you mean "max"/,
  );
  await refuses(reader(), { min: 0 }, /needs min to be a whole number of at least 1, got 0/);
  await refuses(
    reader(),
    { min: 8, max: 4 },
    /needs max to be a whole number of at least 8, got 4/,
  );
  await refuses(reader(), { maxStepSeconds: 0 }, /needs maxStepSeconds above 0, got 0/);
});

Deno.test("a model that is being fitted is not tuned, nor fitted while it is tuned", async () => {
  const model = reader(), x = dg.zeros([8, 5], "int32"), y = dg.zeros([8], "int32");
  const fitting = model.fit(x, y, { epochs: 2, verbose: 0 });
  await assert.rejects(dg.tune.batchSize(model), /cannot be tuned while fit runs/);
  await fitting;
  const tuning = dg.tune.batchSize(model, { max: 4 });
  await assert.rejects(
    model.fit(x, y, { verbose: 0 }),
    /cannot be fitted again while tune.batchSize runs: wait/,
  );
  await tuning;
  model.dispose();
  dg.dispose([x, y]);
});

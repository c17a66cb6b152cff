// Does training give Keras's numbers, the same bits eagerly, recorded and on any number of threads, and clear words when it cannot?

import assert from "node:assert";
import * as dg from "../mod.ts";
import { currentDevice } from "../src/native/device.ts";
import { cases, close, type FixtureTensor, load, onEachDevice } from "./fixtures.ts";

function mlp(units: readonly number[], inputs: number): dg.Sequential {
  return dg.sequential({
    layers: units.map((n, i) =>
      dg.layers.dense({
        units: n,
        activation: i < units.length - 1 ? "relu" : undefined,
        inputShape: i === 0 ? [inputs] : undefined,
      })
    ),
  });
}

function toyData(rows: number, seed = 3) {
  return dg.tidy(() => {
    const x = dg.randomNormal([rows, 10], 0, 1, "float32", seed);
    return { x, y: x.square().sum(1, true).mul(0.1) };
  });
}

/** Weights after training a small model, as one list of numbers. */
async function trained(
  options: { eager?: boolean; rows?: number; epochs?: number; dropout?: boolean } = {},
): Promise<number[]> {
  dg.setRandomSeed(5);
  const model = mlp([16, 8, 1], 10);
  if (options.dropout) {
    model.pop();
    model.add(dg.layers.dropout({ rate: 0.2 }));
    model.add(dg.layers.dense({ units: 1 }));
  }
  model.compile({ optimizer: "adam", loss: "mse", metrics: ["mae"], runEagerly: options.eager });
  const { x, y } = toyData(options.rows ?? 100);
  const history = await model.fit(x, y, { epochs: options.epochs ?? 4, verbose: 0 });
  const values = model.getWeights().flatMap((w) => [...w.dataSync()]);
  values.push(...history.history.loss, ...history.history.mae);
  model.dispose();
  dg.dispose([x, y]);
  return values;
}

onEachDevice("a training run agrees with Keras, batch by batch and by fit", async () => {
  const list = <T>(x: T | T[]): T[] => Array.isArray(x) ? x : [x];
  for (const c of cases("training.json").filter((c) => c.model)) {
    const build = () => {
      const model = dg.deserializeLayer(c.model) as dg.Model;
      model.setWeights(
        c.weights.map((w: { tensor: Parameters<typeof load>[0] }) => load(w.tensor)),
      );
      model.compile({
        optimizer: c.optimizer,
        loss: c.loss,
        metrics: c.metrics,
      });
      return model;
    };
    const x = list<FixtureTensor>(c.x).map(load), y = load(c.y), rows = y.shape[0];
    const single = build();
    let at = 0;
    for (const batch of c.batches) {
      const cut = (t: dg.Tensor) => t.slice([at], [Math.min(c.batch_size, rows - at)]);
      const results = list(await single.trainOnBatch(x.map(cut), cut(y)));
      close(results, [batch.loss, ...Object.values<number>(batch.metrics)], `${c.name} batch`);
      at = at + c.batch_size >= rows ? 0 : at + c.batch_size;
    }
    const model = build();
    const { history } = await model.fit(x, y, {
      batchSize: c.batch_size,
      epochs: c.epochs,
      shuffle: false,
      verbose: 0,
    });
    for (const key in c.fit_history) close(history[key], c.fit_history[key], `${c.name} ${key}`);
    const results = list(model.evaluate(x, y, { batchSize: c.batch_size }));
    const { loss, ...metrics } = c.evaluate;
    const wanted = [loss, ...Object.values<number>(metrics)];
    close(results.map((t) => t.dataSync()[0]), wanted, `${c.name} evaluate`);
    c.final_weights.forEach((w: { name: string; sum: number; sum_sq: number }, i: number) => {
      const v = model.weights[i].variable;
      close([v.sum().dataSync()[0]], [w.sum], `${w.name} sum`, { atol: 2e-4 });
      close([v.square().sum().dataSync()[0]], [w.sum_sq], `${w.name} sum of squares`, {
        atol: 2e-4,
      });
    });
    const first = x.map((t) => t.slice([0], [3]));
    close(model.predict(first) as dg.Tensor, c.predictions.data, "predictions");
    single.dispose();
    model.dispose();
  }
});

onEachDevice("eager and recorded training give identical numbers, dropout included", async () => {
  for (const dropout of [false, true]) {
    assert.deepEqual(await trained({ dropout }), await trained({ dropout, eager: true }));
  }
});

onEachDevice("the same seed gives the same bits on any number of threads", async (d) => {
  const first = await trained({ rows: 1000 });
  assert.deepEqual(await trained({ rows: 1000 }), first);
  const before = d.native.calls.dg_threads(0);
  d.native.calls.dg_threads(before === 1 ? 2 : 1);
  assert.deepEqual(await trained({ rows: 1000 }), first);
  d.native.calls.dg_threads(before);
});

onEachDevice("an epoch takes fewer native calls than it has steps", async (d) => {
  const model = mlp([64, 32, 1], 10);
  model.compile({ optimizer: "adam", loss: "mse" });
  const { x, y } = toyData(3200);
  await model.fit(x, y, { epochs: 1, verbose: 0 });
  const { native } = d;
  const counted: Record<string, number> = {};
  const calls = native.calls;
  const counting = Object.fromEntries(
    Object.entries(calls).filter(([, f]) => typeof f === "function").map(([name, f]) => [
      name,
      (...args: number[]) => {
        counted[name] = (counted[name] ?? 0) + 1;
        return (f as (...args: number[]) => number)(...args);
      },
    ]),
  );
  Object.defineProperty(native, "calls", { value: counting, configurable: true });
  const total = () => Object.values(counted).reduce((a, b) => a + b, 0);
  try {
    await model.fit(x, y, { epochs: 1, verbose: 0 });
    const one = total();
    await model.fit(x, y, { epochs: 11, verbose: 0 });
    const perStep = (total() - 2 * one) / (10 * 100);
    assert.ok(perStep <= 1, `${perStep} native calls per step: ${JSON.stringify(counted)}`);
  } finally {
    Object.defineProperty(native, "calls", { value: calls, configurable: true });
  }
  model.dispose();
});

onEachDevice("validation, class weights and sample weights", async () => {
  dg.setRandomSeed(1);
  const model = mlp([4, 1], 10);
  model.compile({ optimizer: dg.train.sgd(0.01), loss: "mse" });
  const { x, y } = toyData(50);
  const { history } = await model.fit(x, y, { epochs: 2, validationSplit: 0.2, verbose: 0 });
  assert.deepEqual(Object.keys(history).sort(), ["loss", "val_loss"]);
  assert.equal(history.val_loss.length, 2);
  const given = await model.fit(x, y, { validationData: [x, y], verbose: 0 });
  close(
    [given.history.val_loss[0]],
    [(model.evaluate(x, y) as dg.Tensor).dataSync()[0]],
    "val_loss",
  );

  // Class weights are the sample weights of the classes.
  const classify = () => {
    dg.setRandomSeed(2);
    const m = dg.sequential({
      layers: [dg.layers.dense({ units: 3, activation: "softmax", inputShape: [10] })],
    });
    m.compile({ optimizer: dg.train.sgd(0.1), loss: "sparseCategoricalCrossentropy" });
    return m;
  };
  const labels = dg.tensor(Int32Array.from({ length: 50 }, (_, i) => i % 3), [50]);
  const weights = dg.tensor(Float32Array.from({ length: 50 }, (_, i) => [1, 2, 0.5][i % 3]), [50]);
  const a = classify(), b = classify();
  await a.fit(x, labels, { classWeight: { 0: 1, 1: 2, 2: 0.5 }, shuffle: false, verbose: 0 });
  await b.fit(x, labels, { sampleWeight: weights, shuffle: false, verbose: 0 });
  assert.deepEqual(a.getWeights()[0].dataSync(), b.getWeights()[0].dataSync());
  // Only weighted metrics count the weights, over their sum (59 here) rather than the number of samples.
  b.compile({
    optimizer: "sgd",
    loss: "sparseCategoricalCrossentropy",
    metrics: ["sparseCategoricalCrossentropy"],
    weightedMetrics: ["ce"],
  });
  const results = (sampleWeight?: dg.Tensor) =>
    dg.tidy(() =>
      (b.evaluate(x, labels, { sampleWeight }) as dg.Tensor[]).map((t) => t.dataSync()[0])
    );
  const [unweighted] = results(), [loss, plain, weighted] = results(weights);
  close([plain, weighted * 59], [unweighted, loss * 50], "metrics beside weights");
  await assert.rejects(
    a.fit(x, labels, { classWeight: { 0: 1 }, verbose: 0 }),
    /no weight for class 1/,
  );
  for (const m of [model, a, b]) m.dispose();
});

onEachDevice("callbacks see epochs and batches, and can stop", async () => {
  const model = mlp([4, 1], 10);
  model.compile({ optimizer: "sgd", loss: "mse", metrics: ["mae"] });
  const { x, y } = toyData(70);
  const seen: string[] = [];
  await model.fit(x, y, {
    epochs: 3,
    verbose: 0,
    callbacks: {
      onTrainBegin: () => void seen.push("train"),
      onEpochBegin: (epoch: number) => void seen.push(`epoch ${epoch}`),
      onBatchEnd: (batch: number, logs?: Record<string, number>) => {
        seen.push(`batch ${batch} of ${logs?.size}`);
        assert.ok(Number.isFinite(logs?.loss) && Number.isFinite(logs?.mae));
      },
      onEpochEnd: (epoch: number) => {
        if (epoch === 1) model.stopTraining = true;
      },
      onTrainEnd: () => void seen.push("end"),
    },
  });
  assert.deepEqual(seen, [
    "train",
    ...["epoch 0", "batch 0 of 32", "batch 1 of 32", "batch 2 of 6"],
    ...["epoch 1", "batch 0 of 32", "batch 1 of 32", "batch 2 of 6"],
    "end",
  ]);
  model.dispose();
});

onEachDevice("early stopping restores the best weights", async () => {
  dg.setRandomSeed(1);
  const model = mlp([4, 1], 10);
  model.compile({ optimizer: dg.train.sgd(0.01), loss: "mse" });
  const { x, y } = toyData(64);
  const stop = dg.callbacks.earlyStopping({
    monitor: "val_loss",
    patience: 1,
    restoreBestWeights: true,
  });
  // Targets far away after the first epoch make it worse and worse.
  const { history } = await model.fit(x, y, {
    epochs: 20,
    verbose: 0,
    validationData: [x, y.neg()],
    callbacks: stop,
  });
  const best = Math.min(...history.val_loss);
  assert.ok(history.val_loss.length < 20);
  close([(model.evaluate(x, y.neg()) as dg.Tensor).dataSync()[0]], [best], "restored");
  model.dispose();
});

onEachDevice("a loss that becomes NaN is named, and stops training where asked", async () => {
  const warnings: string[] = [];
  const warn = console.warn;
  console.warn = (text: string) => void warnings.push(text);
  try {
    const model = mlp([4, 1], 10);
    model.compile({ optimizer: dg.train.sgd(1e18), loss: "mse" });
    const { x, y } = toyData(640);
    const { history } = await model.fit(x, y, {
      epochs: 5,
      verbose: 0,
      callbacks: dg.callbacks.terminateOnNaN(),
    });
    assert.ok(history.loss.length < 5);
    assert.match(warnings.join(), /loss became (NaN|Infinity|-Infinity) in epoch 1 at step \d+/);
    model.dispose();
  } finally {
    console.warn = warn;
  }
});

onEachDevice("a step that reads values trains eagerly, and says so once", async () => {
  const warnings: string[] = [];
  const warn = console.warn;
  console.warn = (text: string) => void warnings.push(text);
  try {
    const model = mlp([4, 1], 10);
    model.compile({
      optimizer: "sgd",
      loss: (yTrue: dg.Tensor, yPred: dg.Tensor) => {
        yPred.dataSync();
        return yTrue.sub(yPred).square().mean(-1);
      },
    });
    const { x, y } = toyData(100);
    const { history } = await model.fit(x, y, { epochs: 3, verbose: 0 });
    assert.ok(history.loss[2] < history.loss[0]);
    assert.equal(warnings.length, 1);
    assert.match(warnings[0], /step by step.*Cannot read an array's values while recording/);
    model.dispose();
  } finally {
    console.warn = warn;
  }
});

onEachDevice("running out of memory is an error, after which everything works", async (d) => {
  const { native } = d;
  const model = mlp([16, 1], 10);
  model.compile({ optimizer: "adam", loss: "mse" });
  const { x, y } = toyData(64);
  native.calls.dg_trim(d.index);
  native.check(native.calls.dg_memory_limit(d.index, native.calls.dg_memory(d.index, 0) + 2000));
  try {
    await assert.rejects(
      model.fit(x, y, { verbose: 0 }),
      /Out of memory: cannot allocate \d+ bytes/,
    );
  } finally {
    native.check(native.calls.dg_memory_limit(d.index, 0));
  }
  await model.fit(x, y, { verbose: 0 });
  model.dispose();
});

Deno.test("fit and compile say what they want", async () => {
  const model = mlp([4, 1], 10);
  const { x, y } = toyData(8);
  await assert.rejects(model.fit(x, y), /must be compiled/);
  assert.throws(
    () => model.compile({ optimizer: "adm", loss: "mse" }),
    /adm.*did you mean "adam"/i,
  );
  assert.throws(() => model.compile({ optimizer: "adam", loss: "msee" }), /msee/);
  model.compile({ optimizer: "adam", loss: "mse" });
  const no = (args: dg.FitArgs, expected: RegExp) =>
    assert.rejects(model.fit(x, y, { verbose: 0, ...args }), expected);
  await no({ batchSize: 0 }, /batchSize.*whole number.*got 0/);
  await no({ epochs: 1.5 }, /epochs.*got 1.5/);
  await no({ validationSplit: 1 }, /validationSplit.*got 1/);
  await assert.rejects(model.fit(x, y.slice([0], [4])), /as many targets.*\[8,10\] and \[4,1\]/);
  await assert.rejects(model.fit(x.slice([0, 0], [8, 4]), y), /takes \[null,10\].*got \[8,4\]/);
  await assert.rejects(model.fit([x, x], y), /needs one tensor/);
  assert.equal(currentDevice().name.length > 0, true);
  model.dispose();
  x.dispose();
  assert.throws(() => model.predict(x), /disposed/);
});

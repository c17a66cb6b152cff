// Does training on a dataset give what fit gives for the same batches, to the bit, recorded too, and leave nothing behind?

import assert from "node:assert";
import * as dg from "../mod.ts";
import { currentDevice } from "../src/native/device.ts";
import { onEachDevice } from "./fixtures.ts";
import { alive, makeModel, numbers, on, onEachPair, outcome } from "./placement.ts";

const rows = 70, width = 6, size = 16;
const x = numbers(rows * width, 1), y = numbers(rows, 2);

/** Samples one by one. */
const samples = () =>
  dg.data.array(Array.from({ length: rows }, (_, i) => ({
    xs: x.slice(i * width, (i + 1) * width),
    ys: y.slice(i, i + 1),
  })));

/** An element with its targets as a list. */
const listed = ({ xs, ys }: { xs: unknown; ys: object }) => ({ xs, ys: Object.values(ys) });

/** What `run` makes of a fresh model, and that it leaves nothing else. */
async function trained(
  run: (model: dg.Model, x: dg.Tensor, y: dg.Tensor) => Promise<dg.History>,
  compile: Partial<dg.CompileArgs> = {},
): Promise<unknown> {
  const before = alive();
  const model = makeModel(currentDevice(), width, compile);
  const xs = dg.tensor(x, [rows, width]), ys = dg.tensor(y, [rows, 1]);
  const result = outcome(model, await run(model, xs, ys));
  model.dispose();
  dg.dispose([xs, ys]);
  assert.deepEqual(alive(), before);
  return result;
}

onEachDevice("the same batches give the same bits as fit", async () => {
  const args = { epochs: 3, verbose: 0 } as const, inOrder = { batchSize: size, shuffle: false };
  const schedule = {
    optimizer: dg.train.adam(
      dg.schedules.exponentialDecay({ initialLearningRate: 0.01, decaySteps: 3, decayRate: 0.5 }),
    ),
  };
  const counts = { onBatchEnd() {} };
  const compiles = [() => ({}), () => ({ runEagerly: true }), () => ({ ...schedule })];
  for (const compile of compiles) {
    const expected = await trained((m, x, y) => m.fit(x, y, { ...args, ...inOrder }), compile());
    const batches = () => samples().batch(size);
    const same = async (dataset: dg.data.Dataset<unknown>, more: dg.FitDatasetArgs = {}) => {
      const run = (m: dg.Model) => m.fitDataset(dataset, { ...args, ...more });
      assert.deepEqual(await trained(run, compile()), expected);
    };
    await same(batches());
    await same(batches().prefetch(2), { callbacks: counts });
    await same(batches().repeat(), { batchesPerEpoch: 5 });
    await same(batches(), { batchesPerEpoch: 5 });
    const named = batches().map(({ xs, ys }) => ({ xs: [xs], ys: { any: ys } }));
    await same(named.map(listed));
  }
});

onEachDevice("validation, weights and steps agree with fit", async () => {
  const args = { epochs: 2, verbose: 0 } as const;
  const validated = await trained((m, x, y) =>
    m.fit(x, y, {
      ...args,
      batchSize: size,
      shuffle: false,
      validationData: [x, y],
      validationBatchSize: 32,
    })
  );
  for (
    const validationData of [
      () => samples().batch(32),
      (x: dg.Tensor, y: dg.Tensor) => [x, y] as [dg.Tensor, dg.Tensor],
    ]
  ) {
    const run = (m: dg.Model, x: dg.Tensor, y: dg.Tensor) =>
      m.fitDataset(samples().batch(size), { ...args, validationData: validationData(x, y) });
    assert.deepEqual(await trained(run), validated);
  }
  const weights = y.map((v) => v * v);
  const weighted = await trained(async (m, x, y) => {
    const w = dg.tensor(weights);
    const h = await m.fit(x, y, { ...args, batchSize: size, shuffle: false, sampleWeight: w });
    w.dispose();
    return h;
  });
  const pairs = dg.data.zip({ sample: samples(), sampleWeight: dg.data.array([...weights]) });
  const each = pairs.map(({ sample, sampleWeight }) => ({ ...sample, sampleWeight }));
  assert.deepEqual(await trained((m) => m.fitDataset(each.batch(size), args)), weighted);
});

onEachDevice("class weights, and evaluation", async () => {
  const labels = Int32Array.from({ length: rows }, (_, i) => i % 3);
  const make = () => {
    dg.setRandomSeed(3);
    const model = dg.sequential({
      layers: [dg.layers.dense({ units: 3, activation: "softmax", inputShape: [width] })],
    });
    model.compile({
      optimizer: "sgd",
      loss: "sparseCategoricalCrossentropy",
      metrics: ["accuracy"],
    });
    return model;
  };
  const before = alive();
  const xs = dg.tensor(x, [rows, width]), ys = dg.tensor(labels);
  const classWeight = { 0: 1, 1: 2, 2: 0.5 };
  const a = make(), b = make(), args = { verbose: 0, classWeight } as const;
  const dataset = dg.data.array([...labels].map((label, i) => ({
    xs: x.slice(i * width, (i + 1) * width),
    ys: Int32Array.of(label),
  }))).batch(32).map(({ xs, ys }) => ({ xs, ys: ys.reshape([-1]) }));
  const histories = [
    await a.fit(xs, ys, { ...args, shuffle: false }),
    await b.fitDataset(dataset, args),
  ];
  assert.deepEqual(outcome(a, histories[0]), outcome(b, histories[1]));
  const values = (results: dg.Tensor | dg.Tensor[]) => {
    const list = [results].flat().map((t) => t.dataSync()[0]);
    dg.dispose(results);
    return list;
  };
  assert.deepEqual(values(await b.evaluateDataset(dataset)), values(a.evaluate(xs, ys)));
  const [sx, sy] = [xs, ys].map((t) => t.slice([0], [32]));
  const first = values(await b.evaluateDataset(dataset, { batches: 1 }));
  assert.deepEqual(first, values(a.evaluate(sx, sy)));
  a.dispose();
  b.dispose();
  dg.dispose([xs, ys, sx, sy]);
  assert.deepEqual(alive(), before);
});

onEachPair("batches may lie on another device", async (home, away) => {
  const run = (place: typeof home) =>
    on(home, () =>
      trained((m) =>
        m.fitDataset(
          samples().batch(size).map(({ xs, ys }) => ({
            xs: xs.to(place.name),
            ys: ys.to(place.name),
          })),
          { epochs: 2, verbose: 0 },
        )
      ));
  assert.deepEqual(await run(away), await run(home));
});

onEachDevice("steps are replayed, whatever forms the batches have", async (d) => {
  const { native } = d, { calls } = native;
  let replays = 0;
  const counting = {
    ...calls,
    dg_replay: (...args: Parameters<typeof calls.dg_replay>) => {
      replays++;
      return calls.dg_replay(...args);
    },
  };
  const model = dg.sequential({
    layers: [new Sum({ inputShape: [null, 2] }), dg.layers.dense({ units: 1 })],
  });
  model.compile({ optimizer: "sgd", loss: "mse" });
  // Sequences of 40 lengths, more than are remembered, and of 3.
  const sequences = (lengths: number) =>
    dg.data.generator(function* () {
      for (let i = 0; i < 120; i++) {
        yield { xs: dg.ones([4, 1 + i % lengths, 2]), ys: dg.ones([4, 1]) };
      }
    });
  const before = alive();
  Object.defineProperty(native, "calls", { value: counting, configurable: true });
  try {
    const few = await model.fitDataset(sequences(3), { verbose: 0 });
    assert.equal(replays, 120 - 3);
    const many = await model.fitDataset(sequences(40), { verbose: 0 });
    assert.equal(replays, 120 - 3, "each form comes again only when it is forgotten");
    assert.ok(Number.isFinite(few.history.loss[0] + many.history.loss[0]));
  } finally {
    Object.defineProperty(native, "calls", { value: calls, configurable: true });
  }
  const after = alive();
  assert.equal(after.numTensors, before.numTensors);
  model.dispose();
});

/** [batch, time, 2] to [batch, 2]. */
class Sum extends dg.Layer {
  static override className = "Sum";
  override call(inputs: dg.Tensor | dg.Tensor[]): dg.Tensor {
    return ([inputs].flat())[0].mean(1);
  }
}

onEachDevice("losses of more steps than are noted on the device", async () => {
  const many = dg.data.generator(function* () {
    for (let i = 0; i < 2500; i++) yield { xs: dg.scalar(i).reshape([1, 1]), ys: dg.ones([1, 1]) };
  });
  const model = dg.sequential({
    layers: [dg.layers.dense({ units: 1, inputShape: [1], kernelInitializer: "ones" })],
  });
  model.compile({ optimizer: dg.train.sgd(0), loss: "meanAbsoluteError" });
  const { history } = await model.fitDataset(many, { verbose: 0 });
  // |i - 1| on average.
  assert.ok(Math.abs(history.loss[0] - (2499 * 2500 / 2 - 2500 + 2) / 2500) < 1e-6);
  model.dispose();
});

onEachDevice("where the data runs out", async () => {
  const warnings: string[] = [], { warn } = console;
  console.warn = (text: string) => void warnings.push(text);
  try {
    const model = makeModel(currentDevice(), width);
    const unknown = samples().batch(size).filter(() => true); // 5 batches, which nobody knows
    const ended = await model.fitDataset(unknown, { batchesPerEpoch: 2, epochs: 9, verbose: 0 });
    assert.equal(ended.history.loss.length, 3);
    assert.match(warnings.join(), /ran out of data after 1 batches, wanted 2 per epoch/);
    const even = await model.fitDataset(unknown, { batchesPerEpoch: 5, epochs: 9, verbose: 0 });
    assert.equal(even.history.loss.length, 1);
    // One of known size starts again, as in Keras.
    const again = samples().batch(size);
    const all = await model.fitDataset(again, { batchesPerEpoch: 3, epochs: 4, verbose: 0 });
    assert.equal(all.history.loss.length, 4);
    assert.equal(warnings.length, 2);
    let passes = 0;
    const once = dg.data.generator(() => passes++ === 0 ? samples().batch(size) : []);
    const single = await model.fitDataset(once, { epochs: 3, verbose: 0 });
    assert.equal(single.history.loss.length, 1);
    assert.match(warnings[2], /there are no batches in epoch 2: training ends/);
    model.dispose();
  } finally {
    console.warn = warn;
  }
});

Deno.test("fitDataset and evaluateDataset say what they want", async () => {
  const model = dg.sequential({ layers: [dg.layers.dense({ units: 1, inputShape: [width] })] });
  const batches = samples().batch(size);
  await assert.rejects(model.fitDataset(batches), /must be compiled first/);
  model.compile({ optimizer: "sgd", loss: "mse" });
  const before = alive();
  const no = async (
    dataset: unknown,
    args: dg.FitDatasetArgs,
    sentence: RegExp,
  ) => {
    const run = () =>
      model.fitDataset(dataset as dg.data.Dataset<unknown>, { verbose: 0, ...args });
    await assert.rejects(run, sentence);
    assert.deepEqual(alive(), before, String(sentence));
  };
  await no([1], {}, /needs a dataset.*got object/);
  await no(dg.data.array([]), {}, /needs at least one batch, got none/);
  await no(batches.map(({ xs }) => xs), {}, /elements \{ xs, ys \}.*got object/);
  await no(batches.map(({ xs }) => ({ x: xs })), {}, /elements \{ xs, ys \}.*the keys x/);
  await no(samples(), {}, /needs tensors in xs and ys.*batch\(n\)/);
  await no(batches.map(({ xs, ys }) => ({ xs, ys: ys.slice([1]) })), {}, /as many targets/);
  await no(batches.repeat(), {}, /number of batches for a dataset without end/);
  await no(batches, { batchesPerEpoch: 0 }, /batchesPerEpoch.*got 0/);
  await no(batches, { batchSize: 3 } as never, /Unknown option of fitDataset "batchSize"/);
  await no(batches, { validationData: {} as never }, /validationData to be a dataset, or a list/);
  const late = dg.data.generator(function* () {
    yield { xs: dg.ones([2, width]), ys: dg.ones([2, 1]) };
    throw new Error("lost");
  });
  await assert.rejects(model.fitDataset(late, { verbose: 0 }), /lost/); // after a step
  const left = alive();
  await assert.rejects(model.fitDataset(late, { verbose: 0 }), /lost/);
  assert.deepEqual(alive(), left);
  const none = { validationData: dg.data.array<unknown>([]), verbose: 0 } as const;
  await assert.rejects(model.fitDataset(batches, none), /needs at least one batch, got none/);
  await assert.rejects(model.evaluateDataset(batches.repeat()), /without end/);
  await assert.rejects(model.evaluateDataset(batches, { batches: -1 }), /batches.*got -1/);
  model.dispose();
});

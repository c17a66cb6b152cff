// Does data on another device, or too large for the model's, train a model as data beside it does? To the bit, in bounded memory.

import assert from "node:assert";
import * as dg from "../mod.ts";
import { type Device, devices } from "../src/native/device.ts";

const MiB = 2 ** 20;

/** Values for tensors on any device. */
function numbers(count: number, seed: number): Float32Array {
  let state = seed;
  return Float32Array.from({ length: count }, () => {
    state = Math.imul(state, 1664525) + 1013904223 | 0;
    return state / 2 ** 31;
  });
}

/** Samples of a regression, to be made on any device. */
function regression(rows: number, width = 6) {
  const x = numbers(rows * width, 1), y = numbers(rows, 2), some = Math.min(rows, 50);
  return {
    x: () => dg.tensor(x, [rows, width]),
    y: () => dg.tensor(y, [rows, 1]),
    weights: () => dg.tensor(y.map((v) => v * v), [rows]),
    someX: () => dg.tensor(x.slice(0, some * width), [some, width]),
    someY: () => dg.tensor(y.slice(0, some), [some, 1]),
    bytes: 4 * rows * (width + 1),
  };
}
type Data = ReturnType<typeof regression>;

/** Leaves only the first columns, so that a model of wide rows is quick even on an emulated GPU. */
class Crop extends dg.layers.Layer {
  static override className = "Crop";
  override call(inputs: dg.Tensor | dg.Tensor[]): dg.Tensor {
    return (Array.isArray(inputs) ? inputs[0] : inputs).slice([0, 0], [-1, 6]);
  }
}

const on = <T>(d: Device, fn: () => T): T => dg.device(d.name, fn);

/** A model on a device, the same each time. */
function makeModel(home: Device, width: number, args: Partial<dg.CompileArgs> = {}): dg.Model {
  return on(home, () => {
    dg.setRandomSeed(7);
    const model = dg.sequential();
    model.add(new Crop({ inputShape: [width] }));
    model.add(dg.layers.dense({ units: 8, activation: "tanh" }));
    model.add(dg.layers.dropout({ rate: 0.1 }));
    model.add(dg.layers.dense({ units: 1 }));
    model.compile({ optimizer: "adam", loss: "mse", metrics: ["mae"], ...args });
    return model;
  });
}

/** Everything there is to compare about a model that was trained. */
function outcome(model: dg.Model, { history }: dg.History): unknown {
  return [history, dg.tidy(() => model.getWeights().map((w) => w.dataSync()))];
}

/** What is alive on all devices, in this library and the native ones. */
function alive() {
  const { numTensors, numDataBuffers, numBytes } = dg.memory();
  const held = devices().map((d) => [d.name, d.memory("live"), d.memory("arrays")]);
  return { numTensors, numDataBuffers, numBytes, held };
}

/** Runs `fn` with so many bytes left on a device, and gives the most that were in use meanwhile. */
async function capped(home: Device, room: number, fn: () => Promise<unknown>): Promise<number> {
  home.native.check(home.native.calls.dg_trim(home.index));
  const before = home.memory("live");
  dg.config.setMemoryLimit(before + room, home.name);
  dg.config.resetMemoryStats(home.name);
  try {
    await fn();
  } finally {
    dg.config.setMemoryLimit(0, home.name);
  }
  const peak = home.memory("peak") - before;
  assert.ok(peak <= room, `${peak} bytes were in use, allowed were ${room}`);
  return peak;
}

/** One test for each device with each other one, which leaves everything as it was. */
function onEachPair(name: string, fn: (home: Device, away: Device) => Promise<void>): void {
  for (const home of devices()) {
    for (const away of devices()) {
      if (home === away) continue;
      Deno.test(`${name}: ${home.name} with data on ${away.name}`, async () => {
        const before = alive();
        await fn(home, away);
        assert.deepEqual(alive(), before);
      });
    }
  }
}

/** Where a tensor is made. */
type Place = (make: () => dg.Tensor) => dg.Tensor;
/** Arguments of fit, some of them tensors away from the model or beside it. */
type Way = (data: Data, away: Place, beside: Place) => dg.FitArgs;

const ways: Record<string, Way> = {
  "shuffled": () => ({}),
  "in order": () => ({ shuffle: false }),
  "weighted": ({ weights }, away) => ({ sampleWeight: away(weights) }),
  "weighted from beside": ({ weights }, _, beside) => ({ sampleWeight: beside(weights) }),
  "split": () => ({ validationSplit: 0.3, validationBatchSize: 7 }),
  "validated": ({ x, y, weights }, away) => ({
    validationData: [away(x), away(y), away(weights)],
    validationFreq: 2,
  }),
  "validated beside": ({ someX, someY }, _, beside) => ({
    validationData: [beside(someX), beside(someY)],
  }),
  "one epoch": () => ({ epochs: 1 }),
  "part of the steps": () => ({ stepsPerEpoch: 3 }),
  "batch by batch": () => ({ callbacks: { onBatchEnd() {} } }),
};

/** Trains a model with its data on a device, and tells everything there is to compare. */
async function train(
  home: Device,
  away: Device,
  data: Data,
  way: Way,
  args: dg.FitArgs = {},
  compile: Partial<dg.CompileArgs> = {},
): Promise<unknown> {
  const made: dg.Tensor[] = [];
  const place = (d: Device): Place => (make) => {
    const tensor = on(d, make);
    made.push(tensor);
    return tensor;
  };
  const at = place(away), x = at(data.x), y = at(data.y);
  const model = makeModel(home, x.shape[1], compile);
  try {
    const all = { epochs: 3, batchSize: 16, verbose: 0, ...args, ...way(data, at, place(home)) };
    return outcome(model, await model.fit(x, y, all as dg.FitArgs));
  } finally {
    model.dispose();
    dg.dispose(made);
  }
}

onEachPair("data that fits is copied", async (home, away) => {
  for (const rows of [100, 96, 5]) {
    const data = regression(rows, 7);
    for (const [name, way] of Object.entries(ways)) {
      const beside = await train(home, home, data, way);
      assert.deepEqual(await train(home, away, data, way), beside, `${rows} rows, ${name}`);
    }
  }
});

// 8 MiB in rows of 28 kB.
const large = regression(300, 7000), batches = { batchSize: 8, epochs: 2 };

/** Holds what is trained with so little left on the model's device to what is trained with the data beside the model. */
async function streams(
  home: Device,
  away: Device,
  room: number,
  way: Way,
  compile: () => Partial<dg.CompileArgs> = () => ({}),
): Promise<number> {
  const beside = await train(home, home, large, way, batches, compile());
  return await capped(home, room, async () => {
    assert.deepEqual(await train(home, away, large, way, batches, compile()), beside, way.name);
  });
}

onEachPair("data that does not fit streams", async (home, away) => {
  for (const way of Object.values(ways)) await streams(home, away, 7 * MiB, way);
  // Less is left, so that the window holds one batch.
  const peaks = [await streams(home, away, 7 * MiB, ways.shuffled)];
  peaks.push(await streams(home, away, 4 * MiB, ways.shuffled));
  const show = (bytes: number) => (bytes / MiB).toFixed(1);
  console.log(`${show(large.bytes)} MiB of data in ${peaks.map(show).join(" and ")} MiB`);
  assert.ok(peaks[1] < peaks[0] && peaks[0] < large.bytes / 2);
});

onEachPair("steps that change by themselves or run eagerly stream", async (home, away) => {
  const rates = { initialLearningRate: 0.01, decaySteps: 5, decayRate: 0.5 };
  const scheduled = () => ({ optimizer: dg.train.adam(dg.schedules.exponentialDecay(rates)) });
  await streams(home, away, 7 * MiB, ways.shuffled, scheduled);
  await streams(home, away, 7 * MiB, ways.weighted, () => ({ ...scheduled(), runEagerly: true }));
});

onEachPair("a window is one replay, and few calls besides", async (home, away) => {
  const counts = { replays: 0, others: 0 };
  const { native } = home, { calls } = native;
  const counting = Object.fromEntries(
    Object.entries(calls).filter(([, f]) => typeof f === "function").map(([name, f]) => [
      name,
      (...args: number[]) => {
        counts[name === "dg_replay" ? "replays" : "others"]++;
        return (f as (...args: number[]) => number)(...args);
      },
    ]),
  );
  const count = async (epochs: number): Promise<number[]> => {
    const before = { ...counts };
    const fit = () => train(home, away, large, ways.shuffled, { ...batches, epochs });
    await capped(home, 7 * MiB, fit);
    return [counts.replays - before.replays, counts.others - before.others];
  };
  Object.defineProperty(native, "calls", { value: counting, configurable: true });
  try {
    const [few, many] = [await count(2), await count(7)];
    const [replays, others] = few.map((n, i) => (many[i] - n) / 5);
    // 38 steps, the last one ragged, in windows of some batches.
    assert.ok(replays >= 3 && replays <= 20, `${replays} replays in an epoch`);
    assert.ok(others <= 8 * replays + 20, `${others} calls beside ${replays} replays`);
  } finally {
    Object.defineProperty(native, "calls", { value: calls, configurable: true });
  }
});

/** Two inputs, two outputs. */
class TwoHeads extends dg.Model {
  static override className = "TwoHeads";
  override readonly layers = [5, 3].map((units) => dg.layers.dense({ units }));
  override get inputNames(): string[] {
    return ["a", "b"];
  }
  override get outputNames(): string[] {
    return ["p", "q"];
  }
  override call(inputs: dg.Tensor | dg.Tensor[]): dg.Tensor[] {
    return (inputs as dg.Tensor[]).map((x, i) => this.layers[i].apply(x) as dg.Tensor);
  }
  protected override summaryRows(): never[] {
    return [];
  }
}

onEachPair("several inputs and outputs, wherever each of them lies", async (home, away) => {
  const rows = 210, widths = { a: 9000, b: 2, p: 5, q: 3 };
  const values = Object.values(widths).map((width, i) => numbers(rows * width, i));
  const run = async (places: Device[]) => {
    const model = new TwoHeads();
    const tensors = values.map((v, i) =>
      on(places[i], () => dg.tensor(v, [rows, v.length / rows]))
    );
    const [a, b, p, q] = tensors;
    try {
      return await on(home, async () => {
        dg.setRandomSeed(3);
        model.compile({ optimizer: "sgd", loss: "mse", metrics: { q: "mae" } });
        const args = { batchSize: 32, verbose: 0, epochs: 2 } as const;
        const history = await model.fit({ a, b }, [p, q], args);
        const results = model.evaluate([a, b], { p, q }) as dg.Tensor[];
        const outputs = model.predict([a, b]) as dg.Tensor[];
        assert.ok(outputs.every((y) => y.device === home));
        const read = [...results, ...outputs].map((t) => t.dataSync());
        dg.dispose([results, outputs]);
        return [outcome(model, history), read];
      });
    } finally {
      model.dispose();
      dg.dispose(tensors);
    }
  };
  const beside = await run([home, home, home, home]);
  assert.deepEqual(await run([away, home, home, away]), beside);
  const mixed = [[away, away, away, away], [away, home, away, home], [away, home, home, home]];
  for (const places of mixed) {
    await capped(home, 9 * MiB, async () => assert.deepEqual(await run(places), beside));
  }
});

onEachPair("evaluate, predict and single batches take data from anywhere", async (home, away) => {
  const run = async (place: Device) => {
    const model = makeModel(home, 7000, { metrics: ["mae", "accuracy"], weightedMetrics: ["mse"] });
    const [x, y, w] = on(place, () => [large.x(), large.y(), large.weights()]);
    const results = model.evaluate(x, y, { batchSize: 8, sampleWeight: w }) as dg.Tensor[];
    const outputs = model.predict(x, { batchSize: 8 }) as dg.Tensor;
    const [bx, by, bw] = [x, y, w].map((t) => t.slice([40], [8]));
    const output = model.predictOnBatch(bx) as dg.Tensor;
    const all = [...results, outputs, output];
    assert.ok(all.every((t) => t.device === home));
    const values: unknown[] = all.map((t) => t.dataSync());
    values.push(await model.trainOnBatch(bx, by, bw), await model.testOnBatch(bx, by));
    model.dispose();
    dg.dispose([x, y, w, bx, by, bw, all]);
    return values;
  };
  // Whatever the current device is.
  const beside = await on(home, () => run(home));
  for (const current of [home, away]) {
    await capped(home, 7 * MiB, async () => {
      assert.deepEqual(await on(current, () => run(away)), beside);
    });
  }
});

onEachPair(
  "a model is built on the current device, not on that of the data",
  async (home, away) => {
    const { x, y } = regression(40, 6), [ax, ay] = on(away, () => [x(), y()]);
    const make = () => {
      const model = dg.sequential({ layers: [dg.layers.dense({ units: 1 })] });
      model.compile({ optimizer: "sgd", loss: "mse" });
      return model;
    };
    const [fitted, used] = [make(), make()];
    await on(home, () => fitted.fit(ax, ay, { verbose: 0 }));
    dg.dispose(on(home, () => used.predict(ax)));
    for (const model of [fitted, used]) {
      assert.ok(model.weights.every((w) => w.variable.device === home));
      model.dispose();
    }
    dg.dispose([ax, ay]);
  },
);

onEachPair("class weights and sample weights meet wherever they lie", async (home, away) => {
  const { x, y, weights } = regression(50);
  const labels = () => dg.tidy(() => y().greater(0).cast("int32"));
  const run = async (places: Device[]) => {
    const tensors = [x, labels, weights].map((make, i) => on(places[i], make));
    const model = makeModel(home, 6, { weightedMetrics: ["mse"] });
    const args = { sampleWeight: tensors[2], classWeight: { 0: 1, 1: 3 }, verbose: 0 } as const;
    try {
      return outcome(model, await model.fit(tensors[0], tensors[1], args));
    } finally {
      model.dispose();
      dg.dispose(tensors);
    }
  };
  const beside = await run([home, home, home]);
  assert.deepEqual(await run([home, away, home]), beside);
  assert.deepEqual(await run([away, home, away]), beside);
});

onEachPair("whenever memory runs out, nothing is left behind", async (home, away) => {
  const { x, y, weights } = regression(60, 40);
  for (const place of [home, away]) {
    const tensors = [on(place, x), on(place, y), on(home, weights)], [ax, ay, hw] = tensors;
    const model = on(home, () => {
      const layers = [
        dg.layers.dense({ units: 256, inputShape: [40] }),
        dg.layers.dense({ units: 1 }),
      ];
      return dg.sequential({ layers });
    });
    const args = { batchSize: 4, epochs: 2, verbose: 0, sampleWeight: hw, validationSplit: 0.25 };
    const fit = () => model.fit(ax, ay, args as dg.FitArgs);
    const compile = () => model.compile({ optimizer: "adam", loss: "mse", metrics: ["mae"] });
    let failures = 0;
    for (let room = 0;; room += room < 250_000 ? 8000 : MiB / 2) {
      compile(); // forgets what the last fit made
      const before = alive();
      try {
        await capped(home, room, fit);
        break;
      } catch (error) {
        assert.ok(error instanceof dg.OutOfMemoryError, String(error));
        compile();
        assert.deepEqual(alive(), before, `${room} bytes: ${error.message}`);
        failures++;
      }
    }
    assert.ok(failures > 30, `${failures} failures`);
    await fit();
    model.dispose();
    dg.dispose(tensors);
  }
});

// Does data on another device, or too large for the model's, train a model as data beside it does? To the bit, in bounded memory.

import assert from "node:assert";
import * as dg from "../mod.ts";
import type { Device } from "../src/native/device.ts";
import { onEachDevice } from "./fixtures.ts";
import {
  alive,
  capped,
  Crop,
  makeModel,
  MiB,
  numbers,
  on,
  onEachPair,
  outcome,
  regression,
  train,
  type Way,
  ways,
} from "./placement.ts";

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
  const model = makeModel(home, 7000, { metrics: [] });
  const [x, y] = on(away, () => [large.x(), large.y()]);
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
  // What it takes to go through so many steps of four rows.
  const count = async (steps: number): Promise<number[]> => {
    const part = [x, y].map((t) => t.slice([0], [4 * steps]));
    counts.replays = counts.others = 0;
    await capped(home, 7 * MiB, () => {
      dg.dispose(model.evaluate(part[0], part[1], { batchSize: 4 }));
      return Promise.resolve();
    });
    dg.dispose(part);
    return [counts.replays, counts.others];
  };
  await count(2); // what is made once
  Object.defineProperty(native, "calls", { value: counting, configurable: true });
  try {
    const few = await count(35), many = await count(75);
    const [replays, others] = many.map((n, i) => n - few[i]);
    assert.ok(replays >= 4 && replays <= 20, `${replays} replays for 40 steps`);
    assert.ok(others <= 6 * replays, `${others} calls beside ${replays} replays`);
  } finally {
    Object.defineProperty(native, "calls", { value: calls, configurable: true });
  }
  model.dispose();
  dg.dispose([x, y]);
});

/** Two inputs, two outputs. */
class TwoHeads extends dg.Model {
  static override className = "TwoHeads";
  readonly crop = new Crop();
  readonly heads = [5, 3].map((units) => dg.layers.dense({ units }));
  override get layers(): dg.layers.Layer[] {
    return [this.crop, ...this.heads];
  }
  override get inputNames(): string[] {
    return ["a", "b"];
  }
  override get outputNames(): string[] {
    return ["p", "q"];
  }
  override call(inputs: dg.Tensor | dg.Tensor[]): dg.Tensor[] {
    const [a, b] = inputs as dg.Tensor[];
    return dg.tidy(() =>
      [this.crop.apply(a), b].map((x, i) => this.heads[i].apply(x) as dg.Tensor)
    );
  }
  protected override summaryRows(): never[] {
    return [];
  }
}

onEachPair("several inputs and outputs, wherever each of them lies", async (home, away) => {
  const rows = 210, wide = 9001;
  const bytes = numbers(rows * wide, 1).map((v) => 100 + 100 * v);
  const [b, p, q] = [2, 5, 3].map((width, i) => dg.tensor(numbers(rows * width, i), [rows, width]));
  const a = dg.tensor(bytes, [rows, wide], "uint8");
  const run = async (places: Device[]) => {
    const tensors = [a, b, p, q].map((t, i) => t.to(places[i].name));
    const [xa, xb, yp, yq] = tensors;
    const model = new TwoHeads();
    try {
      return await on(home, async () => {
        dg.setRandomSeed(3);
        model.compile({ optimizer: dg.train.sgd(1e-4), loss: "mse", metrics: { q: "mae" } });
        const args = { batchSize: 32, verbose: 0, epochs: 2 } as const;
        const history = await model.fit({ a: xa, b: xb }, [yp, yq], args);
        const results = model.evaluate([xa, xb], { p: yp, q: yq }) as dg.Tensor[];
        const outputs = model.predict([xa, xb]) as dg.Tensor[];
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
    const peak = await capped(home, 5 * MiB, async () => {
      assert.deepEqual(await run(places), beside);
    });
    assert.ok(peak < 4 * MiB, `${peak} bytes`);
  }
  dg.dispose([a, b, p, q]);
});

onEachPair("evaluate, predict and single batches take data from anywhere", async (home, away) => {
  const run = async (place: Device) => {
    const model = makeModel(home, 7000, { weightedMetrics: ["mse"] });
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
  const beside = await on(home, () => run(home));
  for (const current of [home, away]) {
    await capped(home, 7 * MiB, async () => {
      assert.deepEqual(await on(current, () => run(away)), beside);
    });
  }
  // What is read once is not copied, however much room there is.
  const peak = await capped(home, 100 * MiB, () => run(away));
  assert.ok(peak < large.bytes, `${peak} bytes for ${large.bytes} bytes of data`);
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

onEachDevice("a split for validation copies nothing", async (home) => {
  const [x, y] = [large.x(), large.y()], model = makeModel(home, 7000);
  const peak = await capped(
    home,
    4 * MiB,
    () => model.fit(x, y, { ...batches, verbose: 0, validationSplit: 0.5 }),
  );
  assert.ok(peak < large.bytes / 2, `${peak} bytes beside ${large.bytes} bytes of data`);
  model.dispose();
  dg.dispose([x, y]);
});

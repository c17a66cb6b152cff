// How do tests place a model and its data on devices, bound their memory, and compare what training came to?

import assert from "node:assert";
import * as dg from "../mod.ts";
import { type Device, devices } from "../src/native/device.ts";

export const MiB = 2 ** 20;

/** Values for tensors on any device. */
export function numbers(count: number, seed: number): Float32Array {
  let state = seed;
  return Float32Array.from({ length: count }, () => {
    state = Math.imul(state, 1664525) + 1013904223 | 0;
    return state / 2 ** 31;
  });
}

/** Samples of a regression, to be made on any device. */
export function regression(rows: number, width = 6) {
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
export type Data = ReturnType<typeof regression>;

/**
 * Leaves only the first columns, so that a model of wide rows is quick even on an emulated GPU; times values of its own, which must be
 * made where the model is.
 */
export class Crop extends dg.layers.Layer {
  static override className = "Crop";
  override call(inputs: dg.Tensor | dg.Tensor[]): dg.Tensor {
    const x = Array.isArray(inputs) ? inputs[0] : inputs;
    return dg.tidy(() => x.slice([0, 0], [-1, 6]).mul(dg.ones([6])));
  }
}

export const on = <T>(d: Device, fn: () => T): T => dg.device(d.name, fn);

/** A model on a device, the same each time. */
export function makeModel(
  home: Device,
  width: number,
  args: Partial<dg.CompileArgs> = {},
): dg.Model {
  return on(home, () => {
    dg.setRandomSeed(7);
    const model = dg.sequential();
    model.add(new Crop({ inputShape: [width] }));
    model.add(dg.layers.dense({ units: 8, activation: "tanh" }));
    model.add(dg.layers.dropout({ rate: 0.1 }));
    model.add(dg.layers.dense({ units: 1 }));
    // One that makes tensors to add batches up, one that makes some for its result.
    const auc = new dg.metrics.AUC({ numThresholds: 5 });
    const iou = new dg.metrics.IoU({ numClasses: 2, targetClassIds: [0, 1] });
    const metrics = ["mae", auc, iou];
    model.compile({ optimizer: "adam", loss: "mse", metrics, ...args });
    return model;
  });
}

/** Everything there is to compare about a model that was trained. */
export function outcome(model: dg.Model, { history }: dg.History): unknown {
  return [history, dg.tidy(() => model.getWeights().map((w) => w.dataSync()))];
}

/** What is alive on all devices, in this library and the native ones. */
export function alive() {
  const { numTensors, numDataBuffers, numBytes } = dg.memory();
  const held = devices().map((d) => [d.name, d.memory("live"), d.memory("arrays")]);
  return { numTensors, numDataBuffers, numBytes, held };
}

/** Runs `fn` with so many bytes left on a device, and gives the most that were in use meanwhile. */
export async function capped(
  home: Device,
  room: number,
  fn: () => Promise<unknown>,
): Promise<number> {
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
export function onEachPair(name: string, fn: (home: Device, away: Device) => Promise<void>): void {
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
export type Place = (make: () => dg.Tensor) => dg.Tensor;
/** Arguments of fit, some of them tensors away from the model or beside it. */
export type Way = (data: Data, away: Place, beside: Place) => dg.FitArgs;

export const ways: Record<string, Way> = {
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
  "three steps of each epoch": () => ({ stepsPerEpoch: 3 }),
  "one step of each epoch": () => ({ stepsPerEpoch: 1, epochs: 4 }),
  "batch by batch": () => ({ callbacks: { onBatchEnd() {} } }),
};

/** Trains a model with its data on a device, and tells everything there is to compare. */
export async function train(
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

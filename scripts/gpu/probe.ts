// Does training on a GPU keep its promises, whatever happens to memory? One probe per run, named on the command line; it prints what it
// found in a line, or fails with what is wrong.
//
//   DINOGRAD_DEVICE=gpu:0 deno run -A --no-lock scripts/gpu/probe.ts leak

import assert from "node:assert";
import * as dg from "../../mod.ts";
import { currentDevice } from "../../src/native/device.ts";
import { OutOfMemoryError } from "../../src/native/native.ts";

const MiB = 2 ** 20;
const device = currentDevice();
const { native, index } = device;
const emulated = device.description === "emulated";

/** A classifier with a bit of everything that a step can hold, and data with a ragged last batch. */
function classifier(optimizer: string, runEagerly = false) {
  dg.setRandomSeed(7);
  const [inputs, units, samples] = emulated ? [20, 32, 70] : [784, 512, 3000];
  const x = dg.randomNormal([samples, inputs]);
  const y = dg.randomUniform([samples], 0, 10, "int32");
  const model = dg.sequential({
    layers: [
      dg.layers.dense({ units, activation: "relu", inputShape: [inputs] }),
      dg.layers.dropout({ rate: 0.2, seed: 3 }),
      dg.layers.dense({ units, activation: "tanh" }),
      dg.layers.dense({ units: 10, activation: "softmax" }),
    ],
  });
  model.compile({
    optimizer,
    loss: "sparseCategoricalCrossentropy",
    metrics: ["accuracy"],
    runEagerly,
  });
  return {
    model,
    fit: (epochs: number) => model.fit(x, y, { epochs, batchSize: 32, verbose: 0 }),
    dispose: () => {
      model.dispose();
      dg.dispose([x, y]);
    },
  };
}

async function digest(model: dg.Sequential): Promise<string> {
  const weights = model.getWeights();
  const values = weights.flatMap((w) => [...w.dataSync()]);
  dg.dispose(weights);
  assert.ok(values.every(Number.isFinite), "some weights are not finite");
  const hash = await crypto.subtle.digest("SHA-256", new Float32Array(values));
  return new Uint8Array(hash).toHex();
}

async function trained(optimizer: string, runEagerly = false): Promise<string> {
  const { model, fit, dispose } = classifier(optimizer, runEagerly);
  await fit(emulated ? 2 : 3);
  const result = await digest(model);
  dispose();
  return result;
}

/** Weights after a training, as a digest: the same in every run. */
async function train(): Promise<string> {
  return await trained("adam");
}

/** A recorded step does what an eager one does, bit for bit. */
async function recorded(): Promise<string> {
  const optimizers = ["sgd", "adam", "rmsprop"];
  for (const optimizer of optimizers) {
    assert.equal(await trained(optimizer), await trained(optimizer, true), optimizer);
  }
  return `the same bits with ${optimizers.join(", ")}`;
}

/** 10,000 steps leave the GPU's memory, the library's arrays and the process as they were. */
async function leak(): Promise<string> {
  const { fit, dispose } = classifier("adam");
  const batches = emulated ? 3 : 94, steps = emulated ? 600 : 10_000;
  const epochs = Math.ceil(steps / batches);
  const alive = () => ({
    bytes: device.memory("live"),
    arrays: device.memory("arrays"),
    tensors: dg.memory().numTensors,
  });
  await fit(Math.ceil(epochs / 4)); // so that pool and driver have what they want to hold
  const before = alive(), free = device.number("memoryFree"), { rss } = Deno.memoryUsage();
  await fit(epochs);
  assert.deepEqual(alive(), before);
  const lost = (free - device.number("memoryFree")) / MiB;
  const grown = (Deno.memoryUsage().rss - rss) / MiB;
  assert.ok(lost < 4, `the GPU has ${lost.toFixed(1)} MiB less than before`);
  assert.ok(grown < 16, `the process grew by ${grown.toFixed(1)} MiB`);
  dispose();
  const sizes = `GPU ${lost.toFixed(1)} MiB, process ${grown.toFixed(1)} MiB`;
  return `${epochs * batches} steps: ${sizes} more, ${before.arrays} arrays as before`;
}

/** Takes tensors of so many bytes until there is no memory, and gives them with what the error said. */
function fill(bytes: number): { taken: dg.Tensor[]; message: string } {
  const taken: dg.Tensor[] = [];
  try {
    for (;;) taken.push(dg.ones([Math.floor(bytes / 4)]));
  } catch (error) {
    assert.ok(error instanceof OutOfMemoryError, String(error));
    return { taken, message: error.message };
  }
}

/** What there is must still work when there is no more. */
async function worksWithout(taken: dg.Tensor[]): Promise<void> {
  const last = taken.at(-1)!.slice([taken.at(-1)!.size - 3], [3]);
  assert.deepEqual([...await last.data()], [1, 1, 1]);
  dg.dispose([last, ...taken.splice(0, 1 + (taken.length >> 2))]);
  assert.match(await trained("sgd"), /^[0-9a-f]{64}$/);
}

/** Out of memory, under a cap and at the card's own limit: an error in words, and everything goes on. */
async function memory(): Promise<string> {
  const want = await trained("sgd");
  const trim = () => native.check(native.calls.dg_trim(index));
  trim();
  const cap = (emulated ? 48 : 1024) * MiB;
  dg.config.setMemoryLimit(device.memory("live") + cap);
  const capped = fill(cap / 16);
  assert.match(
    capped.message,
    /^Out of memory: cannot allocate \d+ bytes; .* and the limit is \d+$/,
  );
  assert.ok([15, 16].includes(capped.taken.length), `${capped.taken.length} of 16 fit`); // small ones take room, too
  await worksWithout(capped.taken);
  dg.dispose(capped.taken);
  dg.config.setMemoryLimit(0);
  trim();
  const free = device.number("memoryFree");
  const real = fill(2 ** Math.floor(Math.log2(free / 32)));
  assert.match(real.message, /^Out of memory: cannot allocate \d+ bytes; \d+ are in use/);
  const share = real.taken.reduce((sum, t) => sum + 4 * t.size, 0) / free;
  assert.ok(share > 0.9, `only ${(100 * share).toFixed(0)} % of the free memory could be taken`);
  await worksWithout(real.taken);
  dg.dispose(real.taken);
  trim();
  const kept = (free - device.number("memoryFree")) / MiB;
  assert.ok(kept < 64, `${kept.toFixed(0)} MiB were not given back`);
  assert.equal(await trained("sgd"), want, "training is not what it was before");
  return `recovers under a cap of ${cap / MiB} MiB and with ${(100 * share).toFixed(0)} % of ${
    (free / 2 ** 30).toFixed(1)
  } GiB taken`;
}

const probes: Record<string, () => Promise<string>> = { train, recorded, leak, memory };
console.log(await probes[Deno.args[0]]());

// How does training proceed? Epoch by epoch: shuffle, run the loop in chunks, look at the losses, validate, tell the callbacks.

import {
  CallbackList,
  type CallbackModel,
  type FitParams,
  type Logs,
} from "../callbacks/callback.ts";
import { History } from "../callbacks/history.ts";
import { ProgressBar } from "../callbacks/progress.ts";
import { Prng } from "../data/prng.ts";
import { within } from "../native/device.ts";
import { nextSeed } from "../ops/random.ts";
import type { Arena } from "../record.ts";
import type { Compiled } from "./compiled.ts";
import type { Samples } from "./data.ts";
import type { FitArgs } from "./fit_args.ts";
import { Loop } from "./loop.ts";

/** What fit needs of the model. */
export interface FitTarget {
  readonly name: string;
  readonly compiled: Compiled;
  readonly arena: Arena;
  /** The model itself, which callbacks see. */
  readonly model: CallbackModel;
}

const CHUNK_MS = 100; // how long native calls may run before the event loop gets a turn

/** Lets timers, messages and input be served. */
function breathe(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0));
}

function warn(text: string): void {
  console.warn(`dinograd: ${text}`);
}

/** Sample-weighted mean of step losses. */
function meanLoss(loop: Loop, losses: Float32Array): number {
  let sum = 0, samples = 0;
  for (let i = 0; i < losses.length; i++) {
    sum += losses[i] * loop.sizeOf(i);
    samples += loop.sizeOf(i);
  }
  return samples ? sum / samples : 0;
}

/** A loop over samples with a model's train or test step. */
export function makeLoop(
  target: FitTarget,
  samples: Samples,
  batchSize: number,
  mode: "train" | "test",
  epochs: number,
): Loop {
  const { compiled, arena, name } = target;
  return new Loop(
    samples,
    batchSize,
    mode === "train" ? compiled.trainStep : compiled.testStep,
    arena,
    {
      epochs,
      eager: compiled.runEagerly,
      onUnrecordable: (reason) =>
        warn(`"${name}" runs step by step, because a step cannot be recorded: ${reason}`),
    },
  );
}

/** Loss and metrics over all samples of a test loop. */
export function runTest({ compiled, arena }: FitTarget, loop: Loop): Logs {
  compiled.resetMetrics();
  loop.begin(Int32Array.from({ length: loop.samples.count }, (_, i) => i));
  const full = Math.floor(loop.samples.count / loop.batchSize);
  if (full > 0) loop.run(0, full);
  if (full < loop.steps) loop.run(full, 1);
  const metrics = within(arena.device, () => compiled.metricResults());
  return { loss: meanLoss(loop, loop.losses(loop.steps)), ...metrics };
}

/** The order of an epoch. */
function epochOrder(count: number, random: Prng | null): Int32Array {
  const order = Int32Array.from({ length: count }, (_, i) => i);
  if (!random) return order;
  for (let i = count - 1; i > 0; i--) {
    const j = random.below(i + 1);
    const t = order[i];
    order[i] = order[j];
    order[j] = t;
  }
  return order;
}

/** Counts how many steps fit the time between two turns of the event loop. */
class Pace {
  #msPerStep = Infinity;
  next(left: number): number {
    return Math.max(1, Math.min(left, Math.floor(CHUNK_MS / this.#msPerStep)));
  }
  took(steps: number, ms: number): void {
    this.#msPerStep = Math.max(ms / steps, 1e-4);
  }
}

/** Trains a compiled model; see `model.fit`. */
export async function fitLoop(
  target: FitTarget,
  samples: Samples,
  validation: Samples | null,
  args: FitArgs,
): Promise<History> {
  const { batchSize = 32, validationBatchSize = batchSize, validationFreq = 1 } = args;
  const { epochs = 1, initialEpoch = 0 } = args;
  const train = makeLoop(target, samples, batchSize, "train", epochs - initialEpoch);
  let test: Loop | null = null;
  try {
    const tests = Math.floor(epochs / validationFreq) - Math.floor(initialEpoch / validationFreq);
    test = validation && makeLoop(target, validation, validationBatchSize, "test", tests);
    return await new Fit(target, train, test, args).run();
  } finally {
    test?.dispose();
    train.dispose();
  }
}

// One call of fit, as it goes through its epochs.
class Fit {
  readonly #target: FitTarget;
  readonly #args: FitArgs;
  readonly #train: Loop;
  readonly #test: Loop | null;
  readonly #steps: number; // per epoch
  readonly #params: FitParams;
  readonly #random: Prng | null; // null: samples keep their order
  readonly #history = new History();
  readonly #callbacks: CallbackList;
  readonly #progress: ProgressBar | null;
  readonly #pace = new Pace();
  #warned = false;

  constructor(target: FitTarget, train: Loop, test: Loop | null, args: FitArgs) {
    const { epochs = 1, verbose = 1 } = args;
    this.#target = target;
    this.#args = args;
    this.#callbacks = new CallbackList(args.callbacks, this.#history);
    this.#train = train;
    this.#test = test;
    this.#steps = Math.min(args.stepsPerEpoch ?? Infinity, this.#train.steps);
    this.#random = args.shuffle === false ? null : new Prng(nextSeed());
    this.#progress = verbose === 0 ? null : new ProgressBar(verbose);
    const { batchSize, samples } = train;
    this.#params = { epochs, steps: this.#steps, batchSize, samples: samples.count };
  }

  async run(): Promise<History> {
    const { epochs = 1, initialEpoch = 0 } = this.#args;
    const { model } = this.#target;
    model.stopTraining = false;
    this.#callbacks.begin(model, this.#params);
    await this.#callbacks.onTrainBegin();
    for (let epoch = initialEpoch; epoch < epochs && !model.stopTraining; epoch++) {
      await this.#callbacks.onEpochBegin(epoch);
      this.#progress?.epochBegin(epoch, epochs, this.#steps);
      const done = await this.#trainEpoch(epoch);
      const logs = { ...this.#look(epoch, done), ...this.#validate(epoch) };
      this.#progress?.epochEnd(done, logs);
      await this.#callbacks.onEpochEnd(epoch, logs);
    }
    await this.#callbacks.onTrainEnd();
    return this.#history;
  }

  // Runs the epoch's steps, many in a native call where nobody looks in between, and says how many.
  async #trainEpoch(epoch: number): Promise<number> {
    const { compiled, model } = this.#target;
    const { wantsBatches, stopsOnNaN } = this.#callbacks;
    compiled.resetMetrics();
    this.#train.begin(epochOrder(this.#train.samples.count, this.#random));
    let done = 0;
    while (done < this.#steps && !model.stopTraining) {
      if (wantsBatches) await this.#callbacks.onBatchBegin(done);
      const count = wantsBatches ? 1 : this.#pace.next(this.#alike(done));
      const start = performance.now();
      this.#train.run(done, count, compiled.stepParams(count));
      done += count;
      const due = this.#progress?.isDue(done) ?? false;
      const logs = wantsBatches || stopsOnNaN || due ? this.#look(epoch, done) : undefined;
      this.#pace.took(count, performance.now() - start);
      if (wantsBatches) {
        const batch = done - 1;
        await this.#callbacks.onBatchEnd(batch, {
          batch,
          size: this.#train.sizeOf(batch),
          ...logs,
        });
      }
      if (due) this.#progress!.update(done, logs!);
      if (done < this.#steps) {
        await breathe();
        await this.#callbacks.onYield(epoch, done - 1, logs);
      }
    }
    return done;
  }

  // How many steps from `step` on have batches of one size.
  #alike(step: number): number {
    const { samples, batchSize } = this.#train;
    const full = Math.min(this.#steps, Math.floor(samples.count / batchSize));
    return step < full ? full - step : 1;
  }

  // Loss and metrics of the epoch so far. Waits for the device.
  #look(epoch: number, done: number): Logs {
    const losses = this.#train.losses(done);
    const bad = losses.findIndex((v) => !Number.isFinite(v));
    if (bad >= 0) {
      if (!this.#warned) {
        warn(`the loss became ${losses[bad]} in epoch ${epoch + 1} at step ${bad + 1}`);
      }
      this.#warned = true;
      if (this.#callbacks.stopsOnNaN) this.#target.model.stopTraining = true;
    }
    const { compiled, arena } = this.#target;
    const metrics = within(arena.device, () => compiled.metricResults());
    return { loss: meanLoss(this.#train, losses), ...metrics };
  }

  #validate(epoch: number): Logs {
    if (!this.#test || (epoch + 1) % (this.#args.validationFreq ?? 1) !== 0) return {};
    const results = runTest(this.#target, this.#test);
    return Object.fromEntries(Object.entries(results).map(([key, v]) => [`val_${key}`, v]));
  }
}

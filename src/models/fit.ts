// How does training proceed? Epoch by epoch: shuffle, run the loop in chunks, look at the losses, validate, tell the callbacks.

import {
  type CallbackLike,
  CallbackList,
  type CallbackModel,
  type Logs,
} from "../callbacks/callback.ts";
import { History } from "../callbacks/history.ts";
import { ProgressBar } from "../callbacks/progress.ts";
import { Prng } from "../data/prng.ts";
import { DinogradError } from "../errors.ts";
import { nextSeed } from "../ops/random.ts";
import type { Arena } from "../record.ts";
import type { Tensor } from "../tensor.ts";
import type { Compiled } from "./compiled.ts";
import type { ClassWeight, Samples, TensorData } from "./data.ts";
import { Loop } from "./loop.ts";

/** Arguments of `model.fit`. */
export interface FitArgs {
  /** Samples per step; the last step of an epoch takes what is left. */
  batchSize?: number;
  /** Number of passes over the data. */
  epochs?: number;
  /** 0: silent; 1: a bar on a terminal, a line per epoch elsewhere; 2: a line per epoch. */
  verbose?: 0 | 1 | 2;
  /** What to call as training goes on. */
  callbacks?: CallbackLike | readonly CallbackLike[];
  /** Share of the samples, taken from the end before shuffling, that is validated on and not trained on. */
  validationSplit?: number;
  /** Inputs, targets and optional sample weights to validate on after each epoch. */
  validationData?: readonly [TensorData, TensorData] | readonly [TensorData, TensorData, Tensor];
  /** Whether each epoch takes the samples in a new order. */
  shuffle?: boolean;
  /** Weight of each class number in the loss. */
  classWeight?: ClassWeight;
  /** Weight of each sample in the loss and the metrics. */
  sampleWeight?: Tensor;
  /** Number of the first epoch, to go on from an earlier fit. */
  initialEpoch?: number;
  /** Steps per epoch, at most those the data has. */
  stepsPerEpoch?: number;
  /** Samples per step of the validation; batchSize when left out. */
  validationBatchSize?: number;
  /** Validate every so many epochs. */
  validationFreq?: number;
}

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
export function meanLoss(loop: Loop, losses: Float32Array): number {
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
): Loop {
  const { compiled, arena, name } = target;
  return new Loop(
    samples,
    batchSize,
    mode === "train" ? compiled.trainStep : compiled.testStep,
    arena,
    {
      eager: compiled.runEagerly,
      onUnrecordable: (reason) =>
        warn(`"${name}" runs step by step, because a step cannot be recorded: ${reason}`),
    },
  );
}

/** Loss and metrics over all samples of a test loop. */
export function runTest(compiled: Compiled, loop: Loop): Logs {
  compiled.resetMetrics();
  loop.begin(Int32Array.from({ length: loop.samples.count }, (_, i) => i));
  const full = Math.floor(loop.samples.count / loop.batchSize);
  if (full > 0) loop.run(0, full);
  if (full < loop.steps) loop.run(full, 1);
  return { loss: meanLoss(loop, loop.losses(loop.steps)), ...compiled.metricResults() };
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
  const { compiled } = target;
  const batchSize = args.batchSize ?? 32;
  const epochs = args.epochs ?? 1;
  const random = args.shuffle === false ? null : new Prng(nextSeed());
  const train = makeLoop(target, samples, batchSize, "train");
  const test = validation &&
    makeLoop(target, validation, args.validationBatchSize ?? batchSize, "test");
  const steps = Math.min(args.stepsPerEpoch ?? train.steps, train.steps);
  const history = new History();
  const callbacks = new CallbackList(args.callbacks, history);
  const progress = args.verbose === 0 ? null : new ProgressBar(args.verbose ?? 1);
  callbacks.begin(target.model, { epochs, steps, batchSize, samples: samples.count });
  const pace = new Pace();
  target.model.stopTraining = false;
  let warned = false;
  try {
    await callbacks.onTrainBegin();
    for (
      let epoch = args.initialEpoch ?? 0;
      epoch < epochs && !target.model.stopTraining;
      epoch++
    ) {
      await callbacks.onEpochBegin(epoch);
      progress?.epochBegin(epoch, epochs, steps);
      compiled.resetMetrics();
      train.begin(epochOrder(samples.count, random));
      const look = (done: number): Logs => {
        const losses = train.losses(done);
        const bad = losses.findIndex((v) => !Number.isFinite(v));
        if (bad >= 0 && !warned) {
          warned = true;
          warn(`the loss became ${losses[bad]} in epoch ${epoch + 1} at step ${bad + 1}`);
        }
        if (bad >= 0 && callbacks.stopsOnNaN) target.model.stopTraining = true;
        return { loss: meanLoss(train, losses), ...compiled.metricResults() };
      };
      let done = 0;
      while (done < steps && !target.model.stopTraining) {
        const sameSize = train.sizeOf(done) === train.batchSize
          ? Math.min(steps, Math.floor(samples.count / batchSize)) - done
          : 1;
        const count = callbacks.wantsBatches ? 1 : pace.next(sameSize);
        if (callbacks.wantsBatches) await callbacks.onBatchBegin(done);
        const start = performance.now();
        train.run(done, count, compiled.stepParams(count));
        done += count;
        const due = callbacks.wantsBatches || progress?.isDue(done) || callbacks.stopsOnNaN;
        const logs = due ? look(done) : undefined;
        pace.took(count, performance.now() - start);
        if (callbacks.wantsBatches) {
          await callbacks.onBatchEnd(done - 1, { size: train.sizeOf(done - 1), ...logs });
        }
        if (logs && progress?.isDue(done)) progress.update(done, logs);
        if (done < steps) {
          await breathe();
          await callbacks.onYield(epoch, done - 1, logs);
        }
      }
      const logs = look(done);
      if (test && (epoch + 1) % (args.validationFreq ?? 1) === 0) {
        const results = runTest(compiled, test);
        for (const key in results) logs[`val_${key}`] = results[key];
      }
      progress?.epochEnd(done, logs);
      await callbacks.onEpochEnd(epoch, logs);
    }
    await callbacks.onTrainEnd();
  } finally {
    train.dispose();
    test?.dispose();
  }
  return history;
}

/** Checks the numbers among fit's arguments. */
export function checkFitArgs(args: FitArgs): void {
  const whole = (
    key: "batchSize" | "epochs" | "stepsPerEpoch" | "validationBatchSize",
    low = 1,
  ) => {
    const value = args[key];
    if (value !== undefined && !(Number.isInteger(value) && value >= low)) {
      throw new DinogradError(
        `fit needs ${key} to be a whole number of at least ${low}, got ${value}`,
      );
    }
  };
  whole("batchSize");
  whole("epochs");
  whole("stepsPerEpoch");
  whole("validationBatchSize");
  const split = args.validationSplit;
  if (split !== undefined && !(split >= 0 && split < 1)) {
    throw new DinogradError(`fit needs validationSplit from 0 to below 1, got ${split}`);
  }
  if (split && args.validationData) {
    throw new DinogradError("fit takes validationSplit or validationData, not both");
  }
}

// Which batch size should a model be trained at? Training steps on made-up data tell: which sizes fit, and how fast each is.

import { nextFrame } from "../backend.ts";
import { type DType, isFloat } from "../dtype.ts";
import { DinogradError, unknownName } from "../errors.ts";
import { type SymbolicTensor, toDims } from "../layers/node.ts";
import type { Loss } from "../losses/loss.ts";
import { type Device, within } from "../native/device.ts";
import { OutOfMemoryError } from "../native/native.ts";
import { cast } from "../ops/cast.ts";
import { zeros } from "../ops/creation.ts";
import { randomUniform } from "../ops/random.ts";
import { tidy } from "../scope.ts";
import { showShape, sizeOf } from "../shape.ts";
import type { Compiled } from "./compiled.ts";
import { checkCount, type Samples } from "./data.ts";
import { makeLoop } from "./fit.ts";
import type { FitTarget } from "./fit_state.ts";
import type { Loop } from "./loop.ts";
import type { Model } from "./model.ts";

/** What bounds the search for a batch size. */
export interface BatchSizeOptions {
  /** The first batch size, 1 when left out; each further one is twice as large. */
  min?: number;
  /** The largest batch size to try, 65536 when left out. */
  max?: number;
  /** Bytes that the device may hold in all: what `config.setMemoryLimit` says, or what is free, when left out or larger than that. */
  memoryLimit?: number;
  /** A size at which a step takes longer than so many seconds is the last; 1 when left out. */
  maxStepSeconds?: number;
  /** Called with each size that was measured. */
  onBatchSize?: (point: BatchSizePoint) => void;
}

/** Training at one batch size. */
export interface BatchSizePoint {
  /** Samples in a step. */
  batch: number;
  /** Median time of a step. */
  secondsPerStep: number;
  /** `batch / secondsPerStep`. */
  samplesPerSecond: number;
  /** Most bytes that the device held, all that was there before included. */
  peakBytes: number;
}

/** What came of the search. */
export interface BatchSizeReport {
  /** The sizes that fitted, ascending. */
  sweep: BatchSizePoint[];
  /** The largest of them. */
  largest: number;
  /** The one with the most samples per second. */
  fastest: number;
  /** What kept it from going on: `max` was reached, or the next size wants too much memory, or a step took too long. */
  stoppedBy: "max" | "memory" | "time";
}

const defaults: Required<Omit<BatchSizeOptions, "memoryLimit" | "onBatchSize">> = {
  min: 1,
  max: 65536,
  maxStepSeconds: 1,
};

// Data for several steps of small batches, so that one native call runs many of them, as in fit.
const DATA_BYTES = 4 * 2 ** 20, MOST_STEPS = 64;
const ROUNDS = 3, ROUND_SECONDS = 0.02;

/**
 * Finds the largest batch size that fits on a compiled model's device, and the one that trains the most samples per second, by training
 * steps on random data in the shapes of its inputs and outputs: at `min`, twice that, and so on. Everything is given back, and weights,
 * optimizer and random generators are afterwards as they were. Memory that the optimizer already has counts as taken, so that tuning
 * comes best before training.
 *
 * Throws where the model has inputs or outputs of unknown size, takes batches of one size only, or has no room for `min` samples.
 *
 * ```ts
 * import * as dg from "../../mod.ts";
 * import assert from "node:assert";
 *
 * const model = dg.sequential({
 *   layers: [
 *     dg.layers.dense({ units: 32, activation: "relu", inputShape: [16] }),
 *     dg.layers.dense({ units: 1 }),
 *   ],
 * });
 * model.compile({ optimizer: "adam", loss: "meanSquaredError" });
 * const { sweep, largest, fastest } = await dg.tune.batchSize(model, { max: 64 });
 * assert.equal(largest, 64);
 * assert.deepEqual(sweep.map(({ batch }) => batch), [1, 2, 4, 8, 16, 32, 64]);
 * await model.fit(dg.ones([256, 16]), dg.ones([256, 1]), { batchSize: fastest, verbose: 0 });
 * ```
 */
export async function batchSize(
  model: Model,
  options: BatchSizeOptions = {},
): Promise<BatchSizeReport> {
  const known = [...Object.keys(defaults), "memoryLimit", "onBatchSize"];
  for (const key in options) {
    if (!known.includes(key)) throw unknownName("option of tune.batchSize", key, known);
  }
  const { min, max, maxStepSeconds } = { ...defaults, ...options };
  checkCount("tune.batchSize", "min", min);
  checkCount("tune.batchSize", "max", max, min);
  checkCount("tune.batchSize", "memoryLimit", options.memoryLimit);
  if (!(maxStepSeconds > 0)) {
    throw new DinogradError(`tune.batchSize needs maxStepSeconds above 0, got ${maxStepSeconds}`);
  }
  const ends = endsOf(model);
  return await model.rehearse(async (target) => {
    const { device } = target.arena, sweep: BatchSizePoint[] = [];
    const lift = limitMemory(device, options.memoryLimit);
    let stoppedBy: BatchSizeReport["stoppedBy"] = "max";
    try {
      for (let batch = min; batch <= max; batch *= 2) {
        sweep.push(within(device, () => measure(target, ends, batch)));
        options.onBatchSize?.(sweep.at(-1)!);
        await nextFrame();
        if (sweep.at(-1)!.secondsPerStep <= maxStepSeconds || 2 * batch > max) continue;
        stoppedBy = "time";
        break;
      }
    } catch (error) {
      if (!(error instanceof OutOfMemoryError) || sweep.length === 0) throw error;
      stoppedBy = "memory";
    } finally {
      lift();
    }
    const best = sweep.reduce((a, b) => b.samplesPerSecond > a.samplesPerSecond ? b : a);
    return { sweep, largest: sweep.at(-1)!.batch, fastest: best.batch, stoppedBy };
  });
}

/** What of a model decides what its batches look like. */
interface Ends {
  inputs: readonly SymbolicTensor[];
  outputs: readonly SymbolicTensor[];
}

function endsOf(model: Model): Ends {
  const { inputs, outputs } = model; // says so where they are unknown
  const fixed = inputs.find(({ shape }) => shape[0] !== null);
  if (fixed) {
    throw new DinogradError(
      `tune.batchSize needs a model that takes batches of any size, got one for batches of ${
        fixed.shape[0]
      }`,
    );
  }
  for (const [what, ends] of Object.entries({ input: inputs, output: outputs })) {
    const unknown = ends.find(({ shape }) => shape.slice(1).includes(null));
    if (!unknown) continue;
    throw new DinogradError(
      `tune.batchSize needs to know the size of a sample, got an ${what} of shape ${
        showShape(unknown.shape)
      }`,
    );
  }
  return { inputs, outputs };
}

/** Caps the device's memory, and gives what lifts the cap again. */
function limitMemory(device: Device, wanted = Infinity): () => void {
  const { native, index } = device, before = device.memory("limit");
  const free = device.number("memoryFree") + device.memory("cached") + device.memory("live");
  const limit = Math.min(wanted, before || free);
  const set = (bytes: number) => void native.check(native.calls.dg_memory_limit(index, bytes));
  native.check(native.calls.dg_trim(index));
  set(limit);
  return () => set(before);
}

/** Whether a loss takes targets of a shape for outputs of another one, those of a sample. */
function takes(loss: Loss, target: readonly number[], output: readonly number[]): boolean {
  return tidy(() => {
    try {
      loss.apply(zeros([1, ...target]), zeros([1, ...output]));
      return true;
    } catch (error) {
      if (error instanceof DinogradError) return false;
      throw error;
    }
  });
}

/** Data for so many samples: numbers from 0 to 1, and zeros where whole numbers are wanted, because 0 is a token and a class anywhere. */
function samplesFor(
  compiled: Compiled,
  { inputs, outputs }: Ends,
  count: number,
): Samples {
  const made = (dims: readonly number[], dtype: DType) =>
    isFloat(dtype) ? cast(randomUniform(dims), dtype) : zeros(dims, dtype);
  const sized = ({ shape }: SymbolicTensor) => shape.slice(1) as number[];
  return tidy(() => {
    const x = inputs.map((input) => made([count, ...sized(input)], input.dtype));
    const y = compiled.losses.map(({ loss, output }) => {
      const shape = sized(outputs[output]);
      // Classes by number are one dimension short of probabilities.
      const classes = !takes(loss, shape, shape);
      return classes
        ? made([count, ...shape.slice(0, -1)], "int32")
        : made([count, ...shape], "float32");
    });
    return { x, y, weights: null, count };
  });
}

/** Trains at a batch size: twice through the data to record the steps, then as often as it takes to know how long a step is. */
function measure(target: FitTarget, ends: Ends, batch: number): BatchSizePoint {
  const { compiled, arena: { device } } = target, { native, index } = device;
  native.check(native.calls.dg_trim(index));
  native.check(native.calls.dg_memory_reset(index));
  const bytes = ends.inputs.reduce((sum, { shape }) => sum + 4 * sizeOf(toDims(shape.slice(1))), 0);
  const steps = Math.max(1, Math.min(MOST_STEPS, Math.floor(DATA_BYTES / bytes / batch)));
  const samples = samplesFor(compiled, ends, batch * steps);
  let loop: Loop | undefined;
  try {
    loop = makeLoop(target, samples, batch, "train", Infinity);
    const order = Int32Array.from({ length: batch * steps }, (_, i) => i);
    const seconds = [];
    for (let round = -2, spent = 0; round < ROUNDS || spent < ROUND_SECONDS; round++) {
      const start = performance.now();
      loop.begin(order);
      loop.run(0, steps, compiled.stepParams(steps));
      loop.losses(steps); // waits for the device
      const took = (performance.now() - start) / 1000;
      if (round < 0) continue;
      spent += took;
      seconds.push(took / steps);
    }
    const secondsPerStep = seconds.sort((a, b) => a - b)[Math.floor(seconds.length / 2)];
    const samplesPerSecond = batch / secondsPerStep;
    return { batch, secondsPerStep, samplesPerSecond, peakBytes: device.memory("peak") };
  } finally {
    loop?.dispose();
    for (const t of [...samples.x, ...samples.y]) t.dispose();
  }
}

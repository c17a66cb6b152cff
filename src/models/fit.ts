// How does training proceed? Epoch by epoch: run the batches in chunks, look at the losses, validate, tell the callbacks.

import {
  CallbackList,
  type FitParams,
  type Logs,
  type SavedState,
  type Training,
} from "../callbacks/callback.ts";
import { History } from "../callbacks/history.ts";
import { ProgressBar } from "../callbacks/progress.ts";
import { Prng } from "../data/prng.ts";
import { DinogradError } from "../errors.ts";
import { device, within } from "../native/device.ts";
import { environment } from "../native/platform.ts";
import { nextSeed } from "../ops/random.ts";
import { measureLimits, profile, profileTable } from "../profile.ts";
import { keep } from "../scope.ts";
import { BatchLoop } from "./batch_loop.ts";
import { type Course, type DatasetCourse, type Done, SampleCourse } from "./course.ts";
import type { Samples } from "./data.ts";
import type { CommonFitArgs, FitArgs, FitDatasetArgs } from "./fit_args.ts";
import { type FitTarget, into, restoreModel, restoreRate, saveModel, under } from "./fit_state.ts";
import { Loop } from "./loop.ts";
import { Pace } from "./pace.ts";
import type { StepperOptions } from "./stepper.ts";

function warn(text: string): void {
  console.warn(`dinograd: ${text}`);
}

/** Sample-weighted mean of step losses. */
function meanLoss(steps: { sizeOf(step: number): number }, losses: Float32Array): number {
  let sum = 0, samples = 0;
  for (let i = 0; i < losses.length; i++) {
    sum += losses[i] * steps.sizeOf(i);
    samples += steps.sizeOf(i);
  }
  return samples ? sum / samples : 0;
}

type Mode = "train" | "test";

const stepOf = ({ compiled }: FitTarget, mode: Mode) =>
  mode === "train" ? compiled.trainStep : compiled.testStep;

function stepperOptions({ compiled, name }: FitTarget): StepperOptions {
  return {
    eager: compiled.runEagerly,
    onUnrecordable: (reason) =>
      warn(`"${name}" runs step by step, because a step cannot be recorded: ${reason}`),
  };
}

/** A loop over samples with a model's train or test step. */
export function makeLoop(
  target: FitTarget,
  samples: Samples,
  batchSize: number,
  mode: Mode,
  epochs: number,
): Loop {
  const options = { ...stepperOptions(target), epochs };
  return new Loop(samples, batchSize, stepOf(target, mode), target.arena, options);
}

/** Gives a course over a dataset the loop that it needs. */
export function equip(course: DatasetCourse, target: FitTarget, mode: Mode): DatasetCourse {
  course.use(new BatchLoop(stepOf(target, mode), target.arena, stepperOptions(target)));
  return course;
}

const resultsOf = ({ compiled, arena }: FitTarget) =>
  within(arena.device, () => compiled.metricResults());

/** Loss and metrics over all samples of a test loop. */
export function runTest(target: FitTarget, loop: Loop): Logs {
  target.compiled.resetMetrics();
  loop.begin(Int32Array.from({ length: loop.samples.count }, (_, i) => i));
  const full = Math.floor(loop.samples.count / loop.batchSize);
  if (full > 0) loop.run(0, full);
  if (full < loop.steps) loop.run(full, 1);
  return { loss: meanLoss(loop, loop.losses(loop.steps)), ...resultsOf(target) };
}

/** Loss and metrics over an epoch of a test course. */
export async function runTestCourse(target: FitTarget, course: Course): Promise<Logs> {
  target.compiled.resetMetrics();
  await course.begin();
  const pace = new Pace();
  let done = 0;
  for (let count; (count = await course.next(done)) > 0; done += count) {
    course.run(done, count);
    if (pace.isDue) await pace.breathe();
  }
  if (done === 0) throw new DinogradError("Evaluating needs at least one batch, got none");
  return { loss: meanLoss(course, course.losses(done)), ...resultsOf(target) };
}

/** Trains a compiled model on samples; see `model.fit`. */
export async function fitSamples(
  target: FitTarget,
  samples: Samples,
  validation: Samples | null,
  args: FitArgs,
): Promise<History> {
  const { batchSize = 32, validationBatchSize = batchSize, stepsPerEpoch, shuffle } = args;
  const { epochs = 1, initialEpoch = 0 } = args;
  const loop = makeLoop(target, samples, batchSize, "train", epochs - initialEpoch);
  const random = shuffle === false ? null : new Prng(nextSeed());
  const train = new SampleCourse(loop, random, stepsPerEpoch);
  let test: Course | null = null;
  try {
    test = validation && validationCourse(target, validation, validationBatchSize, args);
    return await new Fit(target, train, test, args).run();
  } finally {
    test?.dispose();
    train.dispose();
  }
}

/** Trains a compiled model on a dataset; see `model.fitDataset`. The caller disposes of the training course. */
export async function fitBatches(
  target: FitTarget,
  train: DatasetCourse,
  validation: Samples | DatasetCourse | null,
  args: FitDatasetArgs,
): Promise<History> {
  let test: Course | null = null;
  try {
    equip(train, target, "train");
    test = validation &&
      ("count" in validation
        ? validationCourse(target, validation, args.validationBatchSize ?? 32, args)
        : equip(validation, target, "test"));
    return await new Fit(target, train, test, args).run();
  } finally {
    await test?.dispose();
  }
}

function validationCourse(
  target: FitTarget,
  samples: Samples,
  batchSize: number,
  { epochs = 1, initialEpoch = 0, validationFreq = 1 }: CommonFitArgs,
): Course {
  const passes = Math.floor(epochs / validationFreq) - Math.floor(initialEpoch / validationFreq);
  return new SampleCourse(makeLoop(target, samples, batchSize, "test", passes), null);
}

// One call of fit, as it goes through its epochs.
class Fit implements Training {
  readonly #target: FitTarget;
  readonly #args: CommonFitArgs;
  readonly #train: Course;
  readonly #test: Course | null;
  readonly #params: FitParams;
  readonly #history = new History();
  readonly #callbacks: CallbackList;
  readonly #progress: ProgressBar | null;
  readonly #pace = new Pace();
  #epoch: number;
  #done = 0; // steps of the epoch
  #restored: SavedState | undefined;
  #epochLogs: Logs | undefined; // of a restored epoch all of whose steps were done
  #warned = false;

  constructor(target: FitTarget, train: Course, test: Course | null, args: CommonFitArgs) {
    const { epochs = 1, verbose = 1, initialEpoch = 0 } = args;
    this.#target = target;
    this.#args = args;
    this.#callbacks = new CallbackList(args.callbacks, this.#history);
    this.#train = train;
    this.#test = test;
    this.#epoch = initialEpoch;
    this.#progress = verbose === 0 ? null : new ProgressBar(verbose);
    const { batchSize, samples, steps } = train;
    const { names } = target.compiled, tested = test ? names.map((name) => `val_${name}`) : [];
    this.#params = { epochs, steps, batchSize, samples, names: [...names, ...tested] };
  }

  /** Trains; with DINOGRAD_PROFILE=1 in the environment it prints what each kernel took. */
  async run(): Promise<History> {
    if (environment("DINOGRAD_PROFILE") !== "1") return await this.#run();
    const { name } = this.#target.arena.device;
    return await device(name, async () => {
      const { result, kernels } = await profile(() => this.#run());
      console.log(profileTable(kernels, measureLimits()));
      return result;
    });
  }

  async #run(): Promise<History> {
    const { model } = this.#target;
    model.stopTraining = false;
    this.#callbacks.begin(model, this.#params, this);
    try {
      await this.#callbacks.onTrainBegin();
      await this.#resume();
      while (this.#goesOn) {
        if (!await this.#beginEpoch()) break;
        await this.#trainEpoch();
        await this.#endEpoch();
      }
      await this.#callbacks.onTrainEnd();
      return this.#history;
    } finally {
      this.#forget();
    }
  }

  // An epoch that has begun is ended, too.
  get #goesOn(): boolean {
    const { model } = this.#target;
    return this.#epoch < this.#params.epochs && !this.#train.ended &&
      (!model.stopTraining || this.#done > 0);
  }

  /** All that is needed to go on from here. */
  save(): SavedState {
    const epoch = this.#epoch, done = this.#done, model = saveModel(this.#target);
    const losses = Array.from(this.#train.losses(done));
    const sizes = losses.map((_, step) => this.#train.sizeOf(step));
    const { epoch: before, next } = this.#train.position();
    const callbacks = this.#callbacks.save();
    const copies = Object.entries(callbacks.arrays).map(([name, t]) => [name, t.clone()]);
    return {
      values: {
        epoch,
        losses,
        sizes,
        logs: done > 0 ? this.#look() : null,
        position: done > 0 ? before : next,
        model: model.values,
        callbacks: callbacks.values,
        stopped: this.#target.model.stopTraining,
      },
      arrays: { ...model.arrays, ...into("callbacks", Object.fromEntries(copies)) },
    };
  }

  /** Has training begin where it was when this was saved. */
  restore(state: SavedState): void {
    this.#forget();
    const values = state.values.model as SavedState["values"], { arrays } = state;
    within(this.#target.arena.device, () => restoreModel(this.#target, { values, arrays }));
    const later = {
      ...into("callbacks", under("callbacks", arrays)),
      ...into("metrics", under("metrics", arrays)),
    };
    const copies = Object.entries(later).map(([name, t]) => [name, keep(t.clone())]);
    this.#restored = { values: state.values, arrays: Object.fromEntries(copies) };
  }

  // Gives back what a restored state held.
  #forget(): void {
    if (!this.#restored) return;
    this.#target.compiled.restoreMetrics({});
    for (const tensor of Object.values(this.#restored.arrays)) tensor.dispose();
    this.#restored = undefined;
  }

  // Takes over the rest of a restored state, now that all callbacks have begun.
  async #resume(): Promise<void> {
    if (!this.#restored) return;
    const { values, arrays } = this.#restored;
    this.#target.model.stopTraining = values.stopped as boolean;
    this.#epoch = values.epoch as number;
    this.#done = (values.losses as number[]).length;
    await this.#train.moveTo(values.position as number[]);
    this.#callbacks.restore(values.callbacks as unknown[], under("callbacks", arrays));
  }

  // Whether the epoch has any steps; what a restored one had done counts.
  async #beginEpoch(): Promise<boolean> {
    const { compiled, model } = this.#target;
    const before = this.#done > 0 ? this.#restored : undefined;
    compiled.resetMetrics();
    await this.#train.begin(before && before.values as unknown as Done);
    const ahead = await this.#train.next(this.#done);
    if (ahead === 0 && !before) {
      if (!this.#train.ended) {
        warn(`there are no batches in epoch ${this.#epoch + 1}: training ends`);
      }
      return false;
    }
    if (before && (ahead === 0 || model.stopTraining)) this.#epochLogs = before.values.logs as Logs;
    else if (before) compiled.restoreMetrics(under("metrics", before.arrays));
    await this.#callbacks.onEpochBegin(this.#epoch);
    // What callbacks do to the rate as an epoch begins was done before already.
    if (before) restoreRate(this.#target, before.values.model as SavedState["values"]);
    this.#progress?.epochBegin(this.#epoch, this.#params.epochs, this.#train.steps);
    return true;
  }

  async #endEpoch(): Promise<void> {
    const epoch = this.#epoch, trained = this.#epochLogs ?? this.#look();
    const logs = { ...trained, ...await this.#validate(epoch) };
    this.#progress?.epochEnd(this.#done, logs);
    this.#epoch++;
    this.#done = 0;
    this.#epochLogs = undefined;
    this.#forget();
    await this.#callbacks.onEpochEnd(epoch, logs);
  }

  // Runs the epoch's steps, many in a native call where nobody looks in between.
  async #trainEpoch(): Promise<void> {
    const { compiled, model } = this.#target, epoch = this.#epoch;
    const { wantsBatches, stopsOnNaN } = this.#callbacks;
    while (!model.stopTraining) {
      const alike = await this.#train.next(this.#done);
      if (alike === 0) return;
      if (wantsBatches) await this.#callbacks.onBatchBegin(this.#done);
      const count = wantsBatches ? 1 : this.#pace.stepsOf(alike);
      const start = performance.now();
      this.#train.run(this.#done, count, compiled.stepParams(count));
      const done = this.#done += count;
      const due = this.#progress?.isDue(done) ?? false;
      const logs = wantsBatches || stopsOnNaN || due ? this.#look() : undefined;
      this.#pace.took(count, performance.now() - start);
      if (wantsBatches) {
        const batch = done - 1, size = this.#train.sizeOf(batch);
        await this.#callbacks.onBatchEnd(batch, { batch, size, ...logs });
      }
      if (due) this.#progress!.update(done, logs!);
      if (this.#pace.isDue) {
        await this.#pace.breathe();
        await this.#callbacks.onYield(epoch, done - 1, logs);
      }
    }
  }

  // Loss and metrics of the epoch so far. Waits for the device.
  #look(): Logs {
    const losses = this.#train.losses(this.#done);
    const bad = losses.findIndex((v) => !Number.isFinite(v));
    if (bad >= 0) {
      if (!this.#warned) {
        warn(`the loss became ${losses[bad]} in epoch ${this.#epoch + 1} at step ${bad + 1}`);
      }
      this.#warned = true;
      if (this.#callbacks.stopsOnNaN) this.#target.model.stopTraining = true;
    }
    return { loss: meanLoss(this.#train, losses), ...resultsOf(this.#target) };
  }

  async #validate(epoch: number): Promise<Logs> {
    if (!this.#test || (epoch + 1) % (this.#args.validationFreq ?? 1) !== 0) return {};
    const results = await runTestCourse(this.#target, this.#test);
    return Object.fromEntries(Object.entries(results).map(([key, v]) => [`val_${key}`, v]));
  }
}

// Which batches does an epoch take, and in which order? All of some samples, in a new order each time, or those that a dataset gives.
// Both can say where they stand, and go on from there.

import { DinogradError } from "../errors.ts";
import { Dataset, type Stream } from "../data/dataset.ts";
import { isRecord, release } from "../data/elements.ts";
import type { Prng } from "../data/prng.ts";
import { Tensor } from "../tensor.ts";
import type { BatchLoop } from "./batch_loop.ts";
import { type ClassWeight, type Samples, type TensorData, toSamples } from "./data.ts";
import type { Loop } from "./loop.ts";
import type { StepParams } from "./stepper.ts";

/** The batches of one epoch after another, and the steps over them. */
export interface Course {
  /** Steps in an epoch; null where that is not known. */
  readonly steps: number | null;
  /** Samples in a step and in an epoch, where all have equally many. */
  readonly batchSize: number | null;
  readonly samples: number | null;
  /** Whether no further epoch is to be had. */
  readonly ended: boolean;
  /** Starts an epoch, the first steps of which were done before. */
  begin(done?: Done): void | Promise<void>;
  /** How many batches of one form come next, after `done` ones of this epoch; 0 where it is over. */
  next(done: number): number | Promise<number>;
  /** Runs steps [from, from + count). */
  run(from: number, count: number, params?: StepParams): void;
  /** Samples of a step of this epoch. */
  sizeOf(step: number): number;
  /** Losses of the first `steps` steps of this epoch. Waits for the device. */
  losses(steps: number): Float32Array;
  /** Where it stood at the start of this epoch, and where the next one starts. */
  position(): { epoch: readonly number[]; next: readonly number[] };
  /** Has the next epoch start from a position. */
  moveTo(position: readonly number[]): void | Promise<void>;
  /** Gives back everything it made. */
  dispose(): void | Promise<void>;
}

/** Steps of an epoch that were done before. */
export interface Done {
  readonly losses: readonly number[];
  readonly sizes: readonly number[];
}

/** All of some samples, `batchSize` at a time. */
export class SampleCourse implements Course {
  readonly ended = false;
  #atBegin: readonly number[] = [];

  /** `random` decides the orders; null keeps the samples'. */
  constructor(readonly loop: Loop, readonly random: Prng | null, readonly most = Infinity) {}

  get steps(): number {
    return Math.min(this.most, this.loop.steps);
  }
  get batchSize(): number {
    return this.loop.batchSize;
  }
  get samples(): number {
    return this.loop.samples.count;
  }

  begin(done?: Done): void {
    this.#atBegin = this.#state();
    const order = Int32Array.from({ length: this.samples }, (_, i) => i);
    this.random?.shuffle(order);
    this.loop.begin(order, done && Float32Array.from(done.losses));
  }
  next(done: number): number {
    const full = Math.min(this.steps, Math.floor(this.samples / this.batchSize));
    return done < full ? full - done : Math.min(1, this.steps - done);
  }
  run(from: number, count: number, params?: StepParams): void {
    this.loop.run(from, count, params);
  }
  sizeOf(step: number): number {
    return this.loop.sizeOf(step);
  }
  losses(steps: number): Float32Array {
    return this.loop.losses(steps);
  }
  position(): { epoch: readonly number[]; next: readonly number[] } {
    return { epoch: this.#atBegin, next: this.#state() };
  }
  moveTo(position: readonly number[]): void {
    if (this.random) this.random.state = position;
  }
  dispose(): void {
    this.loop.dispose();
  }

  #state(): readonly number[] {
    return this.random?.state ?? [];
  }
}

/** How batches are taken from a dataset. */
export interface DatasetOptions {
  /** Whose batches they are, for messages. */
  readonly what: string;
  readonly names: { inputs: readonly string[]; outputs: readonly string[] };
  /** Batches in an epoch; all of the dataset when left out. */
  readonly batches?: number;
  /** Whether each epoch begins the dataset anew, even where `batches` is given. */
  readonly anew?: boolean;
  readonly classWeight?: ClassWeight;
}

/** The batches of a dataset, epoch after epoch. */
export class DatasetCourse implements Course {
  readonly batchSize = null;
  readonly samples = null;
  ended = false;
  #loop: BatchLoop | undefined;
  #stream: Stream<unknown> | undefined;
  #iteration = 0; // of the dataset, which the stream is
  #drawn = 0; // from the stream
  #held: { batch: Samples; element: unknown } | undefined;
  #atBegin: readonly number[] = [];

  constructor(readonly dataset: Dataset<unknown>, readonly options: DatasetOptions) {
    if (dataset instanceof Dataset) return;
    throw new DinogradError(
      `${options.what} needs a dataset, such as data.array(...): got ${
        dataset === null ? "null" : typeof dataset
      }`,
    );
  }

  get steps(): number | null {
    const { size } = this.dataset;
    return this.options.batches ?? (size === Infinity ? null : size);
  }

  /** The first batch, which is held for the first step. The loop may be made afterwards. */
  async first(): Promise<Samples> {
    if (this.dataset.size === Infinity && this.options.batches === undefined) {
      throw new DinogradError(
        `${this.options.what} needs the number of batches for a dataset without end`,
      );
    }
    if (await this.#draw()) return this.#held!.batch;
    throw new DinogradError(`${this.options.what} needs at least one batch, got none`);
  }
  /** Takes over the loop that runs the steps. */
  use(loop: BatchLoop): void {
    this.#loop = loop;
  }

  async begin(done: Done = { losses: [], sizes: [] }): Promise<void> {
    // A stream that has given only the batch at hand has not begun.
    const fresh = this.#stream !== undefined && this.#drawn - (this.#held ? 1 : 0) === 0;
    if (!fresh && !this.#goesOn) await this.#close();
    this.#atBegin = this.#state();
    this.#loop!.begin(done.losses, done.sizes);
    for (const _ of done.losses) if (await this.#upcoming()) this.#drop();
  }

  async next(done: number): Promise<number> {
    const { batches = Infinity, what } = this.options;
    if (done >= batches) return 0;
    if (await this.#upcoming()) return 1;
    if (!this.#goesOn) return 0;
    if (!this.ended) {
      console.warn(
        `dinograd: ${what} ran out of data after ${done} batches, wanted ${batches} per epoch: training ends`,
      );
    }
    this.ended = true;
    return 0;
  }

  run(_from: number, _count: number, params?: StepParams): void {
    try {
      this.#loop!.run(this.#held!.batch, params);
    } finally {
      this.#drop();
    }
  }
  sizeOf(step: number): number {
    return this.#loop!.sizeOf(step);
  }
  losses(steps: number): Float32Array {
    return this.#loop!.losses(steps);
  }

  position(): { epoch: readonly number[]; next: readonly number[] } {
    return { epoch: this.#atBegin, next: this.#state() };
  }
  async moveTo([iteration, drawn]: readonly number[]): Promise<void> {
    await this.#close();
    this.dataset.iterations = iteration;
    for (let i = 0; i < drawn && await this.#draw(); i++) this.#drop();
  }

  async dispose(): Promise<void> {
    await this.#close();
    this.#loop?.dispose();
  }

  // Whether an epoch goes on where the one before ended.
  get #goesOn(): boolean {
    return this.options.batches !== undefined && !this.options.anew;
  }

  // Where the next epoch starts: the iteration of the dataset, and how many of its batches come before.
  #state(): readonly number[] {
    const drawn = this.#drawn - (this.#held ? 1 : 0);
    return this.#stream && (this.#goesOn || drawn === 0)
      ? [this.#iteration, drawn]
      : [this.dataset.iterations, 0];
  }

  // Has the next batch at hand; false where there is none.
  async #draw(): Promise<boolean> {
    if (this.#held) return true;
    if (!this.#stream) {
      this.#iteration = this.dataset.iterations;
      this.#stream = await this.dataset.iterator();
      this.#drawn = 0;
    }
    const { value, done } = await this.#stream.next();
    if (done) return false;
    this.#drawn++;
    try {
      this.#held = { batch: this.#toBatch(value), element: value };
    } catch (error) {
      release(value);
      throw error;
    }
    return true;
  }

  // The same, beyond the dataset's end where an epoch goes on: as in Keras, one of known size starts again, any other has run out.
  async #upcoming(): Promise<boolean> {
    if (await this.#draw()) return true;
    if (!this.#goesOn || !this.dataset.size) return false;
    await this.#close();
    return await this.#draw();
  }

  #toBatch(element: unknown): Samples {
    const { what, names, classWeight } = this.options;
    if (!isRecord(element) || !("xs" in element)) {
      const got = isRecord(element) ? `the keys ${Object.keys(element)}` : typeof element;
      throw new DinogradError(`${what} needs elements { xs, ys }, batches of both: got ${got}`);
    }
    const { xs, ys, sampleWeight } = element as Record<string, TensorData>;
    const isData = (value: unknown) =>
      value instanceof Tensor ||
      ((Array.isArray(value) || isRecord(value)) &&
        Object.values(value).every((t) => t instanceof Tensor));
    if (!isData(xs) || !isData(ys ?? {})) {
      throw new DinogradError(
        `${what} needs tensors in xs and ys: put elements together with batch(n)`,
      );
    }
    const options = { classWeight, sampleWeight: sampleWeight as never };
    return toSamples(xs, ys ?? null, names, what, options);
  }

  #drop(): void {
    const { batch, element } = this.#held!;
    this.#held = undefined;
    batch.weights?.dispose();
    release(element);
  }

  async #close(): Promise<void> {
    if (this.#held) this.#drop();
    const stream = this.#stream;
    this.#stream = undefined;
    this.#drawn = 0;
    await stream?.return();
  }
}

// How does an epoch run? Batches are gathered on the device by an index list, the step is recorded once per batch size, and many
// steps are one native call. Losses are noted per step on the device and read only when somebody looks.

import { type Device, within } from "../native/device.ts";
import { type DeviceBuffer, fromHost, makeTensor, type Tensor, writeHost } from "../tensor.ts";
import { precisionKey } from "../precision.ts";
import { type Arena, isUnrecordable, type Program, record } from "../record.ts";
import { tidy } from "../scope.ts";
import { Arrays } from "./arrays.ts";
import type { Samples } from "./data.ts";
import type { Feed } from "./feed.ts";
import { makeFeed } from "./stream.ts";
import { rowSize } from "./transfer.ts";

/** One batch on the device. */
export interface Batch {
  readonly x: Tensor[];
  readonly y: Tensor[];
  readonly weights: Tensor | null;
}

/** What a loop runs for each batch; returns the batch's loss, a scalar. Everything else it does stays on the device. */
export type Step = (batch: Batch) => Tensor;

/** Values the host decides for each coming step (a scheduled learning rate): rows that go to the start of a device array. */
export interface StepParams {
  readonly values: Float32Array;
  readonly width: number;
  /** Native float32 array. */
  readonly target: number;
}

/** Options of a loop. */
export interface LoopOptions {
  /** How many epochs are meant to come. */
  readonly epochs: number;
  /** Trains eagerly, step by step, without recording. */
  readonly eager: boolean;
  /** Told once why steps cannot be recorded. */
  onUnrecordable(reason: string): void;
}

/** Runs a step over all batches of some samples, again and again. */
export class Loop {
  readonly #device: Device;
  readonly #arrays = new Arrays();
  readonly #feed: Feed;
  readonly #counters: DeviceBuffer; // int32 [2]: position in the feed's index, number of the step
  readonly #position: DeviceBuffer; // views of the two counters
  readonly #stepNumber: DeviceBuffer;
  readonly #losses: DeviceBuffer; // float32 [steps]
  readonly #advance = new Map<number, DeviceBuffer>(); // int32 [2] by batch size
  readonly #programs = new Map<string, { program?: Program; tried: boolean }>(); // by batch size and precision
  #at = 0; // what the position is after all that was asked for
  #eager: boolean;

  constructor(
    readonly samples: Samples,
    readonly batchSize: number,
    readonly step: Step,
    readonly arena: Arena,
    readonly options: LoopOptions,
  ) {
    const device = this.#device = arena.device, arrays = this.#arrays;
    this.#eager = options.eager;
    this.#feed = makeFeed(samples, batchSize, options.epochs, device);
    try {
      this.#counters = arrays.make(device, "int32", 2);
      this.#position = arrays.view(this.#counters, 0, "int32", 1);
      this.#stepNumber = arrays.view(this.#counters, 1, "int32", 1);
      this.#losses = arrays.make(device, "float32", this.steps);
    } catch (error) {
      this.dispose();
      throw error;
    }
  }

  /** Steps in an epoch, the ragged last one included. */
  get steps(): number {
    return Math.ceil(this.samples.count / this.batchSize);
  }

  /** Starts an epoch over the samples in this order. */
  begin(order: Int32Array): void {
    const { native } = this.#device;
    this.#feed.begin(order);
    this.#at = 0;
    native.check(native.calls.dg_fill(this.#counters.handle, 0));
    native.check(native.calls.dg_fill(this.#losses.handle, 0));
  }

  /** Size of batch `index`. */
  sizeOf(index: number): number {
    return Math.min(this.batchSize, this.samples.count - index * this.batchSize);
  }

  /** Runs batches [from, from + count), all of one size: in one native call where the step could be recorded and the rows are at hand. */
  run(from: number, count: number, params?: StepParams): void {
    const size = this.sizeOf(from), row = from * this.batchSize;
    for (let done = 0; done < count;) {
      const { position, rows } = this.#feed.seek(row + done * size);
      if (position !== this.#at) this.#moveTo(position);
      const most = Math.min(count - done, Math.floor(rows / size));
      const values = params?.values.subarray(done * params.width);
      const ran = this.#runSome(size, most, params && values && { ...params, values });
      this.#at += ran * size;
      done += ran;
      this.#feed.ahead(row + done * size);
    }
  }

  /** Losses of the first `steps` steps of this epoch. Waits for the device. */
  losses(steps: number): Float32Array {
    const out = new Float32Array(steps);
    this.#device.native.download(this.#losses.handle, 0, new Uint8Array(out.buffer));
    return out;
  }

  /** Gives back everything it made. */
  dispose(): void {
    for (const { program } of this.#programs.values()) program?.dispose();
    this.#feed.dispose();
    this.#arrays.dispose();
  }

  // Runs up to `most` steps and says how many. The first step of a size allocates what lives on (optimizer state, say), so it runs
  // eagerly; the second is recorded.
  #runSome(size: number, most: number, params?: StepParams): number {
    const key = `${size} ${precisionKey()}`;
    let entry = this.#programs.get(key);
    if (!entry) this.#programs.set(key, entry = { tried: false });
    if (!entry.program && entry.tried && !this.#eager) entry.program = this.#record(size);
    if (!entry.program) {
      entry.tried = true;
      this.#runEagerly(size, params);
      return 1;
    }
    if (params) this.#replayWith(entry.program, most, params);
    else entry.program.replay(most);
    return most;
  }

  #runEagerly(size: number, params?: StepParams): void {
    if (!this.#advance.has(size)) {
      const advance = this.#arrays.make(this.#device, "int32", 2);
      writeHost(advance, Int32Array.of(size, 1));
      this.#advance.set(size, advance);
    }
    if (params) {
      const row = params.values.slice(0, params.width);
      this.#device.native.upload(params.target, 0, new Uint8Array(row.buffer));
    }
    within(this.#device, () => tidy(() => this.#body(size)));
  }

  #record(size: number): Program | undefined {
    try {
      return within(this.#device, () => record(this.arena, () => this.#body(size))).program;
    } catch (error) {
      if (!isUnrecordable(error)) throw error;
      this.#eager = true;
      this.options.onUnrecordable(error.message);
      return undefined;
    }
  }

  #replayWith(program: Program, steps: number, { values, width, target }: StepParams): void {
    tidy(() => {
      const rows = values.subarray(0, steps * width);
      program.replay(steps, {
        rows: fromHost(rows, [rows.length], "float32", this.#device),
        target,
        width,
      });
    });
  }

  #moveTo(position: number): void {
    const { native } = this.#device;
    native.check(native.calls.dg_fill(this.#position.handle, position));
    this.#at = position;
  }

  #body(size: number): void {
    const { native } = this.#device;
    const take = (t: Tensor) => this.#take(t, size);
    const { x, y, weights } = this.#feed.samples;
    const loss = this.step({ x: x.map(take), y: y.map(take), weights: weights && take(weights) });
    native.check(
      native.calls.dg_scatter_add(
        loss.handle,
        this.#stepNumber.handle,
        this.#losses.handle,
        1,
        this.steps,
        1,
        1,
      ),
    );
    const counters = this.#counters.handle;
    native.check(
      native.calls.dg_binary(
        native.id("binary", "add"),
        counters,
        this.#advance.get(size)!.handle,
        counters,
        0,
      ),
    );
  }

  // The next `size` rows that the feed's index names.
  #take(t: Tensor, size: number): Tensor {
    const { native } = this.#device;
    const y = makeTensor([size, ...t.shape.slice(1)], t.dtype, this.#device);
    native.check(
      native.calls.dg_gather(
        t.handle,
        this.#feed.index.handle,
        this.#position.handle,
        y.handle,
        1,
        t.shape[0],
        size,
        rowSize(t),
      ),
    );
    return y;
  }
}

// How does an epoch run? Batches are gathered on the device by an index list, the step is recorded once per batch size, and many
// steps are one native call. Losses are noted per step on the device and read only when somebody looks.

import { dtypeId } from "../dtype.ts";
import {
  allocate,
  type DeviceBuffer,
  fromHost,
  makeTensor,
  type Tensor,
  writeHost,
} from "../tensor.ts";
import type { Device } from "../native/device.ts";
import { type Arena, isUnrecordable, type Program, record } from "../record.ts";
import { tidy } from "../scope.ts";
import type { Samples } from "./data.ts";

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
  /** Trains eagerly, step by step, without recording. */
  readonly eager: boolean;
  /** Told once why steps cannot be recorded. */
  onUnrecordable(reason: string): void;
}

/** Runs a step over all batches of some samples, again and again. */
export class Loop {
  readonly #device: Device;
  readonly #order: DeviceBuffer; // int32 [count]
  readonly #counters: DeviceBuffer; // int32 [2]: position in the order, number of the step
  readonly #position: number; // native views of the two counters
  readonly #stepNumber: number;
  readonly #losses: DeviceBuffer; // float32 [steps]
  readonly #advance = new Map<number, DeviceBuffer>(); // int32 [2] by batch size
  readonly #programs = new Map<number, { program?: Program; runs: number }>();
  #eager: boolean;

  constructor(
    readonly samples: Samples,
    readonly batchSize: number,
    readonly step: Step,
    readonly arena: Arena,
    readonly options: LoopOptions,
  ) {
    const device = this.#device = arena.device;
    const { native } = device;
    this.#eager = options.eager;
    this.#order = allocate(device, "int32", samples.count);
    this.#counters = allocate(device, "int32", 2);
    this.#losses = allocate(device, "float32", this.steps);
    const view = (at: number) =>
      native.check(native.calls.dg_view(this.#counters.handle, at, dtypeId.int32, 1));
    this.#position = view(0);
    this.#stepNumber = view(1);
  }

  /** Steps in an epoch, the ragged last one included. */
  get steps(): number {
    return Math.ceil(this.samples.count / this.batchSize);
  }

  /** Starts an epoch over the samples in this order. */
  begin(order: Int32Array): void {
    const { native } = this.#device;
    writeHost(this.#order, order);
    native.check(native.calls.dg_fill(this.#counters.handle, 0));
    native.check(native.calls.dg_fill(this.#losses.handle, 0));
  }

  /** Size of batch `index`. */
  sizeOf(index: number): number {
    return Math.min(this.batchSize, this.samples.count - index * this.batchSize);
  }

  /** Runs batches [from, from + count), all of one size, in one native call where the step could be recorded. */
  run(from: number, count: number, params?: StepParams): void {
    const size = this.sizeOf(from);
    let entry = this.#programs.get(size);
    if (!entry) this.#programs.set(size, entry = { runs: 0 });
    let done = 0;
    const eagerStep = () => {
      this.#prepare(size);
      if (params) {
        const row = params.values.slice(done * params.width, (done + 1) * params.width);
        this.#device.native.upload(params.target, 0, new Uint8Array(row.buffer));
      }
      tidy(() => this.#body(size));
      done++;
    };
    // The first step allocates what lives on (optimizer state, say), so it runs eagerly; the second is recorded.
    if (entry.runs === 0 && done < count) eagerStep();
    entry.runs += count;
    if (!entry.program && !this.#eager && done < count) entry.program = this.#record(size);
    if (!entry.program) {
      while (done < count) eagerStep();
    } else if (done < count) {
      const steps = count - done;
      if (!params) return entry.program.replay(steps);
      tidy(() => {
        const values = params.values.slice(done * params.width);
        const rows = fromHost(values, [values.length], "float32");
        entry.program!.replay(steps, { rows, target: params.target, width: params.width });
      });
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
    const { calls } = this.#device.native;
    for (const { program } of this.#programs.values()) program?.dispose();
    for (const storage of this.#advance.values()) storage.release();
    calls.dg_free(this.#position);
    calls.dg_free(this.#stepNumber);
    for (const storage of [this.#order, this.#counters, this.#losses]) storage.release();
  }

  #record(size: number): Program | undefined {
    try {
      return record(this.arena, () => this.#body(size)).program;
    } catch (error) {
      if (!isUnrecordable(error)) throw error;
      this.#eager = true;
      this.options.onUnrecordable(error.message);
      return undefined;
    }
  }

  #prepare(size: number): void {
    if (this.#advance.has(size)) return;
    const storage = allocate(this.#device, "int32", 2);
    writeHost(storage, Int32Array.of(size, 1));
    this.#advance.set(size, storage);
  }

  #body(size: number): void {
    const { native } = this.#device;
    const take = (t: Tensor) => this.#take(t, size);
    const { x, y, weights } = this.samples;
    const loss = this.step({ x: x.map(take), y: y.map(take), weights: weights && take(weights) });
    native.check(
      native.calls.dg_scatter_add(
        loss.handle,
        this.#stepNumber,
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

  // The next `size` rows of the epoch's order.
  #take(t: Tensor, size: number): Tensor {
    const { native } = this.#device;
    const rest = t.shape.slice(1);
    const y = makeTensor([size, ...rest], t.dtype, this.#device);
    const inner = rest.reduce((n, d) => n * d, 1);
    native.check(
      native.calls.dg_gather(
        t.handle,
        this.#order.handle,
        this.#position,
        y.handle,
        1,
        t.shape[0],
        size,
        inner,
      ),
    );
    return y;
  }
}

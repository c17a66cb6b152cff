// How does an epoch run? Batches are gathered on the device by an index list, the step is recorded once per batch size, and many
// steps are one native call. Losses are noted per step on the device and read only when somebody looks.

import type { Device } from "../native/device.ts";
import type { Arena } from "../record.ts";
import { type DeviceBuffer, makeTensor, type Tensor, writeHost } from "../tensor.ts";
import { Arrays } from "./arrays.ts";
import type { Samples } from "./data.ts";
import type { Feed } from "./feed.ts";
import { noteStep, type Step, type StepParams, Stepper, type StepperOptions } from "./stepper.ts";
import { makeFeed } from "./stream.ts";
import { rowSize } from "./transfer.ts";

/** Options of a loop. */
export interface LoopOptions extends StepperOptions {
  /** How many epochs are meant to come. */
  readonly epochs: number;
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
  readonly #stepper: Stepper<number>; // by batch size
  #at = 0; // what the position is after all that was asked for

  constructor(
    readonly samples: Samples,
    readonly batchSize: number,
    readonly step: Step,
    readonly arena: Arena,
    readonly options: LoopOptions,
  ) {
    const device = this.#device = arena.device, arrays = this.#arrays;
    this.#stepper = new Stepper(arena, options);
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

  /** Starts an epoch over the samples in this order, the first steps of which were done elsewhere, with these losses. */
  begin(order: Int32Array, done: Float32Array = new Float32Array()): void {
    const { native } = this.#device;
    this.#feed.begin(order);
    this.#at = 0;
    native.check(native.calls.dg_fill(this.#counters.handle, 0));
    native.check(native.calls.dg_fill(this.#losses.handle, 0));
    if (done.length === 0) return;
    native.check(native.calls.dg_fill(this.#stepNumber.handle, done.length));
    writeHost(this.#losses, done);
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
      const next = params && values && { ...params, values };
      const ran = this.#stepper.run(size, most, () => this.#body(size), next);
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
    this.#stepper.dispose();
    this.#feed.dispose();
    this.#arrays.dispose();
  }

  #moveTo(position: number): void {
    const { native } = this.#device;
    native.check(native.calls.dg_fill(this.#position.handle, position));
    this.#at = position;
  }

  #body(size: number): void {
    const take = (t: Tensor) => this.#take(t, size);
    const { x, y, weights } = this.#feed.samples;
    const loss = this.step({ x: x.map(take), y: y.map(take), weights: weights && take(weights) });
    noteStep(loss, {
      losses: this.#losses,
      counters: this.#counters,
      advance: this.#advanceBy(size),
    });
  }

  #advanceBy(size: number): DeviceBuffer {
    let advance = this.#advance.get(size);
    if (!advance) {
      advance = this.#arrays.make(this.#device, "int32", 2);
      writeHost(advance, Int32Array.of(size, 1));
      this.#advance.set(size, advance);
    }
    return advance;
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

// How do steps run over batches that come one by one? Each is copied to a place of its own form on the model's device, from which the
// step of that form, recorded once, takes it.

import type { Device } from "../native/device.ts";
import type { Arena } from "../record.ts";
import { type DeviceBuffer, type Tensor, writeHost } from "../tensor.ts";
import { Arrays } from "./arrays.ts";
import { mapSamples, type Samples, tensorsOf } from "./data.ts";
import { noteStep, type Step, type StepParams, Stepper, type StepperOptions } from "./stepper.ts";
import { hostFor, transfer } from "./transfer.ts";

const FORMS = 32; // most that are remembered
const NOTED = 1024; // losses on the device before they are fetched

/** Where batches of one form are put. */
interface Place {
  readonly samples: Samples;
  readonly arrays: Arrays;
}

/** What tells the form of a batch: shapes, types, and which of its tensors are one. */
function formOf(batch: Samples): string {
  const tensors = tensorsOf(batch);
  const forms = tensors.map(({ shape, dtype }) => `${dtype}[${shape}]`);
  const order = [...batch.x, ...batch.y, ...(batch.weights ? [batch.weights] : [])]
    .map((t) => tensors.indexOf(t));
  return `${forms.join(" ")} ${order} ${batch.x.length}`;
}

/** Runs a step over one batch after another. */
export class BatchLoop {
  readonly #device: Device;
  readonly #arrays = new Arrays();
  readonly #places = new Map<string, Place>(); // by form, the one not used for longest first
  readonly #stepper: Stepper<string>;
  readonly #number: DeviceBuffer; // int32 [1]: how many losses are on the device
  readonly #one: DeviceBuffer;
  readonly #losses: DeviceBuffer; // float32 [NOTED]
  #sizes: number[] = [];
  #fetched: number[] = [];

  constructor(readonly step: Step, readonly arena: Arena, options: StepperOptions) {
    const device = this.#device = arena.device, arrays = this.#arrays;
    this.#stepper = new Stepper(arena, options);
    try {
      this.#number = arrays.make(device, "int32", 1);
      this.#one = arrays.make(device, "int32", 1);
      this.#losses = arrays.make(device, "float32", NOTED);
      writeHost(this.#one, Int32Array.of(1));
    } catch (error) {
      this.dispose();
      throw error;
    }
  }

  /** Starts an epoch, the first steps of which were done elsewhere, with these losses over so many samples each. */
  begin(losses: readonly number[] = [], sizes: readonly number[] = []): void {
    this.#sizes = [...sizes];
    this.#fetched = [...losses];
    this.#clear();
  }

  /** Runs a step over a batch, which is not needed afterwards. */
  run(batch: Samples, params?: StepParams): void {
    if (this.#sizes.length - this.#fetched.length === NOTED) {
      this.#fetched = Array.from(this.losses(this.#sizes.length));
      this.#clear();
    }
    const form = formOf(batch), { samples } = this.#placeFor(form, batch);
    const to = tensorsOf(samples), from = tensorsOf(batch);
    const host = hostFor(from.filter((t) => t.device !== this.#device), batch.count);
    from.forEach((tensor, i) => {
      const { native } = this.#device;
      if (tensor.device === this.#device) {
        native.check(native.calls.dg_copy(tensor.handle, to[i].handle));
      } else {
        transfer({ tensor, at: 0 }, { tensor: to[i], at: 0 }, tensor.size, host);
      }
    });
    this.#stepper.run(form, 1, () => this.#body(samples), params);
    this.#sizes.push(batch.count);
  }

  /** Size of the batch of a step of this epoch. */
  sizeOf(step: number): number {
    return this.#sizes[step];
  }

  /** Losses of the first `steps` steps of this epoch. Waits for the device. */
  losses(steps: number): Float32Array {
    const noted = new Float32Array(this.#sizes.length - this.#fetched.length);
    this.#device.native.download(this.#losses.handle, 0, new Uint8Array(noted.buffer));
    const all = new Float32Array(this.#sizes.length);
    all.set(this.#fetched);
    all.set(noted, this.#fetched.length);
    return all.subarray(0, steps);
  }

  /** Gives back everything it made. */
  dispose(): void {
    this.#stepper.dispose();
    for (const { arrays } of this.#places.values()) arrays.dispose();
    this.#arrays.dispose();
  }

  #clear(): void {
    const { native } = this.#device;
    for (const { handle } of [this.#number, this.#losses]) {
      native.check(native.calls.dg_fill(handle, 0));
    }
  }

  #placeFor(form: string, batch: Samples): Place {
    const found = this.#places.get(form);
    this.#places.delete(form);
    const place = found ?? this.#makePlace(batch);
    this.#places.set(form, place);
    if (this.#places.size > FORMS) {
      const [[oldest, { arrays }]] = this.#places;
      this.#stepper.forget(oldest);
      arrays.dispose();
      this.#places.delete(oldest);
    }
    return place;
  }

  #makePlace(batch: Samples): Place {
    const arrays = new Arrays();
    try {
      const make = ({ shape, dtype }: Tensor) => arrays.tensor(this.#device, shape, dtype);
      return { samples: mapSamples(batch, batch.count, make), arrays };
    } catch (error) {
      arrays.dispose();
      throw error;
    }
  }

  #body({ x, y, weights }: Samples): void {
    noteStep(this.step({ x, y, weights }), {
      losses: this.#losses,
      counters: this.#number,
      advance: this.#one,
    });
  }
}

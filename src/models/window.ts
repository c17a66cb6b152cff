// How do steps see data that stays on another device? Through a window on the model's device, into which some rows at a time are
// brought: gathered where they lie, in the order of the epoch, and passed through the host.

import type { Device } from "../native/device.ts";
import { type DeviceBuffer, type Tensor, writeHost } from "../tensor.ts";
import { Arrays } from "./arrays.ts";
import { mapSamples, type Samples } from "./data.ts";
import type { Feed, Place } from "./feed.ts";
import { type Host, hostFor, rowSize, transfer } from "./transfer.ts";

// One tensor's way. What lies on the model's device is gathered into the window at once.
interface Lane {
  readonly from: Tensor;
  readonly gathered: Tensor | null;
  readonly shown: Tensor;
}

// The order of the epoch on a device with data, and where in it to begin.
interface Order {
  readonly rows: DeviceBuffer; // int32 [count]
  readonly start: DeviceBuffer; // int32 [1]
}

/**
 * `size` rows of some data on a device. One buffer is enough: on a GPU rows on their way wait in the library until the steps that
 * were asked for before are done with those at hand, while all else about them is done already.
 */
export class Window implements Feed {
  readonly samples: Samples;
  readonly index: DeviceBuffer; // 0, 1, 2, ...: the rows lie in order
  readonly #arrays = new Arrays();
  readonly #lanes: Lane[] = [];
  readonly #orders = new Map<Device, Order>();
  readonly #host: Host;
  #first = 0; // what is at hand of the epoch's rows: [first, end)
  #end = 0;

  /** `size` is at most the number of samples. */
  constructor(readonly data: Samples, readonly size: number, readonly device: Device) {
    try {
      this.index = this.#arrays.make(device, "int32", size);
      writeHost(this.index, Int32Array.from({ length: size }, (_, i) => i));
      this.samples = mapSamples(data, size, (t) => this.#open(t).shown);
      this.#host = hostFor(this.#lanes.flatMap((lane) => lane.gathered ?? []), size);
    } catch (error) {
      this.dispose();
      throw error;
    }
  }

  begin(order: Int32Array): void {
    for (const { rows } of this.#orders.values()) writeHost(rows, order);
    this.#first = this.#end = 0;
  }

  seek(row: number): Place {
    if (row < this.#first || row >= this.#end) this.#bring(row);
    const rows = this.#end - row;
    return { position: this.size - rows, rows };
  }

  ahead(row: number): void {
    if (row === this.#end && row < this.data.count) this.#bring(row);
  }

  dispose(): void {
    this.#arrays.dispose();
  }

  #open(from: Tensor): Lane {
    const shape = [this.size, ...from.shape.slice(1)];
    const make = (device: Device) => this.#arrays.tensor(device, shape, from.dtype);
    const gathered = from.device === this.device ? null : make(from.device);
    const lane = { from, gathered, shown: make(this.device) };
    this.#lanes.push(lane);
    if (!this.#orders.has(from.device)) {
      this.#orders.set(from.device, {
        rows: this.#arrays.make(from.device, "int32", this.data.count),
        start: this.#arrays.make(from.device, "int32", 1),
      });
    }
    return lane;
  }

  // Brings the rows from `first` on. The last ones of an epoch come to stand at the window's end, behind some that do not count any
  // more, so that all gatherings are of one size.
  #bring(first: number): void {
    const { count } = this.data, { size } = this;
    const start = Math.min(first, count - size);
    for (const [{ native }, order] of this.#orders) {
      native.check(native.calls.dg_fill(order.start.handle, start));
    }
    for (const { from, gathered, shown } of this.#lanes) {
      const { native } = from.device, { rows, start: at } = this.#orders.get(from.device)!;
      const to = gathered ?? shown, inner = rowSize(from), old = (first - start) * inner;
      native.check(
        native.calls.dg_gather(
          from.handle,
          rows.handle,
          at.handle,
          to.handle,
          1,
          count,
          size,
          inner,
        ),
      );
      if (!gathered) continue;
      const spots = [{ tensor: gathered, at: old }, { tensor: shown, at: old }] as const;
      transfer(...spots, shown.size - old, this.#host);
    }
    this.#first = first;
    this.#end = start + size;
  }
}

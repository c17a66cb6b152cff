// Where do steps find their rows? On the model's device: here in the data itself or a whole copy of it.

import type { Device } from "../native/device.ts";
import { type DeviceBuffer, writeHost } from "../tensor.ts";
import { Arrays } from "./arrays.ts";
import { mapSamples, type Samples, tensorsOf } from "./data.ts";
import { hostFor, transfer } from "./transfer.ts";

/** Rows of an epoch that are at hand. */
export interface Place {
  /** Where in the index the first one stands. */
  readonly position: number;
  /** How many there are. */
  readonly rows: number;
}

/** What steps gather their batches from, by an index. */
export interface Feed {
  /** Tensors on the model's device. They and the index stay the same ones from the second `seek` on. */
  readonly samples: Samples;
  /** Which rows of the samples come one after another, int32. */
  readonly index: DeviceBuffer;
  /** Starts an epoch over the data's rows in this order. */
  begin(order: Int32Array): void;
  /** Has the epoch's rows from this one on at hand, a batch at least. A step follows each call. */
  seek(row: number): Place;
  /** Fetches the rows from this one on, if they come next, while the device is at work on what was at hand. */
  ahead(row: number): void;
  /** Gives back what it made. */
  dispose(): void;
}

/** Everything is on the device: the index is the epoch's order. */
export class Resident implements Feed {
  readonly index: DeviceBuffer;
  readonly #arrays: Arrays;

  constructor(readonly samples: Samples, device: Device, arrays = new Arrays()) {
    this.#arrays = arrays;
    this.index = arrays.make(device, "int32", samples.count);
  }
  begin(order: Int32Array): void {
    writeHost(this.index, order);
  }
  seek(row: number): Place {
    return { position: row, rows: this.samples.count - row };
  }
  ahead(): void {}
  dispose(): void {
    this.#arrays.dispose();
  }
}

/** A resident feed over copies of what is elsewhere. */
export function copyOf(data: Samples, device: Device): Resident {
  const arrays = new Arrays(), host = hostFor(tensorsOf(data), data.count);
  try {
    const samples = mapSamples(data, data.count, (t) => {
      if (t.device === device) return t;
      const copy = arrays.tensor(device, t.shape, t.dtype);
      transfer({ tensor: t, at: 0 }, { tensor: copy, at: 0 }, t.size, host);
      return copy;
    });
    return new Resident(samples, device, arrays);
  } catch (error) {
    arrays.dispose();
    throw error;
  }
}

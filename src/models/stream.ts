// What becomes of data on another device than the model's? It is copied where there is room for all of it, and else stays where it
// is, with a window moving over it.

import { dtypeBytes } from "../dtype.ts";
import type { Device } from "../native/device.ts";
import { OutOfMemoryError } from "../native/native.ts";
import type { DeviceBuffer } from "../tensor.ts";
import { type Samples, tensorsOf } from "./data.ts";
import { copyOf, type Feed, type Place, Resident } from "./feed.ts";
import { rowBytes } from "./transfer.ts";
import { Window } from "./window.ts";

/** The feed for some data; `passes` says how often it will be gone through. */
export function makeFeed(data: Samples, batchSize: number, passes: number, device: Device): Feed {
  const here = tensorsOf(data).every((t) => t.device === device);
  return here ? new Resident(data, device) : new Stream(data, batchSize, passes, device);
}

// Most that a window takes: enough that calls per window do not count, and no more than a GPU's library can have on its way at once.
const WINDOW_BYTES = 4 * 2 ** 20;

// An arena takes its memory in pieces of 2 MiB.
const PIECES = 2 * 2 ** 21;

/** Bytes that a device can still give, its cap and what its pool holds ready considered. */
function left(device: Device): number {
  const limit = device.memory("limit") || Infinity;
  return Math.min(
    limit - device.memory("live"),
    device.number("memoryFree") + device.memory("cached"),
  );
}

/** What `fn` makes; undefined where that takes more memory than there is. */
function unlessFull<T>(fn: () => T): T | undefined {
  try {
    return fn();
  } catch (error) {
    if (error instanceof OutOfMemoryError) return undefined;
    throw error;
  }
}

// Nobody knows what a step needs before one has run, so the first runs on a window of one batch, with the pool emptied before it: by
// what the pool holds more afterwards, the step has taken and given back. It keeps that, for the first step of another batch size or
// of the validation, and twice as much is left for the recordings' arena, which is cut from larger pieces. If all the data fits into
// what is then left, and is gone through again, it is copied; else the window widens, to half of that at most.
class Stream implements Feed {
  #now: Feed;
  #order!: Int32Array;
  #seeks = 0;
  #pooled = 0; // bytes that the pool could not give back: free parts of what is in use

  constructor(
    readonly data: Samples,
    readonly batchSize: number,
    readonly passes: number,
    readonly device: Device,
  ) {
    this.#now = this.#window(batchSize);
  }

  get samples(): Samples {
    return this.#now.samples;
  }
  get index(): DeviceBuffer {
    return this.#now.index;
  }

  begin(order: Int32Array): void {
    this.#order = order;
    this.#now.begin(order);
  }

  // Called before the first step, after it, and whenever more steps follow.
  seek(row: number): Place {
    this.#seeks++;
    if (this.#seeks === 1) this.#emptyPool();
    else if (this.#seeks === 2) this.#settle();
    return this.#now.seek(row);
  }

  ahead(row: number): void {
    if (this.#seeks > 1) this.#now.ahead(row);
  }

  dispose(): void {
    this.#now.dispose();
  }

  #emptyPool(): void {
    const { native, index } = this.device;
    native.check(native.calls.dg_trim(index));
    this.#pooled = this.device.memory("cached");
  }

  #settle(): void {
    const pooled = this.device.memory("cached"), step = Math.max(0, pooled - this.#pooled);
    const spare = left(this.device) - pooled - 2 * step - PIECES;
    const better = this.#copy(spare) ?? this.#wider(spare / 2);
    if (!better) return;
    this.#now.dispose();
    this.#now = better;
    better.begin(this.#order);
  }

  #copy(most: number): Feed | undefined {
    const { data, device, passes } = this;
    const away = tensorsOf(data).filter((t) => t.device !== device);
    const bytes = away.reduce((sum, t) => sum + t.size * dtypeBytes[t.dtype], 0);
    return passes > 1 && bytes <= most ? unlessFull(() => copyOf(data, device)) : undefined;
  }

  #wider(most: number): Feed | undefined {
    const { data, device, batchSize } = this, tensors = tensorsOf(data);
    const sources = tensors.map((t) => t.device).filter((d) => d !== device);
    const bytes = Math.min(WINDOW_BYTES, most, ...sources.map((d) => left(d) / 2));
    const perRow = tensors.reduce((sum, t) => sum + rowBytes(t), dtypeBytes.int32);
    const batches = Math.floor(bytes / perRow / batchSize);
    return batches > 1 ? unlessFull(() => this.#window(batches * batchSize)) : undefined;
  }

  #window(rows: number): Window {
    return new Window(this.data, Math.min(rows, this.data.count), this.device);
  }
}

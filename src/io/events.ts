// What do TensorBoard's event files consist of? Records with checks, each an event: a time, a step, and a scalar or a histogram.

import { appendBytes } from "./files.ts";
import { crc32c } from "./crc32c.ts";
import { Message } from "./protobuf.ts";

/** A check as records hold it: rotated and moved, so that the check of a record with checks in it says something. */
function masked(bytes: Uint8Array): number {
  const crc = crc32c(bytes);
  return (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0;
}

/** Data as a record: its length, the length's check, the data, the data's check. */
export function record(data: Uint8Array): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(8 + 4 + data.length + 4), view = new DataView(bytes.buffer);
  view.setBigUint64(0, BigInt(data.length), true);
  view.setUint32(8, masked(bytes.subarray(0, 8)), true);
  bytes.set(data, 12);
  view.setUint32(12 + data.length, masked(data), true);
  return bytes;
}

// Numbers of fields and enumerations in TensorFlow's event.proto, summary.proto, tensor.proto and types.proto.
const event = { wallTime: 1, step: 2, fileVersion: 3, summary: 5 };
const value = { tag: 1, tensor: 8, metadata: 9 };
const tensor = { dtype: 1, shape: 2, content: 4 };
const dataType = { float: 1, double: 2 };
const dataClass = { scalar: 1, tensor: 2 };

function tensorOf(
  dtype: number,
  shape: readonly number[],
  values: Float32Array | Float64Array,
): Message {
  const dims = new Message();
  for (const size of shape) dims.message(2, new Message().integer(1, size));
  const { buffer, byteOffset, byteLength } = values;
  return new Message().integer(tensor.dtype, dtype).message(tensor.shape, dims)
    .bytes(tensor.content, new Uint8Array(buffer, byteOffset, byteLength));
}

// What has one plugin of TensorBoard show a value.
function metadataFor(plugin: string, kind: number): Message {
  return new Message().message(1, new Message().text(1, plugin)).integer(4, kind);
}

/** A number under a tag. */
export function scalarSummary(tag: string, number: number): Message {
  return new Message().message(
    1,
    new Message().text(value.tag, tag)
      .message(value.tensor, tensorOf(dataType.float, [], Float32Array.of(number)))
      .message(value.metadata, metadataFor("scalars", dataClass.scalar)),
  );
}

/** Rows of a histogram of the finite values: left edge, right edge, count. */
export function histogramOf(values: ArrayLike<number>, buckets = 30): Float64Array {
  const finite = Array.from(values).filter(Number.isFinite);
  if (finite.length === 0) return new Float64Array(0);
  let min = Infinity, max = -Infinity;
  for (const v of finite) {
    if (v < min) min = v;
    if (v > max) max = v;
  }
  if (min === max) return Float64Array.of(min - 0.5, min + 0.5, finite.length);
  const rows = new Float64Array(3 * buckets), width = (max - min) / buckets;
  for (let i = 0; i < buckets; i++) {
    rows[3 * i] = min + i * width;
    rows[3 * i + 1] = i === buckets - 1 ? max : min + (i + 1) * width;
  }
  for (const v of finite) rows[3 * Math.min(Math.floor((v - min) / width), buckets - 1) + 2]++;
  return rows;
}

/** A histogram of values under a tag. */
export function histogramSummary(tag: string, values: ArrayLike<number>): Message {
  const rows = histogramOf(values);
  return new Message().message(
    1,
    new Message().text(value.tag, tag)
      .message(value.tensor, tensorOf(dataType.double, [rows.length / 3, 3], rows))
      .message(value.metadata, metadataFor("histograms", dataClass.tensor)),
  );
}

let files = 0;

/** A file of events in a folder, made with the first of them. */
export class EventFile {
  readonly #path: string;
  #waiting: Uint8Array<ArrayBuffer>[] = [];

  constructor(folder: string) {
    const seconds = Math.floor(Date.now() / 1000);
    this.#path = `${folder}/events.out.tfevents.${seconds}.dinograd.${Deno.pid}.${files++}.v2`;
    this.#add(new Message().text(event.fileVersion, "brain.Event:2"));
  }

  /** Adds a summary at a step. */
  add(summary: Message, step: number): void {
    this.#add(new Message().integer(event.step, step).message(event.summary, summary));
  }

  /** Writes what was added. */
  async flush(): Promise<void> {
    for (const bytes of this.#waiting.splice(0)) await appendBytes(this.#path, bytes);
  }

  #add(message: Message): void {
    const time = new Message().double(event.wallTime, Date.now() / 1000).encode();
    const rest = message.encode(), all = new Uint8Array(time.length + rest.length);
    all.set(time);
    all.set(rest, time.length);
    this.#waiting.push(record(all));
  }
}

// What is in a safetensors file, and what is wrong with a bad one? The length of a header (8 bytes, little-endian), a header in JSON that
// says name, type, shape and place of each array, and the values. Nothing is believed before it is compared with the file.

import { type DType, dtypeBytes } from "../dtype.ts";
import { DinogradError } from "../errors.ts";
import { isRecord } from "../data/elements.ts";

/** One array: its type, its shape and its values, little-endian. */
export interface RawArray {
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** What a file holds. */
export interface Safetensors {
  readonly arrays: ReadonlyMap<string, RawArray>;
  /** Free texts by name. */
  readonly metadata: ReadonlyMap<string, string>;
}

/** Most bytes that a header may have. */
export const MAX_HEADER = 100_000_000;

const names: Readonly<Record<DType, string>> = {
  float32: "F32",
  float16: "F16",
  bfloat16: "BF16",
  int32: "I32",
  uint8: "U8",
  bool: "BOOL",
};
const dtypes = new Map(Object.entries(names).map(([dtype, name]) => [name, dtype as DType]));

/** Whether something goes as the name of an array: it may look like a path, but never like one that leads out of a folder. */
function isName(name: string): boolean {
  // deno-lint-ignore no-control-regex
  return name !== "" && name !== "__metadata__" && !/[\x00-\x1f\\]/.test(name) &&
    !name.startsWith("/") && !name.split("/").some((part) => part === ".." || part === ".");
}

/** The bytes of a file with these arrays, the widest types first, so that all values are aligned. */
export function encodeSafetensors(
  arrays: ReadonlyMap<string, RawArray>,
  metadata: ReadonlyMap<string, string> = new Map(),
): Uint8Array<ArrayBuffer> {
  const entries = [...arrays].sort(([, a], [, b]) => dtypeBytes[b.dtype] - dtypeBytes[a.dtype]);
  const header: [string, unknown][] = metadata.size > 0
    ? [["__metadata__", Object.fromEntries(metadata)]]
    : [];
  let end = 0;
  for (const [name, { dtype, shape, bytes }] of entries) {
    if (!isName(name)) {
      throw new DinogradError(`${JSON.stringify(name)} cannot be the name of an array in a file`);
    }
    const begin = end;
    end += bytes.length;
    header.push([name, { dtype: names[dtype], shape, data_offsets: [begin, end] }]);
  }
  const json = new TextEncoder().encode(JSON.stringify(Object.fromEntries(header)));
  const length = Math.ceil(json.length / 8) * 8;
  if (length > MAX_HEADER) {
    throw new DinogradError(
      `A header may have ${MAX_HEADER} bytes at most, this one has ${length}`,
    );
  }
  const file = new Uint8Array(8 + length + end);
  new DataView(file.buffer).setBigUint64(0, BigInt(length), true);
  file.set(json, 8);
  file.fill(0x20, 8 + json.length, 8 + length);
  let at = 8 + length;
  for (const [, { bytes }] of entries) {
    file.set(bytes, at);
    at += bytes.length;
  }
  return file;
}

const isSize = (value: unknown): value is number =>
  Number.isSafeInteger(value) && value as number >= 0;

/** The arrays of a file, as parts of its bytes; `file` stands for it in messages. */
export function decodeSafetensors(
  bytes: Uint8Array<ArrayBuffer>,
  file = "the safetensors data",
): Safetensors {
  const wrong = (text: string) => new DinogradError(`${file} ${text}`);
  if (bytes.length < 8) throw wrong(`must have 8 bytes at least, got ${bytes.length}`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const length = view.getBigUint64(0, true);
  if (length > BigInt(Math.min(MAX_HEADER, bytes.length - 8))) {
    throw wrong(
      `says that its header has ${length} bytes: wanted ${
        Math.min(MAX_HEADER, bytes.length - 8)
      } at most, as the file has ${bytes.length}`,
    );
  }
  const start = 8 + Number(length), data = bytes.subarray(start);
  let header: unknown;
  try {
    const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(
      bytes.subarray(8, start),
    );
    if (!text.startsWith("{")) throw new Error("it does not begin with {");
    header = JSON.parse(text);
  } catch (error) {
    throw wrong(`has a header that is no JSON: ${(error as Error).message}`);
  }
  const arrays = new Map<string, RawArray>(), metadata = new Map<string, string>();
  const places: { name: string; begin: number; end: number }[] = [];
  for (const [name, entry] of Object.entries(header as object) as [string, unknown][]) {
    if (!isRecord(entry)) throw wrong(`has no object under ${JSON.stringify(name)}`);
    if (name === "__metadata__") {
      for (const [key, value] of Object.entries(entry)) {
        if (typeof value !== "string") throw wrong(`has metadata that is no text: ${key}`);
        metadata.set(key, value);
      }
      continue;
    }
    if (!isName(name)) throw wrong(`names an array ${JSON.stringify(name)}, which is no name`);
    const what = `array ${JSON.stringify(name)}`, { shape, data_offsets: offsets } = entry;
    const dtype = dtypes.get(entry.dtype as string);
    if (!dtype) {
      throw wrong(
        `has ${what} of type ${entry.dtype}: wanted one of ${[...dtypes.keys()].join(", ")}`,
      );
    }
    if (!Array.isArray(shape) || !shape.every(isSize)) {
      throw wrong(`has ${what} of a shape that is none: ${JSON.stringify(shape)}`);
    }
    if (!Array.isArray(offsets) || offsets.length !== 2 || !offsets.every(isSize)) {
      throw wrong(`has ${what} at a place that is none: ${JSON.stringify(offsets)}`);
    }
    const [begin, end] = offsets as number[];
    if (begin > end || end > data.length) {
      throw wrong(
        `has ${what} at [${begin},${end}], outside of its ${data.length} bytes of values`,
      );
    }
    // A product beyond 2^53 is inexact, but stays far above what any file holds.
    const size = shape.includes(0) ? 0 : shape.reduce((n, d) => n * d, dtypeBytes[dtype]);
    if (size !== end - begin) {
      throw wrong(`has ${what}: ${entry.dtype} [${shape}] needs ${size} bytes, got ${end - begin}`);
    }
    arrays.set(name, { dtype, shape, bytes: data.subarray(begin, end) });
    places.push({ name, begin, end });
  }
  // Without overlaps and holes there is no room for anything else.
  let at = 0;
  for (const { name, begin, end } of places.sort((a, b) => a.begin - b.begin || a.end - b.end)) {
    if (begin !== at) {
      throw wrong(
        `has array ${JSON.stringify(name)} at byte ${begin}, ${
          begin < at ? "over another's values" : "behind a hole"
        }: wanted ${at}`,
      );
    }
    at = end;
  }
  if (at !== data.length) throw wrong(`has ${data.length - at} bytes that belong to no array`);
  return { arrays, metadata };
}

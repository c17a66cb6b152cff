// What do the weights in a file hold, and what is wrong with bad ones? Nothing is believed before it is compared with the bytes that
// are there.

import { isRecord } from "../data/elements.ts";
import { type DType, hostDType, type TypedArray } from "../dtype.ts";
import { DinogradError } from "../errors.ts";
import { showShape } from "../shape.ts";

/** A weight of a file whose place in the bytes is checked. */
export interface StoredWeight {
  readonly name: string;
  readonly shape: readonly number[];
  readonly dtype: DType;
  readonly group: "model" | "optimizer";
  /** How many values it has. */
  readonly size: number;
  /** Its values, decoded anew with each call. */
  values(): TypedArray;
}

/** A weight's description, all of it checked; its bytes lie at a place that is known later. */
export interface CheckedSpec extends Omit<StoredWeight, "values"> {
  /** Number of its bytes in the file. */
  readonly bytes: number;
  read(bytes: Uint8Array<ArrayBuffer>): TypedArray;
}

const widths: Readonly<Record<string, number>> = {
  float32: 4,
  int32: 4,
  float16: 2,
  uint16: 2,
  uint8: 1,
  bool: 1,
};

const isSize = (value: unknown): value is number =>
  Number.isSafeInteger(value) && value as number >= 0;

/** Floats of two bytes as float32. */
function fromHalves(halves: Uint16Array): Float32Array {
  return Float32Array.from(halves, (h) => {
    const sign = h >> 15 ? -1 : 1, exponent = (h >> 10) & 31, fraction = h & 1023;
    if (exponent === 31) return fraction ? NaN : sign * Infinity;
    return exponent === 0
      ? sign * fraction * 2 ** -24
      : sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
  });
}

// Bytes as numbers of a type, wherever the bytes lie.
function numbers(bytes: Uint8Array<ArrayBuffer>, type: string): TypedArray | Uint16Array {
  const { buffer } = bytes.slice();
  if (type === "float32") return new Float32Array(buffer);
  if (type === "int32") return new Int32Array(buffer);
  return widths[type] === 2 ? new Uint16Array(buffer) : new Uint8Array(buffer);
}

/** Checks the description of one weight; `file` stands for its origin in messages. */
function checkSpec(spec: unknown, file: string): CheckedSpec {
  const wrong = (text: string) => new DinogradError(`${file} ${text}`);
  if (!isRecord(spec) || typeof spec.name !== "string" || spec.name === "") {
    throw wrong(`describes a weight without a name: ${JSON.stringify(spec)?.slice(0, 80)}`);
  }
  const { name, shape, dtype, quantization, group = "model" } = spec;
  const what = `weight ${JSON.stringify(name)}`;
  if (typeof dtype !== "string" || !Object.hasOwn(widths, dtype) || dtype === "uint16") {
    throw wrong(
      `has ${what} of type ${JSON.stringify(dtype)}: wanted float32, float16, int32, uint8 or bool`,
    );
  }
  if (!Array.isArray(shape) || !shape.every(isSize)) {
    throw wrong(`has ${what} of a shape that is none: ${JSON.stringify(shape)}`);
  }
  if (group !== "model" && group !== "optimizer") {
    throw wrong(
      `has ${what} of group ${JSON.stringify(group)}: wanted "model" or "optimizer"`,
    );
  }
  let stored = dtype, scale = 1, min = 0;
  if (quantization !== undefined) {
    if (!isRecord(quantization)) {
      throw wrong(`has ${what} with a quantization that is none: ${JSON.stringify(quantization)}`);
    }
    stored = String(quantization.dtype);
    const whole = stored === "uint8" || stored === "uint16";
    if (dtype !== "float32" && !(dtype === "int32" && whole) || !(whole || stored === "float16")) {
      throw wrong(
        `has ${what}, ${dtype} stored as ${stored}: wanted float32 as uint8, uint16 or float16, or int32 as uint8 or uint16`,
      );
    }
    if (whole) {
      ({ scale, min } = quantization as { scale: number; min: number });
      if (!Number.isFinite(scale) || !Number.isFinite(min)) {
        throw wrong(
          `has ${what} quantised with scale ${JSON.stringify(scale)} and min ${
            JSON.stringify(min)
          }: wanted two numbers`,
        );
      }
    }
  }
  // A product beyond 2^53 is inexact, but stays far above what any file holds.
  const size = shape.includes(0) ? 0 : shape.reduce((n, d) => n * d, 1);
  const type: DType = hostDType(dtype as DType);
  const read = (bytes: Uint8Array<ArrayBuffer>): TypedArray => {
    const raw = numbers(bytes, stored);
    if (stored === "float16") return fromHalves(raw as Uint16Array);
    if (quantization === undefined) {
      return dtype === "bool" ? Uint8Array.from(raw, (v) => Number(v !== 0)) : raw as TypedArray;
    }
    const value = (q: number) => q * scale + min;
    return type === "int32"
      ? Int32Array.from(raw, (q) => Math.round(value(q)))
      : Float32Array.from(raw, value);
  };
  return { name, shape, dtype: type, group, size, bytes: size * widths[stored], read };
}

/** Checks descriptions of weights. */
export function checkSpecs(specs: unknown, file: string): CheckedSpec[] {
  if (Array.isArray(specs)) return specs.map((spec) => checkSpec(spec, file));
  throw new DinogradError(`${file} must list its weights, got ${JSON.stringify(specs) ?? "none"}`);
}

/** Number of bytes that weights take. */
export const bytesOf = (specs: readonly CheckedSpec[]): number =>
  specs.reduce((n, { bytes }) => n + bytes, 0);

/** Cuts bytes into the weights that they must be, to the last one. */
export function cutWeights(
  specs: readonly CheckedSpec[],
  data: Uint8Array<ArrayBuffer>,
  file: string,
): StoredWeight[] {
  const wanted = bytesOf(specs);
  if (wanted !== data.length) {
    let end = 0;
    const last = specs.find(({ bytes }) => (end += bytes) > data.length);
    throw new DinogradError(
      `${file} describes weights of ${wanted} bytes, got ${data.length}` +
        (last ? `: they end within "${last.name}" ${showShape(last.shape)}` : ""),
    );
  }
  let at = 0;
  return specs.map(({ bytes, read, ...rest }) => {
    const part = data.subarray(at, at += bytes);
    return { ...rest, values: () => read(part) };
  });
}

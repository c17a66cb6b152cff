// How are signals cut into pieces, and what are the pieces weighted with? (There are no complex numbers, so no Fourier transforms.)

import { DinogradError } from "../errors.ts";
import { showShape } from "../shape.ts";
import { fromHost, type Tensor } from "../tensor.ts";
import { gather } from "./gather.ts";
import { pad, slice } from "./movement.ts";
import { composite, type Operand } from "./operand.ts";

function positive(name: string, what: string, value: number): number {
  if (Number.isInteger(value) && value >= 1) return value;
  throw new DinogradError(`${name} wants a ${what}, a whole number of at least 1, got ${value}`);
}

// a - b cos(2 pi i / n), with n made odd by one, so that windows laid side by side add up.
function cosineWindow(name: string, length: number, a: number, b: number): Tensor {
  const last = positive(name, "length", length) - length % 2 || 1;
  const values = Float32Array.from(
    { length },
    (_, i) => a - b * Math.cos(2 * Math.PI * i / last),
  );
  return fromHost(values, [length], "float32");
}

/** Hann's window: 0.5 - 0.5 cos(2 pi i / n), float32 [windowLength]; n is the length, of odd ones one less. */
export function hannWindow(windowLength: number): Tensor {
  return cosineWindow("signal.hannWindow", windowLength, 0.5, 0.5);
}

/** Hamming's window: 0.54 - 0.46 cos(2 pi i / n), float32 [windowLength]; n is the length, of odd ones one less. */
export function hammingWindow(windowLength: number): Tensor {
  return cosineWindow("signal.hammingWindow", windowLength, 0.54, 0.46);
}

/**
 * Pieces of `frameLength` values that begin every `frameStep`: [samples] to [frames, frameLength]. `padEnd` puts `padValue` behind
 * the signal, so that every step within it begins a piece; else the last pieces that fit are the last.
 *
 * ```ts
 * import * as dg from "../../mod.ts";
 * import assert from "node:assert";
 *
 * assert.deepEqual(dg.signal.frame([1, 2, 3], 2, 1).arraySync(), [[1, 2], [2, 3]]);
 * ```
 */
export function frame(
  signal: Operand,
  frameLength: number,
  frameStep: number,
  padEnd = false,
  padValue = 0,
): Tensor {
  const name = "signal.frame";
  return composite(signal, (t) => {
    const length = positive(name, "frameLength", frameLength);
    const step = positive(name, "frameStep", frameStep), [n] = t.shape;
    if (t.rank !== 1) {
      throw new DinogradError(`${name} wants a signal of rank 1, got ${showShape(t.shape)}`);
    }
    const last = padEnd ? n - 1 : n - length;
    const frames = Math.max(0, Math.floor(last / step) + 1), size = frames * length;
    const index = Int32Array.from(
      { length: size },
      (_, i) => Math.floor(i / length) * step + i % length,
    );
    const reach = frames && (frames - 1) * step + length;
    const long = reach > n ? pad(t, [[0, reach - n]], padValue) : slice(t, [0], [reach]);
    return gather(long, fromHost(index, [frames, length], "int32"));
  });
}

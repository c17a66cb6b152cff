// How is a row of the op table run? On random inputs, with each device in turn, its results held to others.

import assert from "node:assert";
import { Prng } from "../src/data/prng.ts";
import { device, devices } from "../src/native/device.ts";
import { tensor } from "../src/ops/creation.ts";
import { Arena, record } from "../src/record.ts";
import { tidy } from "../src/scope.ts";
import { memory, Tensor, track } from "../src/tensor.ts";
import type { Input, Row } from "./cases.ts";
import "./fixtures.ts"; // exact products
import { count, Plain } from "./plain.ts";

/** One or several, as a list. */
export const listOf = <T>(x: T | T[]): T[] => Array.isArray(x) ? x : [x];
/** Whether it is float32. */
export const isFloat = (x: Input | Tensor) => x.dtype === "float32";
/** Values as a tensor on the current device. */
export const load = (x: Plain, { dtype }: Input) => tensor(x.data, x.shape, dtype);

/** A source of random numbers, the same in every run. */
export function randomFor(row: Row, n: number): Prng {
  return new Prng([...row.name].reduce((h, c) => h * 31 + c.charCodeAt(0) | 0, n));
}

/** Random values for inputs: float32 numbers, whole numbers, bits. */
export function draw(inputs: readonly Input[], prng: Prng): Plain[] {
  return inputs.map(({ shape, dtype, range }) => {
    const value = () => {
      const v = prng.uniform(...range);
      return dtype === "float32" ? Math.fround(v) : Math.floor(v);
    };
    return new Plain(shape, Array.from({ length: count(shape) }, value));
  });
}

/** Runs `fn` with each device in turn as the current one; no tensor may be left over. */
export function onDevices(fn: (name: string) => void): void {
  for (const { name } of devices()) {
    const before = memory().numTensors;
    device(name, () => tidy(() => fn(name)));
    assert.equal(memory().numTensors, before, `tensors left over on ${name}`);
  }
}

/** Holds values to those wanted, which say how far off they may be. */
export function assertClose(
  got: ArrayLike<number>,
  want: ArrayLike<number>,
  bound: (want: number) => number,
  what: string,
): void {
  assert.equal(got.length, want.length, `${what}: number of values`);
  for (let i = 0; i < want.length; i++) {
    const close = Math.abs(got[i] - want[i]) <= bound(want[i]) || Object.is(got[i], want[i]);
    assert.ok(close, `${what}: value ${i} is ${got[i]}, wanted ${want[i]}`);
  }
}

/** Runs a row on descriptions of its inputs and in a recording: both must give what it gives at once. */
export function assertLaterRunsAgree(row: Row, xs: readonly Tensor[], name: string): void {
  const eager = listOf(row.run(...xs));
  const descriptions = xs.map((x) => track(new Tensor(x.shape, x.dtype, null)));
  listOf(row.run(...descriptions)).forEach((y, i) => {
    assert.ok(y.isAbstract);
    assert.deepEqual([y.shape, y.dtype], [eager[i].shape, eager[i].dtype]);
  });
  const arena = new Arena(xs[0].device);
  const { program, result } = record(arena, () => listOf(row.run(...xs)));
  program.replay(2);
  result.forEach((y, i) => {
    assert.deepEqual(y.dataSync(), eager[i].dataSync(), `replayed on ${name}`);
    y.dispose();
  });
  program.dispose();
  arena.dispose();
}

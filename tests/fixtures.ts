// How do tests read reference numbers? Files of cases (tests/fixtures/), tensors in them, and the tolerance they are held to.
// References are float32: whoever imports this file multiplies exactly, on every device.

import assert from "node:assert";
import { config, type DType, Tensor, tensor } from "../mod.ts";
import { type Device, device, devices } from "../src/native/device.ts";

config.enableTensorFloat32Execution(false);

/** A tensor in a fixture. */
export interface FixtureTensor {
  shape: number[];
  dtype: DType;
  data: number[];
}

/** The cases of a file in tests/fixtures. */
// deno-lint-ignore no-explicit-any
export function cases(file: string): any[] {
  return JSON.parse(Deno.readTextFileSync(new URL(`fixtures/${file}`, import.meta.url)));
}

/** A fixture's tensor on the current device. */
export function load(t: FixtureTensor): Tensor {
  return tensor(t.data, t.shape, t.dtype);
}

/** Holds values to reference numbers: |got - expected| <= atol + rtol * |expected|. */
export function close(
  got: ArrayLike<number> | Tensor,
  expected: ArrayLike<number>,
  what: string,
  { rtol = 1e-4, atol = 1e-5 }: { rtol?: number; atol?: number } = {},
): void {
  const values = got instanceof Tensor ? got.dataSync() : got;
  assert.equal(values.length, expected.length, `${what}: number of values`);
  for (let i = 0; i < expected.length; i++) {
    const bound = atol + rtol * Math.abs(expected[i]);
    const same = Object.is(values[i], expected[i]) || values[i] === expected[i];
    assert.ok(
      same || Math.abs(values[i] - expected[i]) <= bound,
      `${what}: value ${i} is ${values[i]}, expected ${expected[i]}`,
    );
  }
}

/** One test per device present, run with that device as the current one. */
export function onEachDevice(name: string, fn: (device: Device) => void | Promise<void>): void {
  for (const d of devices()) {
    Deno.test(`${name} on ${d.name}`, () => device(d.name, () => fn(d)));
  }
}

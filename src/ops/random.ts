// Where do random tensors come from? Counter-based generators (Philox) whose state lives on the device, so that a replayed step
// draws anew each time.

import { type DType, isFloat } from "../dtype.ts";
import { DinogradError } from "../errors.ts";
import { currentDevice, type Device } from "../native/device.ts";
import { tidy } from "../scope.ts";
import { checkShape } from "../shape.ts";
import { allocate, type DeviceBuffer, makeTensor, type Tensor, writeHost } from "../tensor.ts";
import { asType } from "./cast.ts";

// What tells the generators apart that grow from one seed: the second word of their key.
const Stream = { explicit: 0, global: 1, first: 2 } as const;

/** The state of a generator: an int32 array of key and counter, which every draw advances. */
export class RandomState {
  readonly #storage: DeviceBuffer;

  /** `stream` tells generators of one seed apart. */
  constructor(device: Device, seed: number, stream: number = Stream.explicit) {
    this.#storage = allocate(device, "int32", 4, true);
    this.reset(seed, stream);
  }
  /** Where it lives. */
  get device(): Device {
    return this.#storage.device;
  }
  /** Number of the native array. */
  get handle(): number {
    return this.#storage.handle;
  }
  /** Starts again from a seed, of which the lowest 32 bits count. */
  reset(seed: number, stream: number = Stream.explicit): void {
    writeHost(this.#storage, Int32Array.of(seed | 0, stream, 0, 0));
  }
  /** Key and counter: what a generator must take over to go on from here. Waits for the device. */
  get state(): readonly number[] {
    const values = new Int32Array(4);
    this.device.native.download(this.handle, 0, new Uint8Array(values.buffer));
    return [...values];
  }
  set state(values: readonly number[]) {
    writeHost(this.#storage, Int32Array.from(values));
  }
  /** A copy of it, int32 [4], which stays on the device. */
  snapshot(): Tensor {
    const copy = makeTensor([4], "int32", this.device), { native } = this.device;
    native.check(native.calls.dg_copy(this.handle, copy.handle));
    return copy;
  }
  /** Goes back to a snapshot. */
  restore(snapshot: Tensor): void {
    const { native } = this.device;
    native.check(native.calls.dg_copy(snapshot.handle, this.handle));
  }
  /** Gives the memory back. */
  dispose(): void {
    this.#storage.release();
  }
}

let globalSeed: number | undefined;
let streams = 0;
const states = new Map<Device, RandomState>();

// Chosen by chance, once, unless setRandomSeed was called.
function theSeed(): number {
  return globalSeed ??= Math.floor(Math.random() * 2 ** 32);
}

/** Makes everything random that is not given a seed of its own the same from now on. */
export function setRandomSeed(seed: number): void {
  if (!Number.isFinite(seed)) throw new DinogradError(`setRandomSeed wants a number, got ${seed}`);
  globalSeed = seed;
  streams = 0;
  for (const state of states.values()) state.reset(seed, Stream.global);
}

/** A generator of its own, for a layer or an initializer: from `seed`, or else the next stream of the global seed. */
export function newRandomState(device: Device, seed?: number): RandomState {
  return seed === undefined
    ? new RandomState(device, theSeed(), Stream.first + streams++)
    : new RandomState(device, seed);
}

/** A seed for a generator on the host, from the next stream of the global seed. */
export function nextSeed(): number {
  return theSeed() + (Stream.first + streams++) * 2 ** 32;
}

/** What a draw takes its numbers from: a generator, a seed for a fresh one, or the device's own generator. */
export type Source = RandomState | number | undefined;

/** The generator behind everything on a device that is not given a seed or a generator. */
export function globalState(device: Device): RandomState {
  let state = states.get(device);
  if (!state) states.set(device, state = new RandomState(device, theSeed(), Stream.global));
  return state;
}

type Distribution = "uniform" | "normal" | "truncatedNormal" | "bernoulli" | "uniformInt";

function draw(
  distribution: Distribution,
  shape: readonly number[],
  dtype: DType,
  a: number,
  b: number,
  source: Source,
): Tensor {
  checkShape(shape, distribution);
  const device = source instanceof RandomState ? source.device : currentDevice();
  const { native } = device;
  const y = makeTensor([...shape], dtype, device);
  if (y.isAbstract) return y;
  const id = native.id("random", distribution);
  const fill = (state: number) => native.check(native.calls.dg_random(id, state, y.handle, a, b));
  if (typeof source !== "number") {
    fill((source ?? globalState(device)).handle);
    return y;
  }
  // The copy is what a draw advances: a replayed step copies again, and so draws what the step by itself would.
  const fresh = new RandomState(device, source), copy = allocate(device, "int32", 4);
  native.check(native.calls.dg_copy(fresh.handle, copy.handle));
  fill(copy.handle);
  fresh.dispose();
  copy.release();
  return y;
}

function drawAs(
  distribution: Distribution,
  shape: readonly number[],
  dtype: DType,
  a: number,
  b: number,
  source: Source,
): Tensor {
  if (isFloat(dtype)) return draw(distribution, shape, dtype, a, b, source);
  return tidy(() => asType(draw(distribution, shape, "float32", a, b, source), dtype));
}

/** Numbers evenly spread over [minval, maxval); int32: whole ones. Rounding to 16 bits may lead to maxval itself. */
export function randomUniform(
  shape: readonly number[],
  minval = 0,
  maxval = 1,
  dtype: DType = "float32",
  seed?: Source,
): Tensor {
  return dtype === "int32"
    ? draw("uniformInt", shape, dtype, minval, maxval, seed)
    : drawAs("uniform", shape, dtype, minval, maxval, seed);
}

/** Whole numbers (int32) evenly spread over [minval, maxval). */
export function randomUniformInt(
  shape: readonly number[],
  minval: number,
  maxval: number,
  seed?: Source,
): Tensor {
  if (!(maxval > minval)) {
    throw new DinogradError(`randomUniformInt wants minval < maxval, got ${minval} and ${maxval}`);
  }
  return draw("uniformInt", shape, "int32", minval, maxval, seed);
}

/** Normally distributed numbers. */
export function randomNormal(
  shape: readonly number[],
  mean = 0,
  stdDev = 1,
  dtype: DType = "float32",
  seed?: Source,
): Tensor {
  return drawAs("normal", shape, dtype, mean, stdDev, seed);
}

/** Normally distributed numbers with mean 0 and deviation 1. */
export function randomStandardNormal(
  shape: readonly number[],
  dtype: DType = "float32",
  seed?: Source,
): Tensor {
  return randomNormal(shape, 0, 1, dtype, seed);
}

/** Normally distributed numbers within two deviations of the mean. */
export function truncatedNormal(
  shape: readonly number[],
  mean = 0,
  stdDev = 1,
  dtype: DType = "float32",
  seed?: Source,
): Tensor {
  return drawAs("truncatedNormal", shape, dtype, mean, stdDev, seed);
}

/** 1 with probability p, else 0. */
export function bernoulli(
  shape: readonly number[],
  p: number,
  seed?: Source,
  dtype: DType = "float32",
): Tensor {
  if (!(p >= 0 && p <= 1)) {
    throw new DinogradError(`bernoulli wants a probability from 0 to 1, got ${p}`);
  }
  return drawAs("bernoulli", shape, dtype, p, 0, seed);
}

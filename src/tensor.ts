// What is a tensor? A shape and a type over a buffer on a device. Tensors never change; variables (variable.ts) do.

import { type DType, dtypeBytes, dtypeId, hostDType, type TypedArray } from "./dtype.ts";
import { DinogradError } from "./errors.ts";
import { formatTensor, nest, type NestedArray } from "./format.ts";
import { currentDevice, type Device } from "./native/device.ts";
import { scopes } from "./scope.ts";
import { showShape, sizeOf } from "./shape.ts";

/** Shape and type of a tensor; unknown dimensions are NaN. */
export interface Spec {
  readonly shape: readonly number[];
  readonly dtype: DType;
}

const counts = { tensors: 0, buffers: 0, bytes: 0 };

// A safety net only: a buffer whose last tensor was forgotten rather than disposed of is given back when the engine notices.
const forgotten = new FinalizationRegistry<{ device: Device; handle: number; bytes: number }>(
  ({ device, handle, bytes }) => {
    device.native.calls.dg_free(handle);
    counts.buffers--;
    counts.bytes -= bytes;
  },
);

/** A native array and how many tensors share it. */
export class DeviceBuffer {
  #refs = 1;
  #handle: number;

  /** Takes over the native array `handle`. */
  constructor(readonly device: Device, handle: number, readonly bytes: number) {
    this.#handle = handle;
    counts.buffers++;
    counts.bytes += bytes;
    this.#watch();
  }

  /** Number of the native array. */
  get handle(): number {
    return this.#handle;
  }
  /** Tensors (and tapes) that share the array. */
  get refs(): number {
    return this.#refs;
  }
  /** One more sharer. */
  retain(): this {
    this.#refs++;
    return this;
  }
  /** One sharer less; the last one frees the array. */
  release(): void {
    if (--this.#refs > 0) return;
    forgotten.unregister(this);
    this.device.native.calls.dg_free(this.#handle);
    counts.buffers--;
    counts.bytes -= this.bytes;
  }
  /** Swaps arrays with another storage of the same size on the same device. */
  exchange(other: DeviceBuffer): void {
    [this.#handle, other.#handle] = [other.#handle, this.#handle];
    for (const storage of [this, other]) {
      forgotten.unregister(storage);
      storage.#watch();
    }
  }
  #watch(): void {
    const { device, bytes } = this;
    forgotten.register(this, { device, handle: this.#handle, bytes }, this);
  }
}

/** A new native array. `persistent`: it outlives the recording it is made in. */
export function allocate(
  device: Device,
  dtype: DType,
  size: number,
  persistent = false,
): DeviceBuffer {
  const { native } = device;
  const handle = native.check(
    native.calls.dg_alloc(device.index, dtypeId[dtype], size, persistent ? 1 : 0),
  );
  return new DeviceBuffer(device, handle, size * dtypeBytes[dtype]);
}

// A new array of another type with the same values.
function converted(from: DeviceBuffer, dtype: DType, size: number): DeviceBuffer {
  const { native } = from.device;
  const storage = allocate(from.device, dtype, size);
  try {
    native.check(native.calls.dg_cast(from.handle, storage.handle));
  } catch (error) {
    storage.release();
    throw error;
  }
  return storage;
}

let nextId = 1;

/**
 * An n-dimensional array of numbers on a device, row-major and immutable.
 *
 * Operations are functions (`add(a, b)`) and methods (`a.add(b)`). Every tensor holds device memory until it is disposed of,
 * by `dispose()` or by the `tidy` around it.
 */
export class Tensor {
  /** Identity, also of the aliases a gradient tape keeps. */
  readonly id: number;
  /** Sizes of the dimensions, slowest first. */
  readonly shape: number[];
  /** Element type. */
  readonly dtype: DType;
  /** Number of elements. */
  readonly size: number;
  /** Whether `tidy` leaves it alone. */
  kept = false;
  /** The buffer, while there is one. */
  protected backing: DeviceBuffer | null;
  #disposed = false;
  #attached: Tensor[] | undefined;

  /** Not for users: see `tensor`, `zeros` and the other creation functions. `storage` null: only described. */
  constructor(shape: readonly number[], dtype: DType, storage: DeviceBuffer | null, id = nextId++) {
    this.id = id;
    this.shape = shape as number[];
    this.dtype = dtype;
    this.size = sizeOf(shape);
    this.backing = storage;
    if (storage) counts.tensors++;
  }

  /** Number of dimensions. */
  get rank(): number {
    return this.shape.length;
  }
  /** Number of dimensions, under its other name. */
  get rankType(): string {
    return String(this.shape.length);
  }
  /** Whether its memory was given back. */
  get isDisposed(): boolean {
    return this.#disposed;
  }
  /** Whether it is a description without values, as layers see while a model is being put together. */
  get isAbstract(): boolean {
    return this.backing === null && !this.#disposed;
  }
  /** The buffer behind it. */
  get storage(): DeviceBuffer {
    if (this.backing) return this.backing;
    throw new DinogradError(
      this.#disposed
        ? `Tensor ${showShape(this.shape)} was disposed of and cannot be used any more`
        : `Tensor ${showShape(this.shape)} is only described and has no values`,
    );
  }
  /** Number of its native array. */
  get handle(): number {
    return (this.backing ?? this.storage).handle;
  }
  /** The device it lives on. */
  get device(): Device {
    return (this.backing ?? this.storage).device;
  }

  /** Another tensor over the same buffer, with the same identity: what a tape keeps. Not tracked by `tidy`. */
  alias(): Tensor {
    return new Tensor(this.shape, this.dtype, this.backing && this.storage.retain(), this.id);
  }

  /** An alias of `other` that lives as long as this tensor: what goes with its values, such as a mask. */
  attach(other: Tensor): Tensor {
    const alias = other.alias();
    (this.#attached ??= []).push(alias);
    return alias;
  }
  /** Gives back what was attached. */
  detach(): void {
    for (const alias of this.#attached ?? []) alias.dispose();
    this.#attached = undefined;
  }

  /** Gives its memory back. Doing so twice is harmless. */
  dispose(): void {
    if (this.#disposed) return;
    this.#disposed = true;
    this.detach();
    if (!this.backing) return;
    counts.tensors--;
    this.backing.release();
    this.backing = null;
  }
  /** `using x = ...` disposes of x at the end of its block. */
  [Symbol.dispose](): void {
    this.dispose();
  }

  /** Its values, row-major. Waits for the device. */
  dataSync(): TypedArray {
    const { storage, dtype, size } = this;
    const type = hostDType(dtype);
    const out = type === "float32"
      ? new Float32Array(size)
      : type === "int32"
      ? new Int32Array(size)
      : new Uint8Array(size);
    const source = type === dtype ? storage.retain() : converted(storage, type, size);
    try {
      storage.device.native.download(source.handle, 0, new Uint8Array(out.buffer));
    } finally {
      source.release();
    }
    return out;
  }
  /** Its values, row-major. */
  data(): Promise<TypedArray> {
    return Promise.resolve().then(() => this.dataSync());
  }
  /** Its values as nested arrays; a number for a scalar. */
  arraySync(): NestedArray {
    return nest(this.dataSync(), this.shape);
  }
  /** Its values as nested arrays; a number for a scalar. */
  array(): Promise<NestedArray> {
    return Promise.resolve().then(() => this.arraySync());
  }
  /** Prints its values; `verbose` adds type and shape. */
  print(verbose = false): void {
    console.log(this.toString(verbose));
  }
  /** Its values as text, long dimensions abbreviated. */
  toString(verbose = false): string {
    const values = this.isAbstract || this.#disposed ? null : this.dataSync();
    return formatTensor(this.shape, this.dtype, values, verbose);
  }
  /** What `console.log` shows. */
  [Symbol.for("Deno.customInspect")](): string {
    return this.toString(true);
  }
}

/** A tensor that is written to memory when somebody asks for that. */
export abstract class Unwritten extends Tensor {
  readonly #device: Device;

  /** Not for users. */
  constructor(shape: readonly number[], dtype: DType, device: Device, id?: number) {
    super(shape, dtype, null, id);
    this.#device = device;
  }
  /** Writes its values to a native array. */
  protected abstract fill(handle: number): void;
  /** An unwritten tensor of the same values; not tracked by `tidy`. */
  abstract another(shape: readonly number[], id?: number): Tensor;

  /** Whether it is not in memory. */
  get isUnwritten(): boolean {
    return this.backing === null && !this.isDisposed;
  }
  override get isAbstract(): boolean {
    return false;
  }
  override get device(): Device {
    return this.#device;
  }
  override get storage(): DeviceBuffer {
    this.write();
    return super.storage;
  }
  /** Has it in memory from now on. */
  write(): void {
    if (!this.isUnwritten) return;
    const storage = allocate(this.#device, this.dtype, this.size);
    try {
      this.fill(storage.handle);
    } catch (error) {
      storage.release();
      throw error;
    }
    this.backing = storage;
    counts.tensors++;
  }
  override alias(): Tensor {
    return this.isUnwritten ? this.another(this.shape, this.id) : super.alias();
  }
}

/** A float32 tensor of one number throughout. */
export class Constant extends Unwritten {
  /** Not for users: see `constant`. */
  constructor(readonly value: number, shape: readonly number[], device: Device, id?: number) {
    super(shape, "float32", device, id);
  }
  protected override fill(handle: number): void {
    const { native } = this.device;
    native.check(native.calls.dg_fill(handle, this.value));
  }
  override another(shape: readonly number[], id?: number): Tensor {
    return new Constant(this.value, shape, this.device, id);
  }
}

/** A constant, rounded to float32. */
export function constant(value: number, shape: readonly number[], device: Device): Constant {
  return track(new Constant(Math.fround(value), shape, device));
}

/** Checks that what a caller gave is a tensor; `wanted` begins the sentence that says otherwise. */
export function wantTensor(value: unknown, wanted: string): asserts value is Tensor {
  if (value instanceof Tensor) return;
  if (value instanceof Promise) value.catch(() => {}); // nobody else will look at what becomes of it
  const got = typeof value === "object" && value !== null
    ? value.constructor?.name ?? "object"
    : String(value);
  throw new DinogradError(`${wanted}, got ${got}`);
}

/** Prints a tensor's values; `verbose` adds type and shape. */
export function print(x: Tensor, verbose = false): void {
  x.print(verbose);
}

/** Makes a tensor and lets the current `tidy` track it. */
export function track<T extends Tensor>(tensor: T): T {
  scopes.track(tensor);
  return tensor;
}

/** A tensor with undefined values, for a kernel to fill; only a description when a dimension is unknown. */
export function makeTensor(shape: readonly number[], dtype: DType, device?: Device): Tensor {
  const size = sizeOf(shape);
  if (Number.isNaN(size)) return track(new Tensor(shape, dtype, null));
  return track(new Tensor(shape, dtype, allocate(device ?? currentDevice(), dtype, size)));
}

/** A tensor of host values: a Float32Array for all floats. */
export function fromHost(
  values: TypedArray,
  shape: readonly number[],
  dtype: DType,
  device: Device = currentDevice(),
): Tensor {
  const type = hostDType(dtype), size = values.length;
  const uploaded = allocate(device, type, size, true);
  try {
    writeHost(uploaded, values);
    const storage = type === dtype ? uploaded.retain() : converted(uploaded, dtype, size);
    return track(new Tensor(shape, dtype, storage));
  } finally {
    uploaded.release();
  }
}

/** Overwrites a buffer from its first element on. */
export function writeHost(storage: DeviceBuffer, values: TypedArray): void {
  const { buffer, byteOffset, byteLength } = values;
  storage.device.native.upload(
    storage.handle,
    0,
    new Uint8Array(buffer as ArrayBuffer, byteOffset, byteLength),
  );
}

/** Another view of a tensor's buffer, of the same size. */
export function shareTensor(x: Tensor, shape: readonly number[], dtype: DType = x.dtype): Tensor {
  if (x instanceof Unwritten && x.isUnwritten && dtype === x.dtype) return track(x.another(shape));
  return track(new Tensor(shape, dtype, x.isAbstract ? null : x.storage.retain()));
}

/** Numbers of tensors, buffers and bytes alive, as `memory()` of TensorFlow.js gives them. */
export function memory(): {
  numTensors: number;
  numDataBuffers: number;
  numBytes: number;
  unreliable: boolean;
} {
  return {
    numTensors: counts.tensors,
    numDataBuffers: counts.buffers,
    numBytes: counts.bytes,
    unreliable: false,
  };
}

// Which devices may be used, how much memory of each, and how exactly do they multiply? TensorFlow's `tf.config`, public as
// `config`.

import { DinogradError, unknownName } from "./errors.ts";
import {
  currentDevice,
  type Device,
  type DeviceKind,
  devices,
  findDevice,
  physicalDevices,
  setVisible,
} from "./native/device.ts";
import { Engine } from "./native/symbols.ts";
import { type MatMulEngine, noteMatMulEngine } from "./precision.ts";

export {
  enableTensorFloat32Execution,
  type Float32Precision,
  getFloat32MatMulPrecision,
  type MatMulEngine,
  setFloat32MatMulPrecision,
  tensorFloat32ExecutionEnabled,
} from "./precision.ts";

/** Kind of device in TensorFlow's spelling. `WASM`, the WebAssembly build, is always there. */
export type DeviceType = Uppercase<DeviceKind>;

/** A device of this machine, visible or hidden. */
export interface PhysicalDevice {
  /** `/physical_device:GPU:0` */
  readonly name: string;
  /** Its kind. */
  readonly deviceType: DeviceType;
}

/** A device that programs may use. */
export interface LogicalDevice {
  /** `/device:GPU:0`, which `device(...)` takes. Visible GPUs are counted from 0. */
  readonly name: string;
  /** Its kind. */
  readonly deviceType: DeviceType;
}

/** What is known about a device; what does not apply to its kind is left out. */
export interface DeviceDetails {
  /** The hardware's own name. */
  device_name: string;
  /** GPU: major and minor number. */
  compute_capability?: [number, number];
  /** Bytes in all. */
  memory?: number;
  /** GPU: number of multiprocessors. */
  multiprocessors?: number;
  /** CPU: number of threads. */
  threads?: number;
  /** CPU: bits of a vector register. */
  vector_bits?: number;
  /** GPU: clock rate in kHz. */
  clock?: number;
  /** GPU: bytes of L2 cache. */
  l2_cache?: number;
  /** GPU: whether errors in memory are corrected. */
  ecc?: boolean;
  /** GPU: the newest CUDA version that the driver supports, major and minor number. */
  driver_version?: [number, number];
  /** GPU: the CUDA version of the library, major and minor number. */
  runtime_version?: [number, number];
}

/** Numbers of bytes on a device. */
export interface MemoryInfo {
  /** In use by tensors and recordings. */
  current: number;
  /** Most that were in use since the start or `resetMemoryStats`. */
  peak: number;
  /** Held ready for reuse, not part of `current`. */
  cached: number;
  /** The cap, 0 for none. */
  limit: number;
  /** Held for recorded steps, part of `current`. */
  arena: number;
}

const typeOf = (d: Device) => d.kind.toUpperCase() as DeviceType;
const physicalName = (d: Device) => `/physical_device:${typeOf(d)}:${d.index}`;

function describe(d: Device): PhysicalDevice {
  return { name: physicalName(d), deviceType: typeOf(d) };
}

function lookUp({ name }: PhysicalDevice): Device {
  const all = physicalDevices();
  const device = all.find((d) => physicalName(d) === name);
  if (!device) throw unknownName("physical device", name, all.map(physicalName));
  return device;
}

const ofType = (type?: DeviceType) => (d: Device) => type === undefined || typeOf(d) === type;

/**
 * The devices of this machine, hidden ones included, the best first.
 *
 * ```ts
 * import * as dg from "../mod.ts";
 *
 * for (const gpu of dg.config.listPhysicalDevices("GPU")) console.log(gpu.name);
 * ```
 */
export function listPhysicalDevices(type?: DeviceType): PhysicalDevice[] {
  return physicalDevices().filter(ofType(type)).map(describe);
}

/** The devices that programs may use: the visible ones, the best first. */
export function listLogicalDevices(type?: DeviceType): LogicalDevice[] {
  return devices().filter(ofType(type)).map((d) => ({
    name: `/device:${typeOf(d)}:${d.kind === "gpu" ? d.name.slice("gpu:".length) : 0}`,
    deviceType: typeOf(d),
  }));
}

/** What is known about a device. Keys are those of TensorFlow, which has the first two. */
export function getDeviceDetails(device: PhysicalDevice): DeviceDetails {
  const d = lookUp(device);
  const device_name = d.description;
  const memory = d.number("memoryTotal");
  if (d.kind === "wasm") return { device_name };
  if (d.kind === "cpu") {
    return {
      device_name,
      memory,
      threads: d.number("multiprocessors"),
      vector_bits: d.number("vectorBits"),
    };
  }
  const capability = d.number("computeCapability");
  const version = (n: number): [number, number] => [Math.floor(n / 1000), n % 1000 / 10];
  return {
    device_name,
    compute_capability: [Math.floor(capability / 10), capability % 10],
    memory,
    multiprocessors: d.number("multiprocessors"),
    clock: d.number("clock"),
    l2_cache: d.number("l2Bytes"),
    ecc: d.number("ecc") === 1,
    driver_version: version(d.number("driverVersion")),
    runtime_version: version(d.number("runtimeVersion")),
  };
}

/**
 * Hides all devices but these; with a type, only devices of that type are hidden: `setVisibleDevices([], "GPU")` leaves
 * no GPU. Hidden devices are not used, and the visible GPUs are counted from 0. A device in use can neither be hidden nor
 * change its name, so choose before making tensors.
 */
export function setVisibleDevices(
  visible: PhysicalDevice | readonly PhysicalDevice[],
  type?: DeviceType,
): void {
  const wanted = [visible].flat().map(lookUp);
  const other = wanted.find((d) => !ofType(type)(d));
  if (other) {
    throw new DinogradError(`Wanted devices of type ${type}, got ${physicalName(other)}`);
  }
  const untouched = devices().filter((d) => !ofType(type)(d));
  setVisible([...wanted, ...untouched]);
}

/** The devices of this machine that are not hidden, the best first. */
export function getVisibleDevices(type?: DeviceType): PhysicalDevice[] {
  return devices().filter(ofType(type)).map(describe);
}

/** Memory is always taken as it is needed: true changes nothing, false is refused. */
export function setMemoryGrowth(device: PhysicalDevice, enable: boolean): void {
  const { name } = lookUp(device);
  if (!enable) {
    throw new DinogradError(
      `The memory of ${name} is always taken as it is needed: setMemoryGrowth wants true, got false ` +
        "(setMemoryLimit bounds it)",
    );
  }
}

/** Whether memory is taken as it is needed: true. */
export function getMemoryGrowth(device: PhysicalDevice): boolean {
  lookUp(device);
  return true;
}

/**
 * Caps a device's memory at `memoryLimit` MiB, or lifts the cap where none is given. There is one logical device per
 * physical one, so there is one configuration.
 */
export function setLogicalDeviceConfiguration(
  device: PhysicalDevice,
  configurations: readonly { memoryLimit?: number }[],
): void {
  const d = lookUp(device);
  if (configurations.length !== 1) {
    throw new DinogradError(
      `${
        physicalName(d)
      } is one logical device: wanted one configuration, got ${configurations.length}`,
    );
  }
  limit(d, (configurations[0].memoryLimit ?? 0) * 2 ** 20);
}

function limit(d: Device, bytes: number): void {
  d.native.check(d.native.calls.dg_memory_limit(d.index, bytes));
}

const named = (name: string | undefined) => name === undefined ? currentDevice() : findDevice(name);

/**
 * Caps the bytes that a device's tensors, recordings and cache take together; 0 lifts the cap. What would exceed it throws
 * an `OutOfMemoryError` and changes nothing. Less than is in use already is refused.
 */
export function setMemoryLimit(bytes: number, device?: string): void {
  limit(named(device), bytes);
}

/** How many bytes a device's tensors take: `getMemoryInfo("gpu:0").peak`. */
export function getMemoryInfo(device?: string): MemoryInfo {
  const d = named(device);
  return {
    current: d.memory("live"),
    peak: d.memory("peak"),
    cached: d.memory("cached"),
    limit: d.memory("limit"),
    arena: d.memory("arena"),
  };
}

/** Lets a device's peak start again from what is in use now. */
export function resetMemoryStats(device?: string): void {
  const d = named(device);
  d.native.check(d.native.calls.dg_memory_reset(d.index));
}

const engines = Object.keys(Engine).filter((name) => name !== "ask") as MatMulEngine[];
const gpuLibrary = () => physicalDevices().find((d) => d.kind === "gpu")?.native;

/**
 * Chooses who multiplies matrices on GPUs: `"own"`, this library's kernels; `"cublaslt"`, NVIDIA's cuBLASLt; or `"best"`
 * (at first), whichever is expected to be quicker for a product's type and size. cuBLASLt is not part of this library: it
 * is used where `libcublasLt.so.13` (or `.12`) is installed, or named by `DINOGRAD_CUBLASLT_LIB`. Without it `"cublaslt"` is
 * refused, with the reason, and `"best"` is `"own"`. Integer products, and what cuBLASLt has no algorithm for, are multiplied
 * by this library's kernels in any case. The choice holds for the process, workers included.
 */
export function setMatMulEngine(engine: MatMulEngine): void {
  if (!engines.includes(engine)) throw unknownName("matMul engine", engine, engines);
  const native = gpuLibrary();
  if (native) {
    native.check(native.calls.dg_engine(Engine[engine]));
  } else if (engine === "cublaslt") {
    throw new DinogradError("cuBLASLt multiplies on GPUs only, and there is none here");
  }
  noteMatMulEngine(engine);
}

/** Who multiplies matrices on GPUs; without one, `"own"`. */
export function getMatMulEngine(): MatMulEngine {
  const native = gpuLibrary();
  if (!native) return "own";
  const id = native.check(native.calls.dg_engine(Engine.ask));
  return engines.find((name) => Engine[name] === id)!;
}

// Where does a program's time go? What each kind of kernel call took, as a list and as a table.

import { DinogradError } from "./errors.ts";
import { currentDevice, type Device } from "./native/device.ts";
import { zeros } from "./ops/creation.ts";
import { tidy } from "./scope.ts";
import { memory } from "./tensor.ts";

/** Kernel calls of one family on operands of the same sizes. */
export interface KernelProfile {
  /** Family of the contract: `matmul`, `conv`, `update`, ... */
  name: string;
  /** What sizes the operands had, in words. */
  sizes: string;
  /** How often the kernel was called. */
  calls: number;
  /** Milliseconds that all these calls took; a GPU's include the launch and the wait for it. */
  kernelTimeMs: number;
  /** Floating-point operations of one call, a multiply-add counted as two; 0 where they are not counted. */
  operations: number;
  /** Bytes that one call must read and write at least; 0 where they are not counted. */
  bytes: number;
}

/** What a function did; see `profile`. */
export interface ProfileInfo<T> {
  /** What the function returned. */
  result: T;
  /** Bytes of the tensors that it left behind. */
  newBytes: number;
  /** Tensors that it left behind. */
  newTensors: number;
  /** The most bytes that the device held meanwhile. */
  peakBytes: number;
  /** What was called, the longest time first. */
  kernels: KernelProfile[];
  /** Names of the families that were called. */
  kernelNames: string[];
}

let profiled: Device | undefined;

function rowsOf({ native }: Device): KernelProfile[] {
  const rows: KernelProfile[] = [];
  for (;;) {
    const length = native.calls.dg_profile_row(rows.length);
    if (length < 0) return rows.sort((a, b) => b.kernelTimeMs - a.kernelTimeMs);
    const [name, sizes, ...numbers] = native.text(length).split("\t");
    const [calls, nanoseconds, operations, bytes] = numbers.map(Number);
    rows.push({ name, sizes, calls, kernelTimeMs: nanoseconds / 1e6, operations, bytes });
  }
}

/**
 * Runs a function and tells what each kernel took on the current device, in recorded training steps too. Kernels run one
 * by one meanwhile and are waited for, so that the whole takes longer than it does otherwise.
 *
 * ```ts
 * import * as dg from "../mod.ts";
 *
 * const x = dg.randomNormal([64, 64]);
 * const info = await dg.profile(() => x.matMul(x).relu());
 * console.log(dg.profileTable(info.kernels));
 * ```
 *
 * @param fn What to run; a promise is waited for.
 * @throws When a function is being profiled already.
 */
export async function profile<T>(fn: () => T | Promise<T>): Promise<ProfileInfo<T>> {
  if (profiled) throw new DinogradError("Cannot profile inside of profile(): one at a time");
  const device = currentDevice(), { native, index } = device;
  const before = memory(), held = device.memory("live");
  native.check(native.calls.dg_memory_reset(index));
  native.check(native.calls.dg_profile(1));
  profiled = device;
  try {
    const result = await fn(), after = memory(), kernels = rowsOf(device);
    return {
      result,
      newBytes: after.numBytes - before.numBytes,
      newTensors: after.numTensors - before.numTensors,
      peakBytes: Math.max(device.memory("peak"), held),
      kernels,
      kernelNames: [...new Set(kernels.map((k) => k.name))],
    };
  } finally {
    profiled = undefined;
    native.calls.dg_profile(0);
  }
}

/** Most of what a device can do, for shares of it. */
export interface DeviceLimits {
  /** Floating-point operations per second. */
  operations?: number;
  /** Bytes per second to and from memory. */
  bytes?: number;
}

/** Seconds that the quickest of several runs takes. */
function quickest(device: Device, run: () => void): number {
  const { native, index } = device;
  let best = Infinity;
  for (let i = 0; i < 20; i++) {
    const start = performance.now();
    run();
    native.check(native.calls.dg_synchronize(index));
    best = Math.min(best, performance.now() - start);
  }
  return best / 1e3;
}

/**
 * Measures what the current device can do at most, with all its threads: float32 multiply-adds in registers, and copying
 * within its memory (64 MiB, read and written).
 *
 * ```ts
 * import * as dg from "../mod.ts";
 *
 * const x = dg.randomNormal([128, 128]);
 * const { kernels } = await dg.profile(() => x.matMul(x));
 * console.log(dg.profileTable(kernels, dg.measureLimits()));
 * ```
 */
export function measureLimits(): Required<DeviceLimits> {
  const device = currentDevice(), { native } = device;
  return tidy(() => {
    const sums = zeros([device.kind === "gpu" ? 2 ** 20 : 2 ** 14]), handle = sums.storage.handle;
    const iterate = (turns: number) =>
      quickest(device, () => native.check(native.calls.dg_iterate(handle, 0.999999, 1e-6, turns)));
    let turns = 16;
    while (iterate(turns) < 1e-3) turns *= 2; // long enough for the clock and for what a call costs
    const bytes = 2 ** 26, [from, to] = [zeros([bytes / 4]), zeros([bytes / 4])];
    const copy = quickest(device, () => {
      native.check(native.calls.dg_copy(from.storage.handle, to.storage.handle));
    });
    return { operations: 2 * turns * sums.size / iterate(turns), bytes: 2 * bytes / copy };
  });
}

const percent = (share: number) => `${(100 * share).toFixed(1)} %`;

/**
 * A profile as a table: calls, time, its share of the whole, and the rates that were reached.
 * @param kernels Of `profile`.
 * @param limits What the device can do at most: then each row says what share of the nearer limit it reached.
 * @param most Rows to show.
 */
export function profileTable(
  kernels: readonly KernelProfile[],
  limits: DeviceLimits = {},
  most = 30,
): string {
  const total = kernels.reduce((sum, k) => sum + k.kernelTimeMs, 0);
  const limited = limits.operations !== undefined || limits.bytes !== undefined;
  const head = ["kernel", "sizes", "calls", "ms", "share", "us/call", "GFLOP/s", "GB/s"];
  if (limited) head.push("of limit");
  const rows = kernels.slice(0, most).map((k) => {
    const seconds = k.kernelTimeMs / 1e3, rate = (n: number) => n * k.calls / seconds;
    const shares = [
      limits.operations ? rate(k.operations) / limits.operations : 0,
      limits.bytes ? rate(k.bytes) / limits.bytes : 0,
    ];
    const row = [
      k.name,
      k.sizes,
      String(k.calls),
      k.kernelTimeMs.toFixed(2),
      percent(k.kernelTimeMs / total),
      (k.kernelTimeMs * 1e3 / k.calls).toFixed(1),
      k.operations ? (rate(k.operations) / 1e9).toFixed(1) : "",
      k.bytes ? (rate(k.bytes) / 1e9).toFixed(1) : "",
    ];
    return limited ? [...row, percent(Math.max(...shares))] : row;
  });
  const widths = head.map((text, i) => Math.max(text.length, ...rows.map((row) => row[i].length)));
  const line = (row: string[]) =>
    row.map((text, i) => i < 2 ? text.padEnd(widths[i]) : text.padStart(widths[i])).join("  ");
  const calls = kernels.reduce((sum, k) => sum + k.calls, 0);
  const rest = kernels.length - rows.length;
  return [
    line(head),
    ...rows.map(line),
    ...(rest > 0 ? [`... and ${rest} more kinds of calls`] : []),
    `${total.toFixed(2)} ms in ${calls} calls`,
  ].join("\n");
}

/** What running a function took; see `time`. */
export interface TimeInfo {
  /** Milliseconds in kernels. */
  kernelMs: number;
  /** Milliseconds by the clock. */
  wallMs: number;
}

/**
 * Runs a function and tells how long it took, by the clock and within kernels, which run one by one meanwhile.
 *
 * ```ts
 * import * as dg from "../mod.ts";
 *
 * const x = dg.randomNormal([64, 64]);
 * const { kernelMs, wallMs } = await dg.time(() => x.matMul(x));
 * ```
 *
 * @param fn What to run; its result is not kept.
 */
export async function time(fn: () => unknown): Promise<TimeInfo> {
  const start = performance.now();
  const { kernels } = await profile(fn);
  return {
    kernelMs: kernels.reduce((sum, k) => sum + k.kernelTimeMs, 0),
    wallMs: performance.now() - start,
  };
}

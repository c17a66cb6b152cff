// Where is work measured? On each device: on the CPU with one thread and with all, on a GPU with TensorFloat-32 and without.

import * as dg from "../mod.ts";

/** A device with its settings. */
export interface Place {
  /** What tables and charts call it: `wasm`, `cpu (2 threads)`, `gpu:0, TF32 off`. */
  readonly name: string;
  readonly device: dg.Device;
  /** CPU: how many threads it has. */
  readonly threads?: number;
  /** GPU: whether products may round their factors to TensorFloat-32. */
  readonly tf32?: boolean;
}

/** The places that a device gives; of a CPU the one with all its threads comes last. */
export function placesOn(device: dg.Device): Place[] {
  const { name, kind } = device;
  switch (kind) {
    case "wasm":
      return [{ name, device }];
    case "cpu": {
      const all = device.native.check(device.native.calls.dg_threads(0));
      return [...new Set([1, all])].map((threads) => ({
        name: `${name} (${threads} ${threads === 1 ? "thread" : "threads"})`,
        device,
        threads,
      }));
    }
    case "gpu": {
      if (device.number("computeCapability") < 80) return [{ name, device }];
      return [{ name, device, tf32: true }, { name: `${name}, TF32 off`, device, tf32: false }];
    }
  }
}

/** Whether a GPU is the CPU in disguise: what it takes says nothing of speed. */
export const isEmulated = (device: dg.Device): boolean => device.description === "emulated";

let found: readonly Place[] | undefined;

/** All places of this machine, the slowest kind first. Asked for before threads are changed, so it is found once. */
export function places(): readonly Place[] {
  return found ??= dg.devices().toReversed().filter((d) => !isEmulated(d)).flatMap(placesOn);
}

/** What others are compared with: the CPU with all its threads, and without its library the first there is. */
export function baselineOf(list: readonly Place[]): Place {
  return list.findLast(({ device }) => device.kind === "cpu") ?? list[0];
}

/** The places that a sweep or a peer is compared on: each device at its best. */
export function bestPlaces(list: readonly Place[]): Place[] {
  return list.filter(({ device, tf32 }, i) => tf32 ?? list[i + 1]?.device !== device);
}

/** Runs `fn` at a place; the settings stay until the next place is entered. */
export function at<T>({ device, threads, tf32 }: Place, fn: () => T): T {
  if (threads) device.native.check(device.native.calls.dg_threads(threads));
  if (tf32 !== undefined) dg.config.enableTensorFloat32Execution(tf32);
  return dg.device(device.name, fn);
}

/** Waits until a place has done all it was asked to. */
export function synchronize({ device: { native, index } }: Place): void {
  native.check(native.calls.dg_synchronize(index));
}

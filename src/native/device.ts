// Which devices does this machine have, and which one is in use? Found once, on first use; never at import time.

import { DinogradError } from "../errors.ts";
import { type LibraryKind, openLibrary } from "./library.ts";
import type { Native } from "./native.ts";
import { environment } from "./platform.ts";
import { DeviceNumber, DeviceText } from "./symbols.ts";
import { openWasm } from "./wasm.ts";

/** Kind of device, which is also its backend's name. */
export type DeviceKind = "wasm" | "cpu" | "gpu";

/** A property of a device that is a number. */
export type DeviceProperty = keyof typeof DeviceNumber;

/** A place where tensors live and ops run: `wasm`, `cpu`, `gpu:0`, ... */
export class Device {
  #native: Native | undefined;
  readonly #open: () => Native;

  /** `open` gives the build that drives it, on first use. */
  constructor(
    /** What it is. */
    readonly kind: DeviceKind,
    open: () => Native,
    /** Its number within its build. */
    readonly index: number,
  ) {
    this.#open = open;
  }

  /** The build that drives it. */
  get native(): Native {
    return this.#native ??= this.#open();
  }

  /** `wasm`, `cpu` or `gpu:<index>`. */
  get name(): string {
    return this.kind === "gpu" ? `gpu:${this.index}` : this.kind;
  }
  /** The hardware's own name. */
  get description(): string {
    return this.#text(DeviceText.name);
  }
  /** Instruction set or compute capability in words. */
  get details(): string {
    return this.#text(DeviceText.details);
  }
  /** One property as a number; 0 where it does not apply. */
  number(what: DeviceProperty): number {
    return this.native.calls.dg_device_number(this.index, DeviceNumber[what]);
  }
  #text(what: number): string {
    return this.native.text(this.native.check(this.native.calls.dg_device_text(this.index, what)));
  }
}

/** Why a kind of device is not there, and what would cure it. */
export interface Absence {
  reason: string;
  cure: string;
}

interface Found {
  devices: Device[];
  absent: Partial<Record<DeviceKind, Absence>>;
}

let found: Found | undefined;
let chosen: Device | undefined;
const stack: Device[] = [];

function open(kind: LibraryKind, into: Found): void {
  const opened = openLibrary(kind);
  if (!opened.native) {
    into.absent[kind] = { reason: opened.reason, cure: opened.cure };
    return;
  }
  const { native } = opened;
  const count = native.calls.dg_device_count();
  if (count < 0) {
    try {
      native.check(count);
    } catch (error) {
      const reason = (error as Error).message;
      into.absent[kind] = {
        reason,
        cure: kind === "gpu"
          ? "install an NVIDIA GPU and its driver (580 or newer)"
          : "use the WebAssembly build",
      };
    }
  }
  for (let index = 0; index < count; index++) {
    into.devices.push(new Device(kind, () => native, index));
  }
}

function find(): Found {
  if (found) return found;
  const all: Found = { devices: [], absent: {} };
  open("gpu", all);
  open("cpu", all);
  all.devices.push(new Device("wasm", openWasm, 0));
  return found = all;
}

/** All devices, the best first. */
export function devices(): readonly Device[] {
  return find().devices;
}

/** Why kinds of devices are absent. */
export function absences(): Readonly<Partial<Record<DeviceKind, Absence>>> {
  return find().absent;
}

/** The device behind a name: `wasm`, `cpu`, `gpu`, `gpu:1`, TensorFlow's `/gpu:0` and `/device:GPU:0`, any case. */
export function findDevice(name: string): Device {
  const match = /^\/?(?:device:)?(wasm|cpu|gpu)(?::(\d+))?$/.exec(name.toLowerCase());
  if (!match) {
    throw new DinogradError(
      `Unknown device "${name}": wanted "wasm", "cpu", "gpu" or "gpu:<number>"`,
    );
  }
  const kind = match[1] as DeviceKind, index = Number(match[2] ?? 0);
  const device = devices().find((d) => d.kind === kind && d.index === index);
  if (device) return device;
  const there = devices().map((d) => d.name).join(", ");
  const why = absences()[kind];
  throw new DinogradError(
    `There is no device "${name}" here, only ${there}` +
      (why ? `: ${why.reason} (cure: ${why.cure})` : ""),
  );
}

/** The device new tensors are made on: the innermost `device(...)`, else the one set by `setBackend`, else the best there is. */
export function currentDevice(): Device {
  if (stack.length) return stack[stack.length - 1];
  if (!chosen) {
    const wanted = environment("DINOGRAD_DEVICE");
    chosen = wanted ? findDevice(wanted) : devices()[0];
  }
  return chosen;
}

/** Makes a device the default from now on. */
export function setDefaultDevice(device: Device): void {
  chosen = device;
}

/**
 * Runs `fn` with `name` as the current device and gives back its result. An async function keeps the device until its
 * promise settles; do not run two of those side by side with different devices.
 */
export function device<T>(name: string, fn: () => T): T {
  const entered = findDevice(name);
  stack.push(entered);
  const leave = () => {
    stack.splice(stack.lastIndexOf(entered), 1);
  };
  let result: T;
  try {
    result = fn();
  } catch (error) {
    leave();
    throw error;
  }
  if (result instanceof Promise) return result.finally(leave) as T;
  leave();
  return result;
}

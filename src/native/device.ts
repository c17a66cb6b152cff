// Which devices does this machine have, and which one is in use? Found once, on first use; never at import time.

import { DinogradError } from "../errors.ts";
import { type LibraryKind, openLibrary } from "./library.ts";
import type { Native } from "./native.ts";
import { environment } from "./platform.ts";
import { DeviceNumber, DeviceText, MemoryKind } from "./symbols.ts";
import { openWasm } from "./wasm.ts";

/** Kind of device, which is also its backend's name. */
export type DeviceKind = "wasm" | "cpu" | "gpu";

/** A property of a device that is a number. */
export type DeviceProperty = keyof typeof DeviceNumber;

/** A number of a device's memory statistics. */
export type MemoryProperty = keyof typeof MemoryKind;

/** A place where tensors live and ops run: `wasm`, `cpu`, `gpu:0`, ... */
export class Device {
  #native: Native | undefined;
  readonly #open: () => Native;

  /** `open` gives the build that drives it, on first use. */
  constructor(
    /** What it is. */
    readonly kind: DeviceKind,
    open: () => Native,
    /** Its number within its build, whatever is hidden. */
    readonly index: number,
  ) {
    this.#open = open;
  }

  /** The build that drives it. */
  get native(): Native {
    return this.#native ??= this.#open();
  }

  /** `wasm`, `cpu` or `gpu:<number>`, counting visible GPUs only. */
  get name(): string {
    return nameAmong(devices(), this) ?? `hidden ${this.kind}:${this.index}`;
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
  /** One number of its memory statistics. */
  memory(what: MemoryProperty): number {
    return this.native.calls.dg_memory(this.index, MemoryKind[what]);
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
  opened: Set<LibraryKind>;
  devices: Device[];
  absent: Partial<Record<DeviceKind, Absence>>;
}

let found: Found | undefined;
let visible: readonly Device[] | undefined; // undefined: all
let asked: Device | undefined; // by setDefaultDevice
let preferred: Device | undefined; // where nothing was asked for
const stack: Device[] = [];

function open(kind: LibraryKind, into: Found): void {
  const opened = openLibrary(kind);
  if (!opened.native) {
    into.absent[kind] = { reason: opened.reason, cure: opened.cure };
    return;
  }
  into.opened.add(kind);
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
  const all: Found = { opened: new Set(), devices: [], absent: {} };
  open("gpu", all);
  open("cpu", all);
  all.devices.push(new Device("wasm", openWasm, 0));
  return found = all;
}

/** All devices of this machine, the best first, hidden ones included. */
export function physicalDevices(): readonly Device[] {
  return find().devices;
}

/** The devices that may be used, the best first. */
export function devices(): readonly Device[] {
  return visible ?? physicalDevices();
}

function nameAmong(list: readonly Device[], d: Device): string | undefined {
  if (!list.includes(d)) return undefined;
  return d.kind === "gpu" ? `gpu:${list.filter((e) => e.kind === "gpu").indexOf(d)}` : d.kind;
}

/** Hides all devices but these. One that is in use keeps its name. */
export function setVisible(wanted: readonly Device[]): void {
  const shown = physicalDevices().filter((d) => wanted.includes(d));
  if (shown.length === 0) {
    throw new DinogradError("At least one device must stay visible, got none");
  }
  const held = devices().find((d) =>
    nameAmong(shown, d) !== d.name && (stack.includes(d) || d.memory("arrays") > 0)
  );
  if (held) {
    throw new DinogradError(
      `Visible devices must be chosen before they are used: ${held.name} is in use already`,
    );
  }
  visible = shown;
  preferred = undefined;
  if (asked && !shown.includes(asked)) asked = undefined;
}

/** Whether a native library was found and opened, with or without a device that it can use. */
export function isOpened(kind: LibraryKind): boolean {
  return find().opened.has(kind);
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
  const kind = match[1] as DeviceKind, number = Number(match[2] ?? 0);
  const device = devices().filter((d) => d.kind === kind)[number];
  if (device) return device;
  const there = devices().map((d) => d.name).join(", ");
  const why = absences()[kind];
  const hidden = physicalDevices().filter((d) => d.kind === kind && !devices().includes(d)).length;
  throw new DinogradError(
    `There is no device "${name}" here, only ${there}` +
      (why ? `: ${why.reason} (cure: ${why.cure})` : "") +
      (hidden ? `: config.setVisibleDevices hides ${hidden} of kind ${kind}` : ""),
  );
}

/** The device new tensors are made on: the innermost `device(...)`, else the one set by `setBackend`, else the best there is. */
export function currentDevice(): Device {
  if (stack.length) return stack[stack.length - 1];
  if (asked) return asked;
  if (!preferred) {
    const wanted = environment("DINOGRAD_DEVICE");
    preferred = wanted ? findDevice(wanted) : devices()[0];
  }
  return preferred;
}

/** Makes a device the default from now on. */
export function setDefaultDevice(device: Device): void {
  asked = device;
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

/** Runs `fn` with `place` as the current device; `fn` is not async. */
export function within<T>(place: Device, fn: () => T): T {
  return place === currentDevice() ? fn() : device(place.name, fn);
}

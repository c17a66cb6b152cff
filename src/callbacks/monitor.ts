// When has a number in the logs got better? Less or more of it, as its name or the user says.

import { DinogradError } from "../errors.ts";
import { directionOf } from "../metrics/registry.ts";
import type { Logs } from "./callback.ts";

/** Whether less or more is better; auto: more for accuracies and the like. */
export type MonitorMode = "auto" | "min" | "max";

/** A number in the logs. */
export class Monitor {
  readonly #sign: 1 | -1;

  /** `who` watches it, for messages. */
  constructor(readonly who: string, readonly name: string, mode: MonitorMode = "auto") {
    if (!["auto", "min", "max"].includes(mode)) {
      throw new DinogradError(`${who} needs mode auto, min or max, got "${mode}"`);
    }
    this.#sign = mode === "max" || (mode === "auto" && directionOf(name) === "up") ? -1 : 1;
  }

  /** What every number is better than. */
  get worst(): number {
    return this.#sign * Infinity;
  }

  /** Its value; undefined in an epoch without validation. Throws where there is no such number. */
  read(logs: Logs): number | undefined {
    const { name, who } = this, names = Object.keys(logs);
    if (names.includes(name)) return logs[name];
    if (name.startsWith("val_") && !names.some((n) => n.startsWith("val_"))) return undefined;
    throw new DinogradError(`${who} watches "${name}", but the logs have only ${names.join(", ")}`);
  }

  /** Whether a value is better than another by more than `delta`. */
  improves(value: number, than: number, delta = 0): boolean {
    return this.#sign * value < this.#sign * than - Math.abs(delta);
  }
}

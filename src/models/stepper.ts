// How does a step run? Eagerly the first time, because it allocates what lives on (optimizer state, say); the second is recorded, and
// replayed from then on. Its losses are noted on the device and read only when somebody looks.

import { type Device, within } from "../native/device.ts";
import { precisionKey } from "../precision.ts";
import { type Arena, isUnrecordable, type Program, record } from "../record.ts";
import { tidy } from "../scope.ts";
import { type DeviceBuffer, fromHost, type Tensor } from "../tensor.ts";

/** One batch on the device. */
export interface Batch {
  readonly x: Tensor[];
  readonly y: Tensor[];
  readonly weights: Tensor | null;
}

/** What is run for each batch; returns the batch's loss, a scalar. Everything else it does stays on the device. */
export type Step = (batch: Batch) => Tensor;

/** Values the host decides for each coming step (a scheduled learning rate): rows that go to the start of a device array. */
export interface StepParams {
  readonly values: Float32Array;
  readonly width: number;
  /** Native float32 array. */
  readonly target: number;
}

/** How steps are run. */
export interface StepperOptions {
  /** Step by step, without recording. */
  readonly eager: boolean;
  /** Told once why steps cannot be recorded. */
  onUnrecordable(reason: string): void;
}

/** Runs a step of each kind that there is; kinds are told apart by keys. */
export class Stepper<K> {
  readonly #programs = new Map<K, Program | null>(); // null: has run eagerly
  #precision = precisionKey(); // of all programs
  #eager: boolean;

  constructor(readonly arena: Arena, readonly options: StepperOptions) {
    this.#eager = options.eager;
  }

  get #device(): Device {
    return this.arena.device;
  }

  /** Runs the step of a kind, `body`, up to `most` times, and says how often. */
  run(kind: K, most: number, body: () => void, params?: StepParams): number {
    const precision = precisionKey();
    if (precision !== this.#precision) {
      this.dispose();
      this.#precision = precision;
    }
    let program = this.#programs.get(kind);
    if (program === null && !this.#eager) {
      program = this.#record(body);
      this.#programs.set(kind, program);
    }
    if (!program) {
      this.#programs.set(kind, null);
      this.#runEagerly(body, params);
      return 1;
    }
    if (params) this.#replayWith(program, most, params);
    else program.replay(most);
    return most;
  }

  /** Forgets the step of a kind. */
  forget(kind: K): void {
    this.#programs.get(kind)?.dispose();
    this.#programs.delete(kind);
  }

  /** Forgets all. */
  dispose(): void {
    for (const kind of [...this.#programs.keys()]) this.forget(kind);
  }

  #runEagerly(body: () => void, params?: StepParams): void {
    if (params) {
      const row = params.values.slice(0, params.width);
      this.#device.native.upload(params.target, 0, new Uint8Array(row.buffer));
    }
    within(this.#device, () => tidy(body));
  }

  #record(body: () => void): Program | null {
    try {
      return within(this.#device, () => record(this.arena, body)).program;
    } catch (error) {
      if (!isUnrecordable(error)) throw error;
      this.#eager = true;
      this.options.onUnrecordable(error.message);
      return null;
    }
  }

  #replayWith(program: Program, steps: number, { values, width, target }: StepParams): void {
    tidy(() => {
      const rows = values.subarray(0, steps * width);
      program.replay(steps, {
        rows: fromHost(rows, [rows.length], "float32", this.#device),
        target,
        width,
      });
    });
  }
}

/** Notes the loss of a step at its number's place among `losses`, and adds `advance` to the counters. */
export function noteStep(
  loss: Tensor,
  { losses, counters, advance }: {
    losses: DeviceBuffer;
    /** int32: what counts, last the step's number. */
    counters: DeviceBuffer;
    advance: DeviceBuffer;
  },
): void {
  const { native } = losses.device;
  native.check(native.calls.dg_note(loss.handle, losses.handle, counters.handle, advance.handle));
}

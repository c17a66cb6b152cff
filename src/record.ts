// How does a step become one native call? Its kernel calls are recorded once, then replayed as often as asked.

import type { Device } from "./native/device.ts";
import { RecordError } from "./native/native.ts";
import { tidy } from "./scope.ts";
import type { Tensor } from "./tensor.ts";
import { collectWrites, type Variable } from "./variable.ts";

/** The memory that the recordings of one model share: it grows to the largest of them. */
export class Arena {
  /** Number of the native arena. */
  readonly handle: number;

  constructor(readonly device: Device) {
    const { native } = device;
    this.handle = native.check(native.calls.dg_arena(device.index));
  }
  /** Gives the memory back; programs and tensors in it must be gone. */
  dispose(): void {
    const { native } = this.device;
    native.check(native.calls.dg_arena_free(this.handle));
  }
}

/** Rows of values to put at the start of a device array, one row before each run of a program. */
export interface Params {
  /** float32, at least steps * width values. */
  rows: Tensor;
  /** Native float32 array that receives each row. */
  target: number;
  width: number;
}

/** A recorded list of kernel calls. */
export class Program {
  readonly #device: Device;
  readonly #handle: number;
  readonly #writes: ReadonlySet<Variable>;

  /** Takes over the native program `handle`, which changes the variables `writes`. */
  constructor(device: Device, handle: number, writes: ReadonlySet<Variable>) {
    this.#device = device;
    this.#handle = handle;
    this.#writes = writes;
  }
  /** Runs it `steps` times: one native call. */
  replay(steps = 1, params?: Params): void {
    const { native } = this.#device;
    // Tensors that came to share a variable's buffer since the last run keep the values they saw.
    for (const variable of this.#writes) variable.writable();
    native.check(
      native.calls.dg_replay(
        native.context,
        this.#handle,
        steps,
        params?.rows.handle ?? 0,
        params?.target ?? 0,
        params?.width ?? 0,
      ),
    );
  }
  /** Forgets it. */
  dispose(): void {
    const { native } = this.#device;
    native.check(native.calls.dg_program_free(this.#handle));
  }
}

/**
 * Records what `fn` does instead of doing it. Tensors made inside live in the arena; those `fn` returns stay valid there, and hold
 * the results after each replay. Throws RecordError where `fn` asks for values.
 */
export function record<T>(arena: Arena, fn: () => T): { program: Program; result: T } {
  const { native } = arena.device;
  native.check(native.calls.dg_record_begin(arena.handle));
  let recorded: { result: T; variables: Set<Variable> };
  try {
    recorded = collectWrites(() => tidy(fn));
  } catch (error) {
    native.calls.dg_record_abort();
    throw error;
  }
  const handle = native.check(native.calls.dg_record_end());
  return {
    program: new Program(arena.device, handle, recorded.variables),
    result: recorded.result,
  };
}

/** Whether an error says that a step cannot be recorded (rather than that it is wrong). */
export function isUnrecordable(error: unknown): error is RecordError {
  return error instanceof RecordError;
}

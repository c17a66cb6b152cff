// When is a tensor's memory given back? At the end of the `tidy` that it was made in, unless it was kept or returned.

import { DinogradError } from "./errors.ts";

/** What `tidy` looks after. */
export interface Disposable {
  /** Whether `tidy` leaves it alone. */
  kept: boolean;
  /** Whether it was given back already. */
  readonly isDisposed: boolean;
  /** Gives its memory back. */
  dispose(): void;
}

class Scopes {
  #open: Disposable[][] = [];

  track(item: Disposable): void {
    if (this.#open.length) this.#open[this.#open.length - 1].push(item);
  }

  run<T>(fn: () => T): T {
    const made: Disposable[] = [];
    this.#open.push(made);
    let result: T | undefined;
    try {
      result = fn();
      if (result instanceof Promise) {
        result.catch(() => {}); // it will miss its tensors; this error says why
        throw new DinogradError(
          "tidy cannot follow an async function: its tensors would be gone too early",
        );
      }
      return result;
    } finally {
      this.#open.pop();
      const stays = holder(result);
      for (const item of made) {
        if (item.kept || item.isDisposed) continue;
        if (stays(item)) this.track(item);
        else item.dispose();
      }
    }
  }
}

/** The open scopes, innermost last. */
export const scopes: {
  track(item: Disposable): void;
  run<T>(fn: () => T): T;
} = new Scopes();

function isDisposable(value: object): value is Disposable {
  return "kept" in value && "dispose" in value;
}

// Whether something is what a function returned, or within it.
function holder(result: unknown): (item: Disposable) => boolean {
  if (typeof result !== "object" || result === null) return () => false;
  if (isDisposable(result)) return (item) => item === result;
  const all = new Set<unknown>();
  collect(result, all);
  return (item) => all.has(item);
}

/** Adds everything a container holds: arrays, plain objects, maps and sets, nested. */
export function collect(value: unknown, into: Set<unknown>): void {
  if (typeof value !== "object" || value === null || into.has(value)) return;
  into.add(value);
  if (isDisposable(value)) return;
  if (value instanceof Map || value instanceof Set || Array.isArray(value)) {
    for (const v of value.values()) collect(v, into);
  } else if (Object.getPrototypeOf(value) === Object.prototype) {
    for (const v of Object.values(value)) collect(v, into);
  }
}

/**
 * Runs `fn` and disposes of every tensor made inside, except what it returns (also within arrays and objects) and what was
 * kept. Variables are never disposed of. An optional name comes first, as in TensorFlow.js, and is ignored.
 */
export function tidy<T>(name: string, fn: () => T): T;
/** The same without a name. */
export function tidy<T>(fn: () => T): T;
export function tidy<T>(nameOrFn: string | (() => T), fn?: () => T): T {
  const run = typeof nameOrFn === "function" ? nameOrFn : fn;
  if (typeof run !== "function") throw new DinogradError(`tidy needs a function, got ${run}`);
  return scopes.run(run);
}

/** Lets a tensor outlive the `tidy` around it. */
export function keep<T extends Disposable>(tensor: T): T {
  tensor.kept = true;
  return tensor;
}

/** Disposes of every tensor in a container (a tensor, an array, an object, nested). */
export function dispose(container: unknown): void {
  const all = new Set<unknown>();
  collect(container, all);
  for (const item of all) {
    if (typeof item === "object" && item && isDisposable(item)) item.dispose();
  }
}

// What is an element of a dataset? A number, a text, a tensor, or a container of these; who disposes of it, and how do many become
// one batch?

import type { TypedArray } from "../dtype.ts";
import { DinogradError } from "../errors.ts";
import { stack } from "../ops/join.ts";
import { tensor, type TensorLike } from "../ops/creation.ts";
import { clone } from "../ops/reshape.ts";
import { collect } from "../scope.ts";
import { sameShape, showShape } from "../shape.ts";
import { Tensor } from "../tensor.ts";

/** Numbers, texts, tensors, and arrays and objects of these, nested to any depth. */
export type DataElement =
  | number
  | boolean
  | string
  | null
  | undefined
  | Tensor
  | TypedArray
  | readonly DataElement[]
  | { readonly [key: string]: DataElement };

/** A container with each entry replaced, one level deep; undefined for what is none. */
export function mapEntries(
  value: unknown,
  fn: (entry: unknown, key: string | number) => unknown,
): unknown {
  if (Array.isArray(value)) return value.map(fn);
  if (isRecord(value)) {
    return Object.fromEntries(Object.entries(value).map(([key, entry]) => [key, fn(entry, key)]));
  }
  return undefined;
}

/** Whether a value is a plain object. */
export function isRecord(value: unknown): value is Record<string, unknown> {
  if (typeof value !== "object" || value === null) return false;
  const prototype = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

/** Disposes of the tensors in an element, but not of those that are kept, variables or part of `except`. */
export function release(value: unknown, except?: unknown): void {
  const all = new Set<unknown>(), held = new Set<unknown>();
  collect(value, all);
  collect(except, held);
  for (const item of all) {
    if (item instanceof Tensor && !item.kept && !held.has(item)) item.dispose();
  }
}

/** The same element with clones of its tensors, which share their buffers. */
export function cloned<T>(value: T): T {
  if (value instanceof Tensor) return clone(value) as T;
  return (mapEntries(value, cloned) ?? value) as T;
}

const isTyped = (value: unknown): value is TypedArray =>
  ArrayBuffer.isView(value) && !(value instanceof DataView);

/** What an entry of a batch is made of. */
function kindOf(value: unknown): string {
  if (value instanceof Tensor) return "tensors";
  if (isTyped(value)) return "typed arrays";
  if (Array.isArray(value)) return "arrays";
  if (isRecord(value)) return "objects";
  return value === null || value === undefined ? String(value) : `${typeof value}s`;
}

// The first value at the bottom of nested arrays.
function deepest(value: unknown): unknown {
  let level = value;
  while (Array.isArray(level) && level.length > 0) level = level[0];
  return level;
}

function stackTyped(list: readonly TypedArray[]): Tensor {
  const size = list[0].length;
  const flat = new (list[0].constructor as new (size: number) => TypedArray)(size * list.length);
  list.forEach((part, i) => flat.set(part, i * size));
  return tensor(flat, [list.length, size]);
}

/** The sentence for elements that do not go together; `path` says where in them. */
function uneven(path: string, wanted: string, at: number, got: string): DinogradError {
  const where = path ? ` at ${path.slice(1)}` : "";
  return new DinogradError(
    `batch needs elements of one structure: the first has ${wanted}${where}, element ${at} has ${got}`,
  );
}

/**
 * Elements of one structure as one batch: numbers and booleans become a tensor of rank 1, tensors and arrays of numbers a tensor of
 * one rank more, texts an array; objects and arrays of anything else are walked through.
 */
export function stackElements(list: readonly unknown[], path = ""): unknown {
  const [first] = list, kind = kindOf(first);
  const stray = list.findIndex((value) => kindOf(value) !== kind);
  if (stray >= 0) throw uneven(path, kind, stray, kindOf(list[stray]));
  if (first instanceof Tensor) {
    const odd = (list as Tensor[]).findIndex((t) =>
      !sameShape(t.shape, first.shape) || t.dtype !== first.dtype
    );
    const show = (t: Tensor) => `${t.dtype} ${showShape(t.shape)}`;
    if (odd >= 0) throw uneven(path, show(first), odd, show(list[odd] as Tensor));
    return stack(list as Tensor[]);
  }
  if (isTyped(first)) {
    const odd = (list as TypedArray[]).findIndex((v) => v.length !== first.length);
    if (odd >= 0) {
      const got = (list[odd] as TypedArray).length;
      throw uneven(path, `${first.length} values`, odd, String(got));
    }
    return stackTyped(list as TypedArray[]);
  }
  const bottom = deepest(first);
  if (typeof bottom === "number" || typeof bottom === "boolean") return tensor(list as TensorLike);
  if (!Array.isArray(first) && !isRecord(first)) return [...list]; // texts, and what is missing
  const keys = Object.keys(first), many = first as Record<string, unknown>;
  for (const [at, value] of list.entries()) {
    const others = Object.keys(value as object);
    if (others.length === keys.length && keys.every((key) => Object.hasOwn(value as object, key))) {
      continue;
    }
    const show = (names: string[]) =>
      Array.isArray(first) ? `${names.length} entries` : `the keys ${names.join(", ")}`;
    throw uneven(path, show(keys), at, show(others));
  }
  if (Array.isArray(first) && first.every((value) => typeof value === "string")) return [...list];
  return mapEntries(
    many,
    (_, key) =>
      stackElements(list.map((value) => (value as Record<string, unknown>)[key]), `${path}.${key}`),
  );
}

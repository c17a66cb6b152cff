// Where do the elements of a dataset come from? From a list, from a program's generator, from several datasets at once.

import { DinogradError } from "../errors.ts";
import { Dataset, type Stream } from "./dataset.ts";
import { cloned, isRecord, mapEntries, release } from "./elements.ts";

/**
 * The items of a list; tensors among them come out as clones, so that the list's own are never disposed of.
 *
 * ```ts
 * import * as dg from "../../mod.ts";
 * import assert from "node:assert";
 *
 * const dataset = dg.data.array([{ xs: 1, ys: 2 }, { xs: 3, ys: 4 }]);
 * assert.equal(dataset.size, 2);
 * assert.deepEqual(await dataset.take(1).toArray(), [{ xs: 1, ys: 2 }]);
 * ```
 */
export function array<T>(items: readonly T[]): Dataset<T> {
  if (!Array.isArray(items)) {
    throw new DinogradError(`data.array needs a list of elements, got ${typeof items}`);
  }
  async function* open(): Stream<T> {
    for (const item of items) yield cloned(item);
  }
  return new Dataset(open, items.length);
}

/** What gives elements: an iterator of either kind, or what has one. */
export type ElementSource<T> = Iterable<T> | AsyncIterable<T> | Iterator<T> | AsyncIterator<T>;

// The iterator behind a source.
function iteratorOf<T>(source: ElementSource<T>): Iterator<T> | AsyncIterator<T> {
  if (typeof source === "object" && source !== null) {
    if (Symbol.asyncIterator in source) return source[Symbol.asyncIterator]();
    if (Symbol.iterator in source) return source[Symbol.iterator]();
    if (typeof source.next === "function") return source;
  }
  throw new DinogradError(
    `data.generator needs a function that gives an iterator, such as function* () {}: got ${typeof source}`,
  );
}

/**
 * What a generator function yields, sync or async; it is called anew for each iteration. The tensors it yields are the dataset's
 * to dispose of: to yield one more than once, yield clones of it, or `keep` it.
 *
 * ```ts
 * import * as dg from "../../mod.ts";
 * import assert from "node:assert";
 *
 * const dataset = dg.data.generator(function* () {
 *   for (let i = 0; i < 3; i++) yield { xs: i, ys: 2 * i };
 * });
 * assert.deepEqual((await dataset.toArray())[2], { xs: 2, ys: 4 });
 * ```
 */
export function generator<T>(
  fn: () => ElementSource<T> | Promise<ElementSource<T>>,
): Dataset<T> {
  if (typeof fn !== "function") {
    throw new DinogradError(`data.generator needs a function, got ${typeof fn}`);
  }
  async function* open(): Stream<T> {
    const iterator = iteratorOf(await fn());
    let ended = false;
    try {
      while (true) {
        const { value, done } = await iterator.next();
        if (done) break;
        yield value;
      }
      ended = true;
    } finally {
      if (!ended) await iterator.return?.();
    }
  }
  return new Dataset(open);
}

/** What a function gives each time it is called, without end. */
export function func<T>(fn: () => T | Promise<T>): Dataset<T> {
  async function* open(): Stream<T> {
    while (true) yield await fn();
  }
  return new Dataset(open, Infinity);
}

/** Datasets in arrays and objects, nested to any depth. */
export type DatasetContainer =
  // deno-lint-ignore no-explicit-any
  | Dataset<any>
  | readonly DatasetContainer[]
  | { readonly [key: string]: DatasetContainer };

/** The container with an element of each dataset in the dataset's place. */
export type Zipped<C> = C extends Dataset<infer T> ? T : { -readonly [K in keyof C]: Zipped<C[K]> };

// What `assemble` makes of an element of each stream, while all have some.
async function* zipped<T>(
  streams: readonly Stream<unknown>[],
  assemble: (elements: readonly unknown[]) => T,
): Stream<T> {
  try {
    while (true) {
      const drawn = await Promise.allSettled(streams.map((stream) => stream.next()));
      const there = drawn.flatMap((d) => d.status === "fulfilled" && !d.value.done ? [d] : []);
      const elements = there.map((d) => d.value.value);
      if (elements.length < streams.length) {
        release(elements);
        for (const d of drawn) if (d.status === "rejected") throw d.reason;
        return;
      }
      yield assemble(elements);
    }
  } finally {
    for (const stream of streams) await stream.return();
  }
}

/**
 * One element of each dataset at a time, in a container of the same form; it ends with the shortest.
 *
 * ```ts
 * import * as dg from "../../mod.ts";
 * import assert from "node:assert";
 *
 * const pairs = dg.data.zip({ xs: dg.data.array([1, 2, 3]), ys: dg.data.array([4, 5]) });
 * assert.deepEqual(await pairs.toArray(), [{ xs: 1, ys: 4 }, { xs: 2, ys: 5 }]);
 * ```
 */
export function zip<C extends DatasetContainer>(datasets: C): Dataset<Zipped<C>> {
  const all: Dataset<unknown>[] = [];
  const collect = (value: unknown): unknown => {
    if (value instanceof Dataset) return all.push(value);
    if (Array.isArray(value) || isRecord(value)) return mapEntries(value, collect);
    throw new DinogradError(
      `data.zip needs datasets, in arrays or objects: got ${value === null ? null : typeof value}`,
    );
  };
  collect(datasets);
  if (all.length === 0) throw new DinogradError("data.zip needs at least one dataset, got none");
  const assemble = (elements: readonly unknown[]) => {
    let next = 0;
    const put = (value: unknown): unknown =>
      value instanceof Dataset ? elements[next++] : mapEntries(value, put);
    return put(datasets) as Zipped<C>;
  };
  const sizes = all.map(({ size }) => size);
  return new Dataset(
    (key) => zipped(all.map((dataset) => dataset.begin(key)), assemble),
    sizes.includes(null) ? null : Math.min(...sizes as number[]),
  );
}

// What is a dataset? Elements that come one by one, each time anew, and what can be done with them before a model sees them.

import { DinogradError } from "../errors.ts";
import { nextSeed } from "../ops/random.ts";
import { release } from "./elements.ts";
import { mixSeeds, Prng } from "./prng.ts";
import * as transforms from "./transforms.ts";
import type { Stream } from "./transforms.ts";

export type { Stream } from "./transforms.ts";

function checkSize(what: string, size: number, low: number): void {
  if (Number.isInteger(size) && size >= low) return;
  throw new DinogradError(`${what} needs a whole number of at least ${low}, got ${size}`);
}

/** A number of elements that may be unknown, computed with where it is known. */
function ifKnown(size: number | null, fn: (size: number) => number): number | null {
  return size === null ? null : fn(size);
}

/**
 * Elements that come one by one, made when they are asked for. It can be gone through again and again, and transformed: every
 * method gives a new dataset and leaves this one as it is.
 *
 * Who draws an element owns its tensors. Transformations dispose of tensors that they do not pass on: `map` of those that are not
 * part of its function's result, `filter`, `skip` and a `take` that ends of what they leave out, `batch` of what it has put together.
 * `forEachAsync`, `fitDataset` and `evaluateDataset` dispose of each element when they are done with it; what comes from
 * `iterator`, `for await` and `toArray` is the caller's to dispose of. Tensors that were kept (`keep`) and variables are left alone.
 *
 * ```ts
 * import * as dg from "../../mod.ts";
 * import assert from "node:assert";
 *
 * const squares = dg.data.array([1, 2, 3, 4, 5]).map((x) => x * x).filter((x) => x > 1);
 * assert.deepEqual(await squares.toArray(), [4, 9, 16, 25]);
 * for await (const batch of squares.batch(3)) {
 *   console.log(batch.arraySync()); // [4, 9, 16], then [25]
 *   batch.dispose();
 * }
 * ```
 */
export class Dataset<T> implements AsyncIterable<T> {
  /** How often its elements were asked for; decides the order of a shuffle. */
  iterations = 0;

  /** `begin` begins anew; what is random in it depends on `key` and nothing else. */
  constructor(
    readonly begin: (key: number) => Stream<T>,
    /** Number of elements where it is known: infinite for an endless one, else null. */
    readonly size: number | null = null,
  ) {}

  /** Begins anew. The caller disposes of the tensors that come out, and calls `return()` when leaving early. */
  iterator(): Promise<Stream<T>> {
    return Promise.resolve(this[Symbol.asyncIterator]());
  }
  /** `for await (const element of dataset)`. */
  [Symbol.asyncIterator](): Stream<T> {
    return this.begin(this.iterations++);
  }

  /** What `transform` makes of each element. Tensors made on the way are disposed of, as in `tidy`. */
  map<O>(transform: (value: T) => O): Dataset<O> {
    return new Dataset((key) => transforms.mapped(this.begin(key), transform), this.size);
  }

  /** What the promise of `transform` gives for each element, one after another. `transform` disposes of what it makes on the way. */
  mapAsync<O>(transform: (value: T) => Promise<O>): Dataset<O> {
    return new Dataset((key) => transforms.mappedAsync(this.begin(key), transform), this.size);
  }

  /** The elements for which `predicate` holds. */
  filter(predicate: (value: T) => boolean): Dataset<T> {
    const size = this.size === Infinity ? Infinity : null;
    return new Dataset((key) => transforms.filtered(this.begin(key), predicate), size);
  }

  /**
   * Elements put together, `batchSize` at a time: numbers become a tensor of rank 1, tensors and arrays of numbers a tensor of one
   * rank more, texts an array; objects and arrays of anything else become objects and arrays of batches. A smaller last batch is left
   * out where `smallLastBatch` is false.
   */
  // deno-lint-ignore no-explicit-any
  batch(batchSize: number, smallLastBatch = true): Dataset<any> {
    checkSize("batch", batchSize, 1);
    const whole = smallLastBatch ? Math.ceil : Math.floor;
    const size = ifKnown(this.size, (n) => n === Infinity ? n : whole(n / batchSize));
    return new Dataset(
      (key) => transforms.batched(this.begin(key), batchSize, smallLastBatch),
      size,
    );
  }

  /**
   * The elements in a random order: each one is picked from the next `bufferSize`. The same seed gives the same orders, one for
   * each iteration, or one for all where `reshuffleEachIteration` is false.
   */
  shuffle(bufferSize: number, seed?: number, reshuffleEachIteration = true): Dataset<T> {
    checkSize("shuffle's bufferSize", bufferSize, 1);
    const own = seed ?? nextSeed();
    const random = (key: number) => new Prng(mixSeeds(own, reshuffleEachIteration ? key : 0));
    return new Dataset(
      (key) => transforms.shuffled(this.begin(key), bufferSize, random(key)),
      this.size,
    );
  }

  /** The elements over and over, `count` times; without end when left out or below 0. */
  repeat(count = -1): Dataset<T> {
    if (count !== -1) checkSize("repeat", count, -1);
    const times = count < 0 ? Infinity : count;
    const size = times === 0 ? 0 : ifKnown(this.size, (n) => n === 0 ? 0 : n * times);
    const open = (key: number) => (i: number) => this.begin(mixSeeds(key, i));
    return new Dataset((key) => transforms.repeated(open(key), times), size);
  }

  /** Has `bufferSize` elements made before they are asked for, while something else is waited for. */
  prefetch(bufferSize: number): Dataset<T> {
    checkSize("prefetch", bufferSize, 1);
    return new Dataset((key) => transforms.prefetched(this.begin(key), bufferSize), this.size);
  }

  /** The first `count` elements; all when left out or below 0. */
  take(count = -1): Dataset<T> {
    checkSize("take", count, -1);
    if (count < 0) return new Dataset((key) => this.begin(key), this.size);
    const size = count === 0 ? 0 : ifKnown(this.size, (n) => Math.min(n, count));
    return new Dataset((key) => transforms.taken(this.begin(key), count), size);
  }

  /** All but the first `count` elements; none when left out or below 0. */
  skip(count = -1): Dataset<T> {
    checkSize("skip", count, -1);
    if (count < 0) return this.take(0);
    const size = ifKnown(this.size, (n) => Math.max(0, n - count));
    return new Dataset((key) => transforms.skipped(this.begin(key), count), size);
  }

  /** These elements, then those of another dataset. */
  concatenate(other: Dataset<T>): Dataset<T> {
    const sizes = [this.size, other.size];
    const size = sizes.includes(Infinity)
      ? Infinity
      : ifKnown(this.size, (n) => ifKnown(other.size, (m) => n + m) ?? NaN);
    return new Dataset(
      (key) => transforms.chained([this.begin(key), other.begin(key)]),
      Number.isNaN(size) ? null : size,
    );
  }

  /** Calls `fn` with each element, waits for it, and disposes of the element's tensors. */
  async forEachAsync(fn: (value: T) => void | Promise<void>): Promise<void> {
    for await (const value of this) {
      try {
        await fn(value);
      } finally {
        release(value);
      }
    }
  }

  /** All elements. */
  async toArray(): Promise<T[]> {
    if (this.size === Infinity) {
      throw new DinogradError("toArray cannot collect a dataset without end: take(n) of it first");
    }
    const all: T[] = [];
    try {
      for await (const value of this) all.push(value);
      return all;
    } catch (error) {
      release(all);
      throw error;
    }
  }
}

// How does each transformation walk through the elements of a dataset? As generators, which draw from the one before only when
// something is drawn from them.
//
// Who draws an element owns its tensors. So a transformation disposes of tensors that it does not pass on, and of what it still
// holds when it is closed early.

import { tidy } from "../scope.ts";
import { release, stackElements } from "./elements.ts";
import type { Prng } from "./prng.ts";

/** Elements one after another, drawn once. */
export type Stream<T> = AsyncGenerator<T, void, undefined>;

/** What `fn` makes of each element; tensors of the element that are not part of it are disposed of. */
export async function* mapped<T, O>(source: Stream<T>, fn: (value: T) => O): Stream<O> {
  for await (const value of source) {
    let result: O | undefined;
    try {
      result = tidy(() => fn(value));
    } finally {
      release(value, result);
    }
    yield result as O;
  }
}

/** The same for a function that takes its time. */
export async function* mappedAsync<T, O>(
  source: Stream<T>,
  fn: (value: T) => Promise<O>,
): Stream<O> {
  for await (const value of source) {
    let result: O | undefined;
    try {
      result = await fn(value);
    } finally {
      release(value, result);
    }
    yield result as O;
  }
}

/** The elements that `wanted` holds for. */
export async function* filtered<T>(source: Stream<T>, wanted: (value: T) => boolean): Stream<T> {
  for await (const value of source) {
    let takes = false;
    try {
      takes = tidy(() => Boolean(wanted(value)));
    } finally {
      if (!takes) release(value);
    }
    if (takes) yield value;
  }
}

/** The first `count` elements; more are not drawn. */
export async function* taken<T>(source: Stream<T>, count: number): Stream<T> {
  if (count === 0) return;
  let left = count;
  for await (const value of source) {
    yield value;
    if (--left === 0) return;
  }
}

/** All but the first `count` elements. */
export async function* skipped<T>(source: Stream<T>, count: number): Stream<T> {
  let left = count;
  for await (const value of source) {
    if (left-- > 0) release(value);
    else yield value;
  }
}

/** One stream after another. */
export async function* chained<T>(streams: Iterable<Stream<T>>): Stream<T> {
  for (const stream of streams) yield* stream;
}

/** A stream over again, `count` times at most; one that gives nothing ends it. */
export async function* repeated<T>(open: (i: number) => Stream<T>, count: number): Stream<T> {
  for (let i = 0; i < count; i++) {
    let any = false;
    for await (const value of open(i)) {
      any = true;
      yield value;
    }
    if (!any) return;
  }
}

/** Elements `size` at a time, as one; a smaller last batch only where it is wanted. */
export async function* batched(
  source: Stream<unknown>,
  size: number,
  smallLastBatch: boolean,
): Stream<unknown> {
  let held: unknown[] = [];
  const batch = () => {
    const elements = held;
    held = [];
    let result: unknown;
    try {
      return result = tidy(() => stackElements(elements));
    } finally {
      release(elements, result);
    }
  };
  try {
    for await (const value of source) {
      held.push(value);
      if (held.length === size) yield batch();
    }
    if (held.length > 0 && smallLastBatch) yield batch();
  } finally {
    release(held);
  }
}

/** Elements in a random order: each is drawn from a buffer of `size`, which the next one then joins. */
export async function* shuffled<T>(source: Stream<T>, size: number, random: Prng): Stream<T> {
  const buffer: T[] = [];
  const draw = () => {
    const at = random.below(buffer.length);
    const value = buffer[at];
    buffer[at] = buffer[buffer.length - 1];
    buffer.pop();
    return value;
  };
  try {
    for await (const value of source) {
      buffer.push(value);
      if (buffer.length > size) yield draw();
    }
    while (buffer.length > 0) yield draw();
  } finally {
    release(buffer);
  }
}

/** The same elements, `size` of which are asked for before they are drawn. */
export async function* prefetched<T>(source: Stream<T>, size: number): Stream<T> {
  const asked: Promise<IteratorResult<T, void>>[] = [];
  const ask = () => {
    const next = source.next();
    next.catch(() => {}); // whoever draws it hears of it
    asked.push(next);
  };
  try {
    while (true) {
      while (asked.length < size) ask();
      const { value, done } = await asked.shift()!;
      if (done) return;
      ask();
      yield value;
    }
  } finally {
    const late = await Promise.allSettled(asked);
    await source.return();
    for (const result of late) if (result.status === "fulfilled") release(result.value.value);
  }
}

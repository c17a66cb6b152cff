// How do the rows of a series become sequences to learn from? Windows over it, each with the target that belongs to its start.

import { DinogradError } from "../errors.ts";
import { gather } from "../ops/gather.ts";
import { tensor, type TensorLike } from "../ops/creation.ts";
import { nextSeed } from "../ops/random.ts";
import { reshape } from "../ops/reshape.ts";
import { keep, tidy } from "../scope.ts";
import { Tensor } from "../tensor.ts";
import { within } from "../native/device.ts";
import { Dataset, type Stream } from "./dataset.ts";
import { mixSeeds, Prng } from "./prng.ts";

/** Options of `data.timeseries`. */
export interface TimeseriesOptions {
  /** Rows in a sequence. */
  sequenceLength: number;
  /** Rows between the starts of sequences, 1 when left out. */
  sequenceStride?: number;
  /** Rows between those of a sequence, 1 when left out. */
  samplingRate?: number;
  /** Sequences in a batch, 128 when left out. */
  batchSize?: number;
  /** Whether sequences come in a new order each time. */
  shuffle?: boolean;
  /** Makes the orders the same each time. */
  seed?: number;
  /** The rows that are used: [startIndex, endIndex). */
  startIndex?: number;
  endIndex?: number;
}

function check(name: string, value: number, low: number, high = Infinity): void {
  if (Number.isInteger(value) && value >= low && value <= high) return;
  const range = high === Infinity ? `of at least ${low}` : `from ${low} to ${high}`;
  throw new DinogradError(
    `data.timeseries needs ${name} to be a whole number ${range}, got ${value}`,
  );
}

/**
 * Sequences of rows of `data`, as Keras's timeseries_dataset_from_array gives them: sequence i is made of the rows
 * `i * sequenceStride + j * samplingRate` for j from 0 to sequenceLength - 1, and its target is row `i * sequenceStride` of `targets`.
 *
 * Elements are batches: `{ xs: [batch, sequenceLength, ...], ys: [batch, ...] }`, or `xs` alone without targets (null).
 *
 * ```ts
 * import * as dg from "../../mod.ts";
 * import assert from "node:assert";
 *
 * const series = [10, 11, 12, 13, 14, 15];
 * const next = series.slice(3); // what comes after three rows
 * const dataset = dg.data.timeseries(series, next, { sequenceLength: 3 });
 * const [{ xs, ys }] = await dataset.toArray();
 * assert.deepEqual(xs.arraySync(), [[10, 11, 12], [11, 12, 13], [12, 13, 14]]);
 * assert.deepEqual(ys.arraySync(), [13, 14, 15]);
 * ```
 */
export function timeseries(
  data: Tensor | TensorLike,
  targets: null | undefined,
  options: TimeseriesOptions,
): Dataset<Tensor>;
/** The same with targets. */
export function timeseries(
  data: Tensor | TensorLike,
  targets: Tensor | TensorLike,
  options: TimeseriesOptions,
): Dataset<{ xs: Tensor; ys: Tensor }>;
export function timeseries(
  data: Tensor | TensorLike,
  targets: Tensor | TensorLike | null | undefined,
  options: TimeseriesOptions,
): Dataset<Tensor> | Dataset<{ xs: Tensor; ys: Tensor }> {
  const { sequenceLength, sequenceStride = 1, samplingRate = 1, batchSize = 128 } = options;
  const rowsOf = (x: Tensor | TensorLike) =>
    x instanceof Tensor ? x.shape[0] : (x as ArrayLike<unknown>).length;
  const rows = rowsOf(data);
  if (rows === undefined) {
    throw new DinogradError("data.timeseries needs rows, got a single number");
  }
  const { startIndex = 0, endIndex = rows } = options;
  const sizes = { sequenceLength, sequenceStride, samplingRate, batchSize };
  for (const [name, value] of Object.entries(sizes)) check(name, value, 1);
  check("startIndex", startIndex, 0, rows);
  check("endIndex", endIndex, startIndex, rows);
  const starts = endIndex - startIndex - (sequenceLength - 1) * samplingRate;
  const usable = targets === null || targets === undefined
    ? starts
    : Math.min(starts, rowsOf(targets) - startIndex);
  if (usable <= 0) {
    throw new DinogradError(
      `data.timeseries finds no sequence of ${sequenceLength} rows, ${samplingRate} apart, in ${
        endIndex - startIndex
      } rows`,
    );
  }
  const count = Math.ceil(usable / sequenceStride);
  const seed = options.shuffle ? options.seed ?? nextSeed() : 0;

  async function* open(key: number): Stream<unknown> {
    const order = Int32Array.from({ length: count }, (_, i) => startIndex + i * sequenceStride);
    if (options.shuffle) new Prng(mixSeeds(seed, key)).shuffle(order);
    // Values that are no tensors yet become some for as long as this goes on.
    const own: Tensor[] = [];
    const asTensor = (x: Tensor | TensorLike) => {
      if (x instanceof Tensor) return x;
      const made = keep(tensor(x));
      own.push(made);
      return made;
    };
    try {
      const x = asTensor(data),
        y = targets === null || targets === undefined ? null : asTensor(targets);
      const pick = (t: Tensor, index: Int32Array) =>
        within(t.device, () => tidy(() => gather(t, tensor(index))));
      for (let at = 0; at < count; at += batchSize) {
        const from = order.subarray(at, at + batchSize);
        const index = new Int32Array(from.length * sequenceLength);
        index.forEach((_, i) => {
          index[i] = from[Math.floor(i / sequenceLength)] + (i % sequenceLength) * samplingRate;
        });
        const xs = tidy(() =>
          reshape(pick(x, index), [from.length, sequenceLength, ...x.shape.slice(1)])
        );
        yield y ? { xs, ys: pick(y, from) } : xs;
      }
    } finally {
      for (const t of own) t.dispose();
    }
  }
  return new Dataset(open, Math.ceil(count / batchSize)) as Dataset<Tensor>;
}

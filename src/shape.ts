// How are shapes combined and checked? Plain functions on lists of numbers; nothing here knows tensors.
//
// A dimension that is not known yet (the batch of a model that is only described so far) is NaN inside the library, so that
// sizes computed from it are NaN too; the public surface shows null.

import { DinogradError } from "./errors.ts";

/** A dimension that is not known yet. */
export const UNKNOWN: number = NaN;

/** Number of elements; NaN while a dimension is unknown. */
export function sizeOf(shape: readonly number[]): number {
  let n = 1;
  for (const d of shape) n *= d;
  return n;
}

/** `[2,null,3]`, for messages. */
export function showShape(shape: readonly (number | null)[]): string {
  return `[${shape.map((d) => d === null || Number.isNaN(d) ? "null" : d).join(",")}]`;
}

/** Whether two dimensions agree; an unknown one agrees with all. */
export function sameDim(a: number, b: number): boolean {
  return a === b || Number.isNaN(a) || Number.isNaN(b);
}

/** Whether two shapes agree, dimension by dimension. */
export function sameShape(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((d, i) => sameDim(d, b[i]));
}

/** Checks that every dimension is a whole number of at least 0 (or unknown). */
export function checkShape(shape: readonly number[], what: string): void {
  if (!Array.isArray(shape)) {
    throw new DinogradError(`${what} needs a shape, a list of numbers: got ${String(shape)}`);
  }
  for (const d of shape) {
    if (!(Number.isNaN(d) || (Number.isInteger(d) && d >= 0))) {
      throw new DinogradError(`${what} needs whole dimensions of at least 0, got [${shape}]`);
    }
  }
}

/** The shape two operands are broadcast to (NumPy's rules). */
export function broadcastShapes(a: readonly number[], b: readonly number[], op: string): number[] {
  const rank = Math.max(a.length, b.length);
  const out = new Array<number>(rank);
  for (let i = 0; i < rank; i++) {
    const x = a[a.length - rank + i] ?? 1, y = b[b.length - rank + i] ?? 1;
    if (x !== 1 && y !== 1 && !sameDim(x, y)) {
      throw new DinogradError(
        `Cannot ${op} ${showShape(a)} and ${showShape(b)}: sizes ${x} and ${y} do not broadcast`,
      );
    }
    out[i] = x === 1 ? y : y === 1 ? x : Number.isNaN(x) ? y : x;
  }
  return out;
}

/** `shape` with leading ones up to `rank`. */
export function padRank(shape: readonly number[], rank: number): number[] {
  return [...new Array<number>(rank - shape.length).fill(1), ...shape];
}

/** One axis, negative ones counted from the end, as a position in `rank` dimensions. */
export function normalizeAxis(axis: number, rank: number, op: string): number {
  if (!Number.isInteger(axis) || axis < -rank || axis >= rank) {
    throw new DinogradError(
      `${op} got axis ${axis}: wanted a whole number from ${-rank} to ${rank - 1} for rank ${rank}`,
    );
  }
  return axis < 0 ? axis + rank : axis;
}

/** Axes as ascending positions; none given means all. */
export function normalizeAxes(
  axes: number | readonly number[] | null | undefined,
  rank: number,
  op: string,
): number[] {
  if (axes === null || axes === undefined) return Array.from({ length: rank }, (_, i) => i);
  const list = (typeof axes === "number" ? [axes] : [...axes]).map((a) =>
    normalizeAxis(a, rank, op)
  );
  list.sort((a, b) => a - b);
  for (let i = 1; i < list.length; i++) {
    if (list[i] === list[i - 1]) throw new DinogradError(`${op} got axis ${list[i]} twice`);
  }
  return list;
}

/** `shape` with the given (ascending) axes removed, or kept as 1. */
export function reducedShape(
  shape: readonly number[],
  axes: readonly number[],
  keepDims: boolean,
): number[] {
  return keepDims
    ? shape.map((d, i) => axes.includes(i) ? 1 : d)
    : shape.filter((_, i) => !axes.includes(i));
}

/** The shape that `wanted` means for `size` elements: one -1 is inferred. */
export function inferShape(
  from: readonly number[],
  wanted: readonly number[],
  op = "reshape",
): number[] {
  checkShape(Array.isArray(wanted) ? wanted.map((d) => d === -1 ? 1 : d) : wanted, op);
  const size = sizeOf(from);
  const hole = wanted.indexOf(-1);
  if (hole !== wanted.lastIndexOf(-1)) {
    throw new DinogradError(`${op} can infer one dimension only, got [${wanted}]`);
  }
  const out = [...wanted];
  const known = sizeOf(wanted.filter((_, i) => i !== hole));
  if (hole >= 0) out[hole] = known === 0 ? 0 : size / known;
  const inferred = hole < 0 || Number.isNaN(out[hole]) || Number.isInteger(out[hole]);
  if (!inferred || !sameDim(sizeOf(out), size)) {
    throw new DinogradError(
      `Cannot ${op} ${showShape(from)} (${size} elements) to [${
        wanted.map((d) => Number.isNaN(d) ? "null" : d)
      }]`,
    );
  }
  return out;
}

/** Row-major strides in elements. */
export function stridesOf(shape: readonly number[]): number[] {
  const out = new Array<number>(shape.length);
  let step = 1;
  for (let i = shape.length - 1; i >= 0; i--) {
    out[i] = step;
    step *= shape[i];
  }
  return out;
}

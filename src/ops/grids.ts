// Which tensors follow from a rule? Evenly spaced values, identity and diagonal matrices, coordinate grids, bands.

import type { DType } from "../dtype.ts";
import { DinogradError } from "../errors.ts";
import { tidy } from "../scope.ts";
import { checkShape, sizeOf } from "../shape.ts";
import { fromHost, type Tensor } from "../tensor.ts";
import { stretch } from "./broadcast.ts";
import { fill, toTyped } from "./creation.ts";
import { writeWindow } from "./movement.ts";
import { type Operand, toTensor } from "./operand.ts";
import { clone, reshape } from "./reshape.ts";

/** `num` float32 values from `start` to `stop`, both included, evenly spaced. */
export function linspace(start: number, stop: number, num: number): Tensor {
  if (!Number.isInteger(num) || num < 1) {
    throw new DinogradError(`linspace wants a whole number of values of at least 1, got ${num}`);
  }
  const step = num > 1 ? (stop - start) / (num - 1) : 0;
  const values = Float32Array.from({ length: num }, (_, i) => start + i * step);
  return fromHost(values, [num], "float32");
}

/** start, start + step, ... up to but not including `stop`. A step left out is 1, or -1 where stop is below start. */
export function range(
  start: number,
  stop: number,
  step?: number,
  dtype: "float32" | "int32" = "float32",
): Tensor {
  if (step === 0) throw new DinogradError("range wants a step other than 0");
  const by = step ?? (stop < start ? -1 : 1);
  const n = Math.max(0, Math.ceil((stop - start) / by));
  return fromHost(toTyped(Array.from({ length: n }, (_, i) => start + i * by), dtype), [n], dtype);
}

/** Ones on the main diagonal of each [numRows, numColumns] matrix (square when left out), repeated for `batchShape`; else 0. */
export function eye(
  numRows: number,
  numColumns: number = numRows,
  batchShape: readonly number[] = [],
  dtype: DType = "float32",
): Tensor {
  checkShape([numRows, numColumns, ...batchShape], "eye");
  return tidy(() => {
    const n = Math.min(numRows, numColumns);
    const flat = writeWindow({ x: fill([n], 1, dtype) }, {
      begin: [0],
      step: [numColumns + 1],
      size: [n],
      whole: [numRows * numColumns],
      value: 0,
    });
    const matrix = reshape(flat, [numRows, numColumns]);
    return clone(stretch(matrix, [...batchShape, numRows, numColumns]));
  });
}

/** x of shape s as a diagonal: shape [...s, ...s], x where both halves of the index agree, else 0. */
export function diag(x: Operand): Tensor {
  return tidy(() => {
    const t = toTensor(x);
    const n = sizeOf(t.shape);
    const square = writeWindow({ x: reshape(t, [n]) }, {
      begin: [0],
      step: [n + 1],
      size: [n],
      whole: [n * n],
      value: 0,
    });
    return reshape(square, [...t.shape, ...t.shape]);
  });
}

/**
 * Coordinate grids of vectors, one grid per vector: for x of n and y of m values both [m, n] with indexing "xy" (as images are
 * laid out), [n, m] with "ij".
 */
export function meshgrid(
  x?: Operand,
  y?: Operand,
  { indexing = "xy" }: { indexing?: "xy" | "ij" } = {},
): Tensor[] {
  if (indexing !== "xy" && indexing !== "ij") {
    throw new DinogradError(`meshgrid wants indexing "xy" or "ij", got "${indexing}"`);
  }
  return tidy(() => {
    if (x === undefined) return [];
    const a = reshape(x, [-1]);
    if (y === undefined) return [a];
    const b = reshape(y, [-1]);
    const [n, m] = [a.size, b.size];
    return indexing === "xy"
      ? [clone(stretch(reshape(a, [1, n]), [m, n])), clone(stretch(reshape(b, [m, 1]), [m, n]))]
      : [clone(stretch(reshape(a, [n, 1]), [n, m])), clone(stretch(reshape(b, [1, m]), [n, m]))];
  });
}

// How large are the values of a tensor, and how are they spread?

import { isFloat } from "../dtype.ts";
import { DinogradError } from "../errors.ts";
import { unwatched } from "../op.ts";
import { tidy } from "../scope.ts";
import { normalizeAxes, reducedShape, showShape } from "../shape.ts";
import type { Tensor } from "../tensor.ts";
import { sum } from "./broadcast.ts";
import { asType } from "./cast.ts";
import { add, div, mul, squaredDifference, sub } from "./elementwise.ts";
import { isFinite, where } from "./logical.ts";
import { abs, exp, log, sqrt } from "./math.ts";
import { type Operand, toTensor } from "./operand.ts";
import { pow } from "./power.ts";
import { type Axes, max, mean, min, sumSquares } from "./reduce.ts";
import { reshape } from "./reshape.ts";

// The result that `fn` computes from an operand in float32; of 16-bit floats it is one again, rounded once, as sums are.
function inFloat32(x: Operand, fn: (x: Tensor) => Tensor): Tensor {
  const given = toTensor(x), y = fn(asType(given, "float32"));
  return isFloat(given.dtype) ? asType(y, given.dtype) : y;
}

/** `log(sum(exp(x)))` over axes, without overflow. */
export function logSumExp(x: Operand, axis?: Axes, keepDims = false): Tensor {
  const run = (t: Tensor) => {
    const axes = normalizeAxes(axis, t.rank, "logSumExp");
    // The largest value only moves the range of exp: no gradient needs to flow through it. An infinite one cannot be taken out.
    const top = unwatched(() => {
      const m = max(t, axes, true);
      return where(isFinite(m), m, 0);
    });
    const y = add(log(sum(exp(sub(t, top)), axes, true)), top);
    return reshape(y, reducedShape(t.shape, axes, keepDims));
  };
  return tidy(() => inFloat32(x, run));
}

/**
 * Mean and variance over axes: `variance = mean((x - mean)^2)`.
 *
 * ```ts
 * import * as dg from "../../mod.ts";
 * import assert from "node:assert";
 *
 * const { mean, variance } = dg.moments([1, 3]);
 * assert.deepEqual([mean.arraySync(), variance.arraySync()], [2, 1]);
 * ```
 */
export function moments(
  x: Operand,
  axis?: Axes,
  keepDims = false,
): { mean: Tensor; variance: Tensor } {
  return tidy(() => {
    const given = toTensor(x), t = asType(given, "float32");
    const axes = normalizeAxes(axis, t.rank, "moments");
    const centre = mean(t, axes, true);
    const shape = reducedShape(t.shape, axes, keepDims);
    const variance = mean(squaredDifference(t, centre), axes, keepDims);
    const type = isFloat(given.dtype) ? given.dtype : "float32";
    return { mean: asType(reshape(centre, shape), type), variance: asType(variance, type) };
  });
}

/**
 * The norm of vectors along one axis, of matrices over two, or of all values. `ord`: "euclidean" (or 2, "fro"), 1 (for matrices the
 * largest column sum), Infinity (the largest magnitude; for matrices the largest row sum), -Infinity, or for vectors any p.
 */
export function norm(
  x: Operand,
  ord: number | "euclidean" | "fro" = "euclidean",
  axis?: Axes,
  keepDims = false,
): Tensor {
  const run = (t: Tensor) => {
    const given = axis === undefined || axis === null
      ? null
      : typeof axis === "number"
      ? [axis]
      : axis;
    const axes = normalizeAxes(given, t.rank, "norm");
    const shape = reducedShape(t.shape, axes, keepDims);
    const over = (reduce: typeof max, values: Tensor) => reshape(reduce(values, axes), shape);
    if (ord === "euclidean" || ord === "fro" || (ord === 2 && given?.length !== 2)) {
      return sqrt(over(sumSquares, t));
    }
    if (given?.length === 2) {
      // Columns of a matrix run along the first axis given, rows along the second.
      const [column, row] = normalizeAxes(given[0], t.rank, "norm").concat(
        normalizeAxes(given[1], t.rank, "norm"),
      );
      const sums = (along: number) => sum(abs(t), along, true);
      if (ord === 1) return over(max, sums(column));
      if (ord === Infinity) return over(max, sums(row));
      if (ord === -Infinity) return over(min, sums(row));
    } else if (given === null || given.length === 1) {
      if (ord === Infinity) return over(max, abs(t));
      if (ord === -Infinity) return over(min, abs(t));
      if (ord === 1) return over(sum, abs(t));
      if (Number.isFinite(ord)) return pow(over(sum, pow(abs(t), ord)), 1 / ord);
    }
    throw new DinogradError(
      `norm of ${showShape(t.shape)} cannot take order ${ord} over ${
        given ? `axes [${given}]` : "all values"
      }`,
    );
  };
  return tidy(() => inFloat32(x, run));
}

/** `sqrt(sum(x^2))` over axes. */
export function euclideanNorm(x: Operand, axis?: Axes, keepDims = false): Tensor {
  return norm(x, "euclidean", axis, keepDims);
}

/**
 * The moving average after one more value: `v + (x - v) * (1 - decay)`; with `step`, the update is divided by `1 - decay^step` to
 * make up for a start at zero, unless `zeroDebias` is false.
 */
export function movingAverage(
  v: Operand,
  x: Operand,
  decay: Operand,
  step?: Operand,
  zeroDebias = true,
): Tensor {
  if (zeroDebias && step === undefined) {
    throw new DinogradError("movingAverage wants a step where zeroDebias is true");
  }
  return tidy(() => {
    const rest = (share: Operand) => typeof share === "number" ? 1 - share : sub(1, share);
    const update = mul(sub(x, v), rest(decay));
    if (!zeroDebias) return add(v, update);
    const both = typeof decay === "number" && typeof step === "number";
    return add(v, div(update, rest(both ? decay ** step : pow(decay, step!))));
  });
}

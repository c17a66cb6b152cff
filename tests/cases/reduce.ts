// The op table: reductions, scans, norms.

import { sum } from "../../src/ops/broadcast.ts";
import { euclideanNorm, logSumExp, moments, movingAverage, norm } from "../../src/ops/norm.ts";
import {
  all,
  any,
  argMax,
  argMin,
  max,
  mean,
  min,
  prod,
  sumSquares,
} from "../../src/ops/reduce.ts";
import { cumprod, cumsum } from "../../src/ops/scan.ts";
import { fold, lines, type Plain, total, zip } from "../plain.ts";
import { bool, float, int, type Row, row } from "./row.ts";

const cube = (n: number) => [float([n, n + 1, n + 2])];
const filled = (n: number) => [float([n + 1, n + 2, 3])];
const product = (v: readonly number[]) => v.reduce((a, b) => a * b, 1);
const average = (v: readonly number[]) => total(v) / v.length;
const variance = (v: readonly number[]) => average(v.map((x) => (x - average(v)) ** 2));
const largest = (v: readonly number[]) => Math.max(...v);
const smallest = (v: readonly number[]) => Math.min(...v);
const length = (v: readonly number[]) => Math.sqrt(total(v.map((x) => x * x)));
const magnitudes = (v: readonly number[]) => v.map(Math.abs);
const loose = { atol: 1e-5, gtol: 1e-4 };

function running(f: (a: number, b: number) => number, start: number, exclusive: boolean) {
  return (values: number[]) => {
    let so = start;
    return values.map((v) => {
      const before = so;
      so = f(so, v);
      return exclusive ? before : so;
    });
  };
}
const backwards = (f: (v: number[]) => number[]) => (v: number[]) => f(v.toReversed()).toReversed();
const plus = (a: number, b: number) => a + b, times = (a: number, b: number) => a * b;

/** Rows of reductions, scans and norms. */
export const reductions: Row[] = [
  row("sum", cube, (x) => sum(x, [0, 2]), (x) => fold(x, total, [0, 2]), loose),
  row("sum keepDims", cube, (x) => sum(x, 1, true), (x) => fold(x, total, [1], true), loose),
  row("sum int32", (n) => [int([n, n + 1])], (x) => sum(x), (x) => fold(x, total)),
  row("mean", cube, (x) => mean(x, -1), (x) => fold(x, average, [2])),
  row("mean int32", filled, (x) => mean(x), (x) => fold(x, average), { atol: 1e-5 }),
  row("max", filled, (x) => max(x, 1), (x) => fold(x, largest, [1])),
  row("min", filled, (x) => min(x, [0, 2], true), (x) => fold(x, smallest, [0, 2], true)),
  row("max int32", (n) => [int([n, 3])], (x) => max(x, 1), (x) => fold(x, largest, [1])),
  row(
    "prod",
    (n) => [float([n, n % 8, 2], 0.7, 1.4)],
    (x) => prod(x, [0, 1]),
    (x) => fold(x, product, [0, 1]),
    { rtol: 1e-5, gtol: 1e-4 },
  ),
  row(
    "sumSquares",
    cube,
    (x) => sumSquares(x, 0),
    (x) => fold(x, (v) => length(v) ** 2, [0]),
    loose,
  ),
  row("all", (n) => [bool([n, 3])], (x) => all(x, 1), (x) => fold(x, smallest, [1])),
  row(
    "any",
    (n) => [bool([n, 2])],
    (x) => any(x, 0, true),
    (x) => fold(x, (v) => Math.max(0, ...v), [0], true),
  ),
  row("argMax", filled, (x) => argMax(x, 1), (x) => fold(x, (v) => v.indexOf(largest(v)), [1]), {
    grad: false,
  }),
  row(
    "argMin ties",
    (n) => [int([n, 5], 0, 3)],
    (x) => argMin(x, -1),
    (x) => fold(x, (v) => v.indexOf(smallest(v)), [1]),
  ),
  row("cumsum", cube, (x) => cumsum(x, 1), (x) => lines(x, 1, running(plus, 0, false)), loose),
  row(
    "cumsum exclusive reverse",
    cube,
    (x) => cumsum(x, 2, true, true),
    (x) => lines(x, 2, backwards(running(plus, 0, true))),
    loose,
  ),
  row(
    "cumprod",
    (n) => [float([n, n % 8, 2], 0.5, 1.5)],
    (x) => cumprod(x, 1),
    (x) => lines(x, 1, running(times, 1, false)),
    { rtol: 1e-5, gtol: 1e-4 },
  ),
  row(
    "cumprod exclusive reverse",
    (n) => [float([n % 8, n], -1.5, 1.5)],
    (x) => cumprod(x, 0, true, true),
    (x) => lines(x, 0, backwards(running(times, 1, true))),
    { rtol: 1e-5, gtol: 1e-4 },
  ),
  row("logSumExp", filled, (x) => logSumExp(x, [0, 1]), (x) => {
    return fold(x, (v) => Math.log(total(v.map(Math.exp))), [0, 1]);
  }),
  row("moments", filled, (x) => {
    const { mean, variance } = moments(x, [0, 2]);
    return [mean, variance];
  }, (x) => [fold(x, average, [0, 2]), fold(x, variance, [0, 2])]),
  row("norm", filled, (x) => norm(x), (x) => fold(x, length)),
  row(
    "norm 1",
    filled,
    (x) => norm(x, 1, 1),
    (x) => fold(x, (v) => total(magnitudes(v)), [1]),
    loose,
  ),
  row("norm 3", filled, (x) => norm(x, 3, 1, true), (x) => {
    return fold(x, (v) => total(magnitudes(v).map((a) => a ** 3)) ** (1 / 3), [1], true);
  }, { gtol: 1e-4, rtol: 1e-5 }),
  row("norm Infinity", filled, (x) => norm(x, Infinity, 0), (x) => {
    return fold(x, (v) => largest(magnitudes(v)), [0]);
  }),
  row("norm 1 of matrices", filled, (x) => norm(x, 1, [0, 1]), (x) => {
    return fold(fold(x, (v) => total(magnitudes(v)), [0], true), largest, [0, 1]);
  }, loose),
  row("norm Infinity of matrices", filled, (x) => norm(x, Infinity, [0, 1]), (x) => {
    return fold(fold(x, (v) => total(magnitudes(v)), [1], true), largest, [0, 1]);
  }, loose),
  row("euclideanNorm", filled, (x) => euclideanNorm(x, -1), (x) => fold(x, length, [2])),
  row(
    "movingAverage",
    (n) => [float([n, 2]), float([n, 2])],
    (v, x) => movingAverage(v, x, 0.9, 3),
    (...xs: Plain[]) => zip((v, x) => v + (x - v) * 0.1 / (1 - 0.9 ** 3), ...xs),
    { rtol: 1e-5, roundings: 3 },
  ),
];

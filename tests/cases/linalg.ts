// The op table: orthonormal bases, signals, sparse values.

import { broadcastArgs } from "../../src/ops/broadcast.ts";
import { gramSchmidt, qr } from "../../src/ops/linalg.ts";
import { sparseToDense } from "../../src/ops/scatter_nd.ts";
import { frame } from "../../src/ops/signal.ts";
import { build, Plain, total } from "../plain.ts";
import { float, int, type Row, row } from "./row.ts";

const range = (n: number) => Array.from({ length: n }, (_, i) => i);

// Q [m, m] and R [m, n] of one matrix, each reflection written out.
function reflections(a: number[][], n: number): { q: number[][]; r: number[][] } {
  const m = a.length, r = a.map((line) => [...line]);
  const q = range(m).map((i) => range(m).map((j) => Number(i === j)));
  for (let j = 0; j < Math.min(m, n); j++) {
    const length = Math.hypot(...range(m).slice(j).map((i) => r[i][j]));
    const v = range(m).map((i) => i < j ? 0 : r[i][j]);
    v[j] += r[j][j] > 0 ? length : -length;
    const square = total(v.map((x) => x * x));
    const reflect = (x: number[]) => {
      const share = 2 * total(x.map((e, i) => e * v[i])) / square;
      return x.map((e, i) => e - share * v[i]);
    };
    range(n).forEach((c) => reflect(r.map((line) => line[c])).forEach((e, i) => r[i][c] = e));
    range(m).forEach((i) => q[i] = reflect(q[i]));
  }
  return { q, r };
}

function decomposed(x: Plain, full: boolean): Plain[] {
  const [batch, m, n] = x.shape, k = full ? m : Math.min(m, n);
  const all = range(batch).map((b) =>
    reflections(range(m).map((i) => range(n).map((j) => x.at(b, i, j))), n)
  );
  return [
    build([batch, m, k], (b, i, j) => all[b].q[i][j]),
    build([batch, k, n], (b, i, j) => all[b].r[i][j]),
  ];
}

function orthonormal(x: Plain): Plain {
  const rows: number[][] = [];
  for (const i of range(x.shape[0])) {
    let v = range(x.shape[1]).map((j) => x.at(i, j));
    for (const u of rows) {
      const share = total(v.map((e, j) => e * u[j]));
      v = v.map((e, j) => e - share * u[j]);
    }
    rows.push(v.map((e) => e / Math.hypot(...v)));
  }
  return build(x.shape, (i, j) => rows[i][j]);
}

const loose = { rtol: 1e-4, atol: 1e-4, gtol: 2e-3 };

/** Rows of linear algebra and its neighbours. */
export const bases: Row[] = [
  row("qr", (n) => [float([n, 4, 2])], (x) => qr(x), (x) => decomposed(x, false), loose),
  row("qr wide", (n) => [float([n, 2, 3])], (x) => qr(x), (x) => decomposed(x, false), loose),
  row("qr full", (n) => [float([n, 3, 2])], (x) => qr(x, true), (x) => decomposed(x, true), loose),
  row(
    "gramSchmidt",
    (n) => [float([Math.min(n, 3) || 1, 9], 0.5, 2)],
    (x) => gramSchmidt(x),
    orthonormal,
    loose,
  ),
  row(
    "signal.frame",
    (n) => [float([n])],
    (x) => frame(x, 3, 2),
    (x) =>
      build([Math.max(0, Math.floor((x.shape[0] - 3) / 2) + 1), 3], (i, j) => x.data[i * 2 + j]),
  ),
  row(
    "signal.frame padded",
    (n) => [float([n])],
    (x) => frame(x, 3, 2, true, 0.5),
    (x) => build([Math.ceil(x.shape[0] / 2), 3], (i, j) => x.data[i * 2 + j] ?? 0.5),
  ),
  row(
    "sparseToDense",
    (n) => [int([n, 2], 0, 4), float([n])],
    (at, x) => sparseToDense(at, x, [4, 4], -1),
    (at, x) => {
      const y = new Array(16).fill(-1);
      x.data.forEach((v, i) => y[at.at(i, 0) * 4 + at.at(i, 1)] = v);
      return new Plain([4, 4], y);
    },
    { host: true },
  ),
  row(
    "broadcastArgs",
    (n) => [int([3], n, n + 1)],
    (x) => broadcastArgs(x, [5, 1, 1, 1]),
    (x) => new Plain([4], [5, ...x.data]),
    { host: true },
  ),
];

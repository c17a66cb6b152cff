// The op table: what index tensors select and where they put things.

import { bincount, confusionMatrix, denseBincount, oneHot } from "../../src/ops/counting.ts";
import { gather, unsortedSegmentSum } from "../../src/ops/gather.ts";
import { where } from "../../src/ops/logical.ts";
import { gatherND, scatterND, tensorScatterUpdate } from "../../src/ops/scatter_nd.ts";
import { cumsum } from "../../src/ops/scan.ts";
import { lowerBound, upperBound } from "../../src/ops/search.ts";
import { topk, unique } from "../../src/ops/selection.ts";
import { build, Plain, total, zip } from "../plain.ts";
import { bool, float, int, type Row, row } from "./row.ts";

const range = (n: number) => Array.from({ length: n }, (_, i) => i);

/** Rows of selections. */
export const selections: Row[] = [
  row(
    "gather",
    (n) => [float([n + 1, n]), int([n + 2], 0, n + 1)],
    (x, i) => gather(x, i),
    (x, i) => build([i.shape[0], x.shape[1]], (a, b) => x.at(i.at(a), b)),
  ),
  row(
    "gather along an axis",
    (n) => [float([2, 4, n]), int([3, 2], 0, 4)],
    (x, i) => gather(x, i, 1),
    (x, i) => build([2, 3, 2, x.shape[2]], (a, b, c, d) => x.at(a, i.at(b, c), d)),
  ),
  row(
    "gather with batches",
    (n) => [float([n, 2, 4, 3]), int([n, 5], 0, 4)],
    (x, i) => gather(x, i, 2, 1),
    (x, i) => build([x.shape[0], 2, 5, 3], (a, b, c, d) => x.at(a, b, i.at(a, c), d)),
  ),
  row(
    "gatherND",
    (n) => [float([n + 1, n + 1, 2]), int([n, 3, 2], 0, n + 1)],
    (x, i) => gatherND(x, i),
    (x, i) => build([i.shape[0], 3, 2], (a, b, c) => x.at(i.at(a, b, 0), i.at(a, b, 1), c)),
  ),
  row(
    "scatterND",
    (n) => [int([n, 1], -1, 5), float([n, 3])],
    (i, x) => scatterND(i, x, [4, 3]),
    (i, x) => build([4, 3], (a, b) => total(i.data.map((to, k) => to === a ? x.at(k, b) : 0))),
    { atol: 1e-5 },
  ),
  row(
    "tensorScatterUpdate",
    (n) => [float([n + 1, 3]), int([n, 1], 0, n + 1), float([n, 3])],
    (x, i, u) => tensorScatterUpdate(x, i, u),
    (x, i, u) =>
      build(x.shape, (a, b) => {
        const last = i.data.lastIndexOf(a);
        return last < 0 ? x.at(a, b) : u.at(last, b);
      }),
    { host: true },
  ),
  row(
    "unsortedSegmentSum",
    (n) => [float([n, 2, 3]), int([n, 2], -1, 5)],
    (x, i) => unsortedSegmentSum(x, i, 4),
    (x, i) =>
      build([4, 3], (s, c) => total(i.data.map((to, k) => to === s ? x.at(k >> 1, k & 1, c) : 0))),
    { atol: 1e-5 },
  ),
  row(
    "where",
    (n) => [bool([n, 1]), float([n, n + 1]), float([n + 1])],
    (c, a, b) => where(c, a, b),
    (...xs) => zip((c, a, b) => c ? a : b, ...xs),
  ),
  row("oneHot", (n) => [int([n, 2], -1, 5)], (i) => oneHot(i, 4, 2, -1, "float32"), (i) => {
    return build([...i.shape, 4], (a, b, c) => i.at(a, b) === c ? 2 : -1);
  }),
  row("bincount", (n) => [int([n], 0, 6)], (x) => bincount(x, [], 5), (x) => {
    return build([5], (v) => x.data.filter((w) => w === v).length);
  }),
  row(
    "bincount weighted",
    (n) => [int([n], 0, 6), float([n])],
    (x, w) => bincount(x, w, 5),
    (x, w) => {
      return build([5], (v) => total(w.data.filter((_, i) => x.data[i] === v)));
    },
    { atol: 1e-5 },
  ),
  row("denseBincount", (n) => [int([n, 4], -1, 4)], (x) => denseBincount(x, [], 3), (x) => {
    return build([x.shape[0], 3], (a, v) => range(4).filter((b) => x.at(a, b) === v).length);
  }),
  row(
    "confusionMatrix",
    (n) => [int([n], 0, 3), int([n], 0, 3)],
    (t, p) => confusionMatrix(t, p, 3),
    (t, p) => build([3, 3], (a, b) => t.data.filter((v, i) => v === a && p.data[i] === b).length),
  ),
  row("topk", (n) => [float([n, 6])], (x) => {
    const { values, indices } = topk(x, 3);
    return [values, indices];
  }, (x) => {
    const places = range(x.shape[0]).flatMap((a) => {
      const line = range(6).sort((p, q) => x.at(a, q) - x.at(a, p));
      return line.slice(0, 3);
    });
    const indices = new Plain([x.shape[0], 3], places);
    return [build(indices.shape, (a, k) => x.at(a, indices.at(a, k))), indices];
  }, { host: true }),
  row("unique", (n) => [int([n], 0, 4)], (x) => {
    const { values, indices } = unique(x);
    return [values, indices];
  }, (x) => {
    const values = [...new Set(x.data)];
    return [new Plain([values.length], values), x.map((v) => values.indexOf(v))];
  }, { host: true }),
  ...[lowerBound, upperBound].map((search) =>
    row(
      search.name,
      (n) => [int([n, 4], 0, 4), int([n, 3], 0, 12)],
      (steps, v) => search(cumsum(steps, 1), v), // running sums are sorted
      (steps, v) => {
        const sorted = (a: number, k: number) => total(range(k + 1).map((l) => steps.at(a, l)));
        return build(v.shape, (a, b) =>
          range(4).filter((k) => {
            const w = sorted(a, k);
            return search === lowerBound ? w < v.at(a, b) : w <= v.at(a, b);
          }).length);
      },
    )
  ),
];

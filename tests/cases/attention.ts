// The op table: attention.

import { dotProductAttention } from "../../src/ops/attention.ts";
import { build, type Plain, total } from "../plain.ts";
import { bool, float, type Row, row } from "./row.ts";

const range = (n: number) => Array.from({ length: n }, (_, i) => i);

// The mean of values of [batch, keys, heads, size] weighted by e^score; what does not count has a score of which nothing remains.
function attention(
  q: Plain,
  k: Plain,
  v: Plain,
  scale: number,
  counts: (b: number, h: number, i: number, j: number) => boolean,
): Plain {
  const [batch, queries, heads, size] = q.shape, [, keys, keyHeads, valueSize] = v.shape;
  const weights = (b: number, h: number, i: number, g: number) => {
    const scores = range(keys).map((j) =>
      counts(b, h, i, j)
        ? scale * total(range(size).map((c) => q.at(b, i, h, c) * k.at(b, j, g, c)))
        : -1e9
    );
    const e = scores.map((s) => Math.exp(s - Math.max(...scores)));
    return e.map((x) => x / total(e));
  };
  return build([batch, queries, heads, valueSize], (b, i, h, c) => {
    const g = Math.floor(h / (heads / keyHeads)), w = weights(b, h, i, g);
    return total(w.map((x, j) => x * v.at(b, j, g, c)));
  });
}

const sums = { atol: 1e-5, rtol: 1e-5, gtol: 1e-4 };

/** Rows of attention. */
export const attentions: Row[] = [
  row(
    "dotProductAttention",
    (n) => [float([n, 3, 2, 4]), float([n, n + 1, 2, 4]), float([n, n + 1, 2, 3])],
    (q, k, v) => dotProductAttention(q, k, v),
    (q, k, v) => attention(q, k, v, 0.5, () => true),
    sums,
  ),
  row(
    "dotProductAttention causal, heads sharing keys",
    (n) => [float([2, n + 2, 4, 3]), float([2, n + 1, 2, 3]), float([2, n + 1, 2, 5])],
    (q, k, v) => dotProductAttention(q, k, v, { causal: true, scale: 0.3 }),
    (q, k, v) => attention(q, k, v, 0.3, (_b, _h, i, j) => j <= i),
    sums,
  ),
  row(
    "dotProductAttention with a mask for all heads",
    (
      n,
    ) => [
      float([2, 3, 2, 2]),
      float([2, n + 1, 2, 2]),
      float([2, n + 1, 2, 2]),
      bool([2, 1, 1, n + 1]),
    ],
    (q, k, v, mask) => dotProductAttention(q, k, v, { mask, scale: 1 }),
    (q, k, v, mask) => attention(q, k, v, 1, (b, _h, _i, j) => mask.at(b, 0, 0, j) === 1),
    sums,
  ),
  row(
    "dotProductAttention with a mask for each query, causal",
    (n) => [float([1, n + 1, 2, 2]), float([1, 4, 1, 2]), float([1, 4, 1, 2]), bool([2, n + 1, 4])],
    (q, k, v, mask) => dotProductAttention(q, k, v, { mask, causal: true }),
    (q, k, v, mask) =>
      attention(q, k, v, Math.SQRT1_2, (_b, h, i, j) => mask.at(h, i, j) === 1 && j <= i),
    sums,
  ),
];

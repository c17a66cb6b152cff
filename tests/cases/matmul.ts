// The op table: products of matrices, softmax and cross-entropy.

import { einsum } from "../../src/ops/einsum.ts";
import { dot, fusedMatMul, matMul, outerProduct } from "../../src/ops/matmul.ts";
import { crossEntropy, logSoftmax, softmax } from "../../src/ops/softmax.ts";
import { build, fold, lines, type Plain, total, zip } from "../plain.ts";
import { float, int, type Row, row } from "./row.ts";

const range = (n: number) => Array.from({ length: n }, (_, i) => i);
const sums = { atol: 1e-5, gtol: 1e-4 };

// a [.., m, k] by b [.., k, n]; `lead` reads an operand's leading index off the result's.
function product(
  a: (i: number, k: number, ...batch: number[]) => number,
  b: (k: number, j: number, ...batch: number[]) => number,
  batch: number[],
  [m, k, n]: [number, number, number],
): Plain {
  return build([...batch, m, n], (...index) => {
    const j = index.pop()!, i = index.pop()!;
    return total(range(k).map((l) => a(i, l, ...index) * b(l, j, ...index)));
  });
}
const matrices = (a: Plain, b: Plain) =>
  product((i, k) => a.at(i, k), (k, j) => b.at(k, j), [], [a.shape[0], a.shape[1], b.shape[1]]);

const softmaxOf = (v: readonly number[]) => {
  const e = v.map((x) => Math.exp(x - Math.max(...v)));
  return e.map((x) => x / total(e));
};
const logSoftmaxOf = (v: readonly number[]) => {
  const top = Math.max(...v), sum = Math.log(total(v.map((x) => Math.exp(x - top))));
  return v.map((x) => x - top - sum);
};
const rows = (x: Plain) =>
  range(x.shape[0]).map((i) => x.data.slice(i * x.shape[1], (i + 1) * x.shape[1]));

/** Rows of products. */
export const products: Row[] = [
  row(
    "matMul",
    (n) => [float([n, n + 1]), float([n + 1, n + 2])],
    (a, b) => matMul(a, b),
    matrices,
    sums,
  ),
  row(
    "matMul transposed",
    (n) => [float([n + 1, n]), float([n + 2, n + 1])],
    (a, b) => matMul(a, b, true, true),
    (a, b) => {
      const sizes: [number, number, number] = [a.shape[1], a.shape[0], b.shape[0]];
      return product((i, k) => a.at(k, i), (k, j) => b.at(j, k), [], sizes);
    },
    sums,
  ),
  row(
    "matMul of batches",
    (n) => [float([2, n, 3]), float([2, 4, 3])],
    (a, b) => matMul(a, b, false, true),
    (a, b) =>
      product((i, k, s) => a.at(s, i, k), (k, j, s) => b.at(s, j, k), [2], [a.shape[1], 3, 4]),
    sums,
  ),
  row(
    "matMul sharing the right matrix",
    (n) => [float([2, n, 3]), float([3, 4])],
    (a, b) => matMul(a, b),
    (a, b) => product((i, k, s) => a.at(s, i, k), (k, j) => b.at(k, j), [2], [a.shape[1], 3, 4]),
    sums,
  ),
  row(
    "matMul sharing the left matrix",
    (n) => [float([1, 3, n]), float([2, 3, 4])],
    (a, b) => matMul(a, b, true),
    (a, b) => product((i, k) => a.at(0, k, i), (k, j, s) => b.at(s, k, j), [2], [a.shape[2], 3, 4]),
    sums,
  ),
  row(
    "matMul broadcasting batches",
    (n) => [float([2, 1, n, 3]), float([4, 3, 2])],
    (a, b) => matMul(a, b),
    (a, b) =>
      product(
        (i, k, s) => a.at(s, 0, i, k),
        (k, j, _, t) => b.at(t, k, j),
        [2, 4],
        [a.shape[2], 3, 2],
      ),
    sums,
  ),
  row(
    "matMul int32",
    (n) => [int([n, n + 1]), int([n + 1, 3])],
    (a, b) => matMul(a, b),
    matrices,
  ),
  ...(["linear", "relu", "tanh", "sigmoid", "elu", "hardSigmoid", "swish"] as const).map((
    activation,
  ) =>
    row(
      `fused.matMul ${activation}`,
      (n) => [float([n, 3]), float([3, 4]), float([4])],
      (a, b, bias) => fusedMatMul({ a, b, bias, activation }),
      (a, b, bias) => {
        const z = zip((x, c) => x + c, matrices(a, b), bias);
        return z.map(
          {
            linear: (x: number) => x,
            relu: (x: number) => Math.max(x, 0),
            tanh: Math.tanh,
            sigmoid: (x: number) => 1 / (1 + Math.exp(-x)),
            elu: (x: number) => x > 0 ? x : Math.expm1(x),
            hardSigmoid: (x: number) => Math.min(Math.max(x / 6 + 0.5, 0), 1),
            swish: (x: number) => x / (1 + Math.exp(-x)),
          }[activation],
        );
      },
      activation === "swish" ? { ...sums, roundings: 2 } : sums,
    )
  ),
  row("dot", (n) => [float([n, 3]), float([3])], (a, b) => dot(a, b), (a, b) => {
    return build([a.shape[0]], (i) => total(range(3).map((k) => a.at(i, k) * b.at(k))));
  }, sums),
  row("outerProduct", (n) => [float([n]), float([n + 1])], (a, b) => outerProduct(a, b), (a, b) => {
    return build([a.shape[0], b.shape[0]], (i, j) => a.at(i) * b.at(j));
  }),
  row(
    "einsum attention",
    (n) => [float([2, n, 2, 3]), float([2, 4, 2, 3])],
    (q, k) => einsum("bqhd,bkhd->bhqk", q, k),
    (q, k) =>
      build(
        [2, 2, q.shape[1], 4],
        (b, h, i, j) => total(range(3).map((d) => q.at(b, i, h, d) * k.at(b, j, h, d))),
      ),
    sums,
  ),
  row(
    "einsum of three",
    (n) => [float([n, 2]), float([2, 3]), float([3, n])],
    (...xs) => einsum("ij,jk,ki->i", ...xs),
    (a, b, c) =>
      build([a.shape[0]], (i) =>
        total(
          range(6).map((l) => {
            const j = l % 2, k = l >> 1;
            return a.at(i, j) * b.at(j, k) * c.at(k, i);
          }),
        )),
    { atol: 1e-4, gtol: 1e-4, roundings: 4 },
  ),
  row("softmax", (n) => [float([n, n + 1])], (x) => softmax(x), (x) => lines(x, 1, softmaxOf)),
  row(
    "softmax axis 0",
    (n) => [float([n, 3])],
    (x) => softmax(x, 0),
    (x) => lines(x, 0, softmaxOf),
  ),
  row("logSoftmax", (n) => [float([n, 5])], (x) => logSoftmax(x), (x) => lines(x, 1, logSoftmaxOf)),
  row(
    "crossEntropy",
    (n) => [float([n, 5]), float([n, 5], 0, 1)],
    (x, t) => crossEntropy(x, t),
    (x, t) => {
      const logs = lines(x, 1, logSoftmaxOf);
      return fold(zip((p, l) => -p * l, t, logs), total, [1]);
    },
    { atol: 1e-5, wide: true },
  ),
  row(
    "crossEntropy of classes",
    (n) => [float([n, 5]), int([n], 0, 5)],
    (x, t) => crossEntropy(x, t),
    (x, t) => build(t.shape, (i) => -logSoftmaxOf(rows(x)[i])[t.at(i)]),
    { wide: true },
  ),
];

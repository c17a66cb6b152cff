// What is attention made of? The same as in attention.ts from other operations: with weights that somebody wants, and with gradients
// that have gradients.

import type { DType } from "../dtype.ts";
import { within } from "../native/device.ts";
import type { Tensor } from "../tensor.ts";
import { sum } from "./broadcast.ts";
import { range } from "./grids.ts";
import { mul, sub } from "./elementwise.ts";
import { greaterEqual, logicalAnd, where } from "./logical.ts";
import { matMul } from "./matmul.ts";
import { transpose } from "./movement.ts";
import { expandDims, reshape } from "./reshape.ts";
import { softmax } from "./softmax.ts";

/** Operands of attention: q [batch, queries, heads, size], k [batch, keys, keyHeads, size], v [batch, keys, keyHeads, valueSize], floats
 * of one type, and a mask (bool) of [batch or 1, heads or 1, queries or 1, keys]. */
export interface AttentionInputs {
  readonly q: Tensor;
  readonly k: Tensor;
  readonly v: Tensor;
  readonly mask?: Tensor;
}
/** How they attend. */
export interface AttentionAttrs {
  /** Factor of the scores. */
  readonly scale: number;
  /** Whether query i sees keys 0 to i only. */
  readonly causal: boolean;
}

/** Gradients of the operands. */
export interface AttentionGradients {
  readonly q: Tensor;
  readonly k: Tensor;
  readonly v: Tensor;
}

/** The sizes that the operands have. */
export function attentionSizes({ q, v }: Pick<AttentionInputs, "q" | "v">) {
  const [batch, queries, heads, size] = q.shape, [keys, keyHeads, valueSize] = v.shape.slice(1);
  return { batch, queries, keys, heads, keyHeads, size, valueSize };
}

// [batch, rows, heads, size] as [batch, keyHeads, heads / keyHeads * rows, size], and back: heads that share keys are rows of one matrix.
function byHead(x: Tensor, keyHeads: number): Tensor {
  const [batch, rows, heads, size] = x.shape;
  const turned = transpose(x, [0, 2, 1, 3]);
  return heads === keyHeads
    ? turned
    : reshape(turned, [batch, keyHeads, heads / keyHeads * rows, size]);
}
function byRow(x: Tensor, heads: number): Tensor {
  const [batch, keyHeads, rows, size] = x.shape;
  const split = heads === keyHeads ? x : reshape(x, [batch, heads, rows * keyHeads / heads, size]);
  return transpose(split, [0, 2, 1, 3]);
}

// Keras's score of a key that does not count.
const hidden = (dtype: DType) => dtype === "float16" ? -3e4 : -1e9;

// Which keys count for which queries: bool [batch or 1, heads or 1, queries or 1, keys], undefined where all do.
function visibleKeys(
  scores: Tensor,
  mask: Tensor | undefined,
  causal: boolean,
): Tensor | undefined {
  if (!causal || scores.isAbstract) return mask; // descriptions have nothing to hide
  const [queries, keys] = scores.shape.slice(2);
  const order = (n: number) => range(0, n, 1, "int32");
  const before = within(
    scores.device,
    () => greaterEqual(expandDims(order(queries), 1), order(keys)),
  );
  return mask ? logicalAnd(mask, before) : before;
}

/** Weights of keys, from scores [batch, heads, queries, keys] and what hides some of them. */
export function weightsOf(scores: Tensor, mask: Tensor | undefined, causal: boolean): Tensor {
  const visible = visibleKeys(scores, mask, causal);
  return softmax(visible ? where(visible, scores, hidden(scores.dtype)) : scores);
}

// Matrices of heads, and products between them.
function compose({ q, k, v }: AttentionInputs, scale: number) {
  const { batch, queries, keys, heads, keyHeads } = attentionSizes({ q, v });
  const [rows, keyRows, valueRows] = [q, k, v].map((x) => byHead(x, keyHeads));
  const products = (a: Tensor, b: Tensor) =>
    reshape(matMul(a, b, false, true), [batch, heads, queries, keys]);
  return {
    rows,
    keyRows,
    valueRows,
    products,
    asMatrices: (x: Tensor) => reshape(x, [batch, keyHeads, heads / keyHeads * queries, keys]),
    scores: mul(products(rows, keyRows), scale),
  };
}

/** Gradients of the operands from that of the result, made of operations that have gradients themselves. */
export function composedGradients(
  dy: Tensor,
  inputs: AttentionInputs,
  { scale, causal }: AttentionAttrs,
): AttentionGradients {
  const { heads, keyHeads } = attentionSizes(inputs), { mask } = inputs;
  const { rows, keyRows, valueRows, products, asMatrices, scores } = compose(inputs, scale);
  const p = weightsOf(scores, mask, causal), visible = visibleKeys(scores, mask, causal);
  const upstream = byHead(dy, keyHeads), dp = products(upstream, valueRows);
  const all = mul(mul(p, sub(dp, sum(mul(dp, p), -1, true))), scale);
  const ds = asMatrices(visible ? where(visible, all, 0) : all);
  return {
    q: byRow(matMul(ds, keyRows), heads),
    k: byRow(matMul(ds, rows, true), keyHeads),
    v: byRow(matMul(asMatrices(p), upstream, true), keyHeads),
  };
}

/** Attention made of other operations, with the weights of the keys; by `change` they become those that values are gathered with. */
export function composedAttention(
  inputs: AttentionInputs,
  { scale, causal }: AttentionAttrs,
  change: (weights: Tensor) => Tensor,
): { y: Tensor; weights: Tensor } {
  const { valueRows, asMatrices, scores } = compose(inputs, scale);
  const weights = weightsOf(scores, inputs.mask, causal);
  const y = matMul(asMatrices(change(weights)), valueRows);
  return { y: byRow(y, attentionSizes(inputs).heads), weights };
}

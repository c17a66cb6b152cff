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
export function attentionSizes({ q, k, v }: AttentionInputs) {
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

/** Which keys count for which queries: bool [.., .., queries or 1, keys], undefined where all do. */
function visibleKeys(inputs: AttentionInputs, causal: boolean): Tensor | undefined {
  if (!causal || inputs.q.isAbstract) return inputs.mask; // descriptions have nothing to hide
  const { queries, keys } = attentionSizes(inputs);
  const before = within(
    inputs.q.device,
    () => greaterEqual(expandDims(range(0, queries, 1, "int32"), 1), range(0, keys, 1, "int32")),
  );
  const spread = reshape(before, [1, 1, queries, keys]);
  return inputs.mask ? logicalAnd(inputs.mask, spread) : spread;
}

// Scores with their mask, matrices of heads, and products between them.
function compose(inputs: AttentionInputs, { scale, causal }: AttentionAttrs) {
  const { q, k, v } = inputs, { batch, queries, keys, heads, keyHeads } = attentionSizes(inputs);
  const [rows, keyRows, valueRows] = [q, k, v].map((x) => byHead(x, keyHeads));
  const visible = visibleKeys(inputs, causal);
  const scoreShape = [batch, heads, queries, keys];
  const matrices = [batch, keyHeads, heads / keyHeads * queries, keys];
  const products = (a: Tensor, b: Tensor) => reshape(matMul(a, b, false, true), scoreShape);
  const show = (x: Tensor, otherwise: number) => visible ? where(visible, x, otherwise) : x;
  return {
    rows,
    keyRows,
    valueRows,
    products,
    show,
    asMatrices: (x: Tensor) => reshape(x, matrices),
    weights: () => softmax(show(mul(products(rows, keyRows), scale), hidden(q.dtype))),
  };
}

/** Gradients of the operands from that of the result, made of operations that have gradients themselves. */
export function composedGradients(
  dy: Tensor,
  inputs: AttentionInputs,
  attrs: AttentionAttrs,
): AttentionGradients {
  const { heads, keyHeads } = attentionSizes(inputs);
  const { rows, keyRows, valueRows, products, show, asMatrices, weights } = compose(inputs, attrs);
  const upstream = byHead(dy, keyHeads), p = weights();
  const dp = products(upstream, valueRows);
  const ds = mul(show(mul(p, sub(dp, sum(mul(dp, p), -1, true))), 0), attrs.scale);
  const scores = asMatrices(ds);
  return {
    q: byRow(matMul(scores, keyRows), heads),
    k: byRow(matMul(scores, rows, true), keyHeads),
    v: byRow(matMul(asMatrices(p), upstream, true), keyHeads),
  };
}

/** Attention made of other operations: with weights for the caller to see, or to change by `change` before values are gathered. */
export function composedAttention(
  inputs: AttentionInputs,
  attrs: AttentionAttrs,
  change: (weights: Tensor) => Tensor = (w) => w,
): { y: Tensor; weights: Tensor } {
  const { heads } = attentionSizes(inputs);
  const { valueRows, asMatrices, weights } = compose(inputs, attrs);
  const p = change(weights());
  return { y: byRow(matMul(asMatrices(p), valueRows), heads), weights: p };
}

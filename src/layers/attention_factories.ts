// How does a user make a layer for tokens and what they attend to? As every layer (factories.ts): one function per class.

import {
  AdditiveAttention,
  type AdditiveAttentionLayerArgs,
  Attention,
  type AttentionLayerArgs,
} from "./attention.ts";
import {
  GroupedQueryAttention,
  type GroupedQueryAttentionLayerArgs,
  MultiHeadAttention,
  type MultiHeadAttentionLayerArgs,
} from "./multi_head_attention.ts";
import { Embedding, type EmbeddingLayerArgs } from "./embedding.ts";

/**
 * Vectors for tokens, whole numbers from 0 to below `inputDim`, from a table [inputDim, outputDim] that is learned.
 *
 * Tokens of any shape and type: [batch, ...] give [batch, ..., outputDim]. A token outside is refused; on GPUs, which would have to
 * be waited for to see it, its vector is 0. With `maskZero`, entries of token 0 are masked.
 *
 * ```ts
 * import * as dg from "../../mod.ts";
 * import assert from "node:assert";
 *
 * const weights = dg.tensor([[0, 0], [1, 2], [3, 4]]);
 * const layer = dg.layers.embedding({ inputDim: 3, outputDim: 2, weights });
 * const y = layer.apply(dg.tensor([[2, 1]], [1, 2], "int32")) as dg.Tensor;
 * assert.deepEqual(y.arraySync(), [[[3, 4], [1, 2]]]);
 * ```
 */
export function embedding(args: EmbeddingLayerArgs): Embedding {
  return new Embedding(args);
}
/**
 * Dot-product attention: each query gathers values, weighted by the softmax of its products with their keys.
 *
 * Called on `[query, value]` or `[query, value, key]`, each [batch, length, features]; keys are the values when left out. The result is
 * [batch, queries, features of a value]. With `useScale` scores have a factor that is learned; with scoreMode "concat" they are
 * `factor * sum(tanh(query + key))`. A mask on the values hides their keys, one on the queries makes results 0; call arguments
 * `useCausalMask` and `returnAttentionScores` as in Keras.
 *
 * ```ts
 * import * as dg from "../../mod.ts";
 * import assert from "node:assert";
 *
 * const [query, value] = [dg.zeros([1, 2, 4]), dg.tensor([1, 2, 9], [1, 3, 1]).tile([1, 1, 4])];
 * const y = dg.layers.attention().apply([query, value]) as dg.Tensor;
 * assert.deepEqual(y.arraySync(), [[[4, 4, 4, 4], [4, 4, 4, 4]]]); // all keys match alike
 * ```
 */
export function attention(args?: AttentionLayerArgs): Attention {
  return new Attention(args);
}
/** Attention by sums (Bahdanau et al. 2014): as `attention`, with scores `sum(scale * tanh(query + key))` and a scale for each feature. */
export function additiveAttention(args?: AdditiveAttentionLayerArgs): AdditiveAttention {
  return new AdditiveAttention(args);
}
/**
 * Attention with several heads (Vaswani et al. 2017): each has its own learned products of query, key and value, attends by
 * `softmax(query . key / sqrt(keyDim))`, and what all gather is brought to the query's size, or to `outputShape`, by one more product.
 *
 * Called on `[query, value]` or `[query, value, key]`, each [batch, length, features], or on the query with `value` and `key` by name.
 * Call arguments: `attentionMask` (bool; [batch, queries, keys], or with heads after the batch), `useCausalMask`,
 * `returnAttentionScores`, for `[result, weights]` with the weights before dropout. Masks on the inputs hide as in Keras 3.
 *
 * ```ts
 * import * as dg from "../../mod.ts";
 * import assert from "node:assert";
 *
 * const x = dg.input({ shape: [null, 8] });
 * const attending = dg.layers.multiHeadAttention({ numHeads: 2, keyDim: 4 });
 * const y = attending.apply([x, x], { useCausalMask: true }) as dg.SymbolicTensor;
 * const model = dg.model({ inputs: x, outputs: y });
 * assert.deepEqual((model.predict(dg.ones([3, 5, 8])) as dg.Tensor).shape, [3, 5, 8]);
 * ```
 */
export function multiHeadAttention(args: MultiHeadAttentionLayerArgs): MultiHeadAttention {
  return new MultiHeadAttention(args);
}
/** As `multiHeadAttention`, with heads of keys and values that several neighbouring heads of the query share (Ainslie et al. 2023). */
export function groupedQueryAttention(
  args: GroupedQueryAttentionLayerArgs,
): GroupedQueryAttention {
  return new GroupedQueryAttention(args);
}

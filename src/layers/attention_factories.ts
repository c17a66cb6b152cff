// How does a user make a layer for tokens and what they attend to? As every layer (factories.ts): one function per class.

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

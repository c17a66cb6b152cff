// What is there for texts? Tokenizers, padding, and texts as tensors.

import { TextVectorization, type TextVectorizationOptions } from "./vectorization.ts";
import { Tokenizer, type TokenizerOptions } from "./tokenizer.ts";

export { type PadOptions, padSequences } from "./sequences.ts";
export {
  type MatrixMode,
  Tokenizer,
  type TokenizerOptions,
  type TokenizerText,
} from "./tokenizer.ts";
export { TextVectorization, type TextVectorizationOptions } from "./vectorization.ts";

/**
 * Numbers words by how often they occur, as Keras's (legacy) Tokenizer does.
 *
 * ```ts
 * import * as dg from "../../mod.ts";
 * import assert from "node:assert";
 *
 * const tokenizer = dg.text.tokenizer({ oovToken: "?" });
 * tokenizer.fitOnTexts(["To be, or not to be", "not that"]);
 * assert.deepEqual(tokenizer.textsToSequences(["to be that is"]), [[2, 3, 6, 1]]);
 * assert.deepEqual(tokenizer.sequencesToTexts([[2, 3, 1]]), ["to be ?"]);
 * ```
 */
export function tokenizer(options?: TokenizerOptions): Tokenizer {
  return new Tokenizer(options);
}

/** Texts to tensors, as Keras's TextVectorization: `text.textVectorization({ maxTokens: 10000 })`. */
export function textVectorization(options?: TextVectorizationOptions): TextVectorization {
  return new TextVectorization(options);
}

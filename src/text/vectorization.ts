// How do texts become tensors that a model takes? Keras's TextVectorization: cleaned, split, put together as n-grams, looked up in a
// vocabulary.

import { DinogradError, unknownName } from "../errors.ts";
import { Dataset } from "../data/dataset.ts";
import { release } from "../data/elements.ts";
import { tensor } from "../ops/creation.ts";
import type { Tensor } from "../tensor.ts";
import { compareCodePoints, countInto, inverseDocumentFrequency } from "./frequencies.ts";

/** Options of `text.textVectorization`. */
export interface TextVectorizationOptions {
  /** Most entries of the vocabulary, [UNK] and the padding included. */
  maxTokens?: number | null;
  /** How texts are cleaned; ASCII letters are brought to lower case and ASCII punctuation is removed when left out. */
  standardize?:
    | "lower_and_strip_punctuation"
    | "lower"
    | "strip_punctuation"
    | null
    | ((text: string) => string);
  /** How texts are split: at runs of ASCII whitespace when left out; null where each text is one token. */
  split?: "whitespace" | "character" | null | ((text: string) => string[]);
  /** Also, or only, runs of tokens: up to n of them, or of the lengths in a list. */
  ngrams?: number | readonly number[] | null;
  /** What comes out: numbers of tokens ("int", when left out), or a row per text as wide as the vocabulary. */
  outputMode?: "int" | "multi_hot" | "count" | "tf_idf";
  /** Length that texts are cut or filled up to; that of the longest when left out. For "int" only. */
  outputSequenceLength?: number | null;
  /** Whether rows are as wide as maxTokens, however many tokens there are. */
  padToMaxTokens?: boolean;
  /** The tokens, instead of what `adapt` finds. */
  vocabulary?: readonly string[] | null;
  /** What each token of the vocabulary weighs, for "tf_idf". */
  idfWeights?: readonly number[] | null;
}

const defaults: Required<TextVectorizationOptions> = {
  maxTokens: null,
  standardize: "lower_and_strip_punctuation",
  split: "whitespace",
  ngrams: null,
  outputMode: "int",
  outputSequenceLength: null,
  padToMaxTokens: false,
  vocabulary: null,
  idfWeights: null,
};

const modes = ["int", "multi_hot", "count", "tf_idf"];
const UNKNOWN = "[UNK]";
const punctuation = /[!"#$%&()*+,\-./:;<=>?@[\\\]^_`{|}~']/g;

function checkChoice(name: string, value: unknown, choices: readonly (string | null)[]): void {
  if (typeof value === "function" || choices.includes(value as string)) return;
  throw new DinogradError(
    `textVectorization needs ${name} to be one of ${choices.join(", ")}, got ${value}`,
  );
}

/**
 * Texts to tensors. In mode "int" number 0 is the padding, 1 what is unknown; in the other modes number 0 is what is unknown. The
 * vocabulary that `adapt` learns has the most frequent tokens first; those that are equally frequent come in descending order of
 * their code points.
 *
 * ```ts
 * import * as dg from "../../mod.ts";
 * import assert from "node:assert";
 *
 * const vectorize = dg.text.textVectorization({ outputSequenceLength: 4 });
 * await vectorize.adapt(["foo bar", "bar baz", "baz bada boom"]);
 * assert.deepEqual(vectorize.getVocabulary(), ["", "[UNK]", "baz", "bar", "foo", "boom", "bada"]);
 * assert.deepEqual(vectorize.call(["Foo qux, bar!", "qux baz"]).arraySync(), [
 *   [4, 1, 3, 0],
 *   [1, 2, 0, 0],
 * ]);
 * ```
 */
export class TextVectorization {
  readonly #options: Required<TextVectorizationOptions>;
  readonly #fixed: boolean; // the vocabulary was given
  #tokens: string[] = []; // without the special ones
  #index = new Map<string, number>();
  #idf: Float32Array = new Float32Array(); // of the vocabulary with the special ones

  constructor(options: TextVectorizationOptions = {}) {
    for (const key in options) {
      if (!Object.hasOwn(defaults, key)) {
        throw unknownName("option of textVectorization", key, Object.keys(defaults));
      }
    }
    this.#options = { ...defaults, ...options };
    const { standardize, split, outputMode, outputSequenceLength, maxTokens, ngrams } =
      this.#options;
    const cleanings = ["lower_and_strip_punctuation", "lower", "strip_punctuation", null];
    checkChoice("standardize", standardize, cleanings);
    checkChoice("split", split, ["whitespace", "character", null]);
    if (!modes.includes(outputMode)) throw unknownName("outputMode", outputMode, modes);
    if (outputMode !== "int" && outputSequenceLength !== null) {
      throw new DinogradError(
        `outputSequenceLength is for outputMode "int", not for "${outputMode}"`,
      );
    }
    const counts = { maxTokens, outputSequenceLength };
    for (const [name, value] of Object.entries(counts)) checkCount(name, value);
    for (const n of [ngrams ?? []].flat()) checkCount("ngrams", n as number);
    if (maxTokens !== null && maxTokens <= this.#specials.length) {
      throw new DinogradError(
        `textVectorization needs maxTokens above ${this.#specials.length}, got ${maxTokens}`,
      );
    }
    if (this.#options.padToMaxTokens && maxTokens === null) {
      throw new DinogradError("padToMaxTokens needs maxTokens");
    }
    this.#fixed = this.#options.vocabulary !== null;
    const { vocabulary, idfWeights } = this.#options;
    if (vocabulary) this.setVocabulary(vocabulary, idfWeights);
  }

  // What stands before the tokens.
  get #specials(): string[] {
    return this.#options.outputMode === "int" ? ["", UNKNOWN] : [UNKNOWN];
  }

  /** Learns the vocabulary from texts: a list, or a dataset of texts or batches of them. What was learned before is forgotten. */
  async adapt(texts: Iterable<string> | Dataset<string> | Dataset<string[]>): Promise<void> {
    if (this.#fixed) {
      throw new DinogradError("This textVectorization was given its vocabulary: it cannot adapt");
    }
    const counts = new Map<string, number>(), documents = new Map<string, number>();
    let number = 0;
    const take = (text: string) => {
      number++;
      const tokens = this.tokensOf(text);
      countInto(counts, tokens);
      countInto(documents, new Set(tokens));
    };
    if (texts instanceof Dataset) {
      for await (const element of texts as Dataset<unknown>) {
        for (const text of wantTexts([element].flat())) take(text);
        release(element);
      }
    } else {
      for (const text of wantTexts(texts)) take(text);
    }
    for (const special of ["", UNKNOWN]) counts.delete(special);
    const order = [...counts].sort((a, b) => b[1] - a[1] || compareCodePoints(b[0], a[0]));
    const most = (this.#options.maxTokens ?? Infinity) - this.#specials.length;
    this.#tokens = order.slice(0, most).map(([token]) => token);
    this.#number();
    this.#weigh(this.#tokens.map((t) => inverseDocumentFrequency(number, documents.get(t)!)));
  }

  /**
   * Takes over a vocabulary, with the special tokens before it or without them; in mode "tf_idf" also what each of these tokens
   * weighs.
   */
  setVocabulary(vocabulary: readonly string[], idfWeights: readonly number[] | null = null): void {
    const specials = this.#specials, { outputMode, maxTokens } = this.#options;
    if (vocabulary.length === 0) throw new DinogradError("A vocabulary needs tokens, got none");
    if ((outputMode === "tf_idf") !== (idfWeights !== null)) {
      throw new DinogradError(
        outputMode === "tf_idf"
          ? 'A vocabulary needs idfWeights for the outputMode "tf_idf"'
          : `idfWeights are for the outputMode "tf_idf", not for "${outputMode}"`,
      );
    }
    const whole = specials.every((special, i) => vocabulary[i] === special);
    const tokens = whole ? vocabulary.slice(specials.length) : [...vocabulary];
    const twice = tokens.find((token, i) => tokens.indexOf(token) !== i);
    if (twice !== undefined) {
      throw new DinogradError(
        `A vocabulary has each token once, got ${JSON.stringify(twice)} twice`,
      );
    }
    if (tokens.includes("")) {
      throw new DinogradError(`The padding "" may stand at the vocabulary's beginning only`);
    }
    if (maxTokens !== null && tokens.length + specials.length > maxTokens) {
      throw new DinogradError(
        `The vocabulary has ${
          tokens.length + specials.length
        } entries, wanted ${maxTokens} at most`,
      );
    }
    if (idfWeights && idfWeights.length !== vocabulary.length) {
      throw new DinogradError(
        `A vocabulary of ${vocabulary.length} needs as many idfWeights, got ${idfWeights.length}`,
      );
    }
    this.#tokens = tokens;
    this.#number();
    if (!idfWeights) return;
    if (whole) this.#idf = Float32Array.from(idfWeights);
    else this.#weigh(idfWeights);
  }

  /** The vocabulary, with the special tokens or without them. */
  getVocabulary(includeSpecialTokens = true): string[] {
    return includeSpecialTokens ? [...this.#specials, ...this.#tokens] : [...this.#tokens];
  }
  /** Number of entries of the vocabulary, the special ones included. */
  vocabularySize(): number {
    return this.#tokens.length + this.#specials.length;
  }

  /** The tokens of a text, n-grams included. */
  tokensOf(text: string): string[] {
    const { standardize, split, ngrams } = this.#options;
    let clean = text;
    if (typeof standardize === "function") clean = standardize(clean);
    if (standardize === "lower" || standardize === "lower_and_strip_punctuation") {
      clean = clean.replace(/[A-Z]+/g, (letters) => letters.toLowerCase());
    }
    if (standardize === "strip_punctuation" || standardize === "lower_and_strip_punctuation") {
      clean = clean.replace(punctuation, "");
    }
    const tokens = split === null
      ? [clean]
      : split === "whitespace"
      ? clean.split(/[ \t\n\v\f\r]+/).filter((token) => token !== "")
      : split === "character"
      ? [...clean]
      : split(clean);
    if (ngrams === null) return tokens;
    const sizes = typeof ngrams === "number"
      ? Array.from({ length: ngrams }, (_, i) => i + 1)
      : ngrams;
    return sizes.flatMap((n) =>
      Array.from(
        { length: Math.max(0, tokens.length - n + 1) },
        (_, i) => tokens.slice(i, i + n).join(" "),
      )
    );
  }

  /** The tensor of texts: int32 [texts, length] in mode "int", else float32 [texts, vocabulary]. */
  call(texts: string | readonly string[]): Tensor {
    const list = wantTexts([texts].flat() as string[]);
    const { outputMode, outputSequenceLength, padToMaxTokens, maxTokens } = this.#options;
    const numbers = Array.from(list, (text) => this.tokensOf(text).map((t) => this.#numberOf(t)));
    if (outputMode === "int") {
      const length = outputSequenceLength ?? Math.max(0, ...numbers.map((row) => row.length));
      const values = new Int32Array(numbers.length * length);
      numbers.forEach((row, i) => values.set(row.slice(0, length), i * length));
      return tensor(values, [numbers.length, length]);
    }
    if (this.#tokens.length === 0 && !padToMaxTokens) {
      throw new DinogradError("textVectorization needs a vocabulary: call adapt, or give one");
    }
    const width = padToMaxTokens ? maxTokens! : this.vocabularySize();
    const values = new Float32Array(numbers.length * width);
    numbers.forEach((row, i) => {
      for (const n of row) {
        const at = i * width + n;
        values[at] = outputMode === "multi_hot" ? 1 : values[at] + 1;
      }
    });
    if (outputMode === "tf_idf") {
      values.forEach((count, at) => values[at] = count * (this.#idf[at % width] ?? 0));
    }
    return tensor(values, [numbers.length, width]);
  }

  #numberOf(token: string): number {
    if (token === "" && this.#options.outputMode === "int") return 0;
    return this.#index.get(token) ?? this.#specials.indexOf(UNKNOWN);
  }

  #number(): void {
    const first = this.#specials.length;
    this.#index = new Map(this.#tokens.map((token, i) => [token, first + i]));
  }

  // Special tokens weigh what the others weigh on average.
  #weigh(weights: readonly number[]): void {
    const all = Float32Array.from(weights);
    const mean = all.reduce((sum, w) => sum + w, 0) / all.length;
    this.#idf = Float32Array.of(...this.#specials.map(() => mean), ...all);
  }
}

function checkCount(name: string, value: number | null): void {
  if (value === null || (Number.isInteger(value) && value > 0)) return;
  throw new DinogradError(`textVectorization needs ${name} above 0, got ${value}`);
}

function wantTexts(texts: Iterable<unknown>): Iterable<string> {
  if (typeof texts === "string") throw new DinogradError("Wanted a list of texts, got one text");
  const list = [...texts], stray = list.find((text) => typeof text !== "string");
  if (stray === undefined) return list as string[];
  throw new DinogradError(`Wanted texts, got ${typeof stray}`);
}

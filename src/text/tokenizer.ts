// How do texts become numbers, and numbers texts? Keras's tokenizer: words numbered from 1, the most frequent first.

import { DinogradError, unknownName } from "../errors.ts";
import { tensor } from "../ops/creation.ts";
import { isRecord } from "../data/elements.ts";
import type { Tensor } from "../tensor.ts";
import { countInto, inverseDocumentFrequency } from "./frequencies.ts";

/** Options of `text.tokenizer`. */
export interface TokenizerOptions {
  /** Only words with numbers below this are used when texts are changed; null for all. */
  numWords?: number | null;
  /** Characters that count as `split`: punctuation, tabs and line feeds, but not the apostrophe, when left out. */
  filters?: string;
  /** Whether texts are brought to lower case (true when left out). */
  lower?: boolean;
  /** What stands between words, a blank when left out. */
  split?: string;
  /** Whether characters are words. */
  charLevel?: boolean;
  /** The word that stands for unknown ones and gets number 1; null where those are passed over. */
  oovToken?: string | null;
}

/** A text, or its words. */
export type TokenizerText = string | readonly string[];

/** What the numbers of a matrix say; see `textsToMatrix`. */
export type MatrixMode = "binary" | "count" | "freq" | "tfidf";

const defaults: Required<TokenizerOptions> = {
  numWords: null,
  filters: '!"#$%&()*+,-./:;<=>?@[\\]^_`{|}~\t\n',
  lower: true,
  split: " ",
  charLevel: false,
  oovToken: null,
};

/** Numbers words by how often they occur, as Keras's (legacy) Tokenizer does. */
export class Tokenizer {
  readonly #options: Required<TokenizerOptions>;
  /** Occurrences by word, in the order in which words were first met. */
  readonly wordCounts: Map<string, number> = new Map();
  /** Number of texts with a word, by word. */
  readonly wordDocs: Map<string, number> = new Map();
  /** Numbers of words, from 1, the most frequent first; words that are equally frequent in the order in which they were met. */
  readonly wordIndex: Map<string, number> = new Map();
  /** Words by number. */
  readonly indexWord: Map<number, string> = new Map();
  /** Number of texts that were fitted on. */
  documentCount = 0;

  constructor(options: TokenizerOptions = {}) {
    for (const key in options) {
      if (!Object.hasOwn(defaults, key)) {
        throw unknownName("option of text.tokenizer", key, Object.keys(defaults));
      }
    }
    this.#options = { ...defaults, ...options };
    const { numWords, split } = this.#options;
    if (numWords !== null && !(Number.isInteger(numWords) && numWords > 0)) {
      throw new DinogradError(`text.tokenizer needs numWords above 0, got ${numWords}`);
    }
    if (split === "") throw new DinogradError("text.tokenizer needs a split that is not empty");
  }

  /** Learns words from texts; may be called again with more of them. */
  fitOnTexts(texts: Iterable<TokenizerText>): void {
    for (const text of wantTexts(texts)) {
      this.documentCount++;
      const words = this.#words(text);
      countInto(this.wordCounts, words);
      countInto(this.wordDocs, new Set(words));
    }
    this.#number();
  }

  /** The number of each word; unknown words are passed over, or become that of the oovToken. */
  textsToSequences(texts: Iterable<TokenizerText>): number[][] {
    const { oovToken } = this.#options, unknown = this.#unknown;
    return Array.from(wantTexts(texts), (text) =>
      this.#words(text).flatMap((word) => {
        const number = this.wordIndex.get(word);
        if (number !== undefined && this.#isUsed(number)) return [number];
        return oovToken !== null && unknown !== undefined ? [unknown] : [];
      }));
  }

  /** The words of each sequence, with blanks in between. */
  sequencesToTexts(sequences: Iterable<Iterable<number>>): string[] {
    const unknown = this.#unknown;
    return Array.from(sequences, (sequence) =>
      Array.from(sequence).flatMap((number) => {
        const word = this.indexWord.get(number);
        if (word !== undefined && this.#isUsed(number)) return [word];
        return unknown === undefined ? [] : [this.indexWord.get(unknown)!];
      }).join(" "));
  }

  /**
   * A row for each text with an entry for each number, from 0, which no word has: whether the word occurs ("binary"), how often
   * ("count"), its share of the text's words ("freq"), or `(1 + log(count)) * log(1 + texts / (1 + texts with the word))` ("tfidf").
   */
  textsToMatrix(texts: Iterable<TokenizerText>, mode: MatrixMode = "binary"): Tensor {
    return this.sequencesToMatrix(this.textsToSequences(texts), mode);
  }

  /** The same for sequences. */
  sequencesToMatrix(
    sequences: readonly (readonly number[])[],
    mode: MatrixMode = "binary",
  ): Tensor {
    const modes = ["binary", "count", "freq", "tfidf"];
    if (!modes.includes(mode)) throw unknownName("mode of a matrix", mode, modes);
    const width = this.#options.numWords ?? this.wordIndex.size + 1;
    if (this.#options.numWords === null && this.wordIndex.size === 0) {
      throw new DinogradError("Call fitOnTexts first, or give numWords");
    }
    if (mode === "tfidf" && this.documentCount === 0) {
      throw new DinogradError("Call fitOnTexts first: tfidf needs to know how rare words are");
    }
    const values = new Float32Array(sequences.length * width);
    sequences.forEach((sequence, row) => {
      const counts = new Map<number, number>();
      for (const number of sequence) {
        if (number < width) counts.set(number, (counts.get(number) ?? 0) + 1);
      }
      for (const [number, count] of counts) {
        values[row * width + number] = this.#weight(mode, number, count, sequence.length);
      }
    });
    return tensor(values, [sequences.length, width]);
  }

  /** All of it as JSON, as Keras writes it. */
  toJSON(): string {
    const { numWords, filters, lower, split, charLevel, oovToken } = this.#options;
    const docs = Array.from(this.wordDocs, ([word, n]) => [this.wordIndex.get(word)!, n] as const);
    return JSON.stringify({
      class_name: "Tokenizer",
      config: {
        num_words: numWords,
        filters,
        lower,
        split,
        char_level: charLevel,
        oov_token: oovToken,
        document_count: this.documentCount,
        word_counts: jsonOf(this.wordCounts),
        word_docs: jsonOf(this.wordDocs),
        index_docs: jsonOf(docs),
        index_word: jsonOf(this.indexWord),
        word_index: jsonOf(this.wordIndex),
      },
    });
  }

  /** The tokenizer that `toJSON`, here or in Keras, described. */
  static fromJSON(json: string): Tokenizer {
    const parsed: unknown = JSON.parse(json);
    const config = isRecord(parsed) ? parsed.config : undefined;
    if (!isRecord(parsed) || parsed.class_name !== "Tokenizer" || !isRecord(config)) {
      throw new DinogradError("Wanted the JSON of a tokenizer, { class_name, config }");
    }
    const counts = (key: string) =>
      entriesOf(String(config[key]), key).map(([word, count]): [string, number] => {
        if (Number.isSafeInteger(count)) return [word, count as number];
        throw new DinogradError(`Wanted whole numbers under "${key}", got ${count} for "${word}"`);
      });
    const made = new Tokenizer({
      numWords: config.num_words as number | null,
      filters: config.filters as string,
      lower: config.lower as boolean,
      split: config.split as string,
      charLevel: config.char_level as boolean,
      oovToken: config.oov_token as string | null,
    });
    made.documentCount = config.document_count as number;
    for (const [word, number] of counts("word_index")) {
      made.wordIndex.set(word, number);
      made.indexWord.set(number, word);
    }
    for (const [word, count] of counts("word_counts")) made.wordCounts.set(word, count);
    for (const [word, count] of counts("word_docs")) made.wordDocs.set(word, count);
    return made;
  }

  get #unknown(): number | undefined {
    const { oovToken } = this.#options;
    return oovToken === null ? undefined : this.wordIndex.get(oovToken);
  }

  #isUsed(number: number): boolean {
    const { numWords } = this.#options;
    return numWords === null || number < numWords;
  }

  #words(text: TokenizerText): string[] {
    const { lower, charLevel, filters, split } = this.#options;
    if (typeof text !== "string") return text.map((word) => lower ? word.toLowerCase() : word);
    const cased = lower ? text.toLowerCase() : text;
    if (charLevel) return [...cased];
    let clean = "";
    for (const c of cased) clean += filters.includes(c) ? split : c;
    return clean.split(split).filter((word) => word !== "");
  }

  // Gives numbers to all words met so far.
  #number(): void {
    const { oovToken } = this.#options;
    const words = [...this.wordCounts].sort((a, b) => b[1] - a[1]).map(([word]) => word);
    this.wordIndex.clear();
    this.indexWord.clear();
    (oovToken === null ? words : [oovToken, ...words])
      .forEach((word, i) => this.wordIndex.set(word, i + 1));
    for (const [word, number] of this.wordIndex) this.indexWord.set(number, word);
  }

  #weight(mode: MatrixMode, number: number, count: number, length: number): number {
    if (mode === "binary") return 1;
    if (mode === "count") return count;
    if (mode === "freq") return count / length;
    const docs = this.wordDocs.get(this.indexWord.get(number) ?? "") ?? 0;
    return (1 + Math.log(count)) * inverseDocumentFrequency(this.documentCount, docs);
  }
}

function wantTexts(texts: Iterable<TokenizerText>): Iterable<TokenizerText> {
  if (typeof texts !== "string") return texts;
  throw new DinogradError("Wanted a list of texts, got one text");
}

// An object with its keys in this order, whatever they look like.
function jsonOf(entries: Iterable<readonly [string | number, string | number]>): string {
  const parts = Array.from(
    entries,
    ([key, value]) => `${JSON.stringify(String(key))}: ${JSON.stringify(value)}`,
  );
  return `{${parts.join(", ")}}`;
}

// The entries of a flat object in the order in which they stand, which a parsed object would not keep for keys that are numbers.
function entriesOf(json: string, key: string): [name: string, value: unknown][] {
  if (!isRecord(JSON.parse(json))) {
    throw new DinogradError(`Wanted an object under "${key}" in the JSON of a tokenizer`);
  }
  const entry = /("(?:[^"\\]|\\.)*")\s*:\s*("(?:[^"\\]|\\.)*"|[^\s,{}"]+)/g;
  return Array.from(
    json.matchAll(entry),
    ([, name, value]) => [JSON.parse(name), JSON.parse(value)],
  );
}

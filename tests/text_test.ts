// Do texts become the numbers that Keras makes of them? Held to what Keras 3.15 gave for the same texts (fixtures/text.json).

import assert from "node:assert";
import * as dg from "../mod.ts";
import { cases, close, onEachDevice } from "./fixtures.ts";

// deno-lint-ignore no-explicit-any
const reference = cases("text.json") as any;

/** Keras's options under this library's names. */
function camel(options: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(options).map(([key, value]) => [
      key.replace(/_(.)/g, (_, c: string) => c.toUpperCase()),
      value,
    ]),
  );
}

onEachDevice("tokenizers", () => {
  const { texts, probe } = reference;
  for (const c of reference.tokenizer) {
    const what = JSON.stringify(c.options), tokenizer = dg.text.tokenizer(camel(c.options));
    tokenizer.fitOnTexts(texts.slice(0, 5));
    tokenizer.fitOnTexts(texts.slice(5));
    const check = (t: dg.text.Tokenizer) => {
      assert.deepEqual([...t.wordIndex], c.word_index, what);
      assert.equal(t.documentCount, c.document_count);
      const sequences = t.textsToSequences(probe);
      assert.deepEqual(sequences, c.sequences, what);
      assert.deepEqual(t.sequencesToTexts([...sequences, [1, 2, 99]]), c.texts, what);
      for (const [mode, rows] of Object.entries(c.matrices)) {
        const matrix = t.textsToMatrix(probe, mode as dg.text.MatrixMode);
        assert.deepEqual(matrix.shape, [probe.length, (rows as number[][])[0].length]);
        close(matrix, (rows as number[][]).flat(), `${what} ${mode}`);
        matrix.dispose();
      }
    };
    check(tokenizer);
    check(dg.text.Tokenizer.fromJSON(tokenizer.toJSON()));
    check(dg.text.Tokenizer.fromJSON(c.json)); // Keras's own
    const spelled = (json: string) => {
      const { class_name, config } = JSON.parse(json);
      const tables = ["word_counts", "word_docs", "index_docs", "index_word", "word_index"];
      for (const key of tables) config[key] = JSON.parse(config[key]);
      return { class_name, config };
    };
    assert.deepEqual(spelled(tokenizer.toJSON()), spelled(c.json), what);
  }
});

Deno.test("a tokenizer that was loaded goes on where it was", () => {
  const make = () => {
    const t = dg.text.tokenizer();
    t.fitOnTexts(["b 10 a 2", "a"]);
    return t;
  };
  const a = make(), b = dg.text.Tokenizer.fromJSON(make().toJSON());
  for (const t of [a, b]) t.fitOnTexts([["2", "c"], "10"]);
  assert.deepEqual([...b.wordIndex], [...a.wordIndex]);
  assert.deepEqual([...a.wordIndex.keys()], ["10", "a", "2", "b", "c"]);
});

Deno.test("tokenizers say what they want", () => {
  const t = dg.text.tokenizer();
  assert.throws(() => t.fitOnTexts("one" as never), /a list of texts, got one text/);
  assert.throws(() => t.textsToMatrix(["a"]), /Call fitOnTexts first, or give numWords/);
  assert.throws(
    () => dg.text.tokenizer({ numWords: 3 }).textsToMatrix(["a"], "tfidf"),
    /fitOnTexts/,
  );
  assert.throws(() => t.textsToMatrix(["a"], "counts" as never), /Unknown mode.*"counts".*"count"/);
  assert.throws(() => dg.text.tokenizer({ numwords: 3 } as never), /Unknown option.*"numWords"/);
  assert.throws(() => dg.text.tokenizer({ numWords: 0 }), /numWords above 0, got 0/);
  assert.throws(() => dg.text.tokenizer({ split: "" }), /split that is not empty/);
  for (const json of ["{}", '{"class_name":"Tokenizer"}', "[1]"]) {
    assert.throws(() => dg.text.Tokenizer.fromJSON(json), /Wanted the JSON of a tokenizer/);
  }
  const hostile = JSON.parse(t.toJSON());
  hostile.config.word_index = '{"__proto__": 1, "constructor": 2}';
  const loaded = dg.text.Tokenizer.fromJSON(JSON.stringify(hostile));
  assert.deepEqual(loaded.textsToSequences(["__proto__ toString"]), [[]]);
  hostile.config.word_counts = '{"a": "many"}';
  assert.throws(
    () => dg.text.Tokenizer.fromJSON(JSON.stringify(hostile)),
    /whole numbers under "word_counts"/,
  );
});

onEachDevice("padding", () => {
  for (const { options, sequences, output } of reference.pad) {
    const x = dg.text.padSequences(sequences, options);
    assert.equal(x.dtype, options.dtype ?? "int32");
    assert.deepEqual(x.arraySync(), output, JSON.stringify(options));
    x.dispose();
  }
  assert.deepEqual(dg.text.padSequences([]).shape, [0, 0]);
  assert.throws(
    () => dg.text.padSequences([[1]], { padding: "left" as never }),
    /"pre" or "post", got "left"/,
  );
  assert.throws(() => dg.text.padSequences([[1]], { maxlen: -1 }), /maxlen.*got -1/);
  assert.throws(
    () => dg.text.padSequences([[[1, 2]], [[3]]]),
    /one shape: wanted \[2\], got \[1\] in sequence 1/,
  );
  assert.throws(() => dg.text.padSequences([3 as never]), /arrays of numbers, got number at 0/);
});

onEachDevice("vectorization", async () => {
  const { vtexts, vprobe } = reference;
  for (const c of reference.vectorization) {
    const what = JSON.stringify(c.options), vectorize = dg.text.textVectorization(camel(c.options));
    if (!c.options.vocabulary) await vectorize.adapt(vtexts);
    assert.deepEqual(vectorize.getVocabulary(), c.vocabulary, what);
    assert.deepEqual(vectorize.getVocabulary(false), c.bare, what);
    assert.equal(vectorize.vocabularySize(), c.vocabulary.length);
    const y = vectorize.call(vprobe);
    assert.deepEqual([y.shape, y.dtype], [
      c.shape,
      (c.options.output_mode ?? "int") === "int" ? "int32" : "float32",
    ], what);
    close(y, c.output.flat(), what);
    y.dispose();
  }
});

Deno.test("vocabularies are learned from datasets too, and what is wrong is said", async () => {
  const texts = ["b b a", "a c"];
  const [one, two] = [dg.text.textVectorization(), dg.text.textVectorization()];
  await one.adapt(dg.data.array(texts));
  await two.adapt(dg.data.array(texts).batch(2) as dg.Dataset<string[]>);
  assert.deepEqual(one.getVocabulary(), ["", "[UNK]", "b", "a", "c"]);
  assert.deepEqual(two.getVocabulary(), one.getVocabulary());
  await one.adapt(["z"]);
  assert.deepEqual(one.getVocabulary(false), ["z"]);
  assert.deepEqual(one.call("z y").arraySync(), [[2, 1]]);
  const whole = dg.text.textVectorization({ split: null, standardize: (t) => t.trim() });
  await whole.adapt(["a b ", " a b", "c"]);
  assert.deepEqual(whole.call(["a b", "d"]).arraySync(), [[2], [1]]);
  const custom = dg.text.textVectorization({ split: (t) => t.split("-") });
  assert.deepEqual(custom.tokensOf("a-b"), ["ab"]); // the punctuation goes first
  const make = (options: dg.text.TextVectorizationOptions) => () =>
    dg.text.textVectorization(options);
  assert.throws(make({ maxTokens: 2 }), /maxTokens above 2, got 2/);
  assert.throws(
    make({ split: "words" as never }),
    /split to be one of whitespace, character.*got words/,
  );
  assert.throws(make({ outputMode: "one" as never }), /Unknown outputMode "one"/);
  assert.throws(make({ outputMode: "count", outputSequenceLength: 3 }), /for outputMode "int"/);
  assert.throws(make({ vocabulary: ["a", "a"] }), /each token once, got "a" twice/);
  assert.throws(make({ vocabulary: [] }), /needs tokens, got none/);
  assert.throws(make({ vocabulary: ["a", ""] }), /padding "" may stand/);
  assert.throws(make({ vocabulary: ["a", "b"], maxTokens: 3 }), /has 4 entries, wanted 3 at most/);
  assert.throws(make({ vocabulary: ["a"], outputMode: "tf_idf" }), /needs idfWeights/);
  assert.throws(make({ vocabulary: ["a"], idfWeights: [1] }), /idfWeights are for.*not for "int"/);
  assert.throws(
    make({ vocabulary: ["a"], outputMode: "tf_idf", idfWeights: [] }),
    /as many idfWeights, got 0/,
  );
  assert.throws(make({ padToMaxTokens: true }), /needs maxTokens/);
  assert.throws(make({ max_tokens: 3 } as never), /Unknown option.*"maxTokens"/);
  assert.throws(
    () => dg.text.textVectorization({ outputMode: "count" }).call(["a"]),
    /needs a vocabulary/,
  );
  await assert.rejects(make({ vocabulary: ["a"] })().adapt(["b"]), /it cannot adapt/);
  await assert.rejects(one.adapt([1] as never), /Wanted texts, got number/);
});

onEachDevice("one-hot rows, and sequences of a series", async () => {
  for (const { labels, classes, output } of reference.categorical) {
    const y = dg.utils.toCategorical(labels, classes ?? undefined);
    assert.deepEqual([y.dtype, y.arraySync()], ["float32", output]);
    y.dispose();
  }
  const ints = dg.tensor([1, 0], undefined, "int32");
  assert.deepEqual(dg.utils.toCategorical(ints).arraySync(), [[0, 1], [1, 0]]);
  assert.throws(() => dg.utils.toCategorical([0, 3], 3), /class numbers from 0 to 2, got 3/);
  assert.throws(() => dg.utils.toCategorical([0.5], 3), /got 0.5/);
  ints.dispose();
  const series = Array.from({ length: 20 }, (_, i) => [i]);
  for (const { options, targets, batches } of reference.timeseries) {
    const dataset = dg.data.timeseries(
      series,
      targets,
      camel(options) as unknown as dg.data.TimeseriesOptions,
    );
    assert.equal(dataset.size, batches.length, JSON.stringify(options));
    let at = 0;
    await dataset.forEachAsync((element: unknown) => {
      const { xs, ys } = targets
        ? element as { xs: dg.Tensor; ys: dg.Tensor }
        : { xs: element as dg.Tensor, ys: null };
      assert.deepEqual(xs.arraySync(), batches[at].xs, JSON.stringify(options));
      if (ys) assert.deepEqual(ys.arraySync(), batches[at].ys, JSON.stringify(options));
      at++;
    });
    assert.equal(at, batches.length);
  }
});

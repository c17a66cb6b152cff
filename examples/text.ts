// How does a network learn to write? It foretells the next character at every place of a text, and then continues one of its own.
//
//   deno run --allow-read examples/text.ts [text file; a rhyme when left out]

import * as dg from "../mod.ts";

dg.setRandomSeed(1);

const rhyme = "the cat sat on the mat. the rat ran at the cat. the hat of the cat is flat. ";
const text = Deno.args[0] ? await Deno.readTextFile(Deno.args[0]) : rhyme.repeat(60);
const vocabulary = [...new Set(text)].sort();
const tokens = Array.from(text, (c) => vocabulary.indexOf(c));

// Windows of characters [count, window]; their targets are the same windows, one character later.
const window = 40, count = Math.floor((tokens.length - 1) / window);
const take = (from: number) =>
  dg.tensor(tokens.slice(from, from + count * window), [count, window], "int32");
const x = take(0), y = take(1);

const model = dg.sequential({
  layers: [
    dg.layers.embedding({ inputDim: vocabulary.length, outputDim: 16, inputLength: window }),
    dg.layers.lstm({ units: 64, returnSequences: true }),
    dg.layers.dense({ units: vocabulary.length, activation: "softmax" }),
  ],
});
model.compile({ optimizer: dg.train.adam(0.01), loss: "sparseCategoricalCrossentropy" });

/** Continues a text, character by character, each drawn by its probability; a low temperature keeps to the likely ones. */
function write(start: string, length: number, temperature: number): string {
  let written = start;
  for (let i = 0; i < length; i++) {
    const last = Array.from(written.slice(-window), (c) => vocabulary.indexOf(c));
    const next = dg.tidy(() => {
      const padded = [...Array(window - last.length).fill(0), ...last];
      const scores = model.predict(dg.tensor(padded, [1, window], "int32")) as dg.Tensor;
      const atEnd = scores.slice([0, window - 1], [1, 1]).reshape([1, -1]);
      return dg.multinomial(atEnd.log().div(temperature), 1).dataSync()[0];
    });
    written += vocabulary[next];
  }
  return written;
}

await model.fit(x, y, {
  epochs: 12,
  batchSize: 16,
  verbose: 0,
  callbacks: {
    onEpochEnd: (epoch, logs) => {
      if (epoch % 4 < 3) return;
      const perplexity = Math.exp(logs!.loss).toFixed(2);
      console.log(`epoch ${epoch + 1}, perplexity ${perplexity}: ${write("the ", 40, 0.5)}`);
    },
  },
});

dg.dispose([x, y]);
model.dispose();

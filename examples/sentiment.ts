// How does a model learn whether a review is a good one? Sentences from CSV become rows of words, and an LSTM reads them.
//
//   deno run examples/sentiment.ts [CSV file with the columns text and good; reviews are made up when left out]

import * as dg from "../mod.ts";

dg.setRandomSeed(1);

/** Made-up reviews as CSV: a sentence, and whether it is a good one. Words alone do not tell: "not" turns them round. */
function madeUp(count: number): string {
  const words = ["a delight", "clever and funny", "gripping", "a bore", "clumsy and loud", "dull"];
  const things = ["the film", "the plot", "every scene", "the ending"];
  const pick = dg.tidy(() => dg.randomUniform([count, 3]).dataSync());
  const rows = Array.from({ length: count }, (_, i) => {
    const [thing, word, side] = pick.subarray(3 * i, 3 * i + 3);
    const chosen = Math.floor(6 * word), not = side < 0.5;
    const good = (chosen < 3) !== not ? 1 : 0;
    return `"${things[Math.floor(4 * thing)]} is ${not ? "not " : ""}${words[chosen]}",${good}`;
  });
  return ["text,good", ...rows].join("\n") + "\n";
}

const source = Deno.args[0] ? `file://${Deno.args[0]}` : madeUp(400);
const reviews = dg.data.csv(source, {
  columnConfigs: { text: { dtype: "string", required: true }, good: { isLabel: true } },
});

// Each word becomes a number, the most frequent ones first; sentences become rows of one length, filled up with 0.
const vectorize = dg.text.textVectorization({ maxTokens: 5000, outputSequenceLength: 10 });
await vectorize.adapt(reviews.map(({ xs }) => xs.text as string));
console.log(`${vectorize.vocabularySize()} words: ${vectorize.getVocabulary().slice(2, 8)}, ...`);

const batches = reviews.shuffle(1000, 1).batch(32).map(({ xs, ys }) => ({
  xs: vectorize.call(xs.text),
  ys: ys.good.reshape([-1, 1]),
})).prefetch(1);

const model = dg.sequential({
  layers: [
    dg.layers.embedding({
      inputDim: vectorize.vocabularySize(),
      outputDim: 16,
      inputLength: 10,
      maskZero: true, // the filling is not read
    }),
    dg.layers.lstm({ units: 16 }),
    dg.layers.dense({ units: 1, activation: "sigmoid" }),
  ],
});
model.compile({
  optimizer: dg.train.adam(0.02),
  loss: "binaryCrossentropy",
  metrics: ["accuracy"],
});
await model.fitDataset(batches, { epochs: 8, verbose: 2 });

const [loss, accuracy] = await model.evaluateDataset(batches) as dg.Tensor[];
console.log(`accuracy ${accuracy.dataSync()[0].toFixed(3)}`);

for (const text of ["The ending is gripping!", "The film is not a delight."]) {
  const x = vectorize.call(text), y = model.predict(x) as dg.Tensor;
  console.log(`${text} ${y.dataSync()[0] > 0.5 ? "good" : "bad"}`);
  dg.dispose([x, y]);
}
dg.dispose([loss, accuracy]);
model.dispose();
console.log(`${dg.memory().numTensors} tensors left`);

// How does a model learn from text in a file? Reviews are read from CSV, turned into rows of words, and trained on batch by batch.
//
//   deno run examples/reviews.ts [CSV file with the columns text and good; reviews are made up when left out]

import * as dg from "../mod.ts";

dg.setRandomSeed(1);

/** Made-up reviews as CSV: a sentence, and whether it is a good one. */
function madeUp(count: number): string {
  const words = {
    1: ["a delight", "clever, warm and funny", "gripping from start to end", "beautifully played"],
    0: ["a bore", "clumsy, loud and long", "dull from start to end", "badly played"],
  };
  const things = ["the film", "the plot", "every scene", "the ending"];
  const pick = dg.tidy(() => dg.randomUniform([count, 3]).dataSync());
  const rows = Array.from({ length: count }, (_, i) => {
    const [thing, word, side] = pick.subarray(3 * i, 3 * i + 3);
    const good = side < 0.5 ? 1 : 0;
    return `"${things[Math.floor(4 * thing)]} is ${words[good][Math.floor(4 * word)]}",${good}`;
  });
  return ["text,good", ...rows].join("\n") + "\n";
}

const source = Deno.args[0] ? `file://${Deno.args[0]}` : madeUp(400);
const reviews = dg.data.csv(source, {
  columnConfigs: { text: { dtype: "string", required: true }, good: { isLabel: true } },
});

// The words that occur, and what a text looks like to the model: 1 for each of them that is in it.
const vectorize = dg.text.textVectorization({ maxTokens: 2000, outputMode: "multi_hot" });
await vectorize.adapt(reviews.map(({ xs }) => xs.text as string));
console.log(`${vectorize.vocabularySize()} words: ${vectorize.getVocabulary().slice(0, 8)}, ...`);

const batches = reviews.shuffle(1000, 1).batch(32).map(({ xs, ys }) => ({
  xs: vectorize.call(xs.text),
  ys: ys.good.reshape([-1, 1]),
})).prefetch(1);

const model = dg.sequential({
  layers: [
    dg.layers.dense({ units: 8, activation: "relu", inputShape: [vectorize.vocabularySize()] }),
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

for (const text of ["The ending is clever and gripping!", "A dull, clumsy plot."]) {
  const x = vectorize.call(text), y = model.predict(x) as dg.Tensor;
  console.log(`${text} ${y.dataSync()[0] > 0.5 ? "good" : "bad"}`);
  dg.dispose([x, y]);
}
dg.dispose([loss, accuracy]);
model.dispose();
console.log(`${dg.memory().numTensors} tensors left`);

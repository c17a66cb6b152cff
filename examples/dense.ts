// How is a network taught to read digits? Draw them, train dense layers, test on unseen ones, read one.
//
//   deno run examples/dense.ts [number of digits to train on]

import * as dg from "../mod.ts";

const count = Number(Deno.args[0] ?? 4000);
dg.setRandomSeed(1);

/** Drawn digits as tensors: images [count, 28, 28] from 0 to 1, labels [count]. */
function digits(count: number, seed: number): { images: dg.Tensor; labels: dg.Tensor } {
  const { images, labels, height, width } = dg.data.generateDigits({ count, seed });
  return dg.tidy(() => ({
    images: dg.tensor(images, [count, height, width], "uint8").cast("float32").div(255),
    labels: dg.tensor(labels, [count], "int32"),
  }));
}

const train = digits(count, 1), test = digits(500, 2);

const model = dg.sequential({
  layers: [
    dg.layers.flatten({ inputShape: [28, 28] }),
    dg.layers.dense({ units: 64, activation: "relu" }),
    dg.layers.dense({ units: 10, activation: "softmax" }),
  ],
});
// Labels are class numbers, hence "sparse".
model.compile({
  optimizer: "adam",
  loss: "sparseCategoricalCrossentropy",
  metrics: ["accuracy"],
});
await model.fit(train.images, train.labels, { epochs: 3, validationSplit: 0.1, verbose: 2 });

const [loss, accuracy] = model.evaluate(test.images, test.labels) as dg.Tensor[];
console.log(`unseen digits: accuracy ${accuracy.dataSync()[0].toFixed(3)}`);

// One image, and the class whose probability is largest.
const one = test.images.slice([0], [1]);
const answer = dg.tidy(() => (model.predict(one) as dg.Tensor).argMax(-1).dataSync()[0]);
const pixels = one.dataSync();
for (let row = 2; row < 26; row += 2) {
  const ink = Array.from(pixels.subarray(28 * row, 28 * row + 28));
  console.log(ink.map((v) => " .oO@"[Math.round(4 * v)]).join(""));
}
console.log(`read as ${answer}, is ${test.labels.dataSync()[0]}`);

dg.dispose([train, test, loss, accuracy, one]);
model.dispose();

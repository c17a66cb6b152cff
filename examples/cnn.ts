// How does a convolutional network read digits, and what does it look at? Draw digits, train it, show what its first filters give.
//
//   deno run examples/cnn.ts [number of digits to train on]

import * as dg from "../mod.ts";

const count = Number(Deno.args[0] ?? 3000);
dg.setRandomSeed(1);

/** Drawn digits as tensors: images [count, 28, 28, 1] from 0 to 1, labels [count]. */
function digits(count: number, seed: number): { images: dg.Tensor; labels: dg.Tensor } {
  const { images, labels, height, width } = dg.data.generateDigits({ count, seed });
  return dg.tidy(() => ({
    images: dg.tensor(images, [count, height, width, 1], "uint8").cast("float32").div(255),
    labels: dg.tensor(labels, [count], "int32"),
  }));
}

const train = digits(count, 1), test = digits(500, 2);

// Windows of 3 x 3 pixels, halved images, windows of those, and dense layers that decide.
const input = dg.input({ shape: [28, 28, 1] });
const edges = dg.layers.conv2d({ filters: 8, kernelSize: 3, activation: "relu" }).apply(input);
const halved = dg.layers.maxPooling2d().apply(edges as dg.SymbolicTensor);
const strokes = dg.layers.conv2d({ filters: 16, kernelSize: 3, activation: "relu" })
  .apply(halved as dg.SymbolicTensor);
const quartered = dg.layers.maxPooling2d().apply(strokes as dg.SymbolicTensor);
const flat = dg.layers.flatten().apply(quartered as dg.SymbolicTensor);
const scores = dg.layers.dense({ units: 10, activation: "softmax" })
  .apply(flat as dg.SymbolicTensor);

const model = dg.model({ inputs: input, outputs: scores as dg.SymbolicTensor });
model.compile({
  optimizer: "adam",
  loss: "sparseCategoricalCrossentropy",
  metrics: ["accuracy"],
});
await model.fit(train.images, train.labels, { epochs: 3, verbose: 2 });
const [loss, accuracy] = model.evaluate(test.images, test.labels) as dg.Tensor[];
console.log(`unseen digits: accuracy ${accuracy.dataSync()[0].toFixed(3)}`);

// A model of the first layers alone shows what each of its filters finds in an image.
const eyes = dg.model({ inputs: input, outputs: halved as dg.SymbolicTensor });
const one = test.images.slice([0], [1]);
const maps = dg.tidy(() => {
  const seen = eyes.predict(one) as dg.Tensor;
  return seen.div(seen.max()).reshape([13, 13, 8]).transpose([2, 0, 1]).arraySync() as number[][][];
});
for (const map of maps.slice(0, 3)) {
  console.log(map.map((row) => row.map((v) => " .oO@"[Math.round(4 * v)]).join(" ")).join("\n"));
}

dg.dispose([train, test, loss, accuracy, one]);
model.dispose();
console.log(`${dg.memory().numTensors} tensors left`);

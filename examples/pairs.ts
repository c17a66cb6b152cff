// How does a model take several inputs and use a layer twice? Two drawn digits go through one encoder: are they the same, and what
// is their sum?
//
//   deno run examples/pairs.ts [number of pairs to train on]

import * as dg from "../mod.ts";

const count = Number(Deno.args[0] ?? 8000);
dg.setRandomSeed(1);

/** Pairs of drawn digits: images a and b [count, 28, 28], targets same and sum [count, 1]. Every second pair is of equals. */
function pairs(count: number, seed: number) {
  const [first, second] = [seed, seed + 1].map((s) => dg.data.generateDigits({ count, seed: s }));
  const places = Array.from({ length: 10 }, () => [] as number[]); // of each digit among the second ones
  second.labels.forEach((digit, i) => places[digit].push(i));
  const partner = Array.from(
    first.labels,
    (digit, i) => i % 2 && places[digit].length ? places[digit][i % places[digit].length] : i,
  );
  const images = ({ images }: typeof first) =>
    dg.tensor(images, [count, 28, 28], "uint8").cast("float32").div(255);
  return dg.tidy(() => {
    const x = dg.tensor(first.labels, [count, 1], "int32");
    const at = dg.tensor(partner, [count], "int32");
    const y = dg.tensor(second.labels, [count, 1], "int32").gather(at);
    return {
      inputs: { a: images(first), b: images(second).gather(at) },
      targets: { same: x.equal(y).cast("float32"), sum: x.add(y).cast("float32") },
    };
  });
}

const apply = (layer: dg.Layer, x: dg.SymbolicTensor | dg.SymbolicTensor[]) =>
  layer.apply(x) as dg.SymbolicTensor;

const encoder = dg.sequential({
  name: "encoder",
  layers: [
    dg.layers.flatten({ inputShape: [28, 28] }),
    dg.layers.dense({ units: 64, activation: "relu" }),
    dg.layers.dense({ units: 32, activation: "relu" }),
  ],
});

// Both images go through the same weights; then each output has a way of its own.
const a = dg.input({ shape: [28, 28], name: "a" }), b = dg.input({ shape: [28, 28], name: "b" });
const [x, y] = [apply(encoder, a), apply(encoder, b)];
const apart = apply(dg.layers.subtract(), [x, y]);
const together = apply(dg.layers.concatenate(), [x, y]);
const hidden = (units: number) => dg.layers.dense({ units, activation: "relu" });
const same = apply(
  dg.layers.dense({ units: 1, activation: "sigmoid", name: "same" }),
  apply(hidden(32), apply(dg.layers.multiply(), [apart, apart])),
);
const sum = apply(dg.layers.dense({ units: 1, name: "sum" }), apply(hidden(32), together));
const model = dg.model({ inputs: [a, b], outputs: [same, sum] });
model.summary();

model.compile({
  optimizer: dg.train.adam(0.002),
  loss: { same: "binaryCrossentropy", sum: "meanSquaredError" },
  lossWeights: { same: 1, sum: 0.1 },
  metrics: { same: "accuracy", sum: "mae" },
});
const train = pairs(count, 1), test = pairs(500, 3);
await model.fit(train.inputs, train.targets, { epochs: 8, verbose: 2 });

const results = model.evaluate(test.inputs, test.targets) as dg.Tensor[];
const named = Object.fromEntries(model.metricsNames.map((n, i) => [n, results[i].dataSync()[0]]));
console.log(`unseen pairs: same or not, accuracy ${named.same_accuracy.toFixed(3)}`);
console.log(`sum, off by ${named.sum_mae.toFixed(2)}`);

dg.dispose([train, test, results]);
model.dispose();
console.log(`${dg.memory().numTensors} tensors left`);

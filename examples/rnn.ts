// How does a recurrent network foretell a series? Windows over a noisy wave, the value after each, and an end that is never trained on.
//
//   deno run examples/rnn.ts [number of values]

import * as dg from "../mod.ts";

const count = Number(Deno.args[0] ?? 1200), window = 20;
dg.setRandomSeed(1);

// A wave with some noise; the last fifth is held out.
const series = dg.tidy(() =>
  dg.range(0, count).mul(0.3).sin().add(dg.randomNormal([count], 0, 0.1)).expandDims(-1)
);
const end = Math.floor(0.8 * count);
const known = series.slice([0], [end]), unseen = series.slice([end]);

/** Batches of windows [batch, window, 1], each with the value that follows it [batch, 1]. */
const windows = (values: dg.Tensor) =>
  dg.data.timeseries(values, values.slice([window]), { sequenceLength: window, batchSize: 32 });

const model = dg.sequential({
  layers: [
    dg.layers.lstm({ units: 16, inputShape: [window, 1] }), // what it gives after the last value
    dg.layers.dense({ units: 1 }),
  ],
});
model.compile({
  optimizer: dg.train.adam(0.01),
  loss: "meanSquaredError",
  metrics: ["meanAbsoluteError"],
});
await model.fitDataset(windows(known).shuffle(100, 1), {
  epochs: 6,
  validationData: windows(unseen),
  verbose: 2,
});
const [loss, error] = await model.evaluateDataset(windows(unseen)) as dg.Tensor[];
console.log(`unseen values: off by ${error.dataSync()[0].toFixed(3)} on average`);

// Further into the future: each value that was foretold becomes part of the next window.
let seen = [...unseen.slice([0], [window]).dataSync()];
const future = Array.from({ length: 10 }, () => {
  const [next] = dg.tidy(() =>
    (model.predict(dg.tensor(seen, [1, window, 1])) as dg.Tensor).dataSync()
  );
  seen = [...seen.slice(1), next];
  return next.toFixed(2);
});
console.log(`ten values on: ${future.join(" ")}`);

dg.dispose([series, known, unseen, loss, error]);
model.dispose();

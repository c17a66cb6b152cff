// How long does training take, through `fit`, on every device?

import * as dg from "../mod.ts";
import { generateDigits } from "../src/data/digits.ts";
import { benchCall } from "./devices.ts";

// Per thousand: the milliseconds of the table are microseconds a step.
benchCall("1000 steps of Dense 64/32/1 on 10 inputs, batch 32, Adam", 10, () => {
  const x = dg.randomNormal([32_000, 10]), y = dg.randomNormal([32_000, 1]);
  const model = dg.sequential({
    layers: [
      dg.layers.dense({ units: 64, activation: "relu", inputShape: [10] }),
      dg.layers.dense({ units: 32, activation: "relu" }),
      dg.layers.dense({ units: 1 }),
    ],
  });
  model.compile({ optimizer: "adam", loss: "meanSquaredError" });
  return { holds: [x, y, model], run: () => model.fit(x, y, { batchSize: 32, verbose: 0 }) };
});

benchCall("epoch of Dense 128/10 on 8000 drawn digits, batch 32, Adam", 5, () => {
  const { images, labels, count, height, width } = generateDigits({ count: 8000, seed: 1 });
  const x = dg.tidy(() =>
    dg.tensor(images, [count, height * width], "uint8").cast("float32").div(255)
  );
  const y = dg.tensor(Int32Array.from(labels));
  const model = dg.sequential({
    layers: [
      dg.layers.dense({ units: 128, activation: "relu", inputShape: [height * width] }),
      dg.layers.dense({ units: 10, activation: "softmax" }),
    ],
  });
  model.compile({ optimizer: "adam", loss: "sparseCategoricalCrossentropy" });
  return { holds: [x, y, model], run: () => model.fit(x, y, { batchSize: 32, verbose: 0 }) };
});

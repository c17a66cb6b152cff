// How long does training take, through `fit`, on every device?

import * as dg from "../mod.ts";
import { generateDigits } from "../src/data/digits.ts";
import { currentDevice } from "../src/native/device.ts";
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

// Training on 24 MiB of drawn digits that lie on `place`.
function digits(place: string) {
  const [x, y] = dg.device(place, () => {
    const { images, labels, count, height, width } = generateDigits({ count: 8000, seed: 1 });
    const x = dg.tidy(() =>
      dg.tensor(images, [count, height * width], "uint8").cast("float32").div(255)
    );
    return [x, dg.tensor(Int32Array.from(labels))];
  });
  const model = dg.sequential({
    layers: [
      dg.layers.dense({ units: 128, activation: "relu", inputShape: [x.shape[1]] }),
      dg.layers.dense({ units: 10, activation: "softmax" }),
    ],
  });
  model.compile({ optimizer: "adam", loss: "sparseCategoricalCrossentropy" });
  return { holds: [x, y, model], run: () => model.fit(x, y, { batchSize: 32, verbose: 0 }) };
}

const epoch = "epoch of Dense 128/10 on 8000 drawn digits, batch 32, Adam";
benchCall(epoch, 5, () => digits(currentDevice().name));

const elsewhere = () => dg.devices().find((d) => d.name !== currentDevice().name)!.name;
if (dg.devices().length > 1) {
  benchCall(`${epoch}, streamed from another device`, 5, () => {
    const { name } = currentDevice(), { holds, run } = digits(elsewhere());
    dg.config.setMemoryLimit(dg.config.getMemoryInfo(name).current + 16 * 2 ** 20, name);
    return { holds: [...holds, { dispose: () => dg.config.setMemoryLimit(0, name) }], run };
  });
}

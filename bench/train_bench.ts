// How long does training take, step by step and through `fit`, at every place?

import * as dg from "../mod.ts";
import { benchCall } from "./entries.ts";
import { bestPlaces, places } from "./places.ts";
import { stepsOf, tutorials, usualBatch } from "./models.ts";

for (const tutorial of tutorials) {
  const what = `${tutorial.name}, batch ${usualBatch}`;
  benchCall(`${what}, one step`, 10, () => tutorial.prepare(usualBatch, 1));
  const steps = stepsOf(tutorial, usualBatch);
  benchCall(`${what}, epoch of ${steps} steps`, 5, () => tutorial.prepare(usualBatch, steps));
}

// Data that lies elsewhere and has no room beside the model is streamed.
const device = dg.devices()[0], other = dg.devices().at(-1)!;
if (device !== other) {
  const { name } = device, count = 8192;
  benchCall(`Dense 128/10 on 784, epoch of 256 steps, streamed from ${other.name}`, 5, () => {
    const [x, y] = dg.device(other.name, () => [
      dg.randomNormal([count, 784]),
      dg.randomUniform([count], 0, 10, "int32"),
    ]);
    const model = dg.sequential({
      layers: [
        dg.layers.dense({ units: 128, activation: "relu", inputShape: [784] }),
        dg.layers.dense({ units: 10, activation: "softmax" }),
      ],
    });
    model.compile({ optimizer: "adam", loss: "sparseCategoricalCrossentropy" });
    dg.config.setMemoryLimit(dg.config.getMemoryInfo(name).current + 16 * 2 ** 20, name);
    return {
      holds: [x, y, model, { dispose: () => dg.config.setMemoryLimit(0, name) }],
      run: () => model.fit(x, y, { batchSize: usualBatch, verbose: 0 }),
    };
  }, bestPlaces(places()).filter((place) => place.device === device));
}

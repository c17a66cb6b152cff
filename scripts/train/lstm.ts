// How does an LSTM learn what comes next in a series, and how does it read digits, row by row?

import * as dg from "../../mod.ts";
import { DinogradError } from "../../src/errors.ts";
import { classify } from "./digits.ts";
import { fitAndTest, type Samples, sizes } from "./fit.ts";
import type { Job, Outcome, Settings } from "./job.ts";
import { madeUpSeries, readSeries } from "./series.ts";

/** How many values the model sees before it says the next one. */
const window = 24;

/** Recurrent layers over a series, or over the rows of images where `--data` is a folder. */
export const lstm: Job = {
  about: "an LSTM that foretells a series, or reads digits row by row",
  data: "CSV file with a header, whose --column is learned; or such a folder as mlp's",
  takes: ["optimizer", "column"],
  epochs: 5,
  batchSize: 32,
  learningRate: 0.002,
  async run(settings) {
    const { data, column } = settings;
    if (data === undefined || (await Deno.stat(data)).isFile) return await foretell(settings);
    if (column === undefined) return await readRows(settings);
    throw new DinogradError(`--column wants a CSV file as --data, got the folder ${data}`);
  },
};

function readRows(settings: Settings): Promise<Outcome> {
  return classify(settings, (height, width, classes) => [
    dg.layers.lstm({ units: 128, inputShape: [height, width] }),
    dg.layers.dense({ units: classes, activation: "softmax" }),
  ]);
}

/** Windows of `values` and what follows each: the first one's target is value `from`, the last one's the value before `to`. */
function windows(values: Float64Array, from: number, to: number): Samples {
  const count = to - from, seen = new Float64Array(count * window);
  for (let i = 0; i < count; i++) {
    seen.set(values.subarray(from - window + i, from + i), i * window);
  }
  return {
    x: dg.tensor(seen, [count, window, 1]),
    y: dg.tensor(values.slice(from, to), [count, 1]),
  };
}

async function foretell(settings: Settings): Promise<Outcome> {
  const { data, column, samples, seed } = settings;
  const { name, values } = data === undefined
    ? madeUpSeries(2500, seed)
    : await readSeries(data, column);
  if (values.length < 3 * window) {
    throw new DinogradError(
      `A series needs ${3 * window} values or more to learn from, got ${values.length}`,
    );
  }
  // The end is held out, and nothing of it is known in training: not even its mean.
  const end = Math.floor(0.8 * values.length), known = values.subarray(0, end);
  const used = sizes(end - window, values.length - end, samples);
  const mean = known.reduce((sum, v) => sum + v, 0) / end;
  const deviation = Math.sqrt(known.reduce((sum, v) => sum + (v - mean) ** 2, 0) / end) || 1;
  const normal = values.map((v) => (v - mean) / deviation);
  console.log(
    `Data: ${used.train} windows of ${window} values to train on and ${used.test} to test on, ` +
      `the last ones of ${name}`,
  );

  const model = dg.sequential({
    layers: [
      dg.layers.lstm({ units: 32, inputShape: [window, 1] }),
      dg.layers.dense({ units: 1 }),
    ],
  });
  model.compile({
    optimizer: settings.optimizer(),
    loss: "meanSquaredError",
    metrics: ["meanAbsoluteError"],
  });
  const train = windows(normal, end - used.train, end);
  const test = windows(normal, end, end + used.test);
  const outcome = await fitAndTest(model, train, test, settings);
  const tested = values.subarray(end - 1, end + used.test);
  const repeating = tested.reduce((sum, v, i) => i ? sum + Math.abs(v - tested[i - 1]) : 0, 0);
  const off = outcome.history.at(-1)!.valMeanAbsoluteError! * deviation;
  console.log(
    `Foretold values are off by ${off.toPrecision(3)} on average; ` +
      `saying the last value again, by ${(repeating / used.test).toPrecision(3)}`,
  );
  return outcome;
}

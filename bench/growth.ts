// deno task bench:growth: does cost grow as the work does, and what does an epoch take besides its kernels?

import * as dg from "../mod.ts";
import { measure, spreadOf, summarize } from "./measure.ts";
import { mlp, recurrent, type Tutorial, tutorials, usualBatch } from "./models.ts";
import { at, bestPlaces, type Place, places } from "./places.ts";
import { markdownTable } from "./results.ts";
import { timeTasks, trainingTask } from "./suite.ts";
import { showSeconds, sweep, sweepTable } from "./sweep.ts";

const effort = { rounds: 5, roundSeconds: 0.05 };
const cnn = tutorials.find(({ name }) => name === "cnn")!;

/** What steps of a model take, as the model grows. */
async function growth(title: string, models: readonly Tutorial[]): Promise<void> {
  const entries = await timeTasks(
    places().flatMap((place) => models.map((model) => trainingTask(model, place))),
    effort,
    1,
  );
  const rows = entries.map((entry, i) => [
    models[i % models.length].title,
    entry.place,
    showSeconds(entry.seconds),
    `${(100 * spreadOf(entry)).toFixed(0)} %`,
    (entry.flops / entry.seconds / 1e9).toPrecision(3),
  ]);
  console.log(`${title}, batch ${usualBatch}\n`);
  console.log(markdownTable(["model", "place", "per step", "spread", "GFLOP/s"], rows) + "\n");
}

/** How much of `fit` is not kernels: shuffling, batches, callbacks, and the calls themselves. */
async function outsideKernels(tutorial: Tutorial, place: Place): Promise<string[]> {
  const steps = Math.ceil(8000 / usualBatch);
  const { holds, run } = at(place, () => tutorial.prepare(usualBatch, steps));
  try {
    const shares: number[] = [];
    const [epoch] = await measure(place, run, { rounds: 1, roundSeconds: 0 });
    for (let i = 0; i < 3; i++) {
      await at(place, async () => {
        const start = performance.now();
        const { kernels } = await dg.profile(run);
        const inKernels = kernels.reduce((sum, { kernelTimeMs }) => sum + kernelTimeMs, 0);
        shares.push(1 - inKernels / (performance.now() - start));
      });
    }
    const { seconds: share, low, high } = summarize(shares);
    const [all, from, to] = [share, low, high].map((s) => `${(100 * s).toFixed(1)} %`);
    return [tutorial.name, place.name, showSeconds(epoch), all, `${from} to ${to}`];
  } finally {
    for (const held of holds) held.dispose();
  }
}

for (const place of places()) {
  const limits = { batches: [1, 8, 32, 128, 512, 2048], bytes: 2 ** 32, stepSeconds: 1 };
  console.log(sweepTable(await sweep(cnn, place, limits, effort)) + "\n");
}
await growth("Ten times as wide", [mlp(), mlp(10)]);
await growth("Longer sequences", [recurrent(), recurrent(100), recurrent(1000)]);

const rows: string[][] = [];
for (const place of bestPlaces(places())) {
  for (const tutorial of [mlp(), cnn, recurrent()]) {
    rows.push(await outsideKernels(tutorial, place));
  }
}
console.log(`An epoch of 8000 samples in batches of ${usualBatch}: time outside the kernels\n`);
console.log(markdownTable(["model", "place", "epoch", "outside", "quartiles"], rows));

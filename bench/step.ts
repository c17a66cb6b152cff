// deno task bench:step: how long does a training step take, and what share of the device's multiply-adds is that?

import { spreadOf } from "./measure.ts";
import { tutorials } from "./models.ts";
import { places } from "./places.ts";
import { markdownTable } from "./results.ts";
import { limitsOf, timeTasks, trainingTask } from "./suite.ts";

const limits = new Map(places().map((place) => [place.name, limitsOf(place)]));
// Convolutions have the most to gain from larger batches.
const list = tutorials.flatMap((tutorial) =>
  (tutorial.name === "cnn" ? [32, 256] : [32]).flatMap((batch) =>
    places().map((place) => trainingTask(tutorial, place, batch))
  )
);
const entries = await timeTasks(list, { rounds: 3, roundSeconds: 0.03 }, 3);

const head = ["work", "place", "ms per step", "spread", "GFLOP/s", "of the peak"];
console.log(markdownTable(
  head,
  entries.map((entry) => {
    const rate = entry.flops / entry.seconds;
    return [
      `${entry.work}, ${entry.size}`,
      entry.place,
      (entry.seconds * 1000).toPrecision(3),
      `${(100 * spreadOf(entry)).toFixed(0)} %`,
      (rate / 1e9).toPrecision(3),
      `${(100 * rate / limits.get(entry.place)!.operations).toFixed(1)} %`,
    ];
  }),
));
for (const [name, { operations, bytes }] of limits) {
  const [flops, copied] = [operations, bytes].map((rate) => (rate / 1e9).toFixed(1));
  console.log(`${name}: peak of ${flops} GFLOP/s in multiply-adds, ${copied} GB/s in copies`);
}
console.log(
  "Medians of 9 rounds in 3 passes; spread is between the quartiles. load average " +
    Deno.loadavg()[0].toFixed(2),
);

// How does a training step scale with the batch size? A table per model and place, then entries for some batches of those that fitted.

import { benchCall, hintAtPermissions } from "./entries.ts";
import { tutorials } from "./models.ts";
import { bestPlaces, places } from "./places.ts";
import { powersOfTwo, sweep, sweepTable } from "./sweep.ts";

hintAtPermissions();

const limits = { batches: powersOfTwo(1, 8192), bytes: 2 ** 30, stepSeconds: 0.1 };
/** Entries take about a second each, so not every batch has one. */
const timed = [1, 8, 64, 512, 4096];
const swept = tutorials.filter(({ name }) => ["mlp", "cnn", "lstm", "gan"].includes(name));

for (const tutorial of swept) {
  const fitted = [];
  for (const place of bestPlaces(places())) {
    const found = await sweep(tutorial, place, limits, { rounds: 3, roundSeconds: 0.005 });
    console.error(`\n${sweepTable(found)}`);
    fitted.push({ place, most: found.points.at(-1)?.batch ?? 0 });
  }
  for (const batch of timed) {
    const where = fitted.filter(({ most }) => batch <= most).map(({ place }) => place);
    const steps = Math.max(1, Math.round(256 / batch));
    benchCall(
      `${tutorial.name}, batch ${batch}, ${steps} ${steps === 1 ? "step" : "steps"}`,
      5,
      () => tutorial.prepare(batch, steps),
      where,
    );
  }
}

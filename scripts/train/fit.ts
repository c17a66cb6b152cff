// How is a compiled model trained and tested, and what is noted of it? Each epoch's numbers and seconds; tests are the last validation.

import type * as dg from "../../mod.ts";
import type { EpochReport } from "../training_spec.ts";
import type { Outcome, Settings } from "./job.ts";

/** Inputs and targets. */
export interface Samples {
  x: dg.Tensor;
  y: dg.Tensor;
}

/** `val_accuracy` as reports call it. */
const camelCase = (name: string) => name.replace(/_(.)/g, (_, letter) => letter.toUpperCase());

/** Trains on some samples and tests on others after each epoch; `extra` adds numbers to an epoch's. Disposes of the samples. */
export async function fitAndTest(
  model: dg.Model,
  train: Samples,
  test: Samples,
  { epochs, batchSize }: Pick<Settings, "epochs" | "batchSize">,
  { onEpochEnd, extra }: {
    onEpochEnd?: (epoch: number) => void;
    extra?: (epoch: EpochReport) => Record<string, number>;
  } = {},
): Promise<Outcome> {
  model.summary();
  const history: EpochReport[] = [], count = train.x.shape[0];
  let started = 0;
  await model.fit(train.x, train.y, {
    epochs,
    batchSize,
    validationData: [test.x, test.y],
    validationBatchSize: Math.max(batchSize, 256),
    callbacks: {
      onEpochBegin: () => {
        started = performance.now();
      },
      onEpochEnd: (epoch, logs) => {
        const seconds = (performance.now() - started) / 1000;
        const named = Object.entries(logs!).map(([name, value]) => [camelCase(name), value]);
        const report: EpochReport = { ...Object.fromEntries(named), seconds };
        history.push({ ...report, ...extra?.(report) });
        onEpochEnd?.(epoch);
      },
    },
  });
  for (const t of [train.x, train.y, test.x, test.y]) t.dispose();
  const { valLoss, valAccuracy } = history.at(-1)!;
  return {
    model,
    history,
    testLoss: valLoss,
    testAccuracy: valAccuracy,
    samplesPerSecond: samplesPerSecond(count, history),
  };
}

/** How fast epochs over so many samples were. */
export function samplesPerSecond(count: number, history: readonly EpochReport[]): number {
  return count * history.length / history.reduce((sum, { seconds }) => sum + seconds, 0);
}

/** How many samples of each kind are used: as many as there are, or as `--samples` says and for tests in proportion. */
export function sizes(
  train: number,
  test: number,
  samples: number | undefined,
): { train: number; test: number } {
  const used = Math.min(train, samples ?? train);
  return { train: used, test: Math.max(1, Math.round(test * used / train)) };
}

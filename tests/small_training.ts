// What is a training run small enough to repeat anywhere: in a worker, a browser's bundle, a process without permissions?

/** What a run came to: the same numbers wherever it runs on the same device. */
export interface SmallRun {
  /** Kind of the device. */
  device: string;
  /** Loss of each epoch. */
  loss: number[];
  /** All weights, one after another. */
  weights: number[];
}

/**
 * Trains two dense layers on 70 samples, the last batch ragged. Takes the library as an argument and refers to nothing outside
 * itself, so that its own text can be sent elsewhere.
 */
export async function trainSmall(
  dg: typeof import("../mod.ts"),
  device: string,
): Promise<SmallRun> {
  await dg.setBackend(device);
  dg.setRandomSeed(11);
  const x = dg.randomNormal([70, 4]);
  const y = dg.tidy(() => x.square().sum(1, true));
  const model = dg.sequential({
    layers: [
      dg.layers.dense({ units: 16, activation: "tanh", inputShape: [4] }),
      dg.layers.dense({ units: 1 }),
    ],
  });
  model.compile({ optimizer: dg.train.adam(0.01), loss: "meanSquaredError" });
  const { history } = await model.fit(x, y, { epochs: 4, batchSize: 16, verbose: 0 });
  const weights = model.getWeights().flatMap((w) => [...w.dataSync()]);
  const run = { device: dg.getBackend(), loss: history.loss.map(Number), weights };
  model.dispose();
  dg.dispose([x, y]);
  return run;
}

// How much memory does training take, how is it bounded, and what do 16-bit floats save? Peaks, a limit that is met, mixed precision.
//
//   deno run --allow-read --allow-env --allow-ffi examples/memory.ts

import * as dg from "../mod.ts";

dg.setRandomSeed(1);
const MiB = 2 ** 20;
const { config, mixedPrecision } = dg;

// Tensors that nobody disposes of stay; tidy disposes of all that were made inside, but for what it gives back.
const sum = dg.tidy(() => dg.ones([1024, 1024]).matMul(dg.ones([1024, 1024])).sum());
console.log(
  `${dg.memory().numTensors} tensor, ${config.getMemoryInfo().peak / MiB | 0} MiB at most`,
);
sum.dispose();

// A limit is met with an error that says what was asked for; everything made before goes on working.
config.setMemoryLimit(config.getMemoryInfo().current + 32 * MiB);
try {
  dg.zeros([16 * MiB]); // 64 MiB of float32
} catch (error) {
  if (!(error instanceof dg.OutOfMemoryError)) throw error;
  console.log(`refused: ${error.message}`);
}
config.setMemoryLimit(0); // no limit

/** Most MiB that training takes under a policy, with 2048 samples in a step. */
async function peakOf(policy: dg.PolicyName): Promise<number> {
  mixedPrecision.setGlobalPolicy(policy);
  const hidden = () => dg.layers.dense({ units: 128, activation: "relu" });
  const model = dg.sequential({
    layers: [
      dg.layers.dense({ units: 128, activation: "relu", inputShape: [64] }),
      ...Array.from({ length: 12 }, hidden),
      dg.layers.dense({ units: 1, dtype: "float32" }), // outputs and losses stay exact
    ],
  });
  mixedPrecision.setGlobalPolicy("float32");
  model.compile({ optimizer: "sgd", loss: "meanSquaredError" });
  const x = dg.randomNormal([2048, 64]), y = x.mean(1, true);
  const { current } = config.getMemoryInfo();
  config.resetMemoryStats();
  const { history } = await model.fit(x, y, { epochs: 2, batchSize: 2048, verbose: 0 });
  const peak = (config.getMemoryInfo().peak - current) / MiB;
  console.log(`${policy}: ${peak.toFixed(1)} MiB, loss ${history.loss[1].toFixed(4)}`);
  dg.dispose([x, y]);
  model.dispose();
  return peak;
}

// Layers compute in 16 bits and keep their weights in 32: what they hold for the backward pass takes half.
const exact = await peakOf("float32"), mixed = await peakOf("mixed_float16");
console.log(`mixed_float16 takes ${(100 * mixed / exact).toFixed(0)} % of it`);

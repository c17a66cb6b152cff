// How do two networks teach each other to draw digits? A generator draws, a discriminator tells drawn from real, by turns.
//
//   deno run examples/gan.ts [steps of training; some 2000 for digits that one can read]

import * as dg from "../mod.ts";

const steps = Number(Deno.args[0] ?? 400), batch = 32, noise = 64;
dg.setRandomSeed(1);
const { layers } = dg;

// A mistake that a well-known tutorial makes: 128 numbers are no image of 7 by 7. The shapes are checked before anything runs.
try {
  dg.sequential({
    layers: [
      layers.dense({ units: 128, activation: "relu", inputShape: [noise] }),
      layers.reshape({ targetShape: [7, 7, 1] }),
    ],
  });
} catch (error) {
  console.log(`refused: ${(error as Error).message}`);
}

// As many units as the reshaped image has numbers; then two transposed convolutions, each of which doubles height and width.
const generator = dg.sequential({
  layers: [
    layers.dense({ units: 7 * 7 * 32, inputShape: [noise] }),
    layers.leakyReLU(),
    layers.reshape({ targetShape: [7, 7, 32] }),
    layers.conv2dTranspose({ filters: 16, kernelSize: 4, strides: 2, padding: "same" }),
    layers.leakyReLU(),
    layers.conv2dTranspose({
      filters: 1,
      kernelSize: 4,
      strides: 2,
      padding: "same",
      activation: "tanh",
    }),
  ],
});
const discriminator = dg.sequential({
  layers: [
    layers.conv2d({
      filters: 16,
      kernelSize: 4,
      strides: 2,
      padding: "same",
      inputShape: [28, 28, 1],
    }),
    layers.leakyReLU(),
    layers.conv2d({ filters: 32, kernelSize: 4, strides: 2, padding: "same" }),
    layers.leakyReLU(),
    layers.flatten(),
    layers.dense({ units: 1, activation: "sigmoid" }),
  ],
});

// The discriminator learns by itself. In the model of both it is frozen, so that only the generator learns from its judgement.
const adam = () => dg.train.adam(0.001, 0.5);
discriminator.compile({ optimizer: adam(), loss: "binaryCrossentropy" });
discriminator.trainable = false;
const both = dg.model({
  inputs: generator.inputs,
  outputs: discriminator.apply(generator.output) as dg.SymbolicTensor,
});
both.compile({ optimizer: adam(), loss: "binaryCrossentropy" });

// Drawn digits as tensors [count, 28, 28, 1] from -1 to 1, as tanh gives them.
const { images, count, height, width } = dg.data.generateDigits({ count: 4000, seed: 1 });
const real = dg.tidy(() =>
  dg.tensor(images, [count, height, width, 1], "uint8").cast("float32").div(127.5).sub(1)
);
const yes = dg.ones([batch, 1]), labels = dg.tidy(() => yes.concat(dg.zeros([batch, 1])));

for (let step = 1; step <= steps; step++) {
  const z = dg.randomNormal([batch, noise]), drawn = generator.predict(z) as dg.Tensor;
  const some = dg.tidy(() => real.gather(dg.randomUniformInt([batch], 0, count)).concat(drawn));
  const seen = await discriminator.trainOnBatch(some, labels);
  const fooled = await both.trainOnBatch(z, yes);
  if (step % 100 === 0) {
    const [d, g] = [seen, fooled].map((loss) => (loss as number).toFixed(3));
    console.log(`step ${step}: loss of the discriminator ${d}, of the generator ${g}`);
  }
  dg.dispose([z, drawn, some]);
}

// Four images side by side, every second row of them.
const rows = dg.tidy(() => {
  const drawn = generator.predict(dg.randomNormal([4, noise])) as dg.Tensor;
  return drawn.transpose([1, 0, 2, 3]).reshape([28, 4 * 28]).arraySync() as number[][];
});
for (const row of rows.filter((_, y) => y % 2 === 0)) {
  console.log(row.map((v) => " .oO@"[Math.round(2 * (v + 1))]).join("").trimEnd());
}

dg.dispose([real, yes, labels]);
for (const model of [both, generator, discriminator]) model.dispose();

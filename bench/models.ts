// Which models are trained in benchmarks? Those of tutorials, at any batch size, with their operations per step.

import * as dg from "../mod.ts";
import { conv, dense, lstm, trainingFlops } from "./flops.ts";
import type { Work } from "./measure.ts";

/** A model with data for some steps; `run` trains through all of them. */
export interface Training extends Work<Promise<unknown>> {
  steps: number;
}

/** What TensorFlow.js needs to train the same with `fit`: a topology that both read, and what the samples are. */
export interface FittedWork {
  topology: Record<string, unknown>;
  loss: string;
  samples: Samples;
}

/** What it needs to train a generator of so many inputs against a discriminator. */
export interface AdversarialWork {
  generator: Record<string, unknown>;
  discriminator: Record<string, unknown>;
  noise: number;
  loss: string;
}

/** What a model learns from. */
export interface Samples {
  /** Shape of an input. */
  input: number[];
  /** Inputs are whole numbers below this; normally distributed where there is none. */
  tokens?: number;
  /** Targets are classes below this; else 0 or 1. */
  classes?: number;
}

/** A model of a tutorial. */
export interface Tutorial {
  name: string;
  /** Its layers, in words. */
  title: string;
  /** Operations of a training step on so many samples. */
  flops(batch: number): number;
  /** Steps that an epoch in benchmarks has at most; few where each costs the same, however many follow. */
  mostSteps: number;
  /** The model on the current device, with random samples for so many steps. */
  prepare(batch: number, steps: number): Training;
  /** The model on the current device, for `tune.batchSize`; nothing where more than one is trained. */
  compiled?(): dg.Model;
  /** The same for TensorFlow.js. */
  peer(): FittedWork | AdversarialWork;
}

const { layers } = dg;

/** A model's layers as TensorFlow.js reads them. */
function topologyOf(build: () => dg.Model): Record<string, unknown> {
  const model = build(), topology = model.toJSON(undefined, false);
  model.dispose();
  return topology as Record<string, unknown>;
}

type Hold = <T extends { dispose(): void }>(made: T) => T;

/** A training of what `make` makes and holds; where making fails, for one for want of memory, that is given back. */
function holding(make: (hold: Hold) => Omit<Training, "holds">): Training {
  const holds: { dispose(): void }[] = [];
  try {
    const training = make((made) => {
      holds.push(made);
      return made;
    });
    return { ...training, holds };
  } catch (error) {
    for (const held of holds) held.dispose();
    throw error;
  }
}

const random = ({ tokens }: Samples, shape: number[]) =>
  tokens ? dg.randomUniform(shape, 0, tokens, "int32") : dg.randomNormal(shape);

const targets = ({ classes }: Samples, count: number) =>
  classes
    ? dg.randomUniform([count], 0, classes, "int32")
    : dg.tidy(() => dg.randomUniform([count, 1]).round());

/** A model that `fit` trains with Adam: its layers, and the multiply-adds of a sample. */
function fitted(
  name: string,
  title: string,
  multiplyAdds: number,
  samples: Samples,
  loss: string,
  make: () => dg.Layer[],
): Tutorial {
  const build = () => dg.sequential({ layers: make() });
  const compiled = () => {
    const model = build();
    model.compile({ optimizer: "adam", loss });
    return model;
  };
  return {
    name,
    title,
    flops: (batch) => trainingFlops(multiplyAdds, batch),
    mostSteps: 256,
    prepare: (batchSize, steps) =>
      holding((hold) => {
        const count = batchSize * steps;
        const x = hold(random(samples, [count, ...samples.input]));
        const y = hold(targets(samples, count));
        const model = hold(compiled());
        return { steps, run: () => model.fit(x, y, { batchSize, verbose: 0 }) };
      }),
    compiled,
    peer: () => ({ topology: topologyOf(build), loss, samples }),
  };
}

const noise = 64, pixels = 784, hidden = 128;

/** A generator of images, trained against a discriminator through a model of both. */
function gan(): Tutorial {
  const made = dense(noise, hidden) + dense(hidden, pixels);
  const judged = dense(pixels, hidden) + dense(hidden, 1);
  const loss = "binaryCrossentropy";
  const makeGenerator = () =>
    dg.sequential({
      layers: [
        layers.dense({ units: hidden, activation: "relu", inputShape: [noise] }),
        layers.dense({ units: pixels, activation: "tanh" }),
      ],
    });
  const makeDiscriminator = () =>
    dg.sequential({
      layers: [
        layers.dense({ units: hidden, inputShape: [pixels] }),
        layers.leakyReLU(),
        layers.dense({ units: 1, activation: "sigmoid" }),
      ],
    });
  return {
    name: "gan",
    title: "generator Dense 128/784 on 64, discriminator Dense 128/1 on 784",
    // The generator runs once to show its images; the discriminator learns from them and as many real ones; then both run
    // forward and backward, in which the discriminator's weights get no gradients.
    flops: (batch) =>
      2 * made * batch + trainingFlops(judged, 2 * batch) + trainingFlops(made, batch) +
      2 * 2 * judged * batch,
    mostSteps: 8,
    prepare: (batch, steps) =>
      holding((hold) => {
        const generator = hold(makeGenerator()), discriminator = hold(makeDiscriminator());
        discriminator.compile({ optimizer: "adam", loss });
        discriminator.trainable = false; // in the model of both, which is compiled afterwards
        const both = hold(dg.model({
          inputs: generator.inputs,
          outputs: discriminator.apply(generator.outputs[0]) as dg.SymbolicTensor,
        }));
        both.compile({ optimizer: "adam", loss });
        const real = hold(dg.randomUniform([batch, pixels], -1, 1));
        const yes = hold(dg.ones([batch, 1]));
        const labels = hold(dg.tidy(() => yes.concat(dg.zeros([batch, 1]))));
        const step = async () => {
          const z = dg.randomNormal([batch, noise]);
          const fake = generator.predict(z) as dg.Tensor, images = real.concat(fake);
          await discriminator.trainOnBatch(images, labels);
          await both.trainOnBatch(z, yes);
          dg.dispose([z, fake, images]);
        };
        return {
          steps,
          async run() {
            for (let i = 0; i < steps; i++) await step();
          },
        };
      }),
    peer: () => ({
      generator: topologyOf(makeGenerator),
      discriminator: topologyOf(makeDiscriminator),
      noise,
      loss,
    }),
  };
}

/** Dense layers, `times` as wide as the tutorial's. */
export function mlp(times = 1): Tutorial {
  const [inputs, first, second] = [10, 64, 32].map((n) => n * times);
  return fitted(
    "mlp",
    `Dense ${first}/${second}/1 on ${inputs} inputs`,
    dense(inputs, first) + dense(first, second) + dense(second, 1),
    { input: [inputs] },
    "meanSquaredError",
    () => [
      layers.dense({ units: first, activation: "relu", inputShape: [inputs] }),
      layers.dense({ units: second, activation: "relu" }),
      layers.dense({ units: 1 }),
    ],
  );
}

/** An LSTM over so many steps; the tutorial's has 10. */
export function recurrent(steps = 10): Tutorial {
  return fitted(
    "lstm",
    `LSTM 64 over ${steps} steps of 1, Dense 1`,
    lstm(steps, 1, 64) + dense(64, 1),
    { input: [steps, 1] },
    "meanSquaredError",
    () => [layers.lstm({ units: 64, inputShape: [steps, 1] }), layers.dense({ units: 1 })],
  );
}

/** The models, the smallest first. */
export const tutorials: readonly Tutorial[] = [
  mlp(),
  fitted(
    "cnn",
    "Conv 32, 64, 64 of 3 x 3, two poolings, Dense 64/10 on 28 x 28",
    conv(26, 3, 1, 32) + conv(11, 3, 32, 64) + conv(3, 3, 64, 64) + dense(576, 64) + dense(64, 10),
    { input: [28, 28, 1], classes: 10 },
    "sparseCategoricalCrossentropy",
    () => [
      layers.conv2d({ filters: 32, kernelSize: 3, activation: "relu", inputShape: [28, 28, 1] }),
      layers.maxPooling2d({ poolSize: 2 }),
      layers.conv2d({ filters: 64, kernelSize: 3, activation: "relu" }),
      layers.maxPooling2d({ poolSize: 2 }),
      layers.conv2d({ filters: 64, kernelSize: 3, activation: "relu" }),
      layers.flatten(),
      layers.dense({ units: 64, activation: "relu" }),
      layers.dense({ units: 10, activation: "softmax" }),
    ],
  ),
  recurrent(),
  fitted(
    "text",
    "Embedding 256 of 5000 tokens, LSTM 128 over 40 steps, Dense 5000",
    lstm(40, 256, 128) + dense(128, 5000),
    { input: [40], tokens: 5000, classes: 5000 },
    "sparseCategoricalCrossentropy",
    () => [
      layers.embedding({ inputDim: 5000, outputDim: 256, inputLength: 40 }),
      layers.lstm({ units: 128 }),
      layers.dense({ units: 5000, activation: "softmax" }),
    ],
  ),
  fitted(
    "sentiment",
    "Embedding 256 of 10000 tokens, LSTM 128 over 100 steps, Dense 1",
    lstm(100, 256, 128) + dense(128, 1),
    { input: [100], tokens: 10000 },
    "binaryCrossentropy",
    () => [
      layers.embedding({ inputDim: 10000, outputDim: 256, inputLength: 100 }),
      layers.lstm({ units: 128 }),
      layers.dense({ units: 1, activation: "sigmoid" }),
    ],
  ),
  gan(),
];

/** Samples of a step unless a benchmark says otherwise. */
export const usualBatch = 32;

/** How many steps an epoch has in benchmarks: about as many operations in each, but so many steps that little else counts. */
export const stepsOf = ({ flops, mostSteps }: Tutorial, batch: number): number =>
  Math.max(2, Math.min(mostSteps, Math.round(1e9 / flops(batch))));

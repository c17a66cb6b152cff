// Do two networks that train against each other, through a model made of both, come where Keras's come?

import assert from "node:assert";
import * as dg from "../mod.ts";
import { cases, close, type FixtureTensor, load, onEachDevice } from "./fixtures.ts";

type Weights = { tensor: FixtureTensor }[];
type Sums = { name: string; sum: number; sum_sq: number }[];

onEachDevice("a generator and a discriminator are trained as Keras trains them", async () => {
  const c = cases("training.json").find((c) => c.name === "gan");
  const make = (topology: dg.ClassConfig, weights: Weights) => {
    const model = dg.deserializeLayer(topology) as dg.Sequential;
    model.setWeights(weights.map((w) => load(w.tensor)));
    return model;
  };
  const adam = ({ config }: dg.ClassConfig) =>
    dg.train.adam(config.learning_rate as number, config.beta_1 as number);
  const generator = make(c.generator, c.generator_weights);
  const discriminator = make(c.discriminator, c.discriminator_weights);
  discriminator.compile({ optimizer: adam(c.discriminator_optimizer), loss: c.loss });
  // Frozen for the model of both, which is compiled afterwards; its own compile came before.
  discriminator.trainable = false;
  const gan = dg.model({
    inputs: generator.inputs,
    outputs: discriminator.apply(generator.outputs[0]) as dg.SymbolicTensor,
  });
  gan.compile({ optimizer: adam(c.generator_optimizer), loss: c.loss });
  assert.deepEqual(gan.trainableWeights, generator.weights);

  const [real, noiseD, noiseG] = [c.real, c.noise_d, c.noise_g].map(load);
  const rows = real.shape[1];
  const yes = dg.ones([rows, 1]), labels = yes.concat(dg.zeros([rows, 1]));
  for (const [i, step] of c.steps.entries()) {
    const at = (t: dg.Tensor) => t.slice([i], [1]).reshape(t.shape.slice(1));
    const fake = generator.predict(at(noiseD)) as dg.Tensor;
    const dLoss = await discriminator.trainOnBatch(at(real).concat(fake), labels);
    const gLoss = await gan.trainOnBatch(at(noiseG), yes);
    close([dLoss as number, gLoss as number], [step.d_loss, step.g_loss], `step ${i}`);
  }
  const check = (model: dg.Model, sums: Sums) =>
    sums.forEach(({ name, sum, sum_sq }, i) => {
      const w = model.weights[i].read();
      close([w.sum(), w.square().sum()].map((t) => t.dataSync()[0]), [sum, sum_sq], name);
    });
  check(generator, c.final_generator_weights);
  check(discriminator, c.final_discriminator_weights);
  const samples = generator.predict(load(c.sample_noise)) as dg.Tensor;
  close(samples, c.samples.data, "samples");
  close(discriminator.predict(samples) as dg.Tensor, c.scores.data, "scores");
  for (const m of [gan, generator, discriminator]) m.dispose();
});

onEachDevice(
  "a model of both also trains in recorded steps, and leaves the frozen part alone",
  async () => {
    const generator = dg.sequential({ layers: [dg.layers.dense({ units: 3, inputShape: [2] })] });
    const judge = dg.sequential({ layers: [dg.layers.dense({ units: 1, inputShape: [3] })] });
    judge.trainable = false;
    const both = dg.model({
      inputs: generator.inputs,
      outputs: judge.apply(generator.output as dg.SymbolicTensor) as dg.SymbolicTensor,
    });
    both.compile({ optimizer: "sgd", loss: "mse" });
    const values = (m: dg.Model) => m.weights.map((w) => [...w.read().dataSync()]);
    const before = [values(generator), values(judge)];
    const x = dg.ones([64, 2]), y = dg.ones([64, 1]);
    const { history } = await both.fit(x, y, { epochs: 5, batchSize: 8, verbose: 0 });
    assert.ok(history.loss[4] < history.loss[0]);
    assert.notDeepEqual(values(generator), before[0]);
    assert.deepEqual(values(judge), before[1]);
    both.dispose();
    dg.dispose([x, y]);
  },
);

// How does a generator learn to draw digits? Against a discriminator, which learns to tell drawn ones from real ones.

import * as dg from "../../mod.ts";
import { Prng } from "../../src/data/prng.ts";
import { DinogradError } from "../../src/errors.ts";
import type { EpochReport } from "../training_spec.ts";
import { digitsData, loadDigits } from "./digits.ts";
import { samplesPerSecond } from "./fit.ts";
import type { Job, Outcome, Settings } from "./job.ts";
import { asText, encodePng, mosaic } from "./picture.ts";

/** How many numbers an image is drawn from. */
const noise = 64;

/** A deep convolutional generative adversarial network (Radford et al. 2016) for small images. */
export const gan: Job = {
  about: "a generator that draws digits, against a discriminator",
  data: digitsData,
  takes: ["images"],
  epochs: 20,
  batchSize: 32,
  learningRate: 0.001,
  run,
};

const { layers } = dg;

/** Noise [batch, noise] to images [batch, height, width, 1] from -1 to 1. */
function makeGenerator(height: number, width: number): dg.Sequential {
  const [h, w] = [height / 4, width / 4];
  return dg.sequential({
    name: "generator",
    layers: [
      layers.dense({ units: h * w * 64, inputShape: [noise] }),
      layers.leakyReLU(),
      layers.reshape({ targetShape: [h, w, 64] }),
      layers.conv2dTranspose({ filters: 32, kernelSize: 4, strides: 2, padding: "same" }),
      layers.leakyReLU(),
      layers.conv2dTranspose({ filters: 16, kernelSize: 4, strides: 2, padding: "same" }),
      layers.leakyReLU(),
      layers.conv2d({ filters: 1, kernelSize: 3, padding: "same", activation: "tanh" }),
    ],
  });
}

/** Images to one number each, above 0 for what looks real. */
function makeDiscriminator(height: number, width: number): dg.Sequential {
  const inputShape = [height, width, 1];
  return dg.sequential({
    name: "discriminator",
    layers: [
      layers.conv2d({ filters: 32, kernelSize: 4, strides: 2, padding: "same", inputShape }),
      layers.leakyReLU(),
      layers.conv2d({ filters: 64, kernelSize: 4, strides: 2, padding: "same" }),
      layers.leakyReLU(),
      layers.flatten(),
      layers.dense({ units: 128 }), // sees the whole image
      layers.leakyReLU(),
      layers.dense({ units: 1 }),
    ],
  });
}

const train = (model: dg.Model, x: dg.Tensor) => model.apply(x, { training: true }) as dg.Tensor;
const variables = (model: dg.Model) => model.trainableWeights.map(({ variable }) => variable);

// Cross-entropy of scores with "all are real" and with "none is".
const ifReal = (scores: dg.Tensor) => scores.neg().softplus().mean();
const ifDrawn = (scores: dg.Tensor) => scores.softplus().mean();

/** Two models that learn from each other, each with an optimizer of its own. */
class Duel {
  readonly generator: dg.Sequential;
  readonly #discriminator: dg.Sequential;
  readonly #optimizers: readonly [dg.Optimizer, dg.Optimizer];
  readonly #learningRate: number;

  constructor(height: number, width: number, learningRate: number) {
    this.generator = makeGenerator(height, width);
    this.#discriminator = makeDiscriminator(height, width);
    this.#learningRate = learningRate;
    this.#optimizers = [dg.train.adam(learningRate, 0.5), dg.train.adam(learningRate, 0.5)];
  }

  /** Has steps become smaller: to this share of the first ones. */
  slowDown(share: number): void {
    for (const optimizer of this.#optimizers) optimizer.learningRate = share * this.#learningRate;
  }

  /** A step of either on real images; gives the losses of generator and discriminator, in a tensor, so that nobody waits. */
  step(real: dg.Tensor): dg.Tensor {
    const [ofGenerator, ofDiscriminator] = this.#optimizers, batch = real.shape[0];
    return dg.tidy(() => {
      const score = (images: dg.Tensor) => train(this.#discriminator, images);
      const draw = () => train(this.generator, dg.randomNormal([batch, noise]));
      const drawn = draw();
      const lossOfDiscriminator = ofDiscriminator.minimize(
        () => {
          const scores = score(real);
          // One real image in ten is said to be drawn, so that the discriminator is never too sure.
          const ofReal = ifReal(scores).mul(0.9).add(ifDrawn(scores).mul(0.1));
          return ofReal.add(ifDrawn(score(drawn)));
        },
        true,
        variables(this.#discriminator),
      )!;
      const lossOfGenerator = ofGenerator.minimize(
        () => ifReal(score(draw())),
        true,
        variables(this.generator),
      )!;
      return dg.stack([lossOfGenerator, lossOfDiscriminator]);
    });
  }

  /** Gives back all but the generator. */
  dispose(): void {
    this.#discriminator.dispose();
    for (const optimizer of this.#optimizers) optimizer.dispose();
  }
}

/** Pixels, from 0 to 255, of what the generator makes of this noise. */
function pixelsOf(generator: dg.Sequential, seeds: dg.Tensor): ArrayLike<number> {
  return dg.tidy(() =>
    (generator.predict(seeds) as dg.Tensor).add(1).mul(127.5).round().dataSync()
  );
}

async function run(settings: Settings): Promise<Outcome> {
  const { epochs, batchSize, learningRate, seed, images, data } = settings;
  // Of drawn digits, half are enough to see something within two minutes.
  const { samples = data === undefined ? 4000 : undefined } = settings;
  const { train: { x, y }, test, height, width } = await loadDigits({ ...settings, samples });
  if (height % 4 || width % 4) {
    throw new DinogradError(
      `--model gan wants images with sides that are multiples of 4, got ${height} by ${width}`,
    );
  }
  const real = dg.tidy(() => x.mul(2).sub(1).expandDims(-1)), count = real.shape[0];
  dg.dispose([x, y, test.x, test.y]);
  const duel = new Duel(height, width, learningRate), random = new Prng(seed);
  duel.generator.summary();
  const shown = dg.randomNormal([100, noise]); // the same each time, so that one sees them change
  const history: EpochReport[] = [], order = Int32Array.from({ length: count }, (_, i) => i);
  for (let epoch = 1; epoch <= epochs; epoch++) {
    const started = performance.now(), steps = Math.ceil(count / batchSize);
    let sums = dg.zeros([2]);
    random.shuffle(order);
    duel.slowDown(1 - (epoch - 1) / epochs); // so that both come to rest
    for (let from = 0; from < count; from += batchSize) {
      const next = dg.tidy(() => {
        const rows = dg.tensor(order.slice(from, from + batchSize), undefined, "int32");
        return sums.add(duel.step(real.gather(rows)));
      });
      sums.dispose();
      sums = next;
    }
    const [loss, discriminatorLoss] = sums.dataSync().map((sum) => sum / steps);
    sums.dispose();
    const seconds = (performance.now() - started) / 1000;
    history.push({ loss, discriminatorLoss, seconds });
    console.log(
      `Epoch ${epoch}/${epochs}: ${seconds.toFixed(1)} s, loss of the generator ` +
        `${loss.toFixed(4)}, of the discriminator ${discriminatorLoss.toFixed(4)}`,
    );
    const pixels = pixelsOf(duel.generator, shown);
    const few = mosaic(Array.from(pixels).slice(0, 4 * height * width), height, width, 4);
    console.log(asText(few.pixels, few.width));
    if (images) {
      const grid = mosaic(pixels, height, width, 10);
      await Deno.writeFile(images, await encodePng(grid.pixels, grid.width, grid.height));
    }
  }
  if (images) console.log(`Drew ${images}`);
  dg.dispose([real, shown]);
  duel.dispose();
  return { model: duel.generator, history, samplesPerSecond: samplesPerSecond(count, history) };
}

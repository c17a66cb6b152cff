// How does an LSTM learn to write? It foretells each character of a text from those before it, and then draws one after another.

import * as dg from "../../mod.ts";
import { Prng } from "../../src/data/prng.ts";
import { DinogradError } from "../../src/errors.ts";
import { fitAndTest, type Samples, sizes } from "./fit.ts";
import { writeTales } from "./grammar.ts";
import { type Job, type Outcome, reading, type Settings } from "./job.ts";

/** How many characters a sample has. */
const window = 50;

/** A model of characters: embedding, LSTM, and a probability for each character at each place. */
export const text: Job = {
  about: "an LSTM that writes, one character after another",
  data: "text file",
  takes: ["optimizer", "temperature"],
  epochs: 3,
  batchSize: 32,
  learningRate: 0.004,
  run,
};

/** Embedding, LSTM, and a probability for each character at each place of [batch, steps]. */
function layersFor(characters: number, batchInputShape: [number | null, number], stateful = false) {
  return [
    dg.layers.embedding({ inputDim: characters, outputDim: 64, batchInputShape }),
    dg.layers.lstm({ units: 256, returnSequences: true, stateful }),
    dg.layers.dense({ units: characters, activation: "softmax" }),
  ];
}

/** Windows side by side, and at each of their places the character that comes next. */
function windows(tokens: Int32Array, count: number): Samples {
  const take = (from: number) =>
    dg.tensor(tokens.subarray(from, from + count * window), [count, window], "int32");
  return { x: take(0), y: take(1) };
}

async function run(settings: Settings): Promise<Outcome> {
  const { data, samples, seed, temperature } = settings;
  const whole = data === undefined
    ? writeTales(100_000, new Prng(seed))
    : await reading("a text file", data, () => Deno.readTextFile(data));
  const characters = [...whole], vocabulary = [...new Set(characters)].sort();
  const numbers = new Map(vocabulary.map((c, i) => [c, i]));
  const tokens = Int32Array.from(characters, (c) => numbers.get(c)!);
  const cut = Math.floor(0.9 * tokens.length), held = tokens.subarray(cut);
  if (held.length <= window) {
    throw new DinogradError(
      `A text needs more than ${10 * window} characters to learn from, got ${tokens.length}`,
    );
  }
  const windowsIn = (part: Int32Array) => Math.floor((part.length - 1) / window);
  const used = sizes(windowsIn(tokens.subarray(0, cut)), windowsIn(held), samples);
  console.log(
    `Data: ${used.train} training and ${used.test} test windows of ${window} characters from ` +
      `${data ?? `tales made up with seed ${seed}`}, with ${vocabulary.length} characters`,
  );

  const model = dg.sequential({ layers: layersFor(vocabulary.length, [null, window]) });
  model.setUserDefinedMetadata({ vocabulary });
  model.compile({
    optimizer: settings.optimizer(),
    loss: "sparseCategoricalCrossentropy",
    metrics: ["accuracy"],
  });
  const writer = new Writer(model, vocabulary, temperature ? [temperature] : [0.4, 0.7, 1]);
  const train = windows(tokens, used.train), test = windows(held, used.test);
  const outcome = await fitAndTest(model, train, test, settings, {
    extra: ({ loss, valLoss }) => ({
      perplexity: Math.exp(loss),
      valPerplexity: Math.exp(valLoss),
    }),
    onEpochEnd: () => writer.show(200),
  });
  writer.dispose();
  const testPerplexity = outcome.history.at(-1)!.valPerplexity;
  console.log(`Perplexity per character of the test windows: ${testPerplexity.toFixed(3)}`);
  return { ...outcome, testPerplexity };
}

/** Writes at several temperatures side by side: the lower, the more it keeps to what is likely. */
class Writer {
  readonly #model: dg.Model;
  readonly #vocabulary: readonly string[];
  readonly #temperatures: readonly number[];
  readonly #stepper: dg.Sequential; // the same layers, a character at a time, with states that go on

  constructor(model: dg.Model, vocabulary: readonly string[], temperatures: readonly number[]) {
    this.#model = model;
    this.#vocabulary = vocabulary;
    this.#temperatures = temperatures;
    const layers = layersFor(vocabulary.length, [temperatures.length, 1], true);
    this.#stepper = dg.sequential({ layers });
  }

  /** Prints so many characters at each temperature, as after a line's end. */
  show(length: number): void {
    const weights = this.#model.getWeights();
    this.#stepper.setWeights(weights);
    dg.dispose(weights);
    (this.#stepper.layers[1] as dg.RNN).resetStates();
    const texts = this.#temperatures.map(() => "");
    let last = this.#temperatures.map(() => Math.max(0, this.#vocabulary.indexOf("\n")));
    for (let i = 0; i < length; i++) {
      last = dg.tidy(() => {
        const x = dg.tensor(last, [last.length, 1], "int32");
        const [next] = dg.unstack(this.#stepper.predict(x) as dg.Tensor, 1);
        const logits = next.log().div(dg.tensor(this.#temperatures, [last.length, 1]));
        return [...dg.multinomial(logits, 1).dataSync()];
      });
      last.forEach((token, row) => texts[row] += this.#vocabulary[token]);
    }
    texts.forEach((text, row) =>
      console.log(`--- temperature ${this.#temperatures[row]}\n${text.trim()}`)
    );
  }

  dispose(): void {
    this.#stepper.dispose();
  }
}

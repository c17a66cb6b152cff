// How does a model learn whether a sentence praises? From sentences of either kind; then it judges others, now or from a folder later.

import * as dg from "../../mod.ts";
import { Prng } from "../../src/data/prng.ts";
import { DinogradError } from "../../src/errors.ts";
import { fitAndTest, type Samples, sizes } from "./fit.ts";
import { writeOpinions } from "./grammar.ts";
import { type Job, type Outcome, reading, type Settings } from "./job.ts";

/** Longer sentences are cut. */
const outputSequenceLength = 40;

/** An embedding, an LSTM from either end, and the probability of praise. */
export const sentiment: Job = {
  about: "an LSTM that tells praise from blame",
  data: "folder with a file *pos* and a file *neg*, a sentence a line",
  takes: ["optimizer", "predict", "load"],
  epochs: 3,
  batchSize: 32,
  learningRate: 0.001,
  async run(settings) {
    if (settings.load === undefined) return await train(settings);
    const model = await dg.loadLayersModel(`file://${settings.load}/model.json`);
    judge(model, vectorizerOf(model, settings.load), settings.predict!);
    model.dispose();
  },
};

/** The sentences of the one file in the folder whose name has this in it. */
async function readSentences(folder: string, part: string): Promise<string[]> {
  const there = await reading(
    "a folder of two files",
    folder,
    () => Array.from(Deno.readDirSync(folder), ({ name }) => name),
  );
  const names = there.filter((name) => name.toLowerCase().includes(part));
  if (names.length !== 1) {
    throw new DinogradError(
      `Wanted one file with "${part}" in its name in ${folder}, got ${names.join(", ") || "none"}`,
    );
  }
  const lines = await dg.data.textLine(`file://${folder}/${names[0]}`).toArray();
  const sentences = lines.filter((line) => line.trim() !== "");
  if (sentences.length > 1) return sentences;
  throw new DinogradError(`${folder}/${names[0]} must hold two sentences or more, one a line`);
}

async function train(settings: Settings): Promise<Outcome> {
  const { data, samples, seed, predict } = settings, random = new Prng(seed);
  const [positive, negative] = data === undefined
    ? [writeOpinions("positive", 2000, random), writeOpinions("negative", 2000, random)]
    : [await readSentences(data, "pos"), await readSentences(data, "neg")];
  const all = [
    ...positive.map((sentence) => ({ sentence, good: 1 })),
    ...negative.map((sentence) => ({ sentence, good: 0 })),
  ];
  const order = Int32Array.from(all.keys());
  random.shuffle(order);
  const cut = Math.floor(0.8 * all.length), used = sizes(cut, all.length - cut, samples);
  const pick = (from: number, count: number) =>
    [...order.subarray(from, from + count)].map((i) => all[i]);
  const [known, unseen] = [pick(0, used.train), pick(cut, used.test)];
  console.log(
    `Data: ${used.train} training and ${used.test} test sentences ` +
      (data === undefined ? `made up with seed ${seed}` : `from ${data}`),
  );

  const vectorize = dg.text.textVectorization({ maxTokens: 10_000, outputSequenceLength });
  await vectorize.adapt(known.map(({ sentence }) => sentence));
  const model = dg.sequential({
    layers: [
      dg.layers.embedding({
        inputDim: vectorize.vocabularySize(),
        outputDim: 64,
        maskZero: true,
        inputLength: outputSequenceLength,
      }),
      dg.layers.spatialDropout1d({ rate: 0.3 }),
      dg.layers.bidirectional({ layer: dg.layers.lstm({ units: 32 }) }),
      dg.layers.dropout({ rate: 0.5 }),
      dg.layers.dense({ units: 1, activation: "sigmoid" }),
    ],
  });
  model.setUserDefinedMetadata({ vocabulary: vectorize.getVocabulary() });
  model.compile({
    optimizer: settings.optimizer(),
    loss: "binaryCrossentropy",
    metrics: ["accuracy"],
  });
  const tensors = (list: typeof all): Samples => ({
    x: vectorize.call(list.map(({ sentence }) => sentence)),
    y: dg.tensor(list.map(({ good }) => good), [list.length, 1]),
  });
  const outcome = await fitAndTest(model, tensors(known), tensors(unseen), settings);
  if (predict !== undefined) judge(model, vectorize, predict);
  return outcome;
}

/** The words of a saved model: they lie in its model.json. */
function vectorizerOf(model: dg.Model, folder: string): dg.text.TextVectorization {
  const vocabulary = model.getUserDefinedMetadata()?.vocabulary;
  if (Array.isArray(vocabulary)) {
    return dg.text.textVectorization({ vocabulary, outputSequenceLength });
  }
  throw new DinogradError(`${folder} holds no model that --model sentiment saved: it has no words`);
}

function judge(model: dg.Model, vectorize: dg.text.TextVectorization, sentence: string): void {
  const [good] = dg.tidy(() => (model.predict(vectorize.call(sentence)) as dg.Tensor).dataSync());
  const [label, probability] = good >= 0.5 ? ["positive", good] : ["negative", 1 - good];
  console.log(`"${sentence}": ${label}, probability ${probability.toFixed(3)}`);
}

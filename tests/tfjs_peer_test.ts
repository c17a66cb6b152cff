// Do TensorFlow.js and this library read each other's models, with the same predictions, and train on from them alike?

import assert from "node:assert";
import * as dg from "../mod.ts";
import {
  fromBase64,
  type PeerAnswer,
  type PeerModel,
  type PlainTensor,
  toBase64,
} from "../scripts/peer_models.ts";
import { close } from "./fixtures.ts";

const on = (layer: dg.Layer, x: dg.SymbolicTensor | dg.SymbolicTensor[]) =>
  layer.apply(x) as dg.SymbolicTensor;

function mlp(optimizer: dg.OptimizerIdentifier): dg.Model {
  const model = dg.sequential({
    layers: [
      dg.layers.dense({ units: 8, inputShape: [4], activation: "keras2_hard_sigmoid" }),
      dg.layers.leakyReLU({ negativeSlope: 0.2 }),
      dg.layers.dense({
        units: 8,
        activation: "silu",
        kernelInitializer: "lecunNormal",
        kernelRegularizer: "l2",
      }),
      dg.layers.prelu({ alphaInitializer: "ones" }),
      dg.layers.dense({ units: 3, activation: "softmax" }),
    ],
  });
  model.compile({ optimizer, loss: "categoricalCrossentropy", metrics: ["accuracy"] });
  return model;
}

function functional(): dg.Model {
  const a = dg.input({ shape: [4], name: "left" }), b = dg.input({ shape: [4] });
  const shared = dg.layers.dense({ units: 6, activation: "tanh" });
  const [x, y] = [a, b].map((t) => on(shared, t));
  const inner = dg.sequential({ layers: [dg.layers.dense({ units: 5, inputShape: [12] })] });
  const code = on(inner, on(dg.layers.concatenate(), [x, y]));
  const outputs = [
    on(dg.layers.dense({ units: 1 }), code),
    on(dg.layers.dense({ units: 2 }), on(dg.layers.add(), [x, y])),
  ];
  const model = dg.model({ inputs: [a, b], outputs });
  model.compile({
    optimizer: dg.train.rmsprop(0.01),
    loss: ["meanSquaredError", "meanAbsoluteError"],
  });
  return model;
}

function embedding(): dg.Model {
  const model = dg.sequential({
    layers: [
      dg.layers.embedding({ inputDim: 10, outputDim: 3, inputLength: 4 }),
      dg.layers.flatten(),
      dg.layers.dense({ units: 3, activation: "softmax" }),
    ],
  });
  model.compile({ optimizer: dg.train.sgd(0.5), loss: "categoricalCrossentropy" });
  return model;
}

function cnn(): dg.Model {
  const model = dg.sequential({
    layers: [
      dg.layers.conv2d({ filters: 4, kernelSize: 3, activation: "relu", inputShape: [8, 8, 2] }),
      dg.layers.batchNormalization({ momentum: 0.5 }),
      dg.layers.maxPooling2d({ poolSize: 2 }),
      dg.layers.depthwiseConv2d({ kernelSize: 2, padding: "same" }),
      dg.layers.layerNormalization(),
      dg.layers.flatten(),
      dg.layers.dense({ units: 3, activation: "softmax" }),
    ],
  });
  model.compile({ optimizer: dg.train.adam(0.01), loss: "categoricalCrossentropy" });
  return model;
}

function recurrent(): dg.Model {
  const model = dg.sequential({
    layers: [
      dg.layers.bidirectional({
        layer: dg.layers.lstm({ units: 3, returnSequences: true }),
        inputShape: [5, 4],
      }),
      dg.layers.gru({ units: 4, resetAfter: false, returnSequences: true }),
      dg.layers.rnn({
        cell: [dg.layers.lstmCell({ units: 3 }), dg.layers.simpleRNNCell({ units: 3 })],
        returnSequences: true,
      }),
      dg.layers.timeDistributed({ layer: dg.layers.dense({ units: 4 }) }),
      dg.layers.simpleRNN({ units: 3, activation: "softmax" }),
    ],
  });
  model.compile({ optimizer: dg.train.adam(0.01), loss: "categoricalCrossentropy" });
  return model;
}

const load = ({ shape, data }: PlainTensor) => dg.tensor(data, shape);
const plain = (t: dg.Tensor): PlainTensor => ({ shape: t.shape, data: [...t.dataSync()] });
const one = <T>(list: T[]) => list.length === 1 ? list[0] : list;
const run = (model: dg.Model, inputs: PlainTensor[]) =>
  dg.tidy(() => [model.predict(one(inputs.map(load)))].flat().map(plain));
const step = (model: dg.Model, inputs: PlainTensor[], targets: PlainTensor[]) =>
  model.trainOnBatch(one(inputs.map(load)), one(targets.map(load)));

/** A model after some training, saved, with something to run and train it on. */
async function given(name: string, model: dg.Model): Promise<PeerModel> {
  const random = (...sizes: number[]) => plain(dg.randomNormal([6, ...sizes]));
  const tokens = { shape: [6, 4], data: Array.from({ length: 24 }, (_, i) => i * 7 % 10) };
  const special: Record<string, PlainTensor[]> = {
    functional: [random(4), random(4)],
    embedding: [tokens],
    cnn: [random(8, 8, 2)],
    recurrent: [random(5, 4)],
  };
  const inputs = special[name] ?? [random(4)];
  const classes = { shape: [6, 3], data: Array.from({ length: 18 }, (_, i) => +(i % 4 === 0)) };
  const targets = name === "functional" ? [random(1), random(2)] : [classes];
  for (let i = 0; i < 3; i++) await step(model, inputs, targets);
  let artifacts: PeerModel["artifacts"] | undefined;
  await model.save({
    save: ({ weightData, ...rest }) => {
      artifacts = { ...rest, weightData: toBase64(new Uint8Array(weightData)) };
      return Promise.resolve();
    },
  }, { includeOptimizer: true });
  return { name, artifacts: artifacts!, inputs, targets };
}

/** What TensorFlow.js answers, in a process of its own. */
async function ask(models: PeerModel[]): Promise<PeerAnswer> {
  const script = new URL("../scripts/tfjs_peer.ts", import.meta.url).href;
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "--quiet", "--no-check", "--no-lock", "--no-prompt", script],
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const input = new Blob([JSON.stringify(models)]).stream().pipeTo(child.stdin);
  const [{ success, stdout, stderr }] = await Promise.all([child.output(), input.catch(() => {})]);
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  if (!success) throw new Error(text(stderr));
  return JSON.parse(text(stdout).trim().split("\n").at(-1)!);
}

const ours = [
  ["mlp", mlp(dg.train.adam(0.01))],
  ["sgd", mlp(dg.train.sgd(0.1))],
  ["adagrad", mlp(dg.train.adagrad(0.1))],
  ["rmsprop", mlp(dg.train.rmsprop(0.01, 0.8, 0.5))],
  ["functional", functional()],
  ["embedding", embedding()],
  ["cnn", cnn()],
  ["recurrent", recurrent()],
] as const;
const models = await Promise.all(ours.map(([name, model]) => given(name, model)));
const answer = await ask(models).catch((error: Error) => {
  if (!error.message.includes("could not be fetched from npm")) throw error;
  console.log(`skipping the tests against TensorFlow.js: ${error.message}`);
  return undefined;
});

function same(got: PlainTensor[], wanted: PlainTensor[], what: string, atol: number): void {
  assert.deepEqual(got.map((t) => t.shape), wanted.map((t) => t.shape), what);
  got.forEach((t, i) => close(t.data, wanted[i].data, `${what}: output ${i}`, { rtol: 0, atol }));
}

Deno.test({
  name: "TensorFlow.js loads our models, predicts the same and trains on",
  ignore: !answer,
  fn: async () => {
    assert.deepEqual(answer!.given.map((r) => r.name), ours.map(([name]) => name));
    for (const [i, { name, outputs, trained }] of answer!.given.entries()) {
      const model = ours[i][1], { inputs, targets } = models[i];
      same(outputs, run(model, inputs), name, 1e-5);
      await step(model, inputs, targets);
      same(trained!, run(model, inputs), `${name}, trained on`, 1e-4);
    }
  },
});

Deno.test({
  name: "TensorFlow.js's models are loaded, predict the same and train on",
  ignore: !answer,
  fn: async () => {
    for (const { name, artifacts, inputs, targets, outputs, trained } of answer!.own) {
      const bytes = fromBase64(artifacts.weightData);
      const model = await dg.loadLayersModel({
        load: () => ({ ...artifacts, weightData: bytes.buffer }),
      });
      same(run(model, inputs), outputs, name, 1e-5);
      assert.equal(model.optimizer.iterations, 3, name);
      await step(model, inputs, targets);
      same(run(model, inputs), trained!, `${name}, trained on`, 1e-4);
      model.dispose();
    }
  },
});

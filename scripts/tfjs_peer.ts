// What does TensorFlow.js itself make of saved models, and what does it save?
//
//   deno run --no-lock scripts/tfjs_peer.ts <models.json >answers.json
//
// A process of its own, so that nothing else depends on its npm package. Standard input is a list of saved models with inputs and
// targets: each is loaded, run, trained for one step and run again. Standard output holds the results, and models of TensorFlow.js's
// own, saved after some training, with the same results of theirs.

import {
  fromBase64,
  type PeerAnswer,
  type PeerModel,
  type PlainTensor,
  toBase64,
} from "./peer_models.ts";

async function answer(): Promise<PeerAnswer> {
  const given: PeerModel[] = JSON.parse(await new Response(Deno.stdin.readable).text());
  const tf = await import("npm:@tensorflow/tfjs@4.22.0").catch((error) => {
    throw new Error(`TensorFlow.js could not be fetched from npm: ${reason(error)}`);
  });
  await tf.setBackend("cpu");
  type Model = InstanceType<typeof tf.LayersModel>;
  type Value = InstanceType<typeof tf.Tensor>;

  const load = ({ shape, data }: PlainTensor) => tf.tensor(data, shape);
  const plain = (t: Value): PlainTensor => ({ shape: t.shape, data: [...t.dataSync()] });
  const one = <T>(list: T[]) => list.length === 1 ? list[0] : list;
  const run = (model: Model, inputs: PlainTensor[]) =>
    [model.predict(one(inputs.map(load)))].flat().map(plain);

  async function results(model: Model, { name, inputs, targets }: Omit<PeerModel, "artifacts">) {
    const outputs = run(model, inputs);
    if (!model.optimizer) return { name, outputs, trained: null };
    await model.trainOnBatch(one(inputs.map(load)), one(targets.map(load)));
    return { name, outputs, trained: run(model, inputs) };
  }

  async function save(model: Model): Promise<PeerModel["artifacts"]> {
    let saved: PeerModel["artifacts"] | undefined;
    await model.save(
      tf.io.withSaveHandler((artifacts) => {
        const weightData = toBase64(new Uint8Array(artifacts.weightData as ArrayBuffer));
        saved = { ...artifacts, weightData };
        return Promise.resolve({
          modelArtifactsInfo: { dateSaved: new Date(), modelTopologyType: "JSON" as const },
        });
      }),
      { includeOptimizer: true },
    );
    return saved!;
  }

  const random = (shape: number[], seed: number) =>
    plain(tf.randomNormal(shape, 0, 1, "float32", seed));

  function mlp(): Model {
    const model = tf.sequential();
    model.add(tf.layers.dense({ units: 8, inputShape: [4], activation: "hardSigmoid" }));
    model.add(tf.layers.leakyReLU({ alpha: 0.2 }));
    model.add(tf.layers.dense({ units: 8, activation: "swish", kernelRegularizer: "l1l2" }));
    model.add(tf.layers.dropout({ rate: 0 }));
    model.add(tf.layers.dense({ units: 3, activation: "softmax" }));
    model.compile({ optimizer: tf.train.adam(0.01), loss: "categoricalCrossentropy" });
    return model;
  }

  function functional(): Model {
    const a = tf.input({ shape: [4], name: "left" }), b = tf.input({ shape: [4] });
    const shared = tf.layers.dense({ units: 6, activation: "tanh" });
    type Symbolic = typeof a;
    const [x, y] = [a, b].map((t) => shared.apply(t) as Symbolic);
    const joined = tf.layers.concatenate().apply([x, y]) as Symbolic;
    const inner = tf.sequential({ layers: [tf.layers.dense({ units: 5, inputShape: [12] })] });
    const code = inner.apply(joined) as Symbolic;
    const sum = tf.layers.add().apply([x, y]) as Symbolic;
    const outputs = [code, sum].map((t, i) =>
      tf.layers.dense({ units: i + 1 }).apply(t) as Symbolic
    );
    const model = tf.model({ inputs: [a, b], outputs });
    model.compile({
      optimizer: tf.train.rmsprop(0.01),
      loss: ["meanSquaredError", "meanAbsoluteError"],
    });
    return model;
  }

  function embedding(): Model {
    const model = tf.sequential();
    model.add(tf.layers.embedding({ inputDim: 10, outputDim: 3, inputLength: 4 }));
    model.add(tf.layers.flatten());
    model.add(tf.layers.dense({ units: 3, activation: "softmax" }));
    model.compile({ optimizer: tf.train.adam(0.01), loss: "categoricalCrossentropy" });
    return model;
  }

  function cnn(): Model {
    const model = tf.sequential();
    const conv = tf.layers.conv2d({
      filters: 4,
      kernelSize: 3,
      activation: "relu",
      inputShape: [8, 8, 2],
    });
    model.add(conv);
    model.add(tf.layers.batchNormalization({ momentum: 0.5 }));
    model.add(tf.layers.maxPooling2d({ poolSize: 2 }));
    model.add(tf.layers.depthwiseConv2d({ kernelSize: 2, padding: "same" }));
    model.add(tf.layers.layerNormalization());
    model.add(tf.layers.flatten());
    model.add(tf.layers.dense({ units: 3, activation: "softmax" }));
    model.compile({ optimizer: tf.train.adam(0.01), loss: "categoricalCrossentropy" });
    return model;
  }

  function recurrent(): Model {
    const model = tf.sequential();
    const lstm = tf.layers.lstm({ units: 3, returnSequences: true }) as InstanceType<typeof tf.RNN>;
    model.add(tf.layers.bidirectional({ layer: lstm, mergeMode: "concat", inputShape: [5, 4] }));
    model.add(tf.layers.gru({ units: 4, returnSequences: true }));
    model.add(tf.layers.rnn({
      cell: [tf.layers.lstmCell({ units: 3 }), tf.layers.simpleRNNCell({ units: 3 })],
      returnSequences: true,
    }));
    model.add(tf.layers.timeDistributed({ layer: tf.layers.dense({ units: 4 }) }));
    model.add(tf.layers.simpleRNN({ units: 3, activation: "softmax" }));
    model.compile({ optimizer: tf.train.adam(0.01), loss: "categoricalCrossentropy" });
    return model;
  }

  const answers: PeerAnswer = { given: [], own: [] };
  for (const { artifacts, ...rest } of given) {
    const weightData = fromBase64(artifacts.weightData).buffer;
    const model = await tf.loadLayersModel(
      tf.io.fromMemory({ ...artifacts, weightData } as Parameters<typeof tf.io.fromMemory>[0]),
    );
    answers.given.push(await results(model, rest));
  }
  const tokens = { shape: [6, 4], data: Array.from({ length: 24 }, (_, i) => i * 7 % 10) };
  const classes = { shape: [6, 3], data: Array.from({ length: 18 }, (_, i) => +(i % 4 === 0)) };
  for (
    const [name, model, inputs, targets] of [
      ["mlp", mlp(), [random([6, 4], 1)], [classes]],
      ["functional", functional(), [random([6, 4], 2), random([6, 4], 3)], [
        random([6, 1], 4),
        random([6, 2], 5),
      ]],
      ["embedding", embedding(), [tokens], [classes]],
      ["cnn", cnn(), [random([6, 8, 8, 2], 6)], [classes]],
      ["recurrent", recurrent(), [random([6, 5, 4], 7)], [classes]],
    ] as const
  ) {
    const about = { name, inputs: [...inputs], targets: [...targets] };
    for (let i = 0; i < 3; i++) {
      await model.trainOnBatch(one(about.inputs.map(load)), one(about.targets.map(load)));
    }
    const artifacts = await save(model);
    answers.own.push({ ...about, artifacts, ...await results(model, about) });
  }
  return answers;
}

const reason = (error: unknown) => error instanceof Error ? error.message : String(error);

if (import.meta.main) {
  try {
    console.log(JSON.stringify(await answer()));
  } catch (error) {
    console.error(`tfjs_peer: ${reason(error)}`);
    Deno.exitCode = 1;
  }
}

// Does a layer that recomputes learn what it would otherwise, bit for bit, in less memory?
import assert from "node:assert";
import * as dg from "../mod.ts";
import { onEachDevice } from "./fixtures.ts";

const { layers } = dg;

/** A block whose call makes much besides its result, draws numbers and moves averages. */
const block = (recompute: boolean, units: number, seed: number) =>
  dg.sequential({
    recompute,
    layers: [
      layers.dense({ units: 4 * units, activation: "swish" }),
      layers.batchNormalization(),
      layers.dropout({ rate: 0.3, seed }),
      layers.dense({ units }),
    ],
  });

// Models with layers that recompute, or not, in every kind of model.
const models: Record<string, (recompute: boolean) => dg.Model> = {
  "layers of a sequential model": (recompute) =>
    dg.sequential({
      layers: [
        layers.dense({ units: 8, inputShape: [6], activation: "relu", recompute }),
        layers.batchNormalization({ recompute }),
        layers.dropout({ rate: 0.5, seed: 3, recompute }),
        layers.dense({ units: 3, activation: "softmax", recompute }),
      ],
    }),
  "models in a sequential model": (recompute) =>
    dg.sequential({
      layers: [
        layers.inputLayer({ inputShape: [6] }),
        block(recompute, 6, 1),
        block(recompute, 6, 2),
        layers.dense({ units: 3, activation: "softmax" }),
      ],
    }),
  "a model used twice in a functional one": (recompute) => {
    const x = dg.input({ shape: [6] }), inner = block(recompute, 6, 5);
    const once = inner.apply(x) as dg.SymbolicTensor;
    const both = layers.add().apply([once, inner.apply(once) as dg.SymbolicTensor]);
    const y = layers.dense({ units: 3, activation: "softmax" }).apply(both);
    return dg.model({ inputs: x, outputs: y as dg.SymbolicTensor });
  },
  "a whole model": (recompute) => {
    const x = dg.input({ shape: [6] });
    const y = layers.dense({ units: 3, activation: "softmax" }).apply(
      block(false, 6, 7).apply(x) as dg.SymbolicTensor,
    );
    return dg.model({ inputs: x, outputs: y as dg.SymbolicTensor, recompute });
  },
  "recurrent layers under a mask": (recompute) =>
    dg.sequential({
      layers: [
        layers.masking({ maskValue: 0, inputShape: [3, 2] }),
        layers.lstm({ units: 5, returnSequences: true, dropout: 0.2, recompute }),
        layers.gru({ units: 4, recompute }),
        layers.dense({ units: 3, activation: "softmax" }),
      ],
    }),
};

// Two epochs, most steps of which are replayed: losses and all weights.
async function train(make: (recompute: boolean) => dg.Model, recompute: boolean) {
  dg.setRandomSeed(11);
  const model = make(recompute);
  const recurrent = model.inputs[0].shape.length === 3;
  const x = dg.randomUniform([40, ...(recurrent ? [3, 2] : [6])], -1, 1, "float32", 1);
  const y = dg.randomUniformInt([40], 0, 3, 2);
  model.compile({ optimizer: "adam", loss: "sparseCategoricalCrossentropy" });
  const { history } = await model.fit(x, y, {
    batchSize: 8,
    epochs: 2,
    shuffle: false,
    verbose: 0,
  });
  const weights = model.weights.map((w) => [...w.variable.dataSync()]);
  dg.dispose([x, y]);
  model.dispose();
  return { losses: history.loss, weights };
}

for (const [what, make] of Object.entries(models)) {
  onEachDevice(`recomputing changes no bit of ${what}`, async () => {
    const before = dg.memory();
    assert.deepEqual(await train(make, true), await train(make, false));
    assert.equal(dg.memory().numTensors, before.numTensors);
  });
}

onEachDevice("recomputing takes less memory, at once and recorded", async (device) => {
  const peak = async (recompute: boolean, runEagerly: boolean) => {
    const model = dg.sequential({
      layers: [
        layers.inputLayer({ inputShape: [32] }),
        ...[1, 2, 3, 4, 5].map((seed) => block(recompute, 32, seed)),
        layers.dense({ units: 1 }),
      ],
    });
    const x = dg.randomNormal([1024, 32]), y = dg.randomNormal([1024, 1]);
    model.compile({ optimizer: "sgd", loss: "meanSquaredError", runEagerly });
    dg.config.resetMemoryStats(device.name);
    const before = dg.config.getMemoryInfo(device.name).peak;
    await model.fit(x, y, { batchSize: 512, verbose: 0 });
    const { peak, arena } = dg.config.getMemoryInfo(device.name);
    dg.dispose([x, y]);
    model.dispose();
    return runEagerly ? peak - before : arena;
  };
  for (const runEagerly of [true, false]) {
    const [less, more] = [await peak(true, runEagerly), await peak(false, runEagerly)];
    assert.ok(less < 0.6 * more, `${less} of ${more} bytes, eagerly ${runEagerly}`);
  }
});

Deno.test("recomputing is saved where it was asked for, and only there", async () => {
  const dense = layers.dense({ units: 2, recompute: true });
  assert.equal(dense.getConfig().recompute, true);
  assert.ok(!("recompute" in layers.dense({ units: 2 }).getConfig()));
  for (const make of [models["models in a sequential model"], models["a whole model"]]) {
    const model = make(true), text = JSON.stringify(model.toJSON(undefined, false));
    assert.ok(text.includes('"recompute":true'));
    const copy = await dg.models.modelFromJSON(text);
    const asked = (json: string) => json.split('"recompute":true').length;
    assert.equal(asked(JSON.stringify(copy.toJSON(undefined, false))), asked(text));
    const plain = make(false);
    assert.ok(!JSON.stringify(plain.toJSON(undefined, false)).includes("recompute"));
    for (const m of [model, copy, plain]) m.dispose();
  }
});

onEachDevice("gradients of gradients go through a layer that recomputes", () => {
  dg.tidy(() => {
    const layer = layers.dense({ units: 3, activation: "tanh", recompute: true });
    const x = dg.tensor([[0.2, -0.4], [0.7, 0.1]]);
    layer.apply(x);
    const twice = () =>
      dg.grad((v: dg.Tensor) => dg.grad((u: dg.Tensor) => layer.apply(u) as dg.Tensor)(v).square())(
        x,
      ).dataSync();
    const got = twice();
    Object.assign(layer, { recompute: false });
    assert.deepEqual(got, twice());
    layer.dispose();
  });
});

class Punishing extends dg.Layer {
  static override className = "Punishing";
  override call(inputs: dg.Tensor | dg.Tensor[]): dg.Tensor {
    const x = inputs as dg.Tensor;
    this.addLoss(x.abs().mean());
    return x.mul(2);
  }
}

Deno.test("a layer that adds to the loss within its call cannot recompute", () => {
  dg.tidy(() => {
    const layer = new Punishing({ recompute: true });
    assert.throws(
      () => dg.grad((x: dg.Tensor) => layer.apply(x) as dg.Tensor)(dg.ones([2, 2])),
      new dg.DinogradError(
        "A layer that recomputes cannot add to the loss within its call, nor can a layer inside it",
      ),
    );
    layer.apply(dg.ones([2, 2])); // without gradients there is nothing to make again
  });
});

// Does training with 16-bit computations get as far as in float32, the same eagerly and recorded, and leave nothing behind?

import assert from "node:assert";
import * as dg from "../mod.ts";
import { generateDigits } from "../src/data/digits.ts";
import { currentDevice } from "../src/native/device.ts";
import { MemoryKind } from "../src/native/symbols.ts";
import { cases, close, type FixtureTensor, load, onEachDevice } from "./fixtures.ts";
import { halves } from "./half.ts";

const { LossScaleOptimizer, setGlobalPolicy } = dg.mixedPrecision;

/** A classifier of [batch, inputs] made under a policy. */
function classifier(policy: dg.PolicyName, inputs: number, hidden: number): dg.Sequential {
  setGlobalPolicy(policy);
  try {
    return dg.sequential({
      layers: [
        dg.layers.dense({ units: hidden, activation: "relu", inputShape: [inputs] }),
        dg.layers.dense({ units: 10, activation: "softmax" }),
      ],
    });
  } finally {
    setGlobalPolicy("float32");
  }
}

const training = { loss: "sparseCategoricalCrossentropy", metrics: ["accuracy"] };
const set = generateDigits({ count: 800, seed: 4 }),
  held = generateDigits({ count: 500, seed: 5 });

/** Pixels of [0, 1] as rows, and class numbers. */
function tensors({ images, labels, count, height, width }: typeof set) {
  return dg.tidy(() => ({
    x: dg.tensor(images, [count, height * width], "uint8").div(255),
    y: dg.tensor(labels, [count], "int32"),
  }));
}

onEachDevice("digits are learnt about as well as in float32", async () => {
  const train = tensors(set), test = tensors(held);
  const accuracy = async (policy: dg.PolicyName) => {
    dg.setRandomSeed(1);
    const model = classifier(policy, set.height * set.width, 32);
    model.compile({ optimizer: dg.train.adam(0.005), ...training });
    await model.fit(train.x, train.y, { epochs: 6, verbose: 0 });
    const [loss, share] = (model.evaluate(test.x, test.y) as dg.Tensor[]).map((t) => {
      return dg.tidy(() => t.dataSync()[0]);
    });
    assert.equal(model.weights[0].variable.dtype, policy === "bfloat16" ? policy : "float32");
    model.dispose();
    return { loss, share };
  };
  const full = await accuracy("float32");
  assert.ok(full.share > 0.75, `${full.share}`);
  for (const policy of ["mixed_float16", "mixed_bfloat16", "bfloat16"] as const) {
    const { loss, share } = await accuracy(policy);
    const what = `${policy}: ${share} and loss ${loss}, against ${full.share} and ${full.loss}`;
    assert.ok(Math.abs(share - full.share) < 0.03 && Math.abs(loss - full.loss) < 0.06, what);
  }
  dg.dispose([train, test]);
});

/** Weights and history after a few steps from scale 2^24, at which the first gradients overflow. */
async function trained(policy: dg.PolicyName, runEagerly: boolean) {
  dg.setRandomSeed(3);
  const model = classifier(policy, 20, 16);
  const x = dg.randomNormal([70, 20]), y = dg.randomUniformInt([70], 0, 10);
  const decay = { initialLearningRate: 0.02, decaySteps: 40, decayRate: 0.5 };
  const inner = dg.train.adam(dg.schedules.exponentialDecay(decay));
  const optimizer = policy === "mixed_float16"
    ? dg.train.lossScaleOptimizer(inner, { initialScale: 2 ** 24, dynamicGrowthSteps: 3 })
    : inner;
  model.compile({ optimizer, ...training, runEagerly });
  const { history } = await model.fit(x, y, { epochs: 8, batchSize: 16, verbose: 0 });
  const values = model.getWeights().flatMap((w) => [...w.dataSync()]);
  const scale = optimizer instanceof LossScaleOptimizer ? optimizer.dynamicScale : 1;
  const run = { values, history, scale, steps: optimizer.iterations };
  model.dispose();
  dg.dispose([x, y]);
  return run;
}

onEachDevice("recorded steps give the bits of eager ones, also where the scale moves", async () => {
  for (const policy of ["mixed_float16", "mixed_bfloat16"] as const) {
    const recorded = await trained(policy, false);
    assert.deepEqual(recorded, await trained(policy, true));
    assert.ok((recorded.history.loss as number[]).every((v) => v > 0 && v < 10), "unscaled");
    if (policy === "mixed_bfloat16") continue;
    assert.ok(recorded.scale < 2 ** 24, `scale ${recorded.scale}`);
    assert.ok(recorded.steps > 10 && recorded.steps < 40, `${recorded.steps} of 40 steps counted`);
  }
});

onEachDevice(
  "compile wraps the optimizer under mixed_float16 only, and keeps its state",
  async () => {
    const x = dg.ones([8, 4]), y = dg.zeros([8], "int32");
    const model = classifier("mixed_float16", 4, 3);
    const optimizer = dg.train.adam();
    model.compile({ optimizer, ...training });
    const { optimizer: wrapper } = model;
    assert.ok(wrapper instanceof LossScaleOptimizer);
    assert.equal(wrapper.innerOptimizer, optimizer);
    await model.fit(x, y, { verbose: 0 });
    const alive = dg.memory().numDataBuffers;
    model.compile({ optimizer, ...training });
    await model.fit(x, y, { verbose: 0 });
    assert.equal(model.optimizer, wrapper);
    assert.equal(optimizer.iterations, 2);
    assert.equal(dg.memory().numDataBuffers, alive);
    model.compile({ optimizer: "adam", ...training, autoScaleLoss: false });
    assert.ok(!(model.optimizer instanceof LossScaleOptimizer));
    const other = classifier("mixed_bfloat16", 4, 3);
    other.compile({ optimizer: "adam", ...training });
    assert.ok(!(other.optimizer instanceof LossScaleOptimizer));
    for (const m of [model, other]) m.dispose();
    dg.dispose([x, y]);
  },
);

onEachDevice("a gradient that overflows leaves weights and optimizer as they were", async () => {
  const x = dg.ones([4, 4]), y = dg.zeros([4], "int32");
  const model = classifier("mixed_float16", 4, 3);
  const optimizer = dg.train.lossScaleOptimizer("adam", { initialScale: 2 ** 40 });
  model.compile({ optimizer, ...training });
  const state = () => [
    ...model.getWeights(),
    ...optimizer.innerOptimizer.getWeights().map((w) => w.tensor),
  ];
  optimizer.build(model.trainableWeights.map((w) => w.variable));
  const before = state().map((t) => [...t.dataSync()]);
  await model.fit(x, y, { epochs: 3, verbose: 0 });
  assert.deepEqual(state().map((t) => [...t.dataSync()]), before);
  assert.deepEqual([optimizer.dynamicScale, optimizer.iterations], [2 ** 37, 0]);
  model.dispose();
});

onEachDevice("losses and metrics are float32, from the scores behind cast probabilities", () => {
  dg.tidy(() => {
    const layers = [
      dg.layers.activation({ activation: "softmax", dtype: "float16" }),
      dg.layers.activation({ activation: "linear", dtype: "float32" }),
    ];
    const model = dg.sequential({ layers });
    const seen: dg.DType[] = [];
    const custom = (t: dg.Tensor, p: dg.Tensor) => {
      seen.push(t.dtype, p.dtype);
      return dg.metrics.categoricalCrossentropy(t, p);
    };
    const scores = dg.tensor([[20, 0, -20]], [1, 3], "float16");
    const y = dg.tensor([[0, 0, 1]], [1, 3], "float16");
    for (const half of [true, false]) { // with and without the cast back to float32
      if (!half) model.pop();
      for (const loss of ["categoricalCrossentropy", custom]) {
        model.compile({ optimizer: "sgd", loss, metrics: ["mae", custom, new dg.metrics.AUC()] });
        const results = model.evaluate(scores, y) as dg.Tensor[];
        // Of the probability, e^-40, float16 keeps nothing; clipped, the loss would be 16.
        close(results[0], [40], "loss");
        close(results[1], [2 / 3], "mean absolute error", { rtol: 1e-3 });
      }
    }
    assert.deepEqual([...new Set(seen)], ["float32"]);
    const far = dg.fill([1, 4], 300, "float16"), none = dg.zerosLike(far);
    close(new dg.losses.MeanSquaredError().apply(none, far), [90000], "beyond float16");
  });
});

onEachDevice(
  "optimizers move 16-bit variables as float32 ones, rounded, by gradients of any floats",
  () => {
    for (const c of cases("optimizers.json")) {
      for (const { dtype, round } of halves) {
        dg.tidy(() => {
          const given: dg.Tensor[] = c.variables.map((t: FixtureTensor) => load(t).cast(dtype));
          const grads: dg.Tensor[] = c.steps[0].grads.map((t: FixtureTensor) =>
            load(t).cast(dtype)
          );
          const step = (type: dg.DType, gradientType: dg.DType) => {
            const optimizer = dg.getOptimizer(c);
            const variables = given.map((t, i) => dg.variable(t.cast(type), true, `v${i}`));
            optimizer.applyGradients(
              new Map(variables.map((v, i) => [v, grads[i].cast(gradientType)])),
            );
            const values = variables.flatMap((v) => [...v.dataSync()]);
            for (const thing of [optimizer, ...variables]) thing.dispose();
            return values;
          };
          const wanted = step("float32", "float32");
          assert.deepEqual(step("float32", dtype), wanted, c.name);
          assert.deepEqual(step(dtype, dtype), wanted.map(round), c.name);
          assert.deepEqual(step(dtype, "float32"), wanted.map(round), c.name);
        });
      }
    }
  },
);

onEachDevice("training over and over leaves memory as it was", async () => {
  const { native, index } = currentDevice();
  const x = dg.randomNormal([96, 20]), y = dg.randomUniformInt([96], 0, 10);
  const model = classifier("mixed_float16", 20, 16);
  const alive = () => ({
    ...dg.memory(),
    native: native.calls.dg_memory(index, MemoryKind.live),
    arrays: native.calls.dg_memory(index, MemoryKind.arrays),
  });
  const round = async () => {
    for (const runEagerly of [false, true]) {
      model.compile({ optimizer: dg.train.adam(), ...training, runEagerly });
      await model.fit(x, y, { epochs: 20, validationSplit: 0.1, verbose: 0 });
      await model.trainOnBatch(x, y);
      dg.dispose([model.evaluate(x, y), model.predict(x), model.optimizer.getWeights()]);
    }
  };
  await round();
  const before = alive();
  await round();
  assert.deepEqual(alive(), before);
  model.dispose();
  dg.dispose([x, y]);
});

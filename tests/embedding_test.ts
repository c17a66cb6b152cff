// Does the embedding take tokens of any type, mask what is missing, train the rows it was asked for, and refuse what it cannot take?
// Its numbers are held to Keras's in layers_test.ts.

import assert from "node:assert";
import * as dg from "../mod.ts";
import { close, onEachDevice } from "./fixtures.ts";

const L = dg.layers;
const table = () => dg.tensor([[0, 0], [1, 2], [3, 4], [5, 6]]);
const one = (y: dg.Tensor | dg.Tensor[]) => y as dg.Tensor;

onEachDevice("tokens may be of any type and shape", () => {
  dg.tidy(() => {
    const layer = L.embedding({ inputDim: 4, outputDim: 2, weights: [table()] });
    for (const dtype of ["int32", "uint8", "float32", "float16", "bfloat16"] as const) {
      const y = one(layer.apply(dg.tensor([[3, 1, 1]], [1, 3], "int32").cast(dtype)));
      assert.deepEqual(y.arraySync(), [[[5, 6], [1, 2], [1, 2]]], dtype);
    }
    const shapes = [[2], [2, 0], [2, 1, 3]];
    for (const shape of shapes) {
      assert.deepEqual(one(layer.apply(dg.zeros(shape, "int32"))).shape, [...shape, 2]);
    }
    layer.dispose();
  });
});

onEachDevice("a vocabulary is larger than the whole numbers that 16 bits hold", () => {
  dg.mixedPrecision.setGlobalPolicy("mixed_float16");
  try {
    dg.tidy(() => {
      const rows = dg.range(0, 5000).reshape([5000, 1]);
      const model = dg.sequential({
        layers: [L.embedding({ inputDim: 5000, outputDim: 1, inputLength: 2, weights: rows })],
      });
      const y = one(model.predict(dg.tensor([[4097, 2049]])));
      assert.equal(y.dtype, "float16");
      // Both lie between two numbers that float16 has, equally near: the even ones are taken.
      assert.deepEqual(y.cast("float32").arraySync(), [[[4096], [2048]]]);
      assert.deepEqual(
        one(model.predict(dg.tensor([[4100, 2050]]))).cast("float32").arraySync(),
        [[[4100], [2050]]],
      );
      model.dispose();
    });
  } finally {
    dg.mixedPrecision.setGlobalPolicy("float32");
  }
});

onEachDevice("token 0 is masked where it fills what is missing", () => {
  dg.tidy(() => {
    const make = (maskZero: boolean) => {
      const model = dg.sequential({
        layers: [
          L.embedding({ inputDim: 4, outputDim: 2, maskZero, weights: table() }),
          L.globalAveragePooling1d(),
        ],
      });
      const y = one(model.predict(dg.tensor([[1, 2, 0], [3, 0, 0]], [2, 3], "int32")));
      model.dispose();
      return y;
    };
    close(make(true), [2, 3, 5, 6], "masked");
    close(make(false), [4 / 3, 2, 5 / 3, 2], "not masked");
  });
});

onEachDevice("a model that begins with an embedding learns, recorded as eagerly", async (d) => {
  const trained = async (runEagerly: boolean) => {
    dg.setRandomSeed(4);
    const model = dg.sequential({
      layers: [
        L.embedding({ inputDim: 30, outputDim: 8, maskZero: true }),
        L.globalAveragePooling1d(),
        L.dense({ units: 1, activation: "sigmoid" }),
      ],
    });
    assert.deepEqual(model.inputs[0].shape, [null, null]);
    model.compile({ optimizer: dg.train.adam(0.03), loss: "binaryCrossentropy", runEagerly });
    const tokens = Array.from({ length: 60 * 5 }, (_, i) => (i * i + 3 * i) % 30);
    const x = dg.tensor(tokens, [60, 5], "int32");
    const y = x.equal(10).any(1).cast("float32").reshape([60, 1]);
    const { history } = await model.fit(x, y, { epochs: 30, batchSize: 16, verbose: 0 });
    assert.ok(history.loss[29] < 0.6 * history.loss[0], `${history.loss[0]}, ${history.loss[29]}`);
    const values = model.getWeights().flatMap((w) => [...w.dataSync()]);
    model.dispose();
    dg.dispose([x, y]);
    return values;
  };
  const recorded = await trained(false);
  assert.deepEqual(await trained(true), recorded);
  const before = d.native.calls.dg_threads(0);
  d.native.calls.dg_threads(before === 1 ? 2 : 1);
  assert.deepEqual(await trained(false), recorded);
  d.native.calls.dg_threads(before);
});

onEachDevice("a token outside the vocabulary is refused where it can be seen", (d) => {
  dg.tidy(() => {
    const layer = L.embedding({ inputDim: 4, outputDim: 2, weights: table() });
    for (const token of [4, -1]) {
      const x = dg.tensor([[1, token]], [1, 2], "int32");
      const call = () => one(layer.apply(x)).arraySync();
      if (d.kind === "gpu") assert.deepEqual(call(), [[[1, 2], [0, 0]]]);
      else assert.throws(call, new RegExp(`index ${token}: it is outside \\[0, 4\\)`));
    }
    layer.dispose();
  });
});

Deno.test("an embedding's config is Keras's, with TensorFlow.js's inputLength", () => {
  const { name: _, ...config } = L.embedding({
    inputDim: 5,
    outputDim: 2,
    embeddingsRegularizer: "l2",
    maskZero: true,
    inputLength: 7,
  }).getConfig();
  assert.deepEqual(config, {
    trainable: true,
    dtype: "float32",
    batch_input_shape: [null, 7],
    input_dim: 5,
    output_dim: 2,
    embeddings_initializer: {
      class_name: "RandomUniform",
      config: { minval: -0.05, maxval: 0.05, seed: null },
    },
    embeddings_regularizer: { class_name: "L2", config: { l2: 0.01 } },
    embeddings_constraint: null,
    mask_zero: true,
    input_length: 7,
  });
  const again = dg.deserializeLayer({ class_name: "Embedding", config });
  assert.deepEqual({ ...again.getConfig(), name: "" }, { ...config, name: "" });
  const plain = L.embedding({ inputDim: 5, outputDim: 2, embeddingsInitializer: "uniform" });
  assert.equal("input_length" in plain.getConfig(), false);
  assert.deepEqual(plain.computeOutputShape([null, 3]), [null, 3, 2]);
});

Deno.test("an embedding says what it wants", () => {
  assert.throws(
    () => L.embedding({ inputDim: 0, outputDim: 2, name: "e" }),
    /inputDim of "e" must be a whole number of at least 1, got 0/,
  );
  assert.throws(() => L.embedding({ inputDim: 3 } as never), /outputDim .* got undefined/);
  dg.tidy(() => {
    const layer = L.embedding({ inputDim: 3, outputDim: 2, inputLength: 4, name: "e" });
    assert.throws(() => layer.apply(dg.zeros([2, 5])), /"e" .* inputLength \[4\], got \[2,5\]/);
    const wrong = L.embedding({ inputDim: 3, outputDim: 2, weights: dg.zeros([2, 2]) });
    assert.throws(() => wrong.apply(dg.zeros([1, 1])), /has shape \[3,2\], got \[2,2\]/);
    layer.dispose();
    wrong.dispose();
  });
});

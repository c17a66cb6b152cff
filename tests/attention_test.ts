// Do layers of attention heed masks and arguments of the call as Keras's do, travel through models and files, and learn?

import assert from "node:assert";
import * as dg from "../mod.ts";
import { close, onEachDevice } from "./fixtures.ts";
import { fromMemory, saved } from "./saved_models.ts";

const L = dg.layers;
const one = (y: unknown) => y as dg.Tensor;
const both = (y: unknown) => y as [dg.Tensor, dg.Tensor];
const symbolic = (y: unknown) => y as dg.SymbolicTensor;
const numbers = (y: unknown) => [...one(y).dataSync()];
const mask = (rows: number[][]) => dg.tensor(rows.flat(), [rows.length, rows[0].length], "bool");
const random = (shape: number[], seed: number) => dg.randomNormal(shape, 0, 1, "float32", seed);

onEachDevice("attention heeds masks of values and of queries", () => {
  dg.tidy(() => {
    const query = dg.zeros([2, 2, 1]), key = dg.zeros([2, 3, 1]);
    const value = dg.tensor([2, 4, 9, 1, 3, 5], [2, 3, 1]);
    const masks = [mask([[1, 1], [1, 0]]), mask([[1, 1, 0], [0, 0, 0]])];
    // All keys match alike; where none counts, all do.
    for (const scoreMode of ["dot", "concat"] as const) {
      const layer = L.attention({ scoreMode });
      close(one(layer.apply([query, value, key], { mask: masks })), [3, 3, 3, 0], scoreMode);
      const args = { mask: [null, masks[1]], useCausalMask: true };
      close(one(layer.apply([query, value, key], args)), [2, 3, 3, 3], `${scoreMode}, causal`);
      const [y, weights] = both(
        layer.apply([query, value, key], { mask: masks, returnAttentionScores: true }),
      );
      close(y, [3, 3, 3, 0], `${scoreMode} with weights`);
      const third = 1 / 3;
      close(weights, [0.5, 0.5, 0, 0.5, 0.5, 0, ...new Array(6).fill(third)], "weights");
      layer.dispose();
    }
  });
});

onEachDevice("weights that are returned belong to the results", () => {
  dg.tidy(() => {
    const x = random([2, 5, 6], 1), z = random([2, 7, 6], 2);
    const attentionMask = random([2, 5, 7], 3).greater(0);
    const layer = L.multiHeadAttention({ numHeads: 3, keyDim: 4, valueDim: 2 });
    for (const useCausalMask of [false, true]) {
      const args = { attentionMask, useCausalMask };
      const [y, weights] = both(layer.apply([x, z], { ...args, returnAttentionScores: true }));
      assert.deepEqual(weights.shape, [2, 3, 5, 7]);
      close(y, numbers(layer.apply([x, z], args)), "the same results");
      close(weights.sum(-1), new Array(30).fill(1), "sums");
      const [values, [, , , , kernel, bias, outputKernel, outputBias]] = [z, layer.getWeights()];
      const projected = dg.einsum("bsf,fhv->bshv", values, kernel).add(bias);
      const gathered = dg.einsum("bhqs,bshv->bqhv", weights, projected);
      const output = dg.einsum("bqhv,hvf->bqf", gathered, outputKernel).add(outputBias);
      close(y, numbers(output), "gathered by them");
    }
    layer.dispose();
  });
});

onEachDevice("a mask travels from an embedding to heads, and on", () => {
  dg.tidy(() => {
    const tokens = dg.tensor([[3, 1, 0, 0], [2, 0, 0, 0]], [2, 4], "int32");
    const embedding = L.embedding({ inputDim: 4, outputDim: 6, maskZero: true });
    const layer = L.multiHeadAttention({ numHeads: 2, keyDim: 3 });
    const input = dg.input({ shape: [4], dtype: "int32" });
    const x = symbolic(embedding.apply(input));
    const y = symbolic(layer.apply([x, x]));
    const mean = L.globalAveragePooling1d();
    const model = dg.model({ inputs: input, outputs: [y, symbolic(mean.apply(y))] });
    const [got, pooled] = model.predict(tokens) as dg.Tensor[];
    const vectors = one(embedding.apply(tokens)).clone(), counts = tokens.notEqual(0);
    const attentionMask = dg.logicalAnd(counts.expandDims(1), counts.expandDims(2));
    const wanted = one(layer.apply([vectors, vectors], { attentionMask }));
    close(got, numbers(wanted), "attended");
    const first = wanted.slice([0, 0, 0], [1, 2, 6]).mean(1).flatten();
    const second = wanted.slice([1, 0, 0], [1, 1, 6]).flatten();
    close(pooled, numbers(first.concat(second)), "pooled over what counts");
    model.dispose();
  });
});

onEachDevice("scores by sums are what their formulas say, and so are gradients", () => {
  dg.tidy(() => {
    const q = random([2, 3, 4], 1), v = random([2, 5, 4], 2), k = random([2, 5, 4], 3);
    const by =
      (score: (pairs: dg.Tensor) => dg.Tensor) => (a: dg.Tensor, b: dg.Tensor, c: dg.Tensor) =>
        score(a.expandDims(2).add(c.expandDims(1))).softmax().matMul(b);
    const additive = L.additiveAttention(),
      concat = L.attention({ scoreMode: "concat", useScale: true });
    for (const layer of [additive, concat]) layer.apply([q, v, k]);
    assert.deepEqual(additive.weights.map((w) => w.shape), [[4]]);
    assert.deepEqual(concat.weights.map((w) => w.name.split("/").pop()), [
      "scale",
      "concat_score_weight",
    ]);
    concat.setWeights([dg.scalar(0.7), dg.scalar(1.5)]);
    const [scale] = additive.getWeights();
    const cases: [dg.Layer, ReturnType<typeof by>][] = [
      [additive, by((pairs) => pairs.tanh().mul(scale).sum(-1))],
      [concat, by((pairs) => pairs.mul(0.7).tanh().sum(-1).mul(1.5))],
    ];
    for (const [layer, wanted] of cases) {
      close(one(layer.apply([q, v, k])), numbers(wanted(q, v, k)), layer.name);
      const found = dg.grads((...xs) => one(layer.apply(xs)).square().sum())([q, v, k]);
      const right = dg.grads((a, b, c) => wanted(a, b, c).square().sum())([q, v, k]);
      found.forEach((g, i) => close(g, numbers(right[i]), `${layer.name} gradient ${i}`));
      layer.dispose();
    }
  });
});

onEachDevice("heads that share keys do what as many heads with the same keys do", () => {
  dg.tidy(() => {
    const x = random([2, 4, 6], 1);
    const grouped = L.groupedQueryAttention({ headDim: 3, numQueryHeads: 4, numKeyValueHeads: 2 });
    const plain = L.multiHeadAttention({ numHeads: 4, keyDim: 3 });
    const args = { useCausalMask: true };
    for (const layer of [grouped, plain]) layer.apply([x, x]);
    const weights = grouped.getWeights();
    assert.deepEqual(weights.map((w) => w.shape), [
      [6, 4, 3],
      [4, 3],
      [6, 2, 3],
      [2, 3],
      [6, 2, 3],
      [2, 3],
      [4, 3, 6],
      [6],
    ]);
    const heads = dg.tensor([0, 0, 1, 1], [4], "int32");
    plain.setWeights(
      weights.map((w, i) => [2, 3, 4, 5].includes(i) ? w.gather(heads, w.rank - 2) : w),
    );
    close(one(grouped.apply([x, x], args)), numbers(plain.apply([x, x], args)), "results");
    const slopes = (layer: dg.Layer) =>
      dg.grad((x) => one(layer.apply([x, x], args)).square().sum())(x);
    close(slopes(grouped), numbers(slopes(plain)), "gradients");
    grouped.dispose();
    plain.dispose();
  });
});

onEachDevice("weights of keys are dropped while training only", () => {
  dg.tidy(() => {
    const query = dg.zeros([1, 200, 1]), value = dg.ones([1, 200, 1]);
    const layer = L.attention({ dropout: 0.25, seed: 3 });
    close(one(layer.apply([query, value])), new Array(200).fill(1), "not training");
    const [y, again] = [0, 1].map(() => one(layer.apply([query, value], { training: true })));
    assert.ok(Math.abs(y.mean().dataSync()[0] - 1) < 0.02);
    assert.ok(y.sub(1).abs().max().dataSync()[0] > 0.01);
    assert.notDeepEqual(numbers(y), numbers(again));
    layer.dispose();
  });
});

onEachDevice(
  "a model with attention is saved and made again, arguments of calls with it",
  async () => {
    const x = dg.input({ shape: [null, 4] }), z = dg.input({ shape: [null, 3] });
    const heads = L.multiHeadAttention({ numHeads: 2, keyDim: 3, outputShape: 5, name: "heads" });
    const attended = symbolic(heads.apply(x, { value: z, useCausalMask: true }));
    assert.deepEqual(attended.shape, [null, null, 5]);
    const [y, weights] = L.attention({ useScale: true, name: "own" })
      .apply([attended, attended], {
        returnAttentionScores: true,
      }) as unknown as dg.SymbolicTensor[];
    assert.deepEqual([y.shape, weights.shape], [[null, null, 5], [null, null, null]]);
    const model = dg.model({ inputs: [x, z], outputs: [y, weights] });
    const artifacts = await saved(model);
    const text = JSON.stringify(artifacts.modelTopology);
    assert.match(text, /"use_causal_mask":true/);
    assert.match(text, /"return_attention_scores":true/);
    const again = await fromMemory(artifacts);
    dg.tidy(() => {
      const inputs = [random([2, 3, 4], 1), random([2, 6, 3], 2)];
      const [wanted, got] = [model, again].map((m) =>
        (m.predict(inputs) as dg.Tensor[]).map(numbers)
      );
      assert.deepEqual(got, wanted);
    });
    model.dispose();
    again.dispose();
  },
);

onEachDevice(
  "a block of a transformer learns, recorded as eagerly, and leaves nothing behind",
  async () => {
    // Which of the tokens before is the same as the last one's neighbour? Only attention can tell.
    const tokens = Array.from({ length: 48 * 6 }, (_, i) => (i * i * 7 + i * 3) % 11);
    const x = dg.tensor(tokens, [48, 6], "int32");
    const y = dg.tidy(() => x.slice([0, 0], [48, 1]).cast("float32").div(11));
    const train = async (runEagerly: boolean) => {
      dg.setRandomSeed(5);
      const input = dg.input({ shape: [6], dtype: "int32" });
      const embedded = symbolic(L.embedding({ inputDim: 11, outputDim: 8 }).apply(input));
      const attended = L.multiHeadAttention({ numHeads: 2, keyDim: 4, dropout: 0.05 })
        .apply([embedded, embedded], { useCausalMask: true });
      const summed = symbolic(L.add().apply([embedded, symbolic(attended)]));
      const hidden = symbolic(L.dense({ units: 16, activation: "relu" }).apply(summed));
      const pooled = symbolic(L.flatten().apply(hidden));
      const model = dg.model({
        inputs: input,
        outputs: symbolic(L.dense({ units: 1 }).apply(pooled)),
      });
      model.compile({ optimizer: dg.train.adam(0.01), loss: "meanSquaredError", runEagerly });
      const fit = () => model.fit(x, y, { batchSize: 16, epochs: 8, verbose: 0 });
      const { history: { loss } } = await fit();
      assert.ok(loss[7] < 0.3 * loss[0], `${loss}`);
      const { numTensors } = dg.memory();
      await fit();
      assert.equal(dg.memory().numTensors, numTensors);
      const all = model.weights.map((w) => [...w.variable.dataSync()]);
      model.dispose();
      return all;
    };
    assert.deepEqual(await train(false), await train(true));
    dg.dispose([x, y]);
  },
);

onEachDevice("heads compute in 16-bit floats what they do in 32", () => {
  dg.tidy(() => {
    const x = random([2, 6, 8], 1);
    const layers = (["float32", "mixed_float16", "mixed_bfloat16"] as const).map((dtype) =>
      L.multiHeadAttention({ numHeads: 2, keyDim: 4, dtype })
    );
    const args = { attentionMask: random([2, 6, 6], 2).greater(-0.5), useCausalMask: true };
    const [exact, half, brain] = layers.map((layer) => {
      layer.apply([x, x]);
      layer.setWeights(layers[0].getWeights());
      const y = one(layer.apply([x, x], args));
      assert.equal(y.dtype, layer.computeDtype);
      const slopes = dg.grad((x) => one(layer.apply([x, x], args)).cast("float32").square().sum())(
        x,
      );
      return [y.cast("float32"), slopes];
    });
    exact.forEach((wanted, i) => {
      close(half[i], numbers(wanted), `float16 ${i}`, { rtol: 1e-2, atol: 1e-2 });
      close(brain[i], numbers(wanted), `bfloat16 ${i}`, { rtol: 6e-2, atol: 6e-2 });
    });
    for (const layer of layers) layer.dispose();
  });
});

onEachDevice("scores are never written down as a whole", (d) => {
  const shape = [1, 320, 4, 4], scores = 4 * 320 * 320 * 4;
  const inputs = [1, 2, 3].map((seed) => random(shape, seed));
  d.native.check(d.native.calls.dg_memory_reset(d.index));
  const before = d.memory("live");
  const f = (q: dg.Tensor, k: dg.Tensor, v: dg.Tensor) =>
    dg.dotProductAttention(q, k, v).square().sum();
  dg.tidy(() => dg.grads(f)(inputs).forEach((g) => g.dataSync()));
  assert.ok(d.memory("peak") - before < scores / 4, `${d.memory("peak") - before} bytes`);
  dg.dispose(inputs);
});

Deno.test("configs of attention are Keras's", () => {
  const config = (layer: dg.Layer) => {
    const { name: _, trainable: _t, dtype: _d, ...rest } = layer.getConfig();
    const again = dg.deserializeLayer({
      class_name: layer.getClassName(),
      config: layer.getConfig(),
    });
    assert.deepEqual(again.getConfig(), layer.getConfig());
    return rest;
  };
  assert.deepEqual(
    config(L.attention({ useScale: true, scoreMode: "concat", dropout: 0.1, seed: 4 })),
    {
      dropout: 0.1,
      seed: 4,
      use_scale: true,
      score_mode: "concat",
    },
  );
  assert.deepEqual(config(L.additiveAttention()), { dropout: 0, seed: null, use_scale: true });
  const weights = {
    use_bias: true,
    kernel_initializer: { class_name: "GlorotUniform", config: { seed: null } },
    bias_initializer: { class_name: "Zeros", config: {} },
    kernel_regularizer: null,
    bias_regularizer: { class_name: "L2", config: { l2: 0.01 } },
    kernel_constraint: null,
    bias_constraint: null,
  };
  assert.deepEqual(
    config(L.multiHeadAttention({ numHeads: 2, keyDim: 3, biasRegularizer: "l2" })),
    {
      dropout: 0,
      seed: null,
      ...weights,
      num_heads: 2,
      key_dim: 3,
      value_dim: 3,
      output_shape: null,
      attention_axes: null,
    },
  );
  const grouped = {
    headDim: 3,
    numQueryHeads: 4,
    numKeyValueHeads: 2,
    biasRegularizer: "l2" as const,
  };
  assert.deepEqual(config(L.groupedQueryAttention(grouped)), {
    dropout: 0,
    seed: null,
    ...weights,
    head_dim: 3,
    num_query_heads: 4,
    num_key_value_heads: 2,
  });
});

Deno.test("attention says what it wants", () => {
  const refuses = (run: () => unknown, why: RegExp) => assert.throws(run, why);
  refuses(() => L.attention({ dropout: 1 }), /dropout from 0 to below 1, got 1/);
  refuses(() => L.attention({ scoreMode: "sum" as never }), /"dot" or "concat", got "sum"/);
  refuses(() => L.multiHeadAttention({ numHeads: 2 } as never), /keyDim .* got undefined/);
  refuses(
    () => L.multiHeadAttention({ numHeads: 2, keyDim: 3, attentionAxes: [1, 2], name: "m" }),
    /"m" attends along axis 1 .* got attentionAxes 1,2/,
  );
  refuses(
    () => L.groupedQueryAttention({ headDim: 2, numQueryHeads: 3, numKeyValueHeads: 2 }),
    /multiple of numKeyValueHeads, got 3 and 2/,
  );
  dg.tidy(() => {
    const x = dg.zeros([2, 3, 4]),
      heads = L.multiHeadAttention({ numHeads: 1, keyDim: 2, name: "m" });
    refuses(() => L.attention({ name: "a" }).apply(x), /"a" takes \[query, value\].*got \[2,3,4\]/);
    refuses(
      () => L.attention({ name: "a" }).apply([x, dg.zeros([2, 4])]),
      /got \[2,3,4\], \[2,4\]/,
    );
    refuses(
      () => L.attention({ name: "a" }).apply([x, dg.zeros([2, 3, 5])]),
      /"a" cannot attend .* size differs, 4 and 5/,
    );
    refuses(() => L.attention().apply([x, dg.zeros([1, 3, 4])]), /batch differs, 2 and 1/);
    heads.apply([x, x]);
    refuses(
      () => heads.apply([x, dg.zeros([2, 3, 5])]),
      /"m\/value\/kernel" was built for inputs of last size 4, got \[2,3,5\]/,
    );
    refuses(
      () => heads.apply([x, x], { attentionMask: dg.ones([2, 2, 3]) }),
      /"m" wants a bool mask .* \[2,1,3,3\], got bool \[2,1,2,3\]/,
    );
    const q = dg.zeros([1, 2, 3, 4]);
    refuses(() => dg.dotProductAttention(x, x, x), /wanted \[batch, length, heads, size\] each/);
    refuses(
      () => dg.dotProductAttention(q, dg.zeros([1, 2, 2, 4]), dg.zeros([1, 2, 2, 4])),
      /3 heads are no multiple of 2/,
    );
    refuses(() => dg.dotProductAttention(q, q, dg.zeros([1, 3, 3, 4])), /length differs, 2 and 3/);
    refuses(
      () => dg.dotProductAttention(q, dg.zeros([1, 0, 3, 4]), dg.zeros([1, 0, 3, 4])),
      /only the batch may be empty/,
    );
    refuses(
      () => dg.dotProductAttention(q, q, q, { mask: dg.zeros([2, 2]) }),
      /wants a bool mask .* got float32 \[2,2\]/,
    );
    heads.dispose();
  });
});

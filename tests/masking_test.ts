// Do masks travel from the layers that make them to the layers, losses and metrics that heed them?

import assert from "node:assert";
import * as dg from "../mod.ts";
import { close, onEachDevice } from "./fixtures.ts";

const one = (layer: dg.Layer, x: dg.SymbolicTensor | dg.SymbolicTensor[]) =>
  layer.apply(x) as dg.SymbolicTensor;

/** The mean of the entries that count, and a note of the masks that were seen. */
class MaskedMean extends dg.Layer {
  static override className = "MaskedMean";
  seen: unknown[] = [];

  override call(inputs: dg.Tensor | dg.Tensor[], { mask }: dg.CallArgs): dg.Tensor {
    const x = inputs as dg.Tensor;
    if (!x.isAbstract) {
      this.seen.push(mask instanceof dg.Tensor ? mask.arraySync() : mask);
    }
    return dg.tidy(() => {
      if (!(mask instanceof dg.Tensor)) return x.mean(1);
      const counts = mask.cast("float32").expandDims(-1);
      return x.mul(counts).sum(1).div(counts.sum(1));
    });
  }
}

const x = () => dg.tensor([[[1, 2], [0, 0], [3, -1]], [[0, 0], [0, 0], [2, 2]]]);
const counting = [[1, 0, 1], [0, 0, 1]];

onEachDevice(
  "a mask goes through layers that support masking, in rows, graphs and nested models",
  () => {
    dg.tidy(() => {
      const middle = () => [
        dg.layers.dense({ units: 2, kernelInitializer: "identity", useBias: false }),
        dg.layers.dropout({ rate: 0.5 }),
        dg.layers.activation({ activation: "linear" }),
      ];
      const inRow = new MaskedMean({}), inGraph = new MaskedMean({}), nested = new MaskedMean({});
      const row = dg.sequential({
        layers: [dg.layers.masking({ inputShape: [3, 2] }), ...middle(), inRow],
      });
      const input = dg.input({ shape: [3, 2] });
      const graph = dg.model({
        inputs: input,
        outputs: one(
          inGraph,
          middle().reduce((y, l) => one(l, y), one(dg.layers.masking(), input)),
        ),
      });
      // The mask leaves one model and enters the next.
      const masker = dg.sequential({ layers: [dg.layers.masking({ inputShape: [3, 2] })] });
      const reader = dg.sequential({ layers: [...middle(), nested] });
      const outer = dg.sequential({ layers: [masker, reader] });
      for (const model of [row, graph, outer]) {
        close(model.predict(x()) as dg.Tensor, [2, 0.5, 2, 2], model.name);
      }
      for (const layer of [inRow, inGraph, nested]) assert.deepEqual(layer.seen, [counting]);
      for (const m of [row, graph, outer]) m.dispose();
    });
  },
);

onEachDevice("layers that do not support masking end it, and a mask may be given", () => {
  dg.tidy(() => {
    const layer = new MaskedMean({}), reader = new MaskedMean({});
    const model = dg.sequential({
      layers: [
        dg.layers.masking({ inputShape: [3, 2] }),
        dg.layers.permute({ dims: [1, 2] }),
        layer,
      ],
    });
    model.predict(x());
    assert.deepEqual(layer.seen, [null]);
    const given = dg.tensor([[1, 1, 0], [0, 1, 0]], [2, 3], "bool");
    const values = x();
    const row = dg.sequential({ layers: [dg.layers.reLU({ inputShape: [3, 2] }), reader] });
    close(row.apply(values, { mask: given }) as dg.Tensor, [0.5, 1, 0, 0], "given");
    row.apply(values);
    assert.deepEqual(reader.seen, [[[1, 1, 0], [0, 1, 0]], null], "the input stays as it was");
    model.dispose();
    row.dispose();
  });
});

onEachDevice("merge layers heed and merge masks as Keras does", () => {
  const T = true, F = false;
  const a = [[1, 2], [0, 0], [3, -1], [0, 0]], b = [[0, 0], [5, 6], [-2, 4], [0, 0]];
  const or = [T, T, T, F];
  const cases: [dg.Layer, number[], boolean[], number[], boolean[] | null][] = [
    [dg.layers.add(), [1, 2, 5, 6, 1, 3, 0, 0], or, [1, 2, 5, 6, 1, 3, 0, 0], null],
    [dg.layers.subtract(), [1, 2, -5, -6, 5, -5, 0, 0], or, [1, 2, -5, -6, 5, -5, 0, 0], null],
    [dg.layers.multiply(), [1, 2, 5, 6, -6, -4, 0, 0], or, [0, 0, 5, 6, -6, -4, 0, 0], null],
    [dg.layers.average(), [0.5, 1, 2.5, 3, 0.5, 1.5, 0, 0], or, [
      ...[0.5, 1, 2.5, 3, 0.5, 1.5, 0, 0],
    ], null],
    [dg.layers.maximum(), [1, 2, 5, 6, 3, 4, 0, 0], or, [1, 2, 5, 6, 3, 4, 0, 0], null],
    [dg.layers.minimum(), [1, 2, 5, 6, -2, -1, 0, 0], or, [0, 0, 5, 6, -2, -1, 0, 0], null],
    [
      dg.layers.concatenate(),
      [1, 2, 0, 0, 0, 0, 5, 6, 3, -1, -2, 4, 0, 0, 0, 0],
      or,
      [1, 2, 0, 0, 0, 0, 5, 6, 3, -1, -2, 4, 0, 0, 0, 0],
      [T, T, T, T],
    ],
    [
      dg.layers.concatenate({ axis: 1 }),
      [1, 2, 0, 0, 3, -1, 0, 0, 0, 0, 5, 6, -2, 4, 0, 0],
      [T, F, T, F, F, T, T, F],
      [1, 2, 0, 0, 3, -1, 0, 0, 0, 0, 5, 6, -2, 4, 0, 0],
      [T, F, T, F, T, T, T, T],
    ],
    [dg.layers.dot({ axes: 2 }), [], [], [], null],
  ];
  dg.tidy(() => {
    const xa = dg.tensor([a]), xb = dg.tensor([b]);
    for (const [layer, both, bothMask, single, singleMask] of cases) {
      const run = (second: (x: dg.SymbolicTensor) => dg.SymbolicTensor) => {
        const ia = dg.input({ shape: [4, 2] }), ib = dg.input({ shape: [4, 2] });
        const reader = new MaskedMean({});
        const merged = one(layer, [one(dg.layers.masking(), ia), second(ib)]);
        const model = dg.model({ inputs: [ia, ib], outputs: [merged, one(reader, merged)] });
        const [y] = model.predict([xa, xb]) as dg.Tensor[];
        model.dispose();
        return { y, mask: reader.seen[0] as number[][] | null };
      };
      const masked = run((x) => one(dg.layers.masking(), x));
      const half = run((x) => x);
      if (both.length === 0) {
        assert.deepEqual([masked.mask, half.mask], [null, null], layer.name);
        continue;
      }
      close(masked.y, both, layer.name);
      close(half.y, single, `${layer.name}, one masked`);
      assert.deepEqual(masked.mask, [bothMask.map(Number)], layer.name);
      assert.deepEqual(half.mask, singleMask && [singleMask.map(Number)], layer.name);
    }
  });
});

onEachDevice("losses and metrics leave out what a mask leaves out", async () => {
  const y = dg.tensor([[[1], [2], [3]], [[4], [5], [6]]]), values = x();
  const weights = dg.tensor([[1, 3, 2], [1, 1, 0.5]]), perSample = dg.tensor([1, 3]);
  const model = dg.sequential({
    layers: [
      dg.layers.masking({ inputShape: [3, 2] }),
      dg.layers.dense({
        units: 1,
        kernelInitializer: dg.initializers.constant({ value: 0.5 }),
        biasInitializer: dg.initializers.constant({ value: 0.25 }),
      }),
    ],
  });
  model.compile({
    optimizer: dg.train.sgd(0),
    loss: "mse",
    metrics: ["mae", "mse"],
    weightedMetrics: ["mse"],
  });
  const evaluate = (sampleWeight?: dg.Tensor) =>
    dg.tidy(() =>
      (model.evaluate(values, y, { sampleWeight }) as dg.Tensor[]).map((t) => t.dataSync()[0])
    );
  close(evaluate(), [5.8958335, 2.0833335, 5.8958335, 5.8958335], "Keras's numbers");
  close(evaluate(weights), [4.572917, 2.0833335, 5.8958335, 3.9196432], "Keras's, weighted");
  // A weight for each sample counts for all of its entries.
  const spread = dg.tidy(() => perSample.expandDims(-1).broadcastTo([2, 3]).clone());
  close(evaluate(perSample), evaluate(spread), "per sample");
  const { history } = await model.fit(values, y, { epochs: 3, batchSize: 1, verbose: 0 });
  const eager = dg.tidy(() =>
    [0, 1].map((i) => model.evaluate(values.slice([i], [1]), y.slice([i], [1])))
  );
  const [first, second] = eager.map((r) => (r as dg.Tensor[])[0].dataSync()[0]);
  close(history.loss, Array(3).fill((first + second) / 2), "recorded steps");
  model.dispose();
  dg.dispose([y, values, weights, perSample, spread, eager]);
});

onEachDevice("masks are given back with the tensors they belong to", async () => {
  const model = dg.sequential({
    layers: [dg.layers.masking({ inputShape: [3, 2] }), dg.layers.dense({ units: 1 })],
  });
  model.compile({ optimizer: "sgd", loss: "mse", metrics: ["mae"] });
  const values = x(), y = dg.ones([2, 3, 1]);
  const round = async () => {
    await model.fit(values, y, { epochs: 3, batchSize: 1, verbose: 0 });
    dg.dispose([model.predict(values), model.evaluate(values, y), model.apply(values)]);
    await model.trainOnBatch(values, y);
  };
  await round();
  const before = dg.memory();
  await round();
  assert.deepEqual(dg.memory(), before);
  const predicted = model.predict(values) as dg.Tensor;
  assert.equal(dg.memory().numTensors, before.numTensors + 1, "a prediction comes alone");
  model.dispose();
  dg.dispose([values, y, predicted]);
});

onEachDevice("softmax leaves out what a mask of its input's rank leaves out", () => {
  dg.tidy(() => {
    const scores = dg.tensor([[1, 2, 3], [3, 2, 1]]);
    const mask = dg.tensor([[1, 1, 0], [0, 1, 1]], [2, 3], "bool");
    const y = dg.layers.softmax().apply(scores, { mask }) as dg.Tensor;
    const small = 1 / (1 + Math.E), large = 1 - small;
    close(y, [small, large, 0, 0, large, small], "masked");
    const both = dg.layers.softmax({ axis: [0, 1] }).apply(scores) as dg.Tensor;
    close(both.sum(), [1], "over two axes");
  });
});

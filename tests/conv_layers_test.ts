// Do layers over images take channels first, batches and sizes that are not known, and masks, and refuse what they cannot take?
// Their numbers are held to Keras's in layers_test.ts.

import assert from "node:assert";
import * as dg from "../mod.ts";
import { close, onEachDevice } from "./fixtures.ts";

const last = (rank: number) => [0, ...Array.from({ length: rank }, (_, i) => i + 2), 1];
const first = (rank: number) => [0, rank + 1, ...Array.from({ length: rank }, (_, i) => i + 1)];

type Format = "channelsLast" | "channelsFirst";
const L = dg.layers;
const makers: [rank: number, make: (dataFormat: Format) => dg.Layer][] = [
  [1, (dataFormat) => L.conv1d({ filters: 3, kernelSize: 3, padding: "causal", dataFormat })],
  [2, (dataFormat) => L.conv2d({ filters: 4, kernelSize: 3, groups: 2, dataFormat })],
  [3, (dataFormat) => L.conv3d({ filters: 3, kernelSize: 2, padding: "same", dataFormat })],
  [2, (dataFormat) => L.conv2dTranspose({ filters: 3, kernelSize: 3, strides: 2, dataFormat })],
  [2, (dataFormat) => L.depthwiseConv2d({ kernelSize: 3, depthMultiplier: 2, dataFormat })],
  [2, (dataFormat) => L.separableConv2d({ filters: 3, kernelSize: 3, dataFormat })],
  [2, (dataFormat) => L.maxPooling2d({ poolSize: [2, 1], dataFormat })],
  [3, (dataFormat) => L.averagePooling3d({ padding: "same", dataFormat })],
  [2, (dataFormat) => L.zeroPadding2d({ padding: [[1, 0], [2, 3]], dataFormat })],
  [2, (dataFormat) => L.cropping2d({ cropping: [1, 2], dataFormat })],
  [3, (dataFormat) => L.upSampling3d({ size: [2, 1, 3], dataFormat })],
  [2, (dataFormat) => L.globalMaxPooling2d({ keepDims: true, dataFormat })],
];

onEachDevice("channels first are channels last, moved", () => {
  for (const [rank, make] of makers) {
    dg.tidy(() => {
      const x = dg.randomNormal([2, 5, 6, 4, 4].slice(0, rank + 1).concat(4), 0, 1, "float32", 3);
      const usual = make("channelsLast"), other = make("channelsFirst");
      const wanted = usual.apply(x) as dg.Tensor;
      const moved = x.transpose(first(rank));
      other.apply(moved);
      other.setWeights(usual.getWeights());
      const got = (other.apply(moved) as dg.Tensor).transpose(last(rank));
      assert.deepEqual(got.shape, wanted.shape, usual.name);
      close(got, wanted.dataSync(), usual.name);
      usual.dispose();
      other.dispose();
    });
  }
});

Deno.test("layers over images say their shapes before sizes are known", () => {
  const shapes: [dg.Layer, dg.Shape, dg.Shape][] = [
    [L.conv2d({ filters: 8, kernelSize: 3, strides: 2 }), [null, null, 7, 3], [null, null, 3, 8]],
    [L.conv1d({ filters: 8, kernelSize: 3, padding: "causal" }), [null, 9, 3], [null, 9, 8]],
    [L.conv2dTranspose({ filters: 2, kernelSize: 3, strides: 2, padding: "same" }), [
      null,
      null,
      4,
      3,
    ], [null, null, 8, 2]],
    [L.conv2dTranspose({ filters: 2, kernelSize: 3, strides: 2, outputPadding: 1 }), [4, 4, 4, 3], [
      4,
      10,
      10,
      2,
    ]],
    [L.conv3dTranspose({ filters: 2, kernelSize: 2, strides: 3 }), [1, 2, 2, 2, 3], [
      1,
      6,
      6,
      6,
      2,
    ]],
    [L.depthwiseConv1d({ kernelSize: 2, depthMultiplier: 3 }), [null, 5, 2], [null, 4, 6]],
    [L.separableConv1d({ filters: 5, kernelSize: 2 }), [null, 5, 2], [null, 4, 5]],
    [L.maxPooling2d({ strides: 1 }), [null, null, 5, 3], [null, null, 4, 3]],
    [L.globalAveragePooling3d(), [null, null, 5, 4, 3], [null, 3]],
    [L.zeroPadding1d({ padding: [1, 2] }), [null, 5, 3], [null, 8, 3]],
    [L.cropping1d(), [null, null, 3], [null, null, 3]],
    [L.upSampling1d(), [null, 5, 3], [null, 10, 3]],
    [L.upSampling2d({ size: 2, interpolation: "bilinear" }), [null, null, 5, 3], [
      null,
      null,
      10,
      3,
    ]],
    [L.upSampling2d({ size: [2, 3] }), [null, null, 5, 3], [null, null, 15, 3]],
  ];
  for (const [layer, from, to] of shapes) {
    assert.deepEqual(layer.computeOutputShape(from), to, layer.name);
    layer.dispose();
  }
});

onEachDevice("an average over time counts what a mask counts", () => {
  dg.tidy(() => {
    const x = dg.tensor([[[1], [3], [100]], [[5], [100], [100]]]);
    const mask = dg.tensor([[1, 1, 0], [1, 0, 0]], [2, 3], "bool");
    const y = L.globalAveragePooling1d().apply(x, { mask }) as dg.Tensor;
    assert.deepEqual(y.arraySync(), [[2], [5]]);
  });
});

onEachDevice(
  "a small network learns to the same bits recorded and eagerly, on any number of threads",
  async (d) => {
    const trained = async (runEagerly: boolean) => {
      dg.setRandomSeed(3);
      const model = dg.sequential({
        layers: [
          L.conv2d({ filters: 8, kernelSize: 3, activation: "relu", inputShape: [12, 12, 1] }),
          L.maxPool2d({ poolSize: 2 }),
          L.separableConv2d({ filters: 8, kernelSize: 3, padding: "same", activation: "relu" }),
          L.avgPooling2d({ poolSize: 2, padding: "same" }),
          L.conv2dTranspose({ filters: 2, kernelSize: 2, strides: 2 }),
          L.globalAveragePooling2d(),
        ],
      });
      model.compile({ optimizer: "adam", loss: "mse", runEagerly });
      const x = dg.randomNormal([40, 12, 12, 1], 0, 1, "float32", 5);
      const y = dg.stack([x.mean([1, 2, 3]), x.max([1, 2, 3])], 1);
      const { history } = await model.fit(x, y, { epochs: 5, batchSize: 16, verbose: 0 });
      assert.ok(history.loss[4] < history.loss[0]);
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
  },
);

Deno.test("layers over images say what they want", () => {
  // deno-lint-ignore no-explicit-any
  const odd = (x: unknown) => x as any;
  const refuse = (make: () => unknown, message: RegExp) => assert.throws(make, message);
  refuse(() => L.conv2d(odd({ filters: 2 })), /Conv2D needs kernelSize/);
  refuse(
    () => L.conv2d({ filters: 0, kernelSize: 3 }),
    /filters of "\w+" must .* at least 1, got 0/,
  );
  refuse(() => L.conv2d({ filters: 2, kernelSize: [3] }), /kernelSize .* or 2 of them: got \[3\]/);
  refuse(
    () => L.conv2d({ filters: 3, kernelSize: 3, groups: 2 }),
    /cannot divide 3 filters into 2/,
  );
  refuse(
    () => L.conv2d({ filters: 2, kernelSize: 3, padding: "causal" }),
    /Conv2D takes padding "valid" or "same", got "causal"/,
  );
  refuse(
    () => L.conv1dTranspose({ filters: 2, kernelSize: 3, padding: "causal" }),
    /takes padding "valid" or "same", got "causal"/,
  );
  refuse(
    () => L.conv2dTranspose({ filters: 2, kernelSize: 3, strides: 2, outputPadding: 2 }),
    /outputPadding .* less than the strides \[2,2\], got \[2,2\]/,
  );
  refuse(
    () => L.maxPooling2d({ dataFormat: odd("NCHW") }),
    /MaxPooling2D takes dataFormat channelsLast or channelsFirst, got "NCHW"/,
  );
  refuse(
    () => L.zeroPadding2d({ padding: odd([1, 2, 3]) }),
    /2 of them, or 2 pairs: got \[1,2,3\]/,
  );
  refuse(() => L.upSampling2d({ interpolation: odd("cubic") }), /or "bilinear", got "cubic"/);
  const layer = L.conv2d({ filters: 2, kernelSize: 3, groups: 2, name: "eyes" });
  dg.tidy(() => {
    refuse(() => layer.apply(dg.ones([2, 4, 4])), /"eyes" needs inputs of rank 4, got \[2,4,4\]/);
    refuse(() => layer.apply(dg.ones([2, 4, 4, 3])), /"eyes" cannot divide 3 channels into 2/);
    layer.apply(dg.ones([2, 4, 4, 4]));
    refuse(
      () => layer.apply(dg.ones([2, 4, 4, 2])),
      /"eyes" was built for inputs of 4 channels, got \[2,4,4,2\]/,
    );
    refuse(() => layer.apply(dg.ones([2, 2, 4, 4])), /cannot lay windows that reach over \[3,3\]/);
    refuse(
      () => L.cropping2d({ cropping: 2 }).apply(dg.ones([1, 4, 8, 1])),
      /cannot crop \[\[2,2\],\[2,2\]\] from \[1,4,8,1\]/,
    );
  });
  layer.dispose();
});

Deno.test("TensorFlow.js's other names make the same layers", () => {
  for (const rank of ["1d", "2d", "3d"] as const) {
    for (const average of ["avgPool", "avgPooling"] as const) {
      assert.equal(L[`${average}${rank}`], L[`averagePooling${rank}`]);
    }
    assert.equal(L[`maxPool${rank}`], L[`maxPooling${rank}`]);
    assert.equal(L[`globalMaxPool${rank}`], L[`globalMaxPooling${rank}`]);
    assert.equal(L[`globalAvgPool${rank}`], L[`globalAveragePooling${rank}`]);
  }
  assert.equal(L.cropping2D, L.cropping2d);
});

// Do layers that prepare data do what they say, recorded and not, and say their shapes? Numbers of some are held to Keras's in
// layers_test.ts.

import assert from "node:assert";
import * as dg from "../mod.ts";
import { close, onEachDevice } from "./fixtures.ts";

const L = dg.layers;
const apply = (layer: dg.Layer, x: dg.Tensor, args?: dg.CallArgs) =>
  layer.apply(x, args) as dg.Tensor;
const images = (...shape: number[]) => dg.range(0, shape.reduce((a, b) => a * b)).reshape(shape);

onEachDevice("images keep their proportions where that is asked for", () => {
  dg.tidy(() => {
    const wide = images(1, 2, 4, 1);
    const cut = apply(L.resizing({ height: 2, width: 2, cropToAspectRatio: true }), wide);
    assert.deepEqual(cut.flatten().arraySync(), [1, 2, 5, 6]);
    const put = L.resizing({ height: 4, width: 4, padToAspectRatio: true, fillValue: 9 });
    const framed = apply(put, wide).reshape([4, 4]).arraySync();
    assert.deepEqual(framed, [[9, 9, 9, 9], [0, 1, 2, 3], [4, 5, 6, 7], [9, 9, 9, 9]]);
    const middle = apply(L.centerCrop({ height: 1, width: 2 }), images(1, 3, 4, 1));
    assert.deepEqual(middle.flatten().arraySync(), [5, 6]);
    const larger = apply(L.centerCrop({ height: 4, width: 4 }), wide);
    close(larger, dg.image.resizeBilinear(cut, [4, 4], false, true).dataSync(), "larger");
    const bytes = apply(L.resizing({ height: 1, width: 1 }), dg.tensor([1, 2], [1, 2, 1], "uint8"));
    assert.deepEqual([bytes.dtype, ...bytes.dataSync()], ["uint8", 2]);
  });
});

onEachDevice("a normalisation takes what it adapts to, and its inverse gives it back", () => {
  dg.tidy(() => {
    const x = dg.randomNormal([50, 3], 5, 2, "float32", 1), layer = L.normalization();
    layer.adapt(x);
    const y = apply(layer, x), { mean, variance } = dg.moments(y, 0);
    close(mean, [0, 0, 0], "mean");
    close(variance, [1, 1, 1], "variance");
    const [m, v] = layer.getWeights().map((w) => [...w.dataSync()]);
    const back = L.normalization({ invert: true, mean: m, variance: v });
    close(apply(back, y), x.dataSync(), "inverse");
    const all = L.normalization({ axis: null });
    all.adapt(x);
    close(dg.moments(apply(all, x)).variance, [1], "of all");
    const copy = dg.deserializeLayer({ class_name: "Normalization", config: back.getConfig() });
    close(apply(copy, y), x.dataSync(), "from its config");
    for (const l of [layer, back, all, copy]) l.dispose();
  });
});

onEachDevice("categories are counted, with weights or without", () => {
  dg.tidy(() => {
    const layer = L.categoryEncoding({ numTokens: 4, outputMode: "count" });
    const x = dg.tensor([[0, 1], [3, 3], [7, 2]], [3, 2], "int32");
    const rows = [[1, 1, 0, 0], [0, 0, 0, 2], [0, 0, 1, 0]];
    assert.deepEqual(apply(layer, x).arraySync(), rows);
    const countWeights = dg.tensor([[0.5, 2], [1, 3], [1, 1]]);
    const weighted = apply(layer, x, { countWeights }).arraySync();
    assert.deepEqual(weighted, [[0.5, 2, 0, 0], [0, 0, 0, 4], [0, 0, 1, 0]]);
    const hot = L.categoryEncoding({ numTokens: 3, outputMode: "oneHot" });
    assert.deepEqual(apply(hot, dg.tensor([[1], [2]])).arraySync(), [[0, 1, 0], [0, 0, 1]]);
    assert.equal(hot.getConfig().output_mode, "one_hot");
  });
});

onEachDevice("augmentations change images while training only, each by itself", () => {
  const seed = 4;
  const makers: ((dataFormat: "channelsLast" | "channelsFirst") => dg.Layer)[] = [
    (dataFormat) => L.randomFlip({ seed, dataFormat }),
    (dataFormat) => L.randomRotation({ factor: 0.2, seed, dataFormat }),
    (dataFormat) => L.randomZoom({ heightFactor: 0.3, seed, dataFormat }),
    (dataFormat) =>
      L.randomTranslation({ heightFactor: 0.3, widthFactor: [0.1, 0.2], seed, dataFormat }),
  ];
  for (const make of makers) {
    dg.tidy(() => {
      const one = dg.randomNormal([1, 5, 6, 2], 0, 1, "float32", 3), x = one.tile([8, 1, 1, 1]);
      const layer = make("channelsLast"), other = make("channelsFirst");
      assert.equal(layer.apply(x), x, layer.name);
      const y = apply(layer, x, { training: true }), rows = y.reshape([8, 60]).arraySync();
      assert.ok(new Set((rows as number[][]).map(String)).size > 1, `${layer.name}: all alike`);
      assert.notDeepEqual(apply(layer, x, { training: true }).dataSync(), y.dataSync());
      const moved = apply(other, x.transpose([0, 3, 1, 2]), { training: true });
      close(moved.transpose([0, 2, 3, 1]), y.dataSync(), layer.name);
      const config = layer.getConfig();
      const copy = dg.deserializeLayer({ class_name: layer.getClassName(), config });
      assert.deepEqual(copy.getConfig(), config);
      assert.deepEqual(apply(copy, x, { training: true }).dataSync(), y.dataSync());
      for (const l of [layer, other, copy]) l.dispose();
    });
  }
});

onEachDevice("images are turned, enlarged and moved by what is drawn", () => {
  dg.tidy(() => {
    const x = images(1, 3, 3, 1), train = { training: true };
    const values = (layer: dg.Layer) => apply(layer, x, train).reshape([3, 3]);
    const turned = values(L.randomRotation({ factor: [0.25, 0.25], fillMode: "constant" }));
    close(turned, [2, 5, 8, 1, 4, 7, 0, 3, 6], "counterclockwise");
    const moved = values(L.randomTranslation({
      heightFactor: [1 / 3, 1 / 3],
      widthFactor: [0, 0],
      fillMode: "constant",
      fillValue: -1,
    }));
    close(moved, [-1, -1, -1, 0, 1, 2, 3, 4, 5], "down");
    const near = values(L.randomZoom({ heightFactor: [-0.5, -0.5] }));
    close(near, [2, 2.5, 3, 3.5, 4, 4.5, 5, 5.5, 6], "nearer");
    const flipped = apply(
      L.randomFlip({ mode: "vertical", seed: 1 }),
      x.tile([20, 1, 1, 1]),
      train,
    );
    const tops = [...flipped.slice([0, 0, 0, 0], [20, 1, 1, 1]).dataSync()];
    assert.ok(tops.includes(0) && tops.includes(6) && tops.every((v) => v === 0 || v === 6));
    const width = L.randomWidth({ factor: [0.5, 0.5], seed: 1 });
    assert.deepEqual(apply(width, images(2, 3, 4, 1), train).shape, [2, 3, 6, 1]);
    assert.deepEqual(width.computeOutputShape([null, 3, 4, 1]), [null, 3, null, 1]);
  });
});

onEachDevice("a network that augments trains to the same bits recorded and eagerly", async () => {
  const trained = async (runEagerly: boolean) => {
    dg.setRandomSeed(5);
    const model = dg.sequential({
      layers: [
        L.rescaling({ scale: 0.5, offset: -0.1, inputShape: [6, 6, 1] }),
        L.randomFlip(),
        L.randomRotation({ factor: 0.1 }),
        L.resizing({ height: 5, width: 4 }),
        L.upSampling2d({ size: 2, interpolation: "bilinear" }),
        L.flatten(),
        L.dense({ units: 1 }),
      ],
    });
    model.compile({ optimizer: "sgd", loss: "mse", runEagerly });
    const x = dg.randomNormal([16, 6, 6, 1], 0, 1, "float32", 5), y = x.mean([1, 2]);
    await model.fit(x, y, { epochs: 2, batchSize: 8, verbose: 0 });
    const values = model.getWeights().flatMap((w) => [...w.dataSync()]);
    model.dispose();
    dg.dispose([x, y]);
    return values;
  };
  assert.deepEqual(await trained(true), await trained(false));
});

Deno.test("layers that prepare data say what they want", () => {
  const refuse = (make: () => unknown, message: RegExp) => assert.throws(make, message);
  refuse(() => L.resizing({ height: 0, width: 3 }), /height of "\w+" must .* at least 1, got 0/);
  refuse(
    () => L.resizing({ height: 1, width: 3, cropToAspectRatio: true, padToAspectRatio: true }),
    /got both/,
  );
  refuse(() => L.rescaling({} as never), /numbers or lists of some, got undefined and undefined/);
  refuse(() => L.categoryEncoding({ numTokens: 2, outputMode: "hot" as never }), /got "hot"/);
  refuse(() => L.randomZoom({ heightFactor: -1 }), /heightFactor: a number of at least 0.*got -1/);
  refuse(() => L.randomFlip({ mode: "up" as never }), /"horizontal_and_vertical", got "up"/);
  refuse(() => L.normalization({ mean: 1 }), /both or none, got 1 and undefined/);
  refuse(
    () => L.randomRotation({ factor: 1, fillMode: "mirror" as never }),
    /reflect, wrap, constant or nearest, got "mirror"/,
  );
  dg.tidy(() => {
    const layer = L.categoryEncoding({ numTokens: 2 });
    const countWeights = dg.ones([1, 1]);
    refuse(() => layer.apply(dg.ones([1, 1]), { countWeights }), /to count only.*"multiHot"/);
  });
});

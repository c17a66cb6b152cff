// Does memory of images do what Keras's does: its definition, both data formats, a model that learns and is made again?
import assert from "node:assert";
import * as dg from "../mod.ts";
import { close, onEachDevice } from "./fixtures.ts";

const values = (x: unknown) => (x as dg.Tensor).dataSync();

onEachDevice("memory of images follows its definition, in either data format", () => {
  dg.tidy(() => {
    const args = { filters: 2, kernelSize: [3, 2], strides: [1, 2], returnState: true };
    const layer = dg.layers.convLstm2d({ ...args, returnSequences: true });
    const x = dg.randomNormal([2, 3, 5, 6, 4], 0, 1, "float32", 3);
    const [y, ...last] = layer.apply(x) as dg.Tensor[];
    assert.deepEqual([y, ...last].map((t) => t.shape), [[2, 3, 3, 3, 2], [2, 3, 3, 2], [
      2,
      3,
      3,
      2,
    ]]);
    const [kernel, recurrent, bias] = layer.getWeights();
    let h = dg.zeros([2, 3, 3, 2]), c = h;
    const outputs = dg.unstack(x, 1).map((image) => {
      const said = dg.conv2d(image, kernel, [1, 2], "valid").add(
        bias,
      );
      const sum = said.add(dg.conv2d(h, recurrent, 1, "same"));
      const [i, f, fresh, o] = dg.split(sum, 4, -1);
      c = dg.sigmoid(f).mul(c).add(dg.sigmoid(i).mul(dg.tanh(fresh)));
      return h = dg.sigmoid(o).mul(dg.tanh(c));
    });
    close(y, [...values(dg.stack(outputs, 1))], "outputs");
    [h, c].forEach((state, i) => close(last[i], [...values(state)], "states"));

    const first = dg.layers.convLstm2d({ ...args, dataFormat: "channelsFirst" });
    const turned = dg.transpose(x, [0, 1, 4, 2, 3]);
    first.apply(turned);
    first.setWeights(layer.getWeights());
    const [z] = first.apply(turned) as dg.Tensor[];
    close(dg.transpose(z, [0, 2, 3, 1]), [...values(h)], "channels first");
    const again = dg.layers.convLstm2d({ ...args });
    assert.deepEqual(
      Object.keys(again.getConfig()).filter((key) =>
        ["filters", "kernel_size", "units", "strides", "data_format"].includes(key)
      ).sort(),
      ["data_format", "filters", "kernel_size", "strides"],
    );
    assert.throws(
      () => dg.layers.convLstm2d({ filters: 2, kernelSize: 3 }).apply(dg.ones([2, 3, 4])),
      /takes images \[batch, height, width, channels\] in each step, got \[/,
    );
    for (const made of [layer, first, again]) made.dispose();
  });
});

onEachDevice("a model with memory of images learns, and comes through its file", async () => {
  dg.setRandomSeed(1);
  const model = dg.sequential({
    layers: [
      dg.layers.convLstm2d({
        filters: 3,
        kernelSize: 3,
        padding: "same",
        dropout: 0.1,
        recurrentDropout: 0.1,
        inputShape: [4, 6, 6, 1],
      }),
      dg.layers.flatten(),
      dg.layers.dense({ units: 1 }),
    ],
  });
  model.compile({ optimizer: dg.train.adam(0.02), loss: "meanSquaredError" });
  const y = dg.randomNormal([32, 1], 0, 1, "float32", 1);
  const x = dg.tidy(() =>
    dg.randomNormal([32, 4, 6, 6, 1], 0, 0.3, "float32", 2).add(y.reshape([32, 1, 1, 1, 1]))
  );
  const { history } = await model.fit(x, y, { epochs: 8, verbose: 0 });
  assert.ok(history.loss[7] < history.loss[0] / 2, `${history.loss}`);
  const again = dg.Sequential.fromConfig(JSON.parse(JSON.stringify(model.getConfig())));
  again.setWeights(model.getWeights());
  assert.deepEqual(values(again.predict(x)), values(model.predict(x)));
  model.dispose();
  again.dispose();
  dg.dispose([x, y]);
});

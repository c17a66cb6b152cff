// Is a saved model what TensorFlow.js's layers format says?

import assert from "node:assert";
import * as dg from "../mod.ts";

function model(): dg.Sequential {
  return dg.sequential({
    name: "small",
    layers: [
      dg.layers.dense({
        units: 2,
        inputShape: [3],
        name: "a",
        activation: "swish",
        kernelInitializer: "leCunNormal",
        kernelRegularizer: dg.regularizers.l1({ l1: 0.1 }),
        biasRegularizer: "l2",
      }),
      dg.layers.dense({ units: 1, name: "swish" }),
    ],
  });
}

Deno.test("a folder gets model.json and weights.bin", async () => {
  const m = model(), folder = await Deno.makeTempDir();
  try {
    await m.save(`file://${folder}/new/one`);
    const json = JSON.parse(await Deno.readTextFile(`${folder}/new/one/model.json`));
    const bytes = await Deno.readFile(`${folder}/new/one/weights.bin`);
    assert.equal(json.format, "layers-model");
    assert.deepEqual(json.weightsManifest, [{
      paths: ["weights.bin"],
      weights: [
        { name: "a/kernel", shape: [3, 2], dtype: "float32" },
        { name: "a/bias", shape: [2], dtype: "float32" },
        { name: "swish/kernel", shape: [2, 1], dtype: "float32" },
        { name: "swish/bias", shape: [1], dtype: "float32" },
      ],
    }]);
    const values = m.weights.flatMap((w) => [...w.read().dataSync()]);
    assert.deepEqual([...new Float32Array(bytes.buffer)], values);
    assert.deepEqual([...Deno.readDirSync(`${folder}/new/one`)].length, 2, "nothing else is left");
  } finally {
    await Deno.remove(folder, { recursive: true });
    m.dispose();
  }
});

Deno.test("classes and functions go by TensorFlow.js's names for them", async () => {
  const m = model();
  let saved: dg.ModelArtifacts | undefined;
  await m.save({ save: (artifacts) => Promise.resolve(saved = artifacts) });
  const { class_name, config } = saved!.modelTopology as dg.ClassConfig;
  assert.equal(class_name, "Sequential");
  const [first, second] = config.layers as dg.ClassConfig[];
  assert.deepEqual(first.config.batch_input_shape, [null, 3]);
  assert.equal(first.config.activation, "swish");
  assert.equal((first.config.kernel_initializer as dg.ClassConfig).class_name, "LeCunNormal");
  assert.deepEqual(first.config.kernel_regularizer, {
    class_name: "L1L2",
    config: { l1: 0.1, l2: 0 },
  });
  assert.deepEqual(first.config.bias_regularizer, {
    class_name: "L1L2",
    config: { l1: 0, l2: 0.01 },
  });
  assert.equal(second.config.name, "swish", "a layer's name is nobody's class");
  m.dispose();
});

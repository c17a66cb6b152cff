// Do layers compute in one type and keep their weights in another as Keras's dtype policies say, and do configs tell?

import assert from "node:assert";
import * as dg from "../mod.ts";
import { close, onEachDevice } from "./fixtures.ts";
import { halves } from "./half.ts";

const { Policy, globalPolicy, setGlobalPolicy } = dg.mixedPrecision;

/** Runs `fn` with another global policy. */
function under<T>(policy: dg.PolicyName, fn: () => T): T {
  setGlobalPolicy(policy);
  try {
    return fn();
  } finally {
    setGlobalPolicy("float32");
  }
}

const dtypes = ({ computeDtype, variableDtype }: dg.Policy | dg.Layer) => [
  computeDtype,
  variableDtype,
];

Deno.test("a policy names the types to compute in and of weights", () => {
  assert.deepEqual(dtypes(new Policy("float32")), ["float32", "float32"]);
  assert.deepEqual(dtypes(new Policy("bfloat16")), ["bfloat16", "bfloat16"]);
  assert.deepEqual(dtypes(new Policy("mixed_float16")), ["float16", "float32"]);
  assert.deepEqual(dtypes(new Policy("mixed_bfloat16")), ["bfloat16", "float32"]);
  assert.equal(new Policy("mixedFloat16" as dg.PolicyName).name, "mixed_float16");
  assert.throws(
    () => setGlobalPolicy("mixed_flaot16" as dg.PolicyName),
    /Unknown dtype policy "mixed_flaot16": did you mean "mixed_float16"/,
  );
  assert.throws(() => new Policy(16 as never), /a name such as "mixed_float16", got 16/);
  assert.equal(globalPolicy().name, "float32");
});

Deno.test("a layer has the policy it was given, else the one in force when it was made", () => {
  const before = dg.layers.flatten();
  const [during, own, input] = under("mixed_bfloat16", () => [
    dg.layers.flatten(),
    dg.layers.flatten({ dtype: "float32" }),
    dg.layers.inputLayer({ inputShape: [1] }),
  ]);
  const after = dg.layers.flatten({ dtype: new Policy("mixed_float16") });
  const names = [before, during, own, input, after].map((l) => l.dtypePolicy.name);
  assert.deepEqual(names, ["float32", "mixed_bfloat16", "float32", "float32", "mixed_float16"]);
  assert.equal(under("mixed_float16", () => new Policy()).name, "mixed_float16");
});

Deno.test("configs say a policy as Keras and TensorFlow.js do, and are read in both forms", () => {
  const config = (dtype: dg.PolicyIdentifier) => dg.layers.dense({ units: 1, dtype }).getConfig();
  assert.equal(config("float32").dtype, "float32");
  assert.equal(config("bfloat16").dtype, "bfloat16");
  const keras = (name: string) => ({
    module: "keras",
    class_name: "DTypePolicy",
    config: { name },
    registered_name: null,
  });
  assert.deepEqual(config("mixed_float16").dtype, keras("mixed_float16"));
  for (const name of ["float32", "float16", "mixed_bfloat16"]) {
    const layers = [keras(name), name as dg.PolicyName].map((dtype) =>
      dg.layers.flatten({ dtype })
    );
    for (const layer of layers) assert.equal(layer.dtypePolicy.name, name);
  }
  assert.throws(
    () => dg.layers.flatten({ dtype: { class_name: "QuantizedDTypePolicy", config: {} } }),
    /Unknown class of dtype policies "QuantizedDTypePolicy"/,
  );
  const model = under("mixed_float16", () => dg.sequential());
  assert.deepEqual(model.getConfig().dtype, keras("mixed_float16"));
});

onEachDevice("floats are cast on their way in, weights where they are read", () => {
  for (const { dtype, round } of halves) {
    dg.tidy(() => {
      const layer = dg.layers.dense({ units: 2, dtype: `mixed_${dtype}`, useBias: false });
      const x = dg.tensor([[0.1, 1 / 3]]);
      layer.apply(x);
      layer.setWeights([dg.tensor([[0.7, 0.2], [0.3, 1]])]);
      const [kernel] = layer.weights;
      assert.deepEqual([kernel.dtype, kernel.variable.dtype], ["float32", "float32"]);
      assert.equal(kernel.read().dtype, dtype);
      const y = layer.apply(x) as dg.Tensor;
      assert.equal(y.dtype, dtype);
      const [a, b] = [0.1, 1 / 3].map(round), [w, v] = [0.7, 0.3].map(round);
      assert.equal(y.dataSync()[0], round(a * w + b * v));
      const wide = dg.layers.flatten({ dtype: "float32" }).apply(y) as dg.Tensor;
      assert.deepEqual([wide.dtype, ...wide.dataSync()], ["float32", ...y.dataSync()]);
      const whole = dg.tensor([[1, 2]], [1, 2], "int32");
      assert.equal((dg.layers.flatten({ dtype }).apply(whole) as dg.Tensor).dtype, "int32");
      // The gradient of a weight has the weight's type.
      const f = () => (layer.apply(x) as dg.Tensor).sum().cast("float32");
      const gradient = Object.values(dg.variableGrads(f).grads)[0];
      assert.equal(gradient.dtype, "float32");
      close(gradient, [a, a, b, b], "gradient", { rtol: 0, atol: 0 });
      layer.dispose();
    });
  }
});

Deno.test("descriptions have the types of what they describe", () => {
  class Widened extends dg.Layer {
    static override className = "Widened";
    override computeOutputShape(shape: dg.Shape): dg.Shape {
      return [...shape, 1];
    }
    override call(inputs: dg.Tensor | dg.Tensor[]): dg.Tensor {
      return (inputs as dg.Tensor).expandDims(-1);
    }
  }
  class Uncast extends dg.Layer {
    static override className = "Uncast";
    protected override readonly autocast = false;
    override call(inputs: dg.Tensor | dg.Tensor[]): dg.Tensor {
      return inputs as dg.Tensor;
    }
  }
  dg.tidy(() => {
    const x = dg.ones([2, 3]), described = new dg.Tensor([NaN, 3], "float32", null);
    const layers = under("mixed_float16", () => [new Widened(), new Uncast(), dg.layers.flatten()]);
    const types = layers.map((l) => [x, described].map((t) => (l.apply(t) as dg.Tensor).dtype));
    assert.deepEqual(types, [
      ["float16", "float16"],
      ["float32", "float32"],
      ["float16", "float16"],
    ]);
  });
});

onEachDevice("a model of 16-bit layers is summed up, saved and given back", async () => {
  const model = dg.sequential({
    name: "small",
    layers: [
      dg.layers.dense({ units: 2, inputShape: [3], dtype: "float16", name: "a" }),
      dg.layers.dense({ units: 1, dtype: "mixed_float16", name: "b" }),
    ],
  });
  const lines: string[] = [];
  model.summary(undefined, undefined, (line) => lines.push(line));
  assert.match(lines.join("\n"), /Total params: 11 \(28.00 B\)/); // 8 of two bytes, 3 of four
  let saved: dg.ModelArtifacts | undefined;
  await model.save({ save: (artifacts) => Promise.resolve(saved = artifacts) });
  assert.deepEqual(saved!.weightSpecs.map(({ dtype }) => dtype), new Array(4).fill("float32"));
  const values = model.getWeights();
  assert.deepEqual(values.map(({ dtype }) => dtype), ["float16", "float16", "float32", "float32"]);
  const written = [...new Float32Array(saved!.weightData)];
  assert.deepEqual(written, values.flatMap((w) => [...w.dataSync()]));
  const third = dg.fill([3, 2], 1 / 3); // of another type of floats
  model.weights[0].write(third);
  assert.equal(model.weights[0].variable.dataSync()[0], halves[0].round(1 / 3));
  model.setWeights(values);
  assert.deepEqual([...model.weights[0].read().dataSync()], [...values[0].dataSync()]);
  model.dispose();
  dg.dispose([values, third]);
});

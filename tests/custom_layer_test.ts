// Does a layer written for TensorFlow.js work when only the import changes?

import assert from "node:assert";
import * as tf from "../mod.ts";
import { close, onEachDevice } from "./fixtures.ts";

/** As in TensorFlow.js's documentation: addWeight's argument order, read(), invokeCallHook, an output shape of its own. */
class Scale extends tf.layers.Layer {
  static override className = "Scale";
  scale!: tf.Weight;

  override build(inputShape: number[]): void {
    const size = inputShape[inputShape.length - 1];
    const penalty = tf.regularizers.l2({ l2: 0.1 });
    this.scale = this.addWeight("scale", [size], "float32", "ones", penalty, true, "nonNeg");
  }
  override computeOutputShape(inputShape: tf.Shape): tf.Shape {
    return inputShape;
  }
  override call(inputs: tf.Tensor | tf.Tensor[], args: tf.CallArgs): tf.Tensor {
    return tf.tidy(() => {
      this.invokeCallHook(inputs, args);
      const x = Array.isArray(inputs) ? inputs[0] : inputs;
      assert.ok(!x.isAbstract, "call sees values only, since the layer says its output's shape");
      return x.mul(this.scale.read());
    });
  }
}

onEachDevice("a layer with a weight is built, trained, penalized and bounded", async () => {
  const before = tf.memory();
  const x = tf.ones([4, 2]), y = tf.zeros([4, 2]);
  const layer = new Scale({ inputShape: [2] });
  const model = tf.sequential({ layers: [layer] });
  assert.deepEqual(model.outputShape, [null, 2]);
  assert.equal(layer.scale.name, `${layer.name}/scale`);
  model.compile({ optimizer: tf.train.sgd(2), loss: "meanSquaredError" });
  const { history } = await model.fit(x, y, { epochs: 2, verbose: 0 });
  // From ones: gradient 2/2 + 0.2, so that one step of 2 leads below zero, where the constraint ends it.
  close(history.loss, [1 + 0.1 * 2, 0], "loss");
  close(layer.scale.read(), [0, 0], "scale");
  model.dispose();
  tf.dispose([x, y]);
  assert.deepEqual(tf.memory(), before);
});

Deno.test("a call hook sees every call until it is removed", () => {
  const layer = new Scale({}), seen: boolean[] = [];
  layer.setCallHook((_, { training }) => void seen.push(training ?? false));
  tf.tidy(() => {
    const x = tf.ones([1, 2]);
    layer.apply(x, { training: true });
    layer.apply(x);
    layer.clearCallHook();
    layer.apply(x);
  });
  assert.deepEqual(seen, [true, false]);
  layer.dispose();
});

Deno.test("a call that returns no tensor is named", () => {
  class Broken extends tf.Layer {
    override call(): tf.Tensor {
      return 3 as unknown as tf.Tensor;
    }
  }
  const layer = new Broken({ name: "broken" });
  tf.tidy(() => assert.throws(() => layer.apply(tf.ones([1])), /"broken".*returns tensors, got 3/));
});

/** Layers in its fields, alone and in a list; `call` sees values only. */
class Block extends tf.layers.Layer {
  static override className = "Block";
  readonly scale = new Scale({ name: "block_scale" });
  readonly steps: tf.Layer[];
  readonly final: tf.Layer;

  constructor(readonly args: tf.LayerArgs & { units: number; residual?: boolean }) {
    super(args);
    this.steps = [1, 2].map((i) =>
      tf.layers.dense({ units: args.units, activation: "tanh", name: `block_${i}` })
    );
    this.final = tf.layers.dense({ units: args.units, activation: tf.layers.prelu() });
  }
  override computeOutputShape(inputShape: tf.Shape): tf.Shape {
    return [...inputShape.slice(0, -1), this.args.units];
  }
  override call(inputs: tf.Tensor | tf.Tensor[]): tf.Tensor {
    const x = inputs as tf.Tensor;
    assert.ok(!x.isAbstract);
    const y = this.steps.reduce(
      (y, l) => l.apply(y) as tf.Tensor,
      this.scale.apply(x) as tf.Tensor,
    );
    const z = this.final.apply(y) as tf.Tensor;
    return this.args.residual ? z.add(y) : z;
  }
  override getConfig(): tf.Config {
    const { units, residual } = this.args;
    return { ...super.getConfig(), units, residual };
  }
}

onEachDevice("layers among a layer's fields are part of it", async () => {
  const before = tf.memory();
  const x = tf.ones([8, 3]), y = tf.zeros([8, 2]);
  const block = new Block({ units: 2, inputShape: [3] });
  const model = tf.sequential({ layers: [block] });
  model.compile({ optimizer: "sgd", loss: "mse" });
  const { history } = await model.fit(x, y, { epochs: 5, batchSize: 4, verbose: 0 });
  assert.ok(history.loss[4] < history.loss[0]);
  const names = block.weights.map((w) => w.name.replace(/(dense|p_re_lu)_?\d*/, "$1"));
  assert.deepEqual(names, [
    "block_scale/scale",
    ...["block_1/kernel", "block_1/bias", "block_2/kernel", "block_2/bias"],
    ...["dense/kernel", "dense/bias", "p_re_lu/alpha"],
  ]);
  const penalties = model.calculateLosses();
  assert.equal(penalties.length, 1, "that of the layer inside");
  tf.dispose(penalties);
  block.trainable = false;
  assert.deepEqual(model.trainableWeights, []);
  assert.equal(block.nonTrainableWeights.length, 8);
  model.dispose();
  tf.dispose([x, y]);
  assert.deepEqual(tf.memory(), before);
});

/** Two towers and two results; layers in fields. */
class Towers extends tf.Model {
  static override className = "Towers";
  readonly left: tf.Layer;
  readonly right: tf.Layer;
  readonly drop = tf.layers.dropout({ rate: 0.3 });
  readonly heads: tf.Layer[];

  constructor(readonly args: tf.LayerArgs & { units: number }) {
    super(args);
    this.left = tf.layers.dense({ units: args.units, activation: "relu" });
    this.right = tf.layers.dense({ units: args.units, activation: "relu" });
    this.heads = [tf.layers.dense({ units: 1 }), tf.layers.dense({ units: 2 })];
  }
  override get inputNames(): string[] {
    return ["a", "b"];
  }
  override get outputNames(): string[] {
    return ["one", "two"];
  }
  override call(inputs: tf.Tensor | tf.Tensor[], { training }: tf.CallArgs): tf.Tensor[] {
    const [a, b] = inputs as tf.Tensor[];
    const sum = (this.left.apply(a) as tf.Tensor).add(this.right.apply(b) as tf.Tensor);
    const kept = this.drop.apply(sum, { training }) as tf.Tensor;
    return this.heads.map((head) => head.apply(kept) as tf.Tensor);
  }
  override getConfig(): tf.Config {
    return { ...super.getConfig(), units: this.args.units };
  }
}

onEachDevice("a class of models is trained, looked into, saved and made again", async () => {
  const data = tf.tidy(() => ({
    a: tf.randomNormal([40, 3], 0, 1, "float32", 1),
    b: tf.randomNormal([40, 2], 0, 1, "float32", 2),
    one: tf.ones([40, 1]),
    two: tf.zeros([40, 2]),
  }));
  const { a, b, one, two } = data;
  const train = async (runEagerly: boolean) => {
    tf.setRandomSeed(4);
    const model = new Towers({ units: 4, name: "towers" });
    model.compile({
      optimizer: "adam",
      loss: { one: "mse", two: "mae" },
      metrics: { two: ["mse"] },
      runEagerly,
    });
    const { history } = await model.fit({ a, b }, [one, two], { epochs: 3, verbose: 0 });
    assert.deepEqual(Object.keys(history), ["loss", "one_loss", "two_loss", "two_mse"]);
    return { model, history };
  };
  const recorded = await train(false), eager = await train(true);
  assert.deepEqual(recorded.history, eager.history);
  const { model } = recorded;
  assert.deepEqual(model.layers, [model.left, model.right, model.drop, ...model.heads]);
  assert.equal(model.getLayer(model.right.name), model.right);
  const lines: string[] = [];
  model.summary(undefined, undefined, (text) => lines.push(text));
  assert.match(lines.join("\n"), /Total params: 43 /);
  // As a layer of another model, and from its config.
  tf.serialization.registerClass(Towers);
  const [x, z] = [tf.input({ shape: [3] }), tf.input({ shape: [2] })];
  const outer = tf.model({ inputs: [x, z], outputs: model.apply([x, z]) });
  const again = tf.Functional.fromConfig(JSON.parse(JSON.stringify(outer.getConfig())));
  again.setWeights(outer.weights.map((w) => w.read()));
  tf.tidy(() => {
    const expected = (model.predict([a, b]) as tf.Tensor[]).map((t) => t.arraySync());
    for (const m of [outer, again]) {
      assert.deepEqual((m.predict([a, b]) as tf.Tensor[]).map((t) => t.arraySync()), expected);
    }
  });
  for (const m of [eager.model, outer, again]) m.dispose();
  tf.dispose(data);
});

Deno.test("a class of models without a call, and shapes nobody knows yet, are named", () => {
  class Empty extends tf.Model {
    static override className = "Empty";
  }
  const model = new Empty({ name: "empty" });
  tf.tidy(() => {
    assert.throws(() => model.predict(tf.ones([1])), /"empty" has no graph.*call\(inputs, args\)/);
  });
  assert.throws(() => model.inputs, /"empty" does not know the shape of its inputs yet/);
  assert.throws(() => tf.sequential({ name: "s" }).outputShape, /"s" does not know/);
});

onEachDevice("classes of a program's own are found in configs", () => {
  tf.tidy(() => {
    tf.serialization.registerClass(Block);
    tf.serialization.registerClass(Scale, "mine");
    const model = tf.sequential({
      layers: [new Block({ units: 2, residual: true, inputShape: [3] })],
    });
    const x = tf.randomNormal([2, 3]);
    const expected = (model.predict(x) as tf.Tensor).arraySync();
    const again = tf.Sequential.fromConfig(model.getConfig());
    again.predict(x); // the layers inside are built by values
    again.setWeights(model.weights.map((w) => w.read()));
    assert.deepEqual((again.predict(x) as tf.Tensor).arraySync(), expected);
    const scale = tf.deserializeLayer({ class_name: "mine>Scale", config: { name: "s" } });
    assert.ok(scale instanceof Scale && scale.name === "s");
    assert.ok(tf.deserializeLayer({ class_name: "Custom>Scale", config: {} }) instanceof Scale);
    model.dispose();
    again.dispose();
  });
  class Nameless extends Scale {}
  assert.throws(
    () => tf.serialization.registerClass(Nameless),
    /className of its own, got Nameless/,
  );
});

Deno.test("initializers of a program's own are found in configs too", () => {
  class Halves extends tf.Initializer {
    static override className = "Halves";
    constructor(options: object = {}) {
      super({}, options);
    }
    override apply(shape: number[]): tf.Tensor {
      return tf.fill(shape, 0.5);
    }
  }
  const config = { units: 1, kernel_initializer: { class_name: "Halves", config: {} } };
  const make = () => tf.deserializeLayer({ class_name: "Dense", config });
  assert.throws(make, /Unknown initializer "Halves"/);
  tf.serialization.registerClass(Halves);
  const layer = make();
  tf.tidy(() => close(layer.apply(tf.ones([1, 4])) as tf.Tensor, [2], "halves"));
  layer.dispose();
});

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

// Do gradients flow as TensorFlow.js says? Tapes, higher derivatives, variables, custom gradients, and what must not flow.

import assert from "node:assert";
import {
  customGrad,
  grad,
  grads,
  type GradSaveFunc,
  valueAndGrad,
  valueAndGrads,
  variableGrads,
} from "../src/grad.ts";
import * as dg from "../src/ops/mod.ts";
import { tidy } from "../src/scope.ts";
import { memory, type Tensor } from "../src/tensor.ts";
import { type Variable, variable } from "../src/variable.ts";
import { onEachDevice } from "./fixtures.ts";

const values = (x: Tensor) => [...x.dataSync()];

/** A test that leaves no tensor behind. */
function leakless(name: string, fn: () => void): void {
  onEachDevice(name, () => {
    dg.randomNormal([1]).dispose(); // the device's generator is made on first use
    const before = memory();
    tidy(fn);
    assert.deepEqual(memory(), before);
  });
}

leakless("grad gives the gradient of a sum, or weighted by dy", () => {
  const f = grad((x) => dg.square(x));
  assert.deepEqual(values(f(dg.tensor([1, 2, 3]))), [2, 4, 6]);
  assert.deepEqual(values(f(dg.tensor([1, 2, 3]), dg.tensor([1, 10, 0]))), [2, 40, 0]);
});

leakless("grads gives one gradient per argument, zeros where nothing flows", () => {
  const [a, b, c] = grads((a, b) => dg.mul(a, b))([dg.scalar(3), dg.scalar(5), dg.tensor([7, 8])]);
  assert.deepEqual([a, b, c].map(values), [[5], [3], [0, 0]]);
});

leakless("a tensor used twice collects both gradients", () => {
  assert.deepEqual(values(grad((x) => dg.add(dg.mul(x, x), x))(dg.scalar(4))), [9]);
  assert.deepEqual(values(grad((x) => x)(dg.scalar(4))), [1]);
});

leakless("valueAndGrad and valueAndGrads give the value too", () => {
  const { value, grad } = valueAndGrad((x) => dg.exp(x))(dg.scalar(0));
  assert.deepEqual([values(value), values(grad)], [[1], [1]]);
  const both = valueAndGrads((a, b) => dg.div(a, b))([dg.scalar(6), dg.scalar(2)]);
  assert.deepEqual([both.value, ...both.grads].map(values), [[3], [0.5], [-1.5]]);
});

leakless("derivatives of derivatives", () => {
  const cube = (x: Tensor) => dg.mul(x, dg.mul(x, x));
  const x = dg.tensor([2, -1]);
  assert.deepEqual(values(grad(cube)(x)), [12, 3]);
  assert.deepEqual(values(grad(grad(cube))(x)), [12, -6]);
  assert.deepEqual(values(grad(grad(grad(cube)))(x)), [6, 6]);
  assert.deepEqual(values(grad(grad(grad(grad(cube))))(x)), [0, 0]);
});

leakless("a gradient inside another function's gradient sees both tensors", () => {
  // d/dy of d/dx (x^2 y) = 2x
  const inner = (x: Tensor, y: Tensor) => grad((x) => dg.mul(dg.square(x), y))(x);
  assert.deepEqual(values(grad((y) => inner(dg.scalar(3), y))(dg.scalar(5))), [6]);
});

leakless("nothing flows through values that were read, integers and bool", () => {
  const x = dg.tensor([1.5, -2]);
  assert.deepEqual(values(grad((x) => dg.mul(x, dg.sign(x)))(x)), [1, -1]);
  assert.deepEqual(values(grad((x) => dg.cast(dg.cast(x, "int32"), "float32"))(x)), [0, 0]);
  assert.deepEqual(values(grad((x) => dg.where(dg.greater(x, 0), x, dg.mul(x, 3)))(x)), [1, 3]);
});

leakless("memory of intermediates does not outlive the walk", () => {
  const f = (x: Tensor) => dg.sum(dg.tanh(dg.matMul(x, dg.transpose(x))));
  const before = memory().numTensors;
  const g = grad(f)(dg.randomNormal([4, 4]));
  assert.equal(memory().numTensors, before + 2);
  g.dispose();
});

// ---- Variables ----

function withVariables(fn: (w: Variable, b: Variable, frozen: Variable) => void): void {
  const all = [
    variable(dg.tensor([2, 3]), true, "w"),
    variable(dg.scalar(1), true, "b"),
    variable(dg.scalar(4), false, "frozen"),
  ] as const;
  try {
    fn(...all);
  } finally {
    for (const v of all) v.dispose();
  }
}

leakless("variableGrads finds the trainable variables in use", () => {
  withVariables((w, b, frozen) => {
    const f = () => dg.sum(dg.add(dg.mul(dg.square(w), frozen), b));
    const { value, grads } = variableGrads(f);
    assert.deepEqual(values(value), [54]);
    assert.deepEqual(Object.keys(grads).sort(), ["b", "w"]);
    assert.deepEqual([values(grads.w), values(grads.b)], [[16, 24], [2]]);
  });
});

leakless("variableGrads takes the variables it is told, trainable or not", () => {
  withVariables((w, b, frozen) => {
    const { grads } = variableGrads(() => dg.sum(dg.mul(w, frozen)), [frozen, b]);
    assert.deepEqual(Object.keys(grads).sort(), ["b", "frozen"]);
    assert.deepEqual([values(grads.frozen), values(grads.b)], [[5], [0]]);
  });
});

leakless("a variable assigned after its use keeps the gradient of the value used", () => {
  withVariables((w) => {
    const { grads } = variableGrads(() => {
      const y = dg.sum(dg.square(w));
      w.assign(dg.tensor([100, 100]));
      return y;
    }, [w]);
    assert.deepEqual(values(grads.w), [4, 6]);
    assert.deepEqual(values(w), [100, 100]);
  });
});

// ---- Custom gradients ----

leakless("customGrad replaces the gradient of what it wraps", () => {
  const clipped = customGrad((x, save) => {
    save([x]);
    return {
      value: dg.square(x),
      gradFunc: (dy, [x]) => dg.mul(dy, dg.clipByValue(dg.mul(x, 2), -1, 1)),
    };
  });
  const x = dg.tensor([0.25, 3, -3]);
  assert.deepEqual(values(clipped(x)), [0.0625, 9, 9]);
  assert.deepEqual(values(grad((x) => dg.mul(clipped(x), 10))(x)), [5, 10, -10]);
  // The second derivative is that of gradFunc.
  assert.deepEqual(values(grad((x) => grad(clipped)(x))(x)), [2, 0, 0]);
});

leakless("customGrad with several arguments gives as many gradients", () => {
  const f = customGrad((a: Tensor, b: Tensor, save: GradSaveFunc) => {
    save([a, b]);
    return {
      value: dg.mul(a, b),
      gradFunc: (dy, [a, b]) => [dg.mul(dy, b), dg.neg(dg.mul(dy, a))],
    };
  });
  const [ga, gb] = grads((a, b) => f(a, b))([dg.scalar(2), dg.scalar(7)]);
  assert.deepEqual([values(ga), values(gb)], [[7], [-2]]);
});

leakless("customGrad may give an argument itself as its value", () => {
  const scaled = customGrad((x) => ({ value: x, gradFunc: (dy) => dg.mul(dy, 3) }));
  assert.deepEqual(values(grad((x) => dg.square(scaled(x)))(dg.scalar(5))), [30]);
});

leakless("gradients are taken at plain numbers and lists too", () => {
  assert.deepEqual(values(grad((x) => dg.square(x))([1, 2])), [2, 4]);
  assert.deepEqual(grads((a, b) => dg.mul(a, b))([3, 5], 2).map(values), [[10], [6]]);
});

// ---- What cannot be done ----

leakless("bad uses get sentences", () => {
  const x = dg.tensor([1, 2]);
  assert.throws(() => grad(() => 3 as unknown as Tensor)(x), /grad needs a function that returns/);
  assert.throws(
    () => grad((x) => dg.cast(x, "int32"))(x),
    /needs a floating-point result, got int32/,
  );
  assert.throws(
    () => grad((x) => dg.sum(x))(x, dg.tensor([1, 2])),
    /dy of shape \[2\]: wanted .* \[\]/,
  );
  assert.throws(() => variableGrads(() => x), /returns a scalar, got shape \[2\]/);
  assert.throws(() => variableGrads(() => dg.sum(x)), /found no trainable variable/);
  const wrong = customGrad((x) => ({ value: dg.square(x), gradFunc: () => [] }));
  assert.throws(() => grad((x) => wrong(x))(x), /must return 1 gradients, got 0/);
});

// Do constraints, regularizers and activations have Keras's values, and are they found by name, function and config?
import assert from "node:assert";
import { getActivation } from "../src/activations.ts";
import { type Constraint, constraints, getConstraint } from "../src/constraints.ts";
import { DinogradError } from "../src/errors.ts";
import { grad } from "../src/grad.ts";
import * as activationOps from "../src/ops/activations.ts";
import { tensor } from "../src/ops/creation.ts";
import { mul } from "../src/ops/elementwise.ts";
import { fusedMatMul } from "../src/ops/matmul.ts";
import { softmax } from "../src/ops/softmax.ts";
import { getRegularizer, type Regularizer, regularizers } from "../src/regularizers.ts";
import { tidy } from "../src/scope.ts";
import { serialize } from "../src/serialization.ts";
import type { Tensor } from "../src/tensor.ts";
import { close, onEachDevice } from "./fixtures.ts";

onEachDevice("constraints bring weights within their bounds", () => {
  tidy(() => {
    const w = tensor([[3, 0.3], [-4, 0.4]]); // columns of length 5 and 0.5
    const check = (constraint: Constraint, expected: number[]) =>
      close(constraint.apply(w), expected, constraint.getClassName());
    check(constraints.maxNorm(), [1.2, 0.3, -1.6, 0.4]);
    check(
      constraints.maxNorm({ maxValue: 1, axis: [0, 1] }),
      [3, 0.3, -4, 0.4].map((x) => x / Math.sqrt(25.25)),
    );
    check(constraints.unitNorm(), [0.6, 0.6, -0.8, 0.8]);
    check(constraints.unitNorm({ axis: 1 }), [
      3 / Math.hypot(3, 0.3),
      0.3 / Math.hypot(3, 0.3),
      -4 / Math.hypot(4, 0.4),
      0.4 / Math.hypot(4, 0.4),
    ]);
    check(constraints.minMaxNorm({ minValue: 1, maxValue: 2 }), [1.2, 0.6, -1.6, 0.8]);
    check(constraints.minMaxNorm({ minValue: 1, maxValue: 2, rate: 0.5 }), [2.1, 0.45, -2.8, 0.6]);
    check(constraints.nonNeg(), [3, 0.3, 0, 0.4]);
    close(constraints.unitNorm().apply(tensor([[0], [0]])), [0, 0], "zeros stay");
  });
});

onEachDevice("regularizers are penalties with gradients", () => {
  tidy(() => {
    const w = tensor([[3, 0.5], [-4, 0]]);
    const check = (regularizer: Regularizer, expected: number, slope: number[]) => {
      close(regularizer.apply(w), [expected], regularizer.getClassName());
      close(grad((x: Tensor) => regularizer.apply(x))(w), slope, regularizer.getClassName());
    };
    check(regularizers.l1(), 0.075, [0.01, 0.01, -0.01, 0]);
    check(regularizers.l2({ l2: 0.1 }), 2.525, [0.6, 0.1, -0.8, 0]);
    check(regularizers.l1l2({ l1: 1, l2: 0.1 }), 10.025, [1.6, 1.1, -1.8, 0]);
    const rows = regularizers.orthogonalRegularizer({ factor: 1 });
    const cosine = -12 / (Math.hypot(3, 0.5) * 4);
    close(rows.apply(w), [Math.abs(cosine)], "rows");
    const columns = regularizers.orthogonalRegularizer({ factor: 0.5, mode: "columns" });
    close(columns.apply(tensor([[1, 0, 1], [0, 1, 1]])), [0.5 * 2 * Math.SQRT1_2 / 3], "columns");
    assert.throws(
      () => rows.apply(tensor([1, 2])),
      new DinogradError("orthogonalRegularizer takes matrices only, got [2]"),
    );
  });
});

Deno.test("constraints and regularizers are found by name and made again from their configs", () => {
  for (const make of Object.values(constraints)) {
    const made = (make as () => Constraint)();
    const again = getConstraint({ class_name: made.getClassName(), config: made.getConfig() });
    assert.deepEqual(serialize(again), serialize(made));
  }
  for (const make of Object.values(regularizers)) {
    const made = (make as () => Regularizer)();
    const again = getRegularizer({ class_name: made.getClassName(), config: made.getConfig() });
    assert.deepEqual(serialize(again), serialize(made));
  }
  assert.deepEqual(serialize(getConstraint("max_norm")), {
    class_name: "MaxNorm",
    config: { max_value: 2, axis: 0 },
  });
  assert.deepEqual(serialize(getRegularizer("l1_l2")), {
    class_name: "L1L2",
    config: { l1: 0.01, l2: 0.01 },
  });
  assert.deepEqual([getConstraint(null), getRegularizer(undefined)], [null, null]);
  assert.throws(() => getConstraint("maxNrom"), /did you mean "MaxNorm"\?/);
  assert.throws(() => getRegularizer("l3"), /Unknown regularizer "l3"/);
  assert.throws(
    () => getConstraint(2 as never),
    new DinogradError("Wanted a constraint, as an object, a name or a config: got number"),
  );
});

// Values at -4, -1, 0, 0.5 and 7 by the formulas of Keras's documentation.
const at = [-4, -1, 0, 0.5, 7];
const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));
const hardSigmoid = (x: number) => Math.min(Math.max(x + 3, 0), 6) / 6;
const softplus = (x: number) => Math.log1p(Math.exp(x));
const phi = [0.0000316712, 0.1586552539, 0.5, 0.6914624613, 1]; // normal distribution function
const formulas: Record<string, (x: number, i: number) => number> = {
  linear: (x) => x,
  relu: (x) => Math.max(x, 0),
  relu6: (x) => Math.min(Math.max(x, 0), 6),
  leaky_relu: (x) => x > 0 ? x : 0.2 * x,
  elu: (x) => x > 0 ? x : Math.expm1(x),
  celu: (x) => x > 0 ? x : Math.expm1(x),
  selu: (x) => 1.0507009873554805 * (x > 0 ? x : 1.6732632423543772 * Math.expm1(x)),
  sigmoid,
  hard_sigmoid: hardSigmoid,
  log_sigmoid: (x) => Math.log(sigmoid(x)),
  tanh: Math.tanh,
  softplus,
  softsign: (x) => x / (1 + Math.abs(x)),
  exponential: Math.exp,
  silu: (x) => x * sigmoid(x),
  swish: (x) => x * sigmoid(x),
  hard_silu: (x) => x * hardSigmoid(x),
  hard_swish: (x) => x * hardSigmoid(x),
  gelu: (x, i) => x * phi[i],
  gelu_new: (x) => 0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3))),
  mish: (x) => x * Math.tanh(softplus(x)),
};

onEachDevice("activations have Keras's values, alone and fused into a product", () => {
  tidy(() => {
    const x = tensor([at]);
    for (const [name, formula] of Object.entries(formulas)) {
      const activation = getActivation(name), expected = at.map(formula);
      close(activation.apply(x), expected, name);
      if (!activation.fused) continue;
      const one = tensor([[1]]);
      close(fusedMatMul({ a: one, b: x, activation: activation.fused }), expected, `${name} fused`);
    }
    const e = at.map(Math.exp), sum = e.reduce((a, b) => a + b);
    close(getActivation("softmax").apply(x), e.map((v) => v / sum), "softmax");
    close(getActivation("logSoftmax").apply(x), e.map((v) => Math.log(v / sum)), "log_softmax");
  });
});

onEachDevice("activations are found by name, function and object", () => {
  tidy(() => {
    assert.equal(getActivation(undefined).name, "linear");
    assert.equal(getActivation("hardSigmoid"), getActivation("hard_sigmoid"));
    assert.equal(getActivation("swish").name, "silu");
    assert.equal(getActivation(activationOps.relu), getActivation("relu"));
    assert.equal(getActivation(softmax), getActivation("softmax"));
    const double = getActivation(function double(x: Tensor) {
      return mul(x, 2);
    });
    assert.equal(serialize(double), "double");
    assert.equal(serialize(getActivation("leakyRelu")), "leaky_relu");
    close(double.apply(tensor([1, 2])), [2, 4], "a function");
    const layer = { name: "twice", apply: double.apply };
    assert.equal(getActivation(layer), layer);
    assert.throws(() => getActivation("rleu"), /Unknown activation "rleu": did you mean "relu"\?/);
    assert.throws(
      () => getActivation(3 as never),
      new DinogradError("An activation must be a name, a function or a layer, got number"),
    );
  });
});

// Do optimizers and schedules move weights as Keras does, eagerly and recorded, and is their state saved and given back in full?
import assert from "node:assert";
import { memory, type Tensor } from "../src/tensor.ts";
import { DinogradError } from "../src/errors.ts";
import { scalar, tensor } from "../src/ops/creation.ts";
import { add, mul } from "../src/ops/elementwise.ts";
import { square } from "../src/ops/math.ts";
import { sum } from "../src/ops/broadcast.ts";
import { currentDevice } from "../src/native/device.ts";
import { getOptimizer, train } from "../src/optimizers/registry.ts";
import { Adam, Ftrl, Nadam, RMSprop, SGD } from "../src/optimizers/rules.ts";
import {
  CosineDecay,
  CosineDecayRestarts,
  ExponentialDecay,
  PiecewiseConstantDecay,
  PolynomialDecay,
} from "../src/optimizers/schedules.ts";
import { Arena, record } from "../src/record.ts";
import { tidy } from "../src/scope.ts";
import { Variable } from "../src/variable.ts";
import { cases, close, type FixtureTensor, load, onEachDevice } from "./fixtures.ts";

interface Case {
  name: string;
  class_name: string;
  config: Record<string, unknown>;
  variables: FixtureTensor[];
  steps: { grads: FixtureTensor[]; learning_rate: number; variables: FixtureTensor[] }[];
}
const all: Case[] = cases("optimizers.json");

function variablesOf(c: Case): Variable[] {
  return tidy(() => c.variables.map((v, i) => new Variable(load(v), true, `v${i}`)));
}
const gradientsOf = (variables: Variable[], grads: FixtureTensor[]) =>
  new Map(variables.map((v, i) => [v, load(grads[i])]));

onEachDevice("each optimizer takes Keras's steps", () => {
  assert.equal(all.length, 32);
  for (const c of all) {
    const optimizer = getOptimizer(c);
    const variables = variablesOf(c);
    c.steps.forEach((step, s) =>
      tidy(() => {
        close([optimizer.learningRate], [step.learning_rate], `${c.name}: rate of step ${s}`);
        optimizer.applyGradients(gradientsOf(variables, step.grads));
        assert.equal(optimizer.iterations, s + 1);
        step.variables.forEach((expected, i) =>
          close(variables[i], expected.data, `${c.name}: variable ${i} after step ${s}`)
        );
      })
    );
    optimizer.dispose();
    variables.forEach((v) => v.dispose());
  }
});

onEachDevice("a recorded step goes on as the eager one, schedules included", () => {
  const arena = new Arena(currentDevice());
  for (const c of all) {
    // The same gradient in every step: what a recording can be compared on.
    const gradients = c.steps[0].grads;
    const eager = variablesOf(c), recorded = variablesOf(c);
    const a = getOptimizer(c), b = getOptimizer(c);
    for (let s = 0; s < 6; s++) tidy(() => a.applyGradients(gradientsOf(eager, gradients)));
    tidy(() => {
      const given = gradientsOf(recorded, gradients);
      b.applyGradients(given);
      const { program } = record(arena, () => b.update(given));
      const values = b.prepareSteps(5, recorded);
      program.replay(5, values && { ...values, rows: tensor(values.values) });
      program.dispose();
    });
    assert.equal(b.iterations, 6);
    recorded.forEach((v, i) => assert.deepEqual(v.dataSync(), eager[i].dataSync(), c.name));
    for (const thing of [a, b, ...eager, ...recorded]) thing.dispose();
  }
  arena.dispose();
});

onEachDevice("saved state and config make an optimizer that goes on the same", () => {
  for (const c of all) {
    const variables = variablesOf(c);
    const first = getOptimizer(c);
    const step = (optimizer: typeof first, from: Variable[], s: number) =>
      tidy(() => optimizer.applyGradients(gradientsOf(from, c.steps[s].grads)));
    for (let s = 0; s < 3; s++) step(first, variables, s);
    const config = JSON.parse(JSON.stringify(first.getConfig()));
    const weights = first.getWeights();
    const second = getOptimizer({ class_name: first.getClassName(), config });
    assert.deepEqual(second.getConfig(), config);
    const copies = variables.map((v) => new Variable(v, true, v.name));
    second.build(copies);
    second.setWeights(weights);
    assert.deepEqual(second.getWeights().map((w) => w.name), weights.map((w) => w.name));
    for (let s = 3; s < 5; s++) {
      step(first, variables, s);
      step(second, copies, s);
    }
    copies.forEach((v, i) => close(v, variables[i].dataSync(), c.name, { rtol: 1e-6, atol: 0 }));
    first.dispose();
    second.dispose();
    for (const v of [...variables, ...copies]) v.dispose();
  }
});

onEachDevice("state is saved under Keras's names, in Keras's order", () => {
  tidy(() => {
    const variables = [new Variable(scalar(1), true, "a/b"), new Variable(scalar(2), true, "c")];
    const names = (optimizer: Adam | Ftrl | RMSprop | SGD) => {
      optimizer.build(variables);
      const list = optimizer.getWeights().map((w) => w.name);
      optimizer.dispose();
      return list.join(" ");
    };
    assert.equal(
      names(new Adam({ amsgrad: true })),
      "iteration learning_rate a_b_momentum a_b_velocity c_momentum c_velocity a_b_velocity_hat c_velocity_hat",
    );
    assert.equal(
      names(new RMSprop({ momentum: 0.9, centered: true })),
      "iteration learning_rate a_b_velocity c_velocity a_b_momentum c_momentum a_b_average_gradient c_average_gradient",
    );
    assert.equal(
      names(new Ftrl()),
      "iteration learning_rate a_b_accumulator a_b_linear c_accumulator c_linear",
    );
    const learningRate = new ExponentialDecay({
      initialLearningRate: 1,
      decaySteps: 1,
      decayRate: 1,
    });
    assert.equal(
      names(new SGD({ learningRate, momentum: 0.5 })),
      "iteration a_b_momentum c_momentum",
    );
    variables.forEach((v) => v.dispose());
  });
});

onEachDevice("minimize finds a minimum and frees what it made", () => {
  const x = tidy(() => new Variable(tensor([3, -2]), true, "x"));
  const f = () => sum(square(add(x, -1)));
  const optimizer = train.adam(0.2);
  assert.equal(optimizer.minimize(f), null);
  const before = memory();
  for (let i = 0; i < 200; i++) optimizer.minimize(f);
  const cost = optimizer.minimize(f, true, [x]) as Tensor;
  close(cost, [0], "cost", { atol: 1e-3 });
  close(x, [1, 1], "x", { atol: 1e-2 });
  cost.dispose();
  assert.deepEqual(memory(), before);
  optimizer.dispose();
  x.dispose();
});

onEachDevice("computeGradients and applyGradients by name make the same step as minimize", () => {
  tidy(() => {
    const x = new Variable(tensor([3, -2]), true, "x"), y = new Variable(x, true, "y");
    const a = train.sgd(0.1), b = train.sgd(0.1);
    a.minimize(() => sum(square(x)));
    const { value, grads } = b.computeGradients(() => sum(square(y)));
    close(value, [13], "value");
    b.applyGradients(grads);
    assert.deepEqual(y.dataSync(), x.dataSync());
    b.applyGradients([{ name: "y", tensor: grads.y }]);
    for (const thing of [a, b, x, y]) thing.dispose();
  });
});

onEachDevice("the learning rate can be changed between steps, and weight decay left out", () => {
  tidy(() => {
    const w = new Variable(tensor([1]), true, "w/kernel"), b = new Variable(tensor([1]), true, "b");
    const optimizer = new SGD({ learningRate: 0.1, weightDecay: 0.5 });
    optimizer.excludeFromWeightDecay({ varNames: ["kernel"] });
    const zero = () => new Map([[w, tensor([1])], [b, tensor([0])]]);
    optimizer.applyGradients(zero());
    close([...w.dataSync(), ...b.dataSync()], [0.9, 0.95], "after one step");
    optimizer.learningRate = 1;
    optimizer.applyGradients(zero());
    close([...w.dataSync(), ...b.dataSync()], [-0.1, 0.475], "after a step ten times as long");
    assert.equal(optimizer.learningRate, 1);
    for (const thing of [optimizer, w, b]) thing.dispose();
  });
});

Deno.test("schedules follow their formulas beyond the fixtures", () => {
  const rates = (schedule: { rate(step: number): number }, steps: number[]) =>
    steps.map((s) => schedule.rate(s));
  const restarts = new CosineDecayRestarts({ initialLearningRate: 1, firstDecaySteps: 2 });
  close(rates(restarts, [0, 1, 2, 4, 6, 10]), [1, 0.5, 1, 0.5, 1, 0.5], "periods of 2, 4, 8");
  const even = new CosineDecayRestarts({
    initialLearningRate: 1,
    firstDecaySteps: 4,
    tMul: 1,
    mMul: 0.5,
    alpha: 0.2,
  });
  close(rates(even, [0, 2, 4, 6, 400]), [1, 0.6, 0.6, 0.4, 0.2], "periods of 4, each half as high");
  const cycle = new PolynomialDecay({
    initialLearningRate: 1,
    decaySteps: 4,
    endLearningRate: 0,
    power: 2,
    cycle: true,
  });
  close(rates(cycle, [0, 2, 4, 6, 8]), [1, 0.25, 0, 0.0625, 0], "a cycle that starts again");
  const warm = new CosineDecay({
    initialLearningRate: 0,
    decaySteps: 4,
    warmupSteps: 2,
    warmupTarget: 1,
  });
  assert.deepEqual(warm.getConfig(), {
    initial_learning_rate: 0,
    decay_steps: 4,
    alpha: 0,
    warmup_target: 1,
    warmup_steps: 2,
  });
  assert.throws(
    () => new PiecewiseConstantDecay({ boundaries: [1], values: [1] }),
    new DinogradError("PiecewiseConstantDecay needs one value more than boundaries, got 1 and 1"),
  );
  assert.throws(
    () => new CosineDecay({ initialLearningRate: 1, decaySteps: 0 }),
    new DinogradError("CosineDecay needs decaySteps above 0, got 0"),
  );
});

Deno.test("factories take TensorFlow.js's arguments", () => {
  const config = (optimizer: { getConfig(): Record<string, unknown> }, ...keys: string[]) => {
    const all = optimizer.getConfig();
    return keys.map((key) => all[key]);
  };
  assert.deepEqual(config(train.sgd(0.5), "learning_rate", "momentum"), [0.5, 0]);
  assert.deepEqual(
    config(train.momentum(0.1, 0.9, true), "learning_rate", "momentum", "nesterov"),
    [0.1, 0.9, true],
  );
  assert.deepEqual(config(train.adam(), "learning_rate", "beta_2", "epsilon"), [
    0.001,
    0.999,
    1e-7,
  ]);
  assert.deepEqual(config(train.adam(0.1, 0.8), "learning_rate", "beta_1"), [0.1, 0.8]);
  assert.deepEqual(config(train.adamax(), "learning_rate"), [0.002]);
  assert.deepEqual(config(train.adamw(0.1), "weight_decay", "name"), [0.004, "adamw"]);
  assert.deepEqual(config(train.adagrad(0.1, 0.2), "initial_accumulator_value"), [0.2]);
  assert.deepEqual(config(train.rmsprop(0.1, 0.8, 0.7), "rho", "momentum"), [0.8, 0.7]);
  assert.deepEqual(config(train.nadam({ clipnorm: 2 }), "clipnorm", "learning_rate"), [2, 0.001]);
  for (const name of ["sgd", "SGD", "adam", "AdamW", "rmsprop", "RMSProp", "ftrl", "lion"]) {
    assert.ok(getOptimizer(name).getClassName().toLowerCase() === name.toLowerCase());
  }
});

onEachDevice("wrong options, gradients and state are refused with a sentence", () => {
  const refuses = (fn: () => unknown, message: string) =>
    assert.throws(() => tidy(fn as () => void), new DinogradError(message));
  refuses(
    () => getOptimizer("adma"),
    'Unknown optimizer "adma": did you mean "Adam"? Known: SGD, Adam, AdamW, Adamax, Nadam, Adagrad, Adadelta, RMSprop, Ftrl, Lion.',
  );
  refuses(
    () => new SGD({ momentun: 1 } as never),
    'Unknown option of SGD "momentun": did you mean "momentum"? Known: learningRate, weightDecay, clipnorm, clipvalue, globalClipnorm, name, momentum, nesterov.',
  );
  refuses(
    () => new SGD({ learningRate: "fast" as never }),
    'SGD needs learningRate to be a number, got string "fast"',
  );
  refuses(
    () => new Nadam({ clipnorm: 1, clipvalue: 1 }),
    "Nadam takes one of clipnorm, clipvalue and globalClipnorm, got clipvalue and clipnorm",
  );
  tidy(() => {
    const x = new Variable(tensor([1, 2]), true, "x"), y = new Variable(scalar(1), true, "y");
    const whole = new Variable(tensor([1], [1], "int32"), true, "whole");
    const optimizer = train.sgd(0.1);
    refuses(() => optimizer.build([]), "An optimizer needs variables to update");
    refuses(() => optimizer.build([whole]), "An optimizer updates variables of floats, got int32");
    refuses(
      () => optimizer.applyGradients({ x: scalar(1) }),
      'The optimizer does not know "x" yet: call build(variables) first',
    );
    optimizer.build([x, y]);
    const both = (g: Tensor) => new Map([[x, g], [y, scalar(1)]]);
    refuses(
      () => optimizer.applyGradients(both(scalar(1))),
      'The gradient of "x" must be floats [2], got float32 []',
    );
    refuses(
      () => optimizer.applyGradients(new Map([[x, tensor([1, 2])]])),
      'The optimizer wants a gradient for "y" too: use one optimizer per set of variables',
    );
    refuses(
      () => optimizer.applyGradients({ z: scalar(1) }),
      'The optimizer has no variable "z", only x, y',
    );
    refuses(() => optimizer.setWeights([]), "SGD has 2 weights, got 0");
    assert.deepEqual([...x.dataSync(), ...y.dataSync()], [1, 2, 1]);
    for (const thing of [x, y, whole, optimizer]) thing.dispose();
  });
});

onEachDevice("an optimizer gives back all its memory", () => {
  const x = tidy(() => new Variable(mul(tensor([1, 2, 3]), 1), true, "x"));
  const before = memory();
  for (const name of ["sgd", "adam", "adamax", "nadam", "rmsprop", "ftrl", "lion"]) {
    const optimizer = getOptimizer(name);
    optimizer.minimize(() => sum(square(x)));
    optimizer.dispose();
    optimizer.minimize(() => sum(square(x)));
    assert.equal(optimizer.iterations, 1);
    optimizer.dispose();
  }
  assert.deepEqual(memory(), before);
  x.dispose();
});

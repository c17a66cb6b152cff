// Does a scaled loss train as Keras's LossScaleOptimizer does: skipping what overflows, growing again, eagerly and recorded?

import assert from "node:assert";
import * as dg from "../mod.ts";
import { currentDevice } from "../src/native/device.ts";
import { getOptimizer } from "../src/optimizers/registry.ts";
import { Arena, record } from "../src/record.ts";
import { close, onEachDevice } from "./fixtures.ts";

const { LossScaleOptimizer } = dg.mixedPrecision;
const options = { initialScale: 4, dynamicGrowthSteps: 2 };

// What Keras 3.15 makes of gradients of the scaled loss, with SGD(0.1, momentum 0.9) inside: after each step the weights, the scale,
// the steps since it changed, and the steps that counted.
const keras: { gradient: number[]; w: number[]; scale: number; counter: number; steps: number }[] =
  [
    { gradient: [4, 8], w: [0.9, 1.8], scale: 4, counter: 1, steps: 1 },
    { gradient: [Infinity, 1], w: [0.9, 1.8], scale: 2, counter: 0, steps: 1 },
    { gradient: [4, 8], w: [0.61, 1.22], scale: 2, counter: 1, steps: 2 },
    { gradient: [4, 8], w: [0.149, 0.298], scale: 4, counter: 0, steps: 3 },
    { gradient: [4, 8], w: [-0.3659, -0.7318], scale: 4, counter: 1, steps: 4 },
    { gradient: [1, NaN], w: [-0.3659, -0.7318], scale: 2, counter: 0, steps: 4 },
    { gradient: [1, 2], w: [-0.87931, -1.75862], scale: 2, counter: 1, steps: 5 },
  ];

const wrap = () => dg.train.lossScaleOptimizer(dg.train.momentum(0.1, 0.9), options);
const stateOf = (o: dg.LossScaleOptimizer) => [o.dynamicScale, o.stepCounter, o.iterations];

onEachDevice("steps, skipped ones included, are Keras's, eager and recorded", () => {
  dg.tidy(() => {
    const arena = new Arena(currentDevice());
    const [w, v, g] = [[1, 2], [1, 2], [0, 0]].map((x, i) => dg.tensor(x).variable(true, `w${i}`));
    const eager = wrap(), recorded = wrap();
    let program: ReturnType<typeof record>["program"] | undefined;
    keras.forEach(({ gradient, w: expected, scale, counter, steps }, i) => {
      eager.applyGradients(new Map([[w, dg.tensor(gradient)]]));
      g.assign(dg.tensor(gradient));
      if (i === 0) recorded.update(new Map([[v, g]]));
      program ??= record(arena, () => recorded.update(new Map([[v, g]]))).program;
      if (i > 0) program.replay();
      close(w, expected, `weights after step ${i}`, { rtol: 1e-6 });
      assert.deepEqual(v.dataSync(), w.dataSync(), "recorded");
      for (const o of [eager, recorded]) assert.deepEqual(stateOf(o), [scale, counter, steps]);
    });
    program!.dispose();
    arena.dispose();
    for (const thing of [w, v, g, eager, recorded]) thing.dispose();
  });
});

onEachDevice("its state and config make one that goes on the same", () => {
  dg.tidy(() => {
    const w = dg.tensor([1, 2]).variable(true, "w");
    const first = wrap();
    const step = (o: dg.Optimizer, v: dg.Variable, i: number) =>
      o.applyGradients(new Map([[v, dg.tensor(keras[i].gradient)]]));
    for (let i = 0; i < 3; i++) step(first, w, i);
    const weights = first.getWeights();
    assert.deepEqual(weights.map(({ name }) => name), [
      ...["step_counter", "dynamic_scale"],
      ...["iteration", "learning_rate", "w_momentum"],
    ]);
    const config = JSON.parse(JSON.stringify(first.getConfig()));
    assert.deepEqual(config, {
      name: "loss_scale_optimizer",
      inner_optimizer: {
        class_name: "SGD",
        config: dg.train.momentum(0.1, 0.9).getConfig(),
      },
      initial_scale: 4,
      dynamic_growth_steps: 2,
    });
    const second = getOptimizer({ class_name: "LossScaleOptimizer", config });
    assert.ok(second instanceof LossScaleOptimizer);
    const copy = w.variable(true, "w");
    second.build([copy]);
    second.setWeights(weights);
    step(first, w, 3);
    step(second, copy, 3);
    assert.deepEqual(copy.dataSync(), w.dataSync());
    assert.deepEqual(stateOf(second), stateOf(first));
    assert.throws(
      () => second.setWeights([]),
      /"step_counter" must be int32 \[\], got nothing/,
    );
    for (const thing of [w, copy, first, second]) thing.dispose();
  });
});

onEachDevice("a fixed scale stays, and its steps are not checked", () => {
  dg.tidy(() => {
    const w = dg.tensor([1, 2]).variable();
    const o = dg.train.lossScaleOptimizer(dg.train.sgd(0.1), { initialScale: 8, dynamic: false });
    for (const g of [8, Infinity]) o.applyGradients(new Map([[w, dg.tensor([g, 16])]]));
    close(w, [-Infinity, 1.6], "weights");
    assert.deepEqual(stateOf(o), [8, 0, 2]);
    assert.equal(o.getConfig().dynamic, false);
    w.dispose();
    o.dispose();
  });
});

onEachDevice("minimize scales by itself; clipping sees gradients of the loss", () => {
  dg.tidy(() => {
    const w = dg.scalar(100, "float16").variable(true, "w");
    const o = dg.train.lossScaleOptimizer(dg.train.sgd({ learningRate: 1, clipvalue: 50 }), {
      initialScale: 1024,
    });
    // The gradient, 200, overflows until the scale is 256; then it is clipped to 50.
    const scales: number[] = [], costs: number[] = [], values: number[] = [];
    for (let i = 0; i < 3; i++) {
      costs.push((o.minimize(() => w.square(), true) as dg.Tensor).dataSync()[0]);
      scales.push(o.dynamicScale);
      values.push(w.dataSync()[0]);
    }
    assert.deepEqual([scales, costs, values], [[512, 256, 256], [1e4, 1e4, 1e4], [100, 100, 50]]);
    const { value, grads } = o.computeGradients(() => w.square());
    assert.deepEqual([value.dataSync()[0], grads.w.dataSync()[0]], [2500, 25600]); // of the scaled loss
    o.applyGradients(grads);
    assert.equal(w.dataSync()[0], 0);
    w.dispose();
    o.dispose();
  });
});

onEachDevice("a function that cannot be minimized is refused, and costs nothing", () => {
  const w = dg.tidy(() => dg.ones([2]).variable());
  const o = dg.train.lossScaleOptimizer("sgd");
  o.minimize(() => w.sum());
  const before = dg.memory();
  assert.throws(() => o.minimize(() => w.square()), /returns a scalar, got shape \[2\]/);
  assert.throws(() => o.minimize(() => 3 as never), /returns a tensor, got 3/);
  assert.deepEqual(dg.memory(), before);
  w.dispose();
  o.dispose();
});

Deno.test("what cannot be wrapped or meant is refused", () => {
  const adam = dg.train.adam(), of = dg.train.lossScaleOptimizer;
  assert.throws(() => of(of(adam)), /wraps an optimizer that does not scale losses/);
  assert.throws(() => of(adam, { initialScale: 0 }), /initialScale above 0, got 0/);
  assert.throws(() => of(adam, { dynamicGrowthSteps: 0.5 }), /whole number of at least 1, got 0.5/);
  assert.throws(() => of(adam, { growth: 1 } as never), /Unknown option of LossScaleOptimizer/);
  // Options that older configs carry along, all switched off.
  const config = {
    inner_optimizer: "adam",
    weight_decay: null,
    use_ema: false,
    ema_momentum: 0.99,
  };
  assert.equal(getOptimizer({ class_name: "LossScaleOptimizer", config }).learningRate, 0.001);
});

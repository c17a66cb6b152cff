// What comes of misuse? A sentence, and everything is as it was: memory, the current device, gradients, the next fit.

import assert from "node:assert";
import * as dg from "../mod.ts";
import { onEachDevice } from "./fixtures.ts";

// What a program without types may pass.
// deno-lint-ignore no-explicit-any
const untyped = (value: unknown) => value as any;

/** Expects the sentence, and that nothing else is left of the attempt. */
async function refuses(name: string, attempt: () => unknown, sentence: RegExp): Promise<void> {
  const { numTensors, numDataBuffers, numBytes } = dg.memory();
  const backend = dg.getBackend();
  await assert.rejects(async () => await attempt(), sentence, name);
  const after = dg.memory();
  assert.deepEqual(
    [after.numTensors, after.numDataBuffers, after.numBytes],
    [numTensors, numDataBuffers, numBytes],
    `${name}: memory`,
  );
  assert.equal(dg.getBackend(), backend, `${name}: current device`);
  const slope = dg.grad((x) => x.square())(3);
  assert.equal(slope.dataSync()[0], 6, `${name}: gradients`);
  slope.dispose();
}

const boom = (): never => {
  throw new Error("boom");
};

onEachDevice("functions that fail leave nothing open", async () => {
  const x = dg.tensor([1, 2]);
  await refuses("tidy", () => dg.tidy(() => dg.ones([3]) && boom()), /boom/);
  await refuses("grad", () => dg.grad((t) => t.square() && boom())(x), /boom/);
  await refuses("device", () => dg.device("wasm", boom), /boom/);
  await refuses(
    "async device",
    () => dg.device("wasm", () => Promise.reject(Error("boom"))),
    /boom/,
  );
  const failing = dg.customGrad((t) => ({ value: t.square(), gradFunc: boom }));
  await refuses("gradFunc", () => dg.grad(failing)(x), /boom/);
  x.dispose();
});

Deno.test("an async function is refused, and its own failure ends nothing", async () => {
  const fail = async () => {
    await Promise.resolve();
    boom();
  };
  await refuses("tidy", () => dg.tidy(fail), /tidy cannot follow an async function/);
  await refuses("grad", () => dg.grad(untyped(fail))(1), /grad needs a function.*got Promise/);
  await refuses(
    "minimize",
    () => dg.train.sgd(1).minimize(untyped(fail)),
    /variableGrads needs a function that returns a tensor, got Promise/,
  );
  await new Promise((resolve) => setTimeout(resolve)); // an unhandled rejection would surface here
});

onEachDevice("values that are no tensors, shapes or functions are named", async () => {
  const v = dg.tidy(() => dg.tensor([1, 2]).variable());
  await refuses("tidy", () => dg.tidy(untyped("name")), /tidy needs a function, got undefined/);
  await refuses("variable", () => dg.variable(untyped(3)), /variable needs a tensor, got 3/);
  await refuses("assign", () => v.assign(untyped(3)), /is assigned a tensor, got 3/);
  await refuses("zeros", () => dg.zeros(untyped(3)), /needs a shape, a list of numbers: got 3/);
  await refuses("reshape", () => v.reshape(untyped(undefined)), /reshape needs a shape/);
  await refuses("tensor", () => dg.tensor(untyped(v)), /takes numbers and booleans, got Variable/);
  await refuses("grads", () => dg.grads((x) => x)(untyped(v)), /grads needs a list/);
  await refuses(
    "customGrad",
    () => dg.customGrad(untyped((x: dg.Tensor) => x))(v),
    /customGrad needs a function that returns \{ value, gradFunc \}/,
  );
  await refuses(
    "independent",
    () => dg.variableGrads(() => dg.scalar(1), [v]),
    /does not depend on any of them/,
  );
  v.dispose();
});

const [first, second] = dg.devices();
Deno.test({
  name: "tensors of another device are refused, not misread",
  ignore: second === undefined,
  fn: () =>
    dg.device(first.name, async () => {
      const away = dg.device(second.name, () => dg.ones([4, 1]));
      const v = dg.tidy(() => dg.ones([4, 1]).variable());
      const moved = new RegExp(`${second.name}.*x.to\\("${first.name}"\\)`);
      await refuses("assign", () => v.assign(away), moved);
      v.dispose();
      away.dispose();
    }),
});

function makeModel(): dg.Sequential {
  const model = dg.sequential({ layers: [dg.layers.dense({ units: 1, inputShape: [3] })] });
  model.compile({ optimizer: "sgd", loss: "meanSquaredError", metrics: ["mae"] });
  return model;
}

onEachDevice("fit, evaluate and predict refuse what they cannot use", async () => {
  const x = dg.ones([8, 3]), y = dg.ones([8, 1]), wide = dg.ones([8, 4]);
  const model = makeModel();
  await model.fit(x, y, { verbose: 0 });
  const fit = (args: object) => () => model.fit(x, y, { verbose: 0, ...args });
  await refuses("array", () => model.fit(untyped([[1]]), y), /list of 1 with object.*dg.tensor/);
  await refuses("width", () => model.fit(wide, y, { verbose: 0 }), /takes \[null,3\].*got \[8,4\]/);
  await refuses("targets", () => model.fit(x, wide, { verbose: 0 }), /got \[8,4\]/);
  await refuses("misspelt", fit({ epoch: 3 }), /Unknown option of fit "epoch".*"epochs"/);
  await refuses("initialEpoch", fit({ initialEpoch: -1 }), /initialEpoch.*at least 0, got -1/);
  await refuses("frequency", fit({ validationFreq: 0 }), /validationFreq.*at least 1, got 0/);
  await refuses("validationData", fit({ validationData: {} }), /validationData to be a list/);
  await refuses("split", fit({ validationSplit: 0.99 }), /nothing to train on.*all 8 samples/);
  await refuses("callback", fit({ callbacks: "stop" }), /callbacks to be objects.*got string/);
  await refuses("callback throws", fit({ callbacks: { onEpochEnd: boom } }), /boom/);
  await refuses("batch callback", fit({ batchSize: 2, callbacks: { onBatchEnd: boom } }), /boom/);
  await refuses("evaluate", () => model.evaluate(x, y, { batchSize: 0 }), /batchSize.*got 0/);
  await refuses("predict", () => model.predict(x, { batchSize: 0 }), /batchSize.*got 0/);
  await refuses("save", () => model.save("http://here"), /is no folder/);
  await model.fit(x, y, { verbose: 0 });
  model.dispose();
  dg.dispose([x, y, wide]);
});

onEachDevice("losses, metrics and layers that give no tensor are named", async () => {
  const x = dg.ones([8, 3]), y = dg.ones([8, 1]);
  const model = makeModel();
  const fit = (args: object) => async () => {
    model.compile({ optimizer: "sgd", loss: "mse", ...args });
    try {
      await model.fit(x, y, { batchSize: 2, verbose: 0 });
    } finally {
      model.compile({ optimizer: "sgd", loss: "mse" }); // gives back what the last one made
    }
  };
  await refuses("loss", fit({ loss: () => 3 }), /Loss.*returns a tensor, got 3/);
  await refuses("async loss", fit({ loss: () => Promise.reject(1) }), /Loss.*got Promise/);
  await refuses("metric", fit({ metrics: [() => 3] }), /Metric.*returns a tensor, got 3/);
  await refuses("flat loss", fit({ loss: (t: dg.Tensor) => t.mean(-1) }), /does not depend on any/);
  let calls = 0; // the second is the one that is recorded
  const late = (t: dg.Tensor, p: dg.Tensor) => ++calls === 2 ? boom() : p.sub(t).square().mean(-1);
  await refuses("while recording", fit({ loss: late }), /boom/);
  await refuses("metrics", fit({ metrics: ["acuracy"] }), /Unknown metric "acuracy"/);
  await refuses("outputs", fit({ metrics: { head: "mae" } }), /Unknown output.*"head"/);
  await refuses("no loss", fit({ loss: undefined }), /got no loss/);
  await refuses("no layer", () => dg.sequential().add(untyped({})), /takes layers such as/);
  await refuses("shape", () => dg.layers.dense(untyped({ units: 1, inputShape: 3 })), /got 3/);
  model.dispose();
  dg.dispose([x, y]);
});

onEachDevice("one model is in one fit at a time; two models take turns", async () => {
  const x = dg.ones([8, 3]), y = dg.ones([8, 1]);
  const [a, b] = [makeModel(), makeModel()];
  const args: dg.FitArgs = { epochs: 3, batchSize: 2, verbose: 0 };
  await a.fit(x, y, args);
  const during = (attempt: () => unknown) => () =>
    a.fit(x, y, { ...args, callbacks: { onEpochEnd: async () => void await attempt() } });
  await refuses("fit", during(() => a.fit(x, y)), /cannot be fitted again while fit runs/);
  await refuses("dispose", during(() => a.dispose()), /cannot be disposed of while fit runs/);
  await refuses("compile", during(makeCompile(a)), /cannot be compiled while fit runs/);
  // Each alone, then both at once: the same numbers.
  const start = [a, b].map((m) => m.getWeights());
  const alone = [await a.fit(x, y, args), await b.fit(x, y, args)];
  [a, b].forEach((m, i) => m.setWeights(start[i]));
  const each = { ...args, callbacks: { onBatchEnd() {} } };
  const together = await Promise.all([a.fit(x, y, each), b.fit(x, y, args)]);
  together.forEach(({ history }, i) => assert.deepEqual(history.loss, alone[i].history.loss));
  dg.dispose(start);
  a.dispose();
  b.dispose();
  a.dispose(); // twice is harmless
  dg.dispose([x, y]);
});

function makeCompile(model: dg.Model): () => void {
  return () => model.compile({ optimizer: "adam", loss: "mse" });
}

// Do rows of layers grow and shrink, and are they graphs like any other once the shape of their input is known?

import assert from "node:assert";
import * as dg from "../mod.ts";
import { onEachDevice } from "./fixtures.ts";

const dense = (units: number, args: object = {}) => dg.layers.dense({ units, ...args });

Deno.test("a row whose input is known is a graph", () => {
  const first = dense(3, { inputShape: [2], name: "first" });
  const row = dg.sequential({ layers: [first, dense(1, { name: "last" })] });
  assert.deepEqual(row.inputs.map((x) => [x.name, x.shape]), [["first_input", [null, 2]]]);
  assert.deepEqual([row.input, row.output], [row.inputs[0], row.outputs[0]]);
  assert.deepEqual([row.inputShape, row.outputShape], [[null, 2], [null, 1]]);
  // What a layer in the middle gives can be had.
  const front = dg.model({ inputs: row.inputs, outputs: first.output });
  assert.deepEqual([front.outputShape, front.layers[1]], [[null, 3], first]);
  row.dispose();
});

Deno.test("layers come and go", () => {
  const row = dg.sequential({ name: "row" });
  assert.throws(() => row.pop(), /"row" has no layer to remove/);
  assert.throws(() => row.build([1]), /"row" has no layers: add one first/);
  row.add(dg.input({ shape: [4], name: "start" }));
  assert.deepEqual([row.built, row.inputNames], [false, ["start"]]);
  assert.throws(() => row.add(dg.layers.inputLayer({ inputShape: [4] })), /first layer only/);
  row.add(dense(3, { name: "a" }));
  row.add(dense(2, { name: "b" }));
  assert.throws(() => row.add(dense(1, { name: "a" })), /"row" already has a layer named "a"/);
  const [a, b] = row.layers;
  assert.deepEqual([row.outputNames, row.outputShape], [["b"], [null, 2]]);
  row.pop();
  assert.deepEqual([b.inboundNodes, a.outboundNodes], [[], []], "it is free again");
  assert.deepEqual([row.outputNames, row.outputShape], [["a"], [null, 3]]);
  assert.throws(() => row.add(dg.layers.reshape({ targetShape: [7] })), /Cannot reshape/);
  assert.deepEqual([row.layers.length, a.outboundNodes.length], [1, 0], "nothing is left of it");
  row.pop();
  assert.equal(row.built, false);
  row.pop();
  row.add(dense(5, { inputShape: [2], name: "c" }));
  assert.deepEqual([row.inputShape, row.outputShape], [[null, 2], [null, 5]]);
  for (const layer of [a, b, row]) layer.dispose();
});

onEachDevice(
  "a row that learns its input's shape from data, a graph or a row around it",
  async () => {
    const late = () => dg.sequential({ layers: [dense(3, { activation: "relu" }), dense(1)] });
    const x = dg.ones([6, 2]), y = dg.ones([6, 1]);
    const [byData, inGraph, inRow] = [late(), late(), late()];
    assert.throws(() => byData.inputs, /does not know the shape of its inputs/);
    byData.compile({ optimizer: "sgd", loss: "mse" });
    await byData.fit(x, y, { verbose: 0 });
    assert.deepEqual(byData.inputShape, [null, 2]);
    const input = dg.input({ shape: [2] });
    const graph = dg.model({ inputs: input, outputs: inGraph.apply(input) as dg.SymbolicTensor });
    const row = dg.sequential({ layers: [dense(2, { inputShape: [2] }), inRow] });
    for (const model of [graph, row]) {
      assert.deepEqual(model.outputShape, [null, 1]);
      model.compile({ optimizer: "sgd", loss: "mse" });
      await model.fit(x, y, { verbose: 0 });
    }
    assert.throws(() => byData.apply(y), /takes \[null,2\] as its input.*got \[6,1\]/);
    for (const m of [byData, graph, row]) m.dispose();
    dg.dispose([x, y]);
  },
);

onEachDevice("rows may share layers", () => {
  dg.tidy(() => {
    const shared = dense(2, { inputShape: [2], name: "shared" });
    const a = dg.sequential({ layers: [shared, dense(1)] });
    const b = dg.sequential({ layers: [shared, dg.layers.reLU()] });
    const x = dg.randomNormal([3, 2]);
    const hidden = shared.apply(x) as dg.Tensor;
    assert.deepEqual((b.predict(x) as dg.Tensor).arraySync(), hidden.relu().arraySync());
    assert.throws(() => shared.output, /called 2 times/);
    assert.deepEqual(a.layers[0].weights, b.weights);
    a.dispose();
    b.dispose();
  });
});

// What do operations give whose result depends on values: order, ties, empty selections?

import assert from "node:assert";
import * as dg from "../mod.ts";
import { onEachDevice } from "./fixtures.ts";

const values = (x: dg.Tensor) => [...x.dataSync()];

onEachDevice("topk: ties, NaN, all, none", () => {
  dg.tidy(() => {
    const { values: v, indices } = dg.topk([[1, 3, 3, 2], [NaN, 1, Infinity, NaN]], 3);
    assert.deepEqual(v.arraySync(), [[3, 3, 2], [NaN, NaN, Infinity]]);
    assert.deepEqual(indices.arraySync(), [[1, 2, 3], [0, 3, 2]]);
    assert.deepEqual(dg.topk([5, 6], 0).values.shape, [0]);
    assert.equal(dg.topk(dg.tensor([5, 6], [2], "int32"), 2).values.dtype, "int32");
  });
});

onEachDevice("unique along an axis keeps the order of first appearance", () => {
  dg.tidy(() => {
    const x = [[1, 2, 1], [3, 4, 3]];
    const columns = dg.unique(x, 1);
    assert.deepEqual(columns.values.arraySync(), [[1, 2], [3, 4]]);
    assert.deepEqual(values(columns.indices), [0, 1, 0]);
    assert.deepEqual(values(dg.unique([0, -0, NaN, NaN]).indices), [0, 0, 1, 1]);
  });
});

onEachDevice("whereAsync lists positions in row-major order", async () => {
  const at = await dg.whereAsync([[true, false], [true, true]]);
  assert.deepEqual([at.dtype, at.arraySync()], ["int32", [[0, 0], [1, 0], [1, 1]]]);
  const none = await dg.whereAsync([false]);
  assert.deepEqual(none.shape, [0, 1]);
  const scalar = await dg.whereAsync(true);
  assert.deepEqual(scalar.shape, [1, 0]);
  dg.dispose([at, none, scalar]);
});

onEachDevice("booleanMaskAsync takes slices where the mask is true", async () => {
  const x = dg.tensor([[1, 2], [3, 4], [5, 6]]);
  const rows = await dg.booleanMaskAsync(x, [true, false, true]);
  assert.deepEqual(rows.arraySync(), [[1, 2], [5, 6]]);
  const columns = await dg.booleanMaskAsync(x, [false, true], 1);
  assert.deepEqual(columns.arraySync(), [[2], [4], [6]]);
  const all = await dg.booleanMaskAsync(x, [[true, false], [false, true], [false, false]]);
  assert.deepEqual(values(all), [1, 4]);
  await assert.rejects(
    dg.booleanMaskAsync(x, [true]),
    /wants a mask of its sizes there, got \[1\]/,
  );
  dg.dispose([x, rows, columns, all]);
});

onEachDevice("setdiff1dAsync gives what is only in the first, and where", async () => {
  const [out, at] = await dg.setdiff1dAsync([1, 2, 3, 4, 2], [2, 9]);
  assert.deepEqual([values(out), values(at)], [[1, 3, 4], [0, 2, 3]]);
  await assert.rejects(dg.setdiff1dAsync([[1]], [1]), /wants two vectors of one type/);
  dg.dispose([out, at]);
});

onEachDevice("inTopKAsync counts an equal score at a lower class as ahead", async () => {
  const scores = [[0.1, 0.5, 0.5], [0.9, 0.1, 0.2], [1, 2, 3]];
  const one = await dg.inTopKAsync(scores, [2, 0, 0]),
    two = await dg.inTopKAsync(scores, [2, 1, 1], 2);
  assert.deepEqual([one.dtype, values(one), values(two)], ["bool", [0, 1, 0], [1, 0, 1]]);
  await assert.rejects(dg.inTopKAsync(scores, [1, 2], 1), /wanted targets of shape \[3\]/);
  dg.dispose([one, two]);
});

onEachDevice("the last of repeated positions wins in tensorScatterUpdate", () => {
  dg.tidy(() => {
    const y = dg.tensorScatterUpdate([1, 2, 3], [[0], [2], [0]], [10, 20, 30]);
    assert.deepEqual(values(y), [30, 2, 20]);
    const rows = dg.tensorScatterUpdate(dg.zeros([2, 2], "bool"), [[1]], [[true, false]]);
    assert.deepEqual([rows.dtype, values(rows)], ["bool", [0, 0, 1, 0]]);
  });
});

// What can be done with tensors and variables themselves? Making, reading, printing, sharing, freeing; and what is refused.

import assert from "node:assert";
import * as dg from "../mod.ts";
import { onEachDevice } from "./fixtures.ts";

const values = (x: dg.Tensor) => [...x.dataSync()];

onEachDevice("tensors take shape and type from their values", () => {
  dg.tidy(() => {
    const cases: [dg.Tensor, number[], dg.DType, number[]][] = [
      [dg.tensor([[1, 2, 3], [4, 5, 6]]), [2, 3], "float32", [1, 2, 3, 4, 5, 6]],
      [dg.tensor([1, 2, 3, 4], [2, 2]), [2, 2], "float32", [1, 2, 3, 4]],
      [dg.tensor([true, false]), [2], "bool", [1, 0]],
      [dg.tensor(3.7, [], "int32"), [], "int32", [3]],
      [dg.tensor([0, 2, -1], [3], "bool"), [3], "bool", [0, 1, 1]],
      [dg.tensor(new Int32Array([5, 6])), [2], "int32", [5, 6]],
      [dg.tensor(new Uint8Array([5, 255])), [2], "int32", [5, 255]],
      [dg.tensor(new Uint8Array([5, 255]), [2], "uint8"), [2], "uint8", [5, 255]],
      [dg.tensor([new Float32Array([1, 2]), new Float32Array([3, 4])]), [2, 2], "float32", [
        1,
        2,
        3,
        4,
      ]],
      [dg.tensor([]), [0], "float32", []],
      [dg.tensor([[], []]), [2, 0], "float32", []],
      [dg.scalar(true), [], "bool", [1]],
      [dg.tensor1d([1, 2], "int32"), [2], "int32", [1, 2]],
      [dg.tensor2d([1, 2, 3, 4], [2, 2]), [2, 2], "float32", [1, 2, 3, 4]],
      [dg.tensor3d([[[1], [2]]]), [1, 2, 1], "float32", [1, 2]],
      [dg.tensor4d([[[[1]]]]), [1, 1, 1, 1], "float32", [1]],
      [dg.tensor5d([[[[[1]]]]]), [1, 1, 1, 1, 1], "float32", [1]],
      [dg.tensor6d([[[[[[1]]]]]]), [1, 1, 1, 1, 1, 1], "float32", [1]],
      [dg.zeros([2, 2]), [2, 2], "float32", [0, 0, 0, 0]],
      [dg.ones([2], "bool"), [2], "bool", [1, 1]],
      [dg.fill([3], 7, "int32"), [3], "int32", [7, 7, 7]],
      [dg.eye(2), [2, 2], "float32", [1, 0, 0, 1]],
      [dg.eye(2, 3, [2], "int32"), [2, 2, 3], "int32", [1, 0, 0, 0, 1, 0, 1, 0, 0, 0, 1, 0]],
      [dg.eye(3, 1), [3, 1], "float32", [1, 0, 0]],
      [dg.linspace(1, 2, 5), [5], "float32", [1, 1.25, 1.5, 1.75, 2]],
      [dg.linspace(4, 9, 1), [1], "float32", [4]],
      [dg.range(3, 0), [3], "float32", [3, 2, 1]],
      [dg.range(0, 1, -1), [0], "float32", []],
      [dg.range(1, 10, 4, "int32"), [3], "int32", [1, 5, 9]],
      [dg.zerosLike(dg.tensor([1, 2], [2], "int32")), [2], "int32", [0, 0]],
      [dg.onesLike(dg.tensor([true])), [1], "bool", [1]],
      [dg.clone(dg.tensor([1, 2])), [2], "float32", [1, 2]],
    ];
    for (const [x, shape, dtype, data] of cases) {
      assert.deepEqual([x.shape, x.dtype, values(x)], [shape, dtype, data]);
    }
    const grids = dg.meshgrid([1, 2, 3], [4, 5]).map((g) => g.arraySync());
    assert.deepEqual(grids, [[[1, 2, 3], [1, 2, 3]], [[4, 4, 4], [5, 5, 5]]]);
    const [rows] = dg.meshgrid([1, 2, 3], [4, 5], { indexing: "ij" });
    assert.deepEqual(rows.arraySync(), [[1, 1], [2, 2], [3, 3]]);
  });
});

onEachDevice("values come back as typed and nested arrays", async () => {
  const x = dg.tensor([[1, 2], [3, 4]]), b = dg.tensor([true, false]);
  assert.ok(x.dataSync() instanceof Float32Array && b.dataSync() instanceof Uint8Array);
  assert.deepEqual(await x.data(), new Float32Array([1, 2, 3, 4]));
  assert.deepEqual(await x.array(), [[1, 2], [3, 4]]);
  assert.equal(dg.scalar(5).arraySync(), 5);
  assert.deepEqual([x.rank, x.size, x.rankType], [2, 4, "2"]);
  dg.dispose([x, b]);
});

onEachDevice("a buffer becomes a tensor of its values at that moment", async () => {
  const buffer = dg.buffer([2, 2], "int32");
  buffer.set(5, 1, 0);
  const x = buffer.toTensor();
  buffer.set(7, 0, 0);
  assert.deepEqual(values(x), [0, 0, 5, 0]);
  assert.equal((await x.buffer()).get(1, 0), 5);
  assert.throws(() => buffer.get(2, 0), /Index \[2,0\] is not inside a buffer of shape \[2,2\]/);
  assert.throws(() => dg.buffer([3], "float32", new Float32Array(2)), /needs 3 values, got 2/);
  x.dispose();
});

// The layout is TensorFlow.js's; numbers have seven digits, but whole ones are shown in full.
Deno.test("printing looks like TensorFlow.js", () => {
  const count = (n: number, shape: number[]) => dg.range(0, n).reshape(shape);
  dg.tidy(() => {
    const lines = (x: dg.Tensor) => x.toString().split("\n").map((line) => line.trimEnd());
    assert.equal(dg.scalar(3.5).toString(), "Tensor\n    3.5");
    assert.equal(dg.tensor([true, false]).toString(), "Tensor\n    [true, false]");
    assert.equal(dg.tensor([0.1, 1 / 3, 1e-10]).toString(), "Tensor\n    [0.1, 0.3333333, 1e-10]");
    assert.equal(dg.tensor([NaN, -Infinity]).toString(), "Tensor\n    [NaN, -Infinity]");
    assert.equal(dg.zeros([2, 0]).toString(), "Tensor\n    [[],\n     []]");
    assert.equal(count(25, [25]).toString(), "Tensor\n    [0, 1, 2, ..., 22, 23, 24]");
    assert.deepEqual(lines(dg.tensor([[1, 10], [100, 2]])), [
      "Tensor",
      "    [[1  , 10],",
      "     [100, 2 ]]",
    ]);
    assert.deepEqual(lines(count(8, [2, 2, 2])), [
      "Tensor",
      "    [[[0, 1],",
      "      [2, 3]],",
      "",
      "     [[4, 5],",
      "      [6, 7]]]",
    ]);
    assert.deepEqual(lines(count(50, [25, 2])), [
      "Tensor",
      "    [[0 , 1 ],",
      "     [2 , 3 ],",
      "     [4 , 5 ],",
      "     ...,",
      "     [44, 45],",
      "     [46, 47],",
      "     [48, 49]]",
    ]);
    assert.equal(
      dg.tensor([[1]], undefined, "int32").toString(true),
      "Tensor\n  dtype: int32\n  rank: 2\n  shape: [1,1]\n  values:\n    [[1]]",
    );
  });
});

// ---- Lifetime ----

onEachDevice("tidy disposes of everything but what is returned or kept", () => {
  const before = dg.memory();
  let kept!: dg.Tensor;
  const { a, list } = dg.tidy("name", () => {
    const x = dg.tensor([1, 2]), y = x.add(x);
    kept = dg.keep(y.mul(2));
    return { a: y, list: [y.neg()] };
  });
  assert.equal(dg.memory().numTensors, before.numTensors + 3);
  assert.deepEqual([a, list[0], kept].map(values), [[2, 4], [-2, -4], [4, 8]]);
  dg.dispose([{ a }, list, kept]);
  assert.deepEqual(dg.memory(), before);
});

onEachDevice("an inner tidy hands its result to the outer one", () => {
  const before = dg.memory();
  dg.tidy(() => {
    const y = dg.tidy(() => dg.tensor([1]).add(1));
    assert.deepEqual(values(y), [2]);
  });
  assert.deepEqual(dg.memory(), before);
});

onEachDevice("tidy cleans up after an error, and refuses async functions", () => {
  const before = dg.memory();
  assert.throws(() =>
    dg.tidy(() => {
      dg.zeros([10]);
      throw new Error("boom");
    }), /boom/);
  assert.throws(() => dg.tidy(() => Promise.resolve(dg.zeros([10]))), /cannot follow an async/);
  assert.deepEqual(dg.memory(), before);
});

onEachDevice("operations leave only their result behind, without any tidy", () => {
  const x = dg.tensor([[1, 2], [3, 4]]), i = dg.tensor([1, 2], [2], "int32");
  const before = dg.memory().numTensors;
  const results = [
    x.add(1),
    x.add([1, 2]),
    x.add(i),
    i.div(2),
    i.exp(),
    i.mean(),
    x.maximum(0),
    dg.add(1, 2),
    dg.softmax([1, 2, 3]),
    dg.reshape([1, 2], [2, 1]),
    x.norm(),
    x.logSumExp(),
    x.cast("float32"),
    x.pad([[1, 1], [0, 0]]),
    dg.dropout(x, 0.5),
  ];
  assert.equal(dg.memory().numTensors, before + results.length);
  dg.dispose(results);
  dg.dispose([x, i]);
});

onEachDevice("bytes are counted once for all tensors over one buffer", () => {
  const before = dg.memory();
  const x = dg.zeros([4, 4]), y = x.reshape([16]), z = y.clone();
  const during = dg.memory();
  assert.equal(during.numTensors, before.numTensors + 3);
  assert.equal(during.numDataBuffers, before.numDataBuffers + 1);
  assert.equal(during.numBytes, before.numBytes + 64);
  x.dispose();
  y.dispose();
  assert.deepEqual(values(z), new Array(16).fill(0));
  z.dispose();
  assert.deepEqual(dg.memory(), before);
});

onEachDevice("a disposed tensor says so", () => {
  const x = dg.zeros([2, 3]);
  x.dispose();
  x.dispose();
  assert.ok(x.isDisposed);
  const gone = /Tensor \[2,3\] was disposed of and cannot be used any more/;
  assert.throws(() => x.dataSync(), gone);
  assert.throws(() => x.add(1), gone);
  assert.throws(() => dg.concat([x, x]), gone);
  assert.match(x.toString(), /no values/);
  {
    using y = dg.zeros([1]);
    assert.ok(!y.isDisposed);
  }
});

// ---- Variables ----

onEachDevice("a variable changes in place, and what shared its buffer keeps the old values", () => {
  const before = dg.memory();
  const initial = dg.tensor([1, 2]);
  const v = dg.variable(initial, true, "v");
  const assign = (x: dg.TensorLike, dtype?: dg.DType) =>
    dg.tidy(() => v.assign(dg.tensor(x, undefined, dtype)));
  const view = v.reshape([2, 1]), product = v.mul(2);
  assign([5, 6]);
  assert.deepEqual([v, view, product, initial].map(values), [[5, 6], [1, 2], [2, 4], [1, 2]]);
  view.dispose();
  dg.tidy(() => v.assign(v.add(1)));
  assert.deepEqual(values(v), [6, 7]);
  assert.ok(!v.isDisposed);
  assert.throws(() => assign([1, 2, 3]), /variable "v": wanted float32 \[2\]/);
  assert.throws(() => assign([1, 2], "int32"), /Cannot assign int32 \[2\]/);
  assert.throws(() => dg.variable(initial, true, "w", "int32"), /cast the value first/);
  dg.dispose([v, product, initial]);
  assert.deepEqual(dg.memory(), before);
});

// ---- Methods and devices ----

onEachDevice("operations are methods, some with arguments of their own", () => {
  dg.tidy(() => {
    const x = dg.tensor([[1, -2], [3, 4]]);
    const cases: [dg.Tensor, number[], number[]][] = [
      [x.relu().add(1).sum(0), [2], [6, 6]],
      [x.concat(x), [4, 2], [1, -2, 3, 4, 1, -2, 3, 4]],
      [x.concat([x, [[9, 9]]]), [5, 2], [1, -2, 3, 4, 1, -2, 3, 4, 9, 9]],
      [x.concat([[5], [6]], 1), [2, 3], [1, -2, 5, 3, 4, 6]],
      [x.stack(x, 2), [2, 2, 2], [1, 1, -2, -2, 3, 3, 4, 4]],
      [x.where([[true, false], [false, true]], 0), [2, 2], [1, 0, 0, 4]],
      [x.as1D(), [4], [1, -2, 3, 4]],
      [x.as3D(1, 2, 2), [1, 2, 2], [1, -2, 3, 4]],
      [x.sum().expandDims().asScalar(), [], [6]],
      [x.flatten().reshapeAs(x), [2, 2], [1, -2, 3, 4]],
      [x.div(2).toInt(), [2, 2], [0, -1, 1, 2]],
      [x.greater(0).toFloat(), [2, 2], [1, 0, 1, 1]],
      [x.topk(1).values, [2, 1], [1, 4]],
    ];
    for (const [y, shape, data] of cases) assert.deepEqual([y.shape, values(y)], [shape, data]);
  });
});

onEachDevice("a tensor is used where it lives, whatever device is the current one", (here) => {
  for (const { name } of dg.devices()) {
    dg.tidy(() => {
      const x = dg.device(name, () => dg.tensor([[1, 5, 3], [4, 2, 6]]));
      const results = [
        x.add(1),
        x.div(3),
        dg.sub(1, x),
        x.maximum(2),
        x.gather(dg.device(name, () => dg.tensor([[0, 1], [2, 0]], undefined, "int32")), 1, 1),
        x.where(x.greater(2), 0),
        x.topk(2).values,
        dg.linalg.bandPart(x, 0, 1),
        dg.dropout(x, 0.5),
        dg.grad((x) => x.mul(x).mean())(x),
      ];
      for (const y of results) assert.equal(y.device.name, name);
      const moved = x.to(here.name);
      assert.deepEqual([moved.device, values(moved)], [here, values(x)]);
      if (name === here.name) return;
      const wanted = new RegExp(`Cannot mul tensors on ${name} and ${here.name}: move one with`);
      assert.throws(() => x.mul(moved), wanted);
      const back = dg.grad((x) => x.to(here.name).mul(moved))(x);
      assert.deepEqual([back.device.name, values(back)], [name, values(x)]);
    });
  }
});

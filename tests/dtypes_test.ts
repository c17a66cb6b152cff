// Which type does a result have?

import assert from "node:assert";
import * as dg from "../mod.ts";
import { onEachDevice } from "./fixtures.ts";
import { halves } from "./half.ts";

const types: dg.DType[] = ["bool", "uint8", "int32", "float16", "bfloat16", "float32"];
const isFloat = (dtype: dg.DType) => types.indexOf(dtype) > 2;
const of = (dtype: dg.DType) => dg.ones([2], dtype);
const round16 = halves[0].round;

const order = "bool < uint8 < int32 < floats; float16 and bfloat16 meet in float32";
onEachDevice(`two tensors meet in the wider type: ${order}`, () => {
  dg.tidy(() => {
    types.forEach((a, i) =>
      types.forEach((b, j) => {
        const halves = i !== j && isFloat(a) && isFloat(b);
        const wider = halves ? "float32" : types[Math.max(i, j)];
        const number = wider === "bool" ? "int32" : wider;
        const real = isFloat(wider) ? wider : "float32";
        assert.equal(dg.add(of(a), of(b)).dtype, number, `add ${a} ${b}`);
        assert.equal(dg.concat([of(a), of(b)]).dtype, wider, `concat ${a} ${b}`);
        assert.equal(dg.where([true], of(a), of(b)).dtype, wider, `where ${a} ${b}`);
        assert.equal(dg.equal(of(a), of(b)).dtype, "bool", `equal ${a} ${b}`);
        assert.equal(dg.less(of(a), of(b)).dtype, "bool", `less ${a} ${b}`);
        assert.equal(dg.atan2(of(a), of(b)).dtype, real, `atan2 ${a} ${b}`);
        const product = dg.matMul(dg.ones([1, 2], a), dg.ones([2, 1], b));
        assert.deepEqual(
          [product.dtype, product.dataSync()[0]],
          [isFloat(wider) ? wider : "int32", 2],
          `matMul ${a} ${b}`,
        );
      })
    );
  });
});

onEachDevice("a plain number takes the type of the tensor beside it, where that holds it", () => {
  dg.tidy(() => {
    assert.equal(of("float32").add(1).dtype, "float32");
    assert.equal(of("int32").add(1).dtype, "int32");
    assert.equal(of("int32").add(0.5).dtype, "float32");
    assert.equal(of("uint8").mul(200).dtype, "uint8");
    assert.equal(of("uint8").mul(300).dtype, "float32");
    assert.equal(dg.sub(1, of("int32")).dtype, "int32");
    assert.equal(of("int32").greater(0).dtype, "bool");
    for (const half of ["float16", "bfloat16"] as const) {
      const x = of(half), f = (fn: (x: dg.Tensor) => dg.Tensor) => fn(x).dtype;
      assert.equal(f((x) => x.add(0.1)), half);
      assert.equal(f((x) => dg.sub(1e6, x)), half);
      assert.equal(f((x) => x.div(3)), half);
      assert.equal(f((x) => dg.div(3, x)), half);
      assert.equal(f((x) => x.maximum(0.1)), half);
      assert.equal(f((x) => x.pow(2)), half);
      assert.equal(f((x) => dg.where(x.greater(0), x, 0)), half);
    }
    // Arithmetic with a number rounds its result only: 1e-5 as float16 would be off by 2 parts in 1000.
    const big = dg.fill([1], 4096, "float16");
    assert.equal(big.mul(1e-5).dataSync()[0], round16(0.04096));
    assert.equal(big.div(1e5).dataSync()[0], round16(0.04096)); // 1e5 as float16 is infinite
  });
});

onEachDevice("div of two integers rounds down, by a plain number it does not", () => {
  dg.tidy(() => {
    const a = dg.tensor([7, -7], [2], "int32");
    assert.deepEqual([...a.div(dg.tensor([2, 2], [2], "int32")).dataSync()], [3, -4]);
    const pixels = dg.tensor([0, 51, 255], [3], "uint8").div(255);
    assert.equal(pixels.dtype, "float32");
    assert.deepEqual([...pixels.dataSync()], [0, 0.2, 1].map(Math.fround));
  });
});

onEachDevice("functions and means of integers are float32; sums of small types int32", () => {
  dg.tidy(() => {
    for (const type of types) {
      const x = of(type), number = type === "bool" ? "int32" : type;
      const sums = isFloat(type) ? type : "int32", real = isFloat(type) ? type : "float32";
      for (const f of [dg.exp, dg.sqrt, dg.sigmoid, dg.mean, dg.norm, dg.softmax, dg.logSumExp]) {
        assert.equal(f(x).dtype, real, `${f.name} ${type}`);
      }
      const { mean, variance } = dg.moments(x);
      assert.deepEqual([mean.dtype, variance.dtype], [real, real], `moments ${type}`);
      assert.equal(dg.dropout(x, 0.5).dtype, real, `dropout ${type}`);
      for (const f of [dg.neg, dg.abs, dg.square, dg.relu]) assert.equal(f(x).dtype, number);
      for (const f of [dg.sum, dg.prod, dg.max, dg.cumsum]) assert.equal(f(x).dtype, sums);
      assert.equal(dg.argMax(x).dtype, "int32");
      for (const f of [dg.reverse, dg.transpose, dg.flatten]) assert.equal(f(x).dtype, type);
      assert.deepEqual([...dg.gather(x, [1, 0]).dataSync()], [1, 1]);
      assert.equal(dg.pad(x, [[1, 0]]).dtype, type);
    }
    assert.equal(dg.oneHot([1], 3).dtype, "int32");
    assert.equal(dg.oneHot([1], 3, 1, 0, "bool").dtype, "bool");
  });
});

onEachDevice("16-bit floats are made, read, moved and printed", () => {
  dg.tidy(() => {
    const values = [1, -0.1, 65504, 1e6, 1e-7, NaN, -Infinity];
    for (const { dtype, round } of halves) {
      const x = dg.tensor(values, [7], dtype), read = values.map(round);
      assert.ok(x.dataSync() instanceof Float32Array);
      assert.deepEqual([...x.dataSync()], read);
      assert.deepEqual(x.arraySync(), read);
      assert.deepEqual([...x.cast("float32").dataSync()], read);
      assert.deepEqual([...dg.tensor(values).cast(dtype).dataSync()], read);
      assert.deepEqual([...dg.fill([2], 1 / 3, dtype).dataSync()], [round(1 / 3), round(1 / 3)]);
      for (const { name } of dg.devices()) {
        const there = x.to(name);
        assert.deepEqual([there.dtype, ...there.dataSync()], [dtype, ...read], name);
      }
      const buffer = dg.buffer([2], dtype);
      buffer.set(0.1, 1);
      assert.deepEqual([...buffer.toTensor().dataSync()], [0, round(0.1)]);
      const v = x.variable();
      v.assign(v.mul(2));
      assert.deepEqual([v.dtype, v.dataSync()[0]], [dtype, 2]);
      v.dispose();
      assert.equal(dg.oneHot([1], 2, 0.1, 0, dtype).dataSync()[1], round(0.1));
    }
    assert.equal(dg.scalar(0.1, "float16").toString(), "Tensor\n    0.09998");
    assert.equal(dg.scalar(1 / 3, "bfloat16").toString(), "Tensor\n    0.334");
    assert.equal(dg.scalar(2048, "float16").toString(), "Tensor\n    2048");
  });
});

onEachDevice("sums and norms of 16-bit floats are made in float32", () => {
  dg.tidy(() => {
    const x = dg.fill([50, 100], 0.25, "float16"); // one by one, the sum would stay at 512
    const value = (y: dg.Tensor) => y.dataSync()[0];
    assert.equal(value(x.sum()), 1250);
    assert.equal(value(x.mean()), 0.25);
    assert.equal(value(dg.fill([4], 300, "float16").norm()), 600); // of squares beyond 65504
    assert.equal(value(dg.moments(dg.tensor([-300, 300], [2], "float16")).variance), Infinity);
    assert.equal(value(dg.fill([70000], 1, "float16").logSumExp()), round16(1 + Math.log(70000)));
    // The mean's gradient is 1 / n, also where n has no place in the type.
    const g = dg.grad((x) => x.mean())(dg.ones([70000], "float16"));
    assert.equal(value(g), round16(1 / 70000));
  });
});

onEachDevice("random numbers are drawn in 16 bits: those of float32, rounded", () => {
  dg.tidy(() => {
    for (const { dtype, round } of halves) {
      const draws: [string, (dtype: dg.DType) => dg.Tensor][] = [
        ["uniform", (t) => dg.randomUniform([9], -1, 1, t, 5)],
        ["normal", (t) => dg.randomNormal([9], 0, 1, t, 5)],
        ["truncated", (t) => dg.truncatedNormal([9], 0, 1, t, 5)],
        ["bernoulli", (t) => dg.bernoulli([9], 0.5, 5, t)],
      ];
      for (const [name, draw] of draws) {
        const wanted = [...draw("float32").dataSync()].map(round);
        assert.deepEqual([...draw(dtype).dataSync()], wanted, `${name} ${dtype}`);
      }
    }
  });
});

onEachDevice("what wants integers or bool says so to 16-bit floats", () => {
  dg.tidy(() => {
    const x = of("float16");
    assert.throws(() => dg.gather([1, 2], x), /gather wants int32 indices, got float16/);
    assert.throws(() => dg.oneHot(x, 2), /oneHot wants int32 indices, got float16/);
    assert.throws(() => dg.bitwiseAnd(x, x), /bitwiseAnd wants integers, got float16/);
    assert.throws(() => dg.all(x), /want bool tensors, got float16/);
    assert.throws(
      () => dg.fused.matMul({ a: dg.ones([1, 2], "float16"), b: dg.ones([2, 2]), bias: x }),
      /float32 bias of shape \[2\], got float16 \[2\]/,
    );
  });
});

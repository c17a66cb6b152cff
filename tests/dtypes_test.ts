// Which type does a result have?

import assert from "node:assert";
import * as dg from "../mod.ts";
import { onEachDevice } from "./fixtures.ts";

const types: dg.DType[] = ["bool", "uint8", "int32", "float32"];
const of = (dtype: dg.DType) => dg.ones([2], dtype);

onEachDevice("two tensors meet in the wider type: bool < uint8 < int32 < float32", () => {
  dg.tidy(() => {
    types.forEach((a, i) =>
      types.forEach((b, j) => {
        const wider = types[Math.max(i, j)];
        const number = wider === "bool" ? "int32" : wider;
        assert.equal(dg.add(of(a), of(b)).dtype, number, `add ${a} ${b}`);
        assert.equal(dg.concat([of(a), of(b)]).dtype, wider, `concat ${a} ${b}`);
        assert.equal(dg.where([true], of(a), of(b)).dtype, wider, `where ${a} ${b}`);
        assert.equal(dg.equal(of(a), of(b)).dtype, "bool", `equal ${a} ${b}`);
        assert.equal(dg.less(of(a), of(b)).dtype, "bool", `less ${a} ${b}`);
        assert.equal(dg.atan2(of(a), of(b)).dtype, "float32", `atan2 ${a} ${b}`);
        const product = dg.matMul(dg.ones([1, 2], a), dg.ones([2, 1], b));
        assert.deepEqual(
          [product.dtype, product.dataSync()[0]],
          [wider === "float32" ? wider : "int32", 2],
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

onEachDevice("functions of real numbers and means are float32; sums of small types int32", () => {
  dg.tidy(() => {
    for (const type of types) {
      const x = of(type), number = type === "bool" ? "int32" : type;
      const sums = type === "float32" ? type : "int32";
      for (const f of [dg.exp, dg.sqrt, dg.sigmoid, dg.mean, dg.norm, dg.softmax, dg.logSumExp]) {
        assert.equal(f(x).dtype, "float32", `${f.name} ${type}`);
      }
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

// What do elementwise operations give for NaN, infinities, signed zeros, subnormal and huge numbers, and for integers divided by 0?

import assert from "node:assert";
import * as dg from "../mod.ts";
import { onEachDevice } from "./fixtures.ts";

const special = [
  ...[NaN, Infinity, -Infinity, 0, -0, 1e-40, -1e-40, 3.4e38, -3.4e38],
  ...[1, -1, 0.5, -2.5, 88.5, -104, 1e10],
].map(Math.fround);

const softplus = (x: number) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));
// JavaScript has NaN where C, and TensorFlow, have 1.
const pow = (a: number, b: number) =>
  a === 1 || (a === -1 && Math.abs(b) === Infinity) ? 1 : a ** b;
const mod = (a: number, b: number) => {
  const r = a % b;
  return r !== 0 && (r < 0) !== (b < 0) ? r + b : r;
};

const unary: Record<string, (x: number) => number> = {
  neg: (x) => -x,
  square: (x) => x * x,
  rsqrt: (x) => 1 / Math.sqrt(x),
  reciprocal: (x) => 1 / x,
  relu: (x) => x <= 0 ? 0 : x,
  elu: (x) => x > 0 ? x : Math.expm1(x),
  sigmoid: (x) => 1 / (1 + Math.exp(-x)),
  softplus,
  logSigmoid: (x) => -softplus(-x),
  isNaN: (x) => Number(Number.isNaN(x)),
  isInf: (x) => Number(Math.abs(x) === Infinity),
  isFinite: (x) => Number(Number.isFinite(x)),
};
const sameInMath = [
  ...["abs", "sign", "ceil", "floor", "sqrt", "exp", "expm1", "log", "log1p", "sin", "cos", "tan"],
  ...["asin", "acos", "atan", "sinh", "cosh", "tanh", "asinh", "acosh", "atanh"],
] as const;
for (const name of sameInMath) unary[name] = Math[name as "exp"];

const binary: Record<string, (a: number, b: number) => number> = {
  add: (a, b) => a + b,
  sub: (a, b) => a - b,
  mul: (a, b) => a * b,
  div: (a, b) => a / b,
  // Of two zeros, either may be taken.
  maximum: (a, b) => a > b || Number.isNaN(a) ? a : b,
  minimum: (a, b) => a < b || Number.isNaN(a) ? a : b,
  atan2: Math.atan2,
  pow,
  mod,
  divNoNan: (a, b) => b === 0 ? 0 : a / b,
  equal: (a, b) => Number(a === b),
  less: (a, b) => Number(a < b),
  greaterEqual: (a, b) => Number(a >= b),
};

function hold(got: ArrayLike<number>, want: number[], show: (i: number) => string): void {
  want.forEach((value, i) => {
    const w = Math.fround(value);
    // The last bits of subnormal results may differ.
    const close = Math.abs(got[i] - w) <= 1e-6 * Math.abs(w) + 1e-44 && (w !== 0 || got[i] !== 0);
    assert.ok(Object.is(got[i], w) || close, `${show(i)} is ${got[i]}, wanted ${w}`);
  });
}

const operations = dg as unknown as Record<string, (...x: dg.Operand[]) => dg.Tensor>;

onEachDevice("unary operations at special values", () => {
  for (const [name, f] of Object.entries(unary)) {
    const y = operations[name](special);
    hold(y.dataSync(), special.map(f), (i) => `${name}(${special[i]})`);
    y.dispose();
  }
});

onEachDevice("binary operations at pairs of special values", () => {
  const a = special.flatMap((x) => special.map(() => x)), b = special.flatMap(() => special);
  for (const [name, f] of Object.entries(binary)) {
    const y = operations[name](a, b);
    hold(y.dataSync(), a.map((x, i) => f(x, b[i])), (i) => `${name}(${a[i]}, ${b[i]})`);
    y.dispose();
  }
});

onEachDevice(
  "arithmetic with a plain number is that with a tensor of it, to the sign of zero",
  () => {
    dg.tidy(() => {
      const x = dg.tensor(special);
      for (const name of ["add", "sub", "mul", "div"]) {
        for (const c of [0, -0, 1, -1, 3, 0.1, -4, Infinity, NaN]) {
          const number = dg.tensor(new Array(special.length).fill(c));
          const same = (a: dg.Tensor, b: dg.Tensor) =>
            hold(a.dataSync(), [...b.dataSync()], (i) => `${name} of ${special[i]} and ${c}`);
          same(operations[name](x, c), operations[name](x, number));
          same(operations[name](c, x), operations[name](number, x));
        }
      }
    });
  },
);

onEachDevice(
  "integers: signs of quotients and remainders, division by 0, wrapping, saturation",
  () => {
    dg.tidy(() => {
      const int = (...v: number[]) => dg.tensor(v, [v.length], "int32");
      const least = -(2 ** 31), most = 2 ** 31 - 1;
      const values = (x: dg.Tensor) => [...x.dataSync()];
      assert.deepEqual(values(dg.floorDiv(int(7, -7, 7, -7), int(2, 2, -2, -2))), [3, -4, -4, 3]);
      assert.deepEqual(values(dg.mod(int(7, -7, 7, -7), int(2, 2, -2, -2))), [1, 1, -1, -1]);
      assert.deepEqual(values(dg.floorDiv(int(5, -5), int(0, 0))), [0, 0]);
      assert.deepEqual(values(dg.mod(int(5, least), int(0, -1))), [0, 0]);
      assert.deepEqual(values(dg.add(int(most), int(1))), [least]);
      assert.deepEqual(values(dg.mul(int(65536), int(65536))), [0]);
      assert.deepEqual(values(dg.neg(int(least))), [least]);
      assert.deepEqual(values(dg.pow(int(-2, 3, 2), int(3, 0, 31))), [-8, 1, least]);
      const floats = dg.tensor([NaN, 1e10, -1e10, -2.9, 300]);
      assert.deepEqual(values(dg.cast(floats, "int32")), [0, most, least, -2, 300]);
      assert.deepEqual(values(dg.cast(floats, "bool")), [1, 1, 1, 1, 1]);
      assert.deepEqual(values(dg.cast(int(300, -1), "uint8")), [44, 255]);
    });
  },
);

onEachDevice("NaN spreads through reductions; empty ones give their neutral value", () => {
  dg.tidy(() => {
    const value = (x: dg.Tensor) => x.dataSync()[0];
    for (const op of [dg.sum, dg.mean, dg.max, dg.min, dg.prod, dg.logSumExp]) {
      assert.ok(Number.isNaN(value(op([1, NaN, 2]))), op.name);
    }
    assert.deepEqual([...dg.argMax([[1, NaN, NaN], [3, 3, 2]], 1).dataSync()], [1, 0]);
    assert.deepEqual([...dg.argMin([[1, NaN, -1], [3, 2, 2]], 1).dataSync()], [1, 1]);
    const none = dg.zeros([0]), whole = dg.zeros([0], "int32");
    assert.deepEqual([dg.sum, dg.prod, dg.max, dg.min].map((f) => value(f(none))), [
      0,
      1,
      -Infinity,
      Infinity,
    ]);
    assert.deepEqual([dg.max, dg.min].map((f) => value(f(whole))), [-(2 ** 31), 2 ** 31 - 1]);
    assert.ok(Number.isNaN(value(dg.mean(none))));
    assert.deepEqual([dg.all, dg.any].map((f) => value(f(dg.zeros([0], "bool")))), [1, 0]);
    assert.equal(value(dg.logSumExp([1000, 1000])), Math.fround(1000 + Math.log(2)));
    assert.equal(value(dg.logSumExp([-Infinity, -Infinity])), -Infinity);
    assert.deepEqual([...dg.softmax([1000, -Infinity, 1000]).dataSync()], [0.5, 0, 0.5]);
  });
});

onEachDevice("gradients of products are exact where factors are 0", () => {
  dg.tidy(() => {
    const x = dg.tensor([[2, 0, 3, 5], [0, 4, 0, 7]]);
    const product = dg.grad((x) => dg.prod(x, 1))(x);
    assert.deepEqual(product.arraySync(), [[0, 30, 0, 0], [0, 0, 0, 0]]);
    // y = [2, 0, 0, 0]: only the zero's own factor can change what follows, by 2 (1 + 3 + 15).
    const running = dg.grad((x) => dg.cumprod(x, 1))(x);
    assert.deepEqual(running.arraySync(), [[1, 2 * (1 + 3 + 15), 0, 0], [1 + 4, 0, 0, 0]]);
  });
});

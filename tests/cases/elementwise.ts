// The op table: what works element by element.

import { sigmoidCrossEntropy } from "../../src/ops/softmax.ts";
import * as ops from "../../src/ops/mod.ts";
import type { Tensor } from "../../src/tensor.ts";
import { zip } from "../plain.ts";
import { bool, float, type Input, int, type Options, type Row, row } from "./row.ts";

type Range = readonly [number, number];

/** A function of one float32 tensor, with values of a range. */
function one(
  name: string,
  run: (x: Tensor) => Tensor,
  f: (x: number) => number,
  range: Range = [-3, 3],
  options: Options = {},
): Row {
  return row(name, (n) => [float([n, n + 1], ...range)], run, (x) => x.map(f), options);
}

/** Two shapes of a size: equal ones where 4 divides it, else such that one or both are stretched. */
function pair(n: number): [number[], number[]] {
  switch (n % 4) {
    case 0:
      return [[n, n + 1], [n, n + 1]];
    case 1:
      return [[n, 1, n + 1], [n + 2, 1]];
    case 2:
      return [[n, n + 1], []];
    default:
      return [[n + 1], [n, n + 1]];
  }
}

/** A function of two tensors, made by `input` from a shape and a range. */
function two(
  name: string,
  run: (a: Tensor, b: Tensor) => Tensor,
  f: (a: number, b: number) => number,
  ranges: readonly [Range, Range] = [[-3, 3], [-3, 3]],
  options: Options = {},
  input: (shape: number[], ...range: Range) => Input = float,
): Row {
  const inputs = (n: number) => pair(n).map((shape, i) => input(shape, ...ranges[i]));
  return row(name, inputs, run, (a, b) => zip(f, a, b), options);
}

const Small: Range = [-1, 1], Positive: Range = [0.1, 4], Whole: Range = [-9, 10];
const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));
const softplus = (x: number) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));
const clamp = (x: number, low: number, high: number) => Math.min(Math.max(x, low), high);
const mod = (a: number, b: number) => a - Math.floor(a / b) * b;
// 2 / sqrt(pi) sum of (-1)^k x^(2k+1) / (k! (2k+1)): exact enough for |x| <= 3.
const erf = (x: number) => {
  let term = x, sum = x;
  for (let k = 1; k < 80; k++) {
    term *= -x * x / k;
    sum += term / (2 * k + 1);
  }
  return 2 / Math.sqrt(Math.PI) * sum;
};
const tanhOf = (x: number) =>
  0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3)));
const flat = { grad: false };

const unary: Row[] = [
  one("abs", ops.abs, Math.abs),
  one("neg", ops.neg, (x) => -x),
  one("sign", ops.sign, Math.sign),
  one("ceil", ops.ceil, Math.ceil),
  one("floor", ops.floor, Math.floor),
  one("round", ops.round, (x) => {
    const up = Math.round(x);
    return up - x === 0.5 && up % 2 !== 0 ? up - 1 : up;
  }),
  one("step", (x) => ops.step(x, 0.5), (x) => x > 0 ? 1 : 0.5),
  one("clipByValue", (x) => ops.clipByValue(x, -1, 2), (x) => clamp(x, -1, 2)),
  one("square", ops.square, (x) => x * x),
  one("sqrt", ops.sqrt, Math.sqrt, Positive),
  one("rsqrt", ops.rsqrt, (x) => 1 / Math.sqrt(x), Positive),
  one("reciprocal", ops.reciprocal, (x) => 1 / x, [0.5, 4]),
  one("exp", ops.exp, Math.exp),
  one("expm1", ops.expm1, Math.expm1),
  one("log", ops.log, Math.log, Positive),
  one("log1p", ops.log1p, Math.log1p, [-0.9, 3]),
  one("erf", ops.erf, erf),
  one("sin", ops.sin, Math.sin, [-9, 9]),
  one("cos", ops.cos, Math.cos, [-9, 9]),
  one("tan", ops.tan, Math.tan, Small),
  one("asin", ops.asin, Math.asin, [-0.9, 0.9]),
  one("acos", ops.acos, Math.acos, [-0.9, 0.9]),
  one("atan", ops.atan, Math.atan),
  one("sinh", ops.sinh, Math.sinh),
  one("cosh", ops.cosh, Math.cosh),
  one("tanh", ops.tanh, Math.tanh),
  one("asinh", ops.asinh, Math.asinh),
  one("acosh", ops.acosh, Math.acosh, [1.2, 5]),
  one("atanh", ops.atanh, Math.atanh, [-0.9, 0.9]),
  one("relu", ops.relu, (x) => Math.max(x, 0)),
  one("relu6", ops.relu6, (x) => clamp(x, 0, 6), [-3, 9]),
  one("leakyRelu", (x) => ops.leakyRelu(x, 0.3), (x) => x > 0 ? x : 0.3 * x),
  one("elu", ops.elu, (x) => x > 0 ? x : Math.expm1(x)),
  one("selu", ops.selu, (x) => {
    return 1.0507009873554805 * (x > 0 ? x : 1.6732632423543772 * Math.expm1(x));
  }),
  one("celu", (x) => ops.celu(x, 0.7), (x) => x > 0 ? x : 0.7 * Math.expm1(x / 0.7)),
  one("sigmoid", ops.sigmoid, sigmoid, [-9, 9]),
  one("logSigmoid", ops.logSigmoid, (x) => -softplus(-x), [-9, 9]),
  one("hardSigmoid", ops.hardSigmoid, (x) => clamp(x / 6 + 0.5, 0, 1), [-5, 5]),
  one("softplus", ops.softplus, softplus, [-9, 9]),
  one("softsign", ops.softsign, (x) => x / (1 + Math.abs(x))),
  one("swish", ops.swish, (x) => x * sigmoid(x)),
  one("hardSwish", ops.hardSwish, (x) => x * clamp(x / 6 + 0.5, 0, 1), [-5, 5]),
  one("mish", ops.mish, (x) => x * Math.tanh(softplus(x))),
  one("gelu", ops.gelu, (x) => x * (1 + erf(x / Math.SQRT2)) / 2),
  one("geluApprox", ops.geluApprox, tanhOf),
  one("isNaN", (x) => ops.isNaN(ops.log(x)), (x) => Number(x < 0), [-3, 3], flat),
  one("isInf", (x) => ops.isInf(ops.div(x, 0)), () => 1, Positive, flat),
  one("isFinite", (x) => ops.isFinite(ops.log(x)), (x) => Number(x > 0), [-3, 3], flat),
  row("abs int32", (n) => [int([n, 3])], ops.abs, (x) => x.map(Math.abs)),
  row("relu int32", (n) => [int([n, 3])], ops.relu, (x) => x.map((v) => Math.max(v, 0))),
  row("logicalNot", (n) => [bool([n, 3])], ops.logicalNot, (x) => x.map((v) => 1 - v)),
  row("cast", (n) => [float([n, 3])], (x) => ops.cast(x, "int32"), (x) => x.map(Math.trunc), flat),
];

const withNumbers: Row[] = [
  one("add number", (x) => ops.add(x, 0.5), (x) => x + 0.5),
  one("sub number", (x) => ops.sub(x, 0.5), (x) => x - 0.5),
  one("number sub", (x) => ops.sub(0.5, x), (x) => 0.5 - x),
  one("mul number", (x) => ops.mul(0.75, x), (x) => x * 0.75),
  one("div number", (x) => ops.div(x, 3), (x) => x / 3),
  one("div power of two", (x) => ops.div(x, -4), (x) => x / -4),
  one("number div", (x) => ops.div(2, x), (x) => 2 / x, [0.5, 4]),
  one("pow number", (x) => ops.pow(x, 3), (x) => x ** 3),
  one("maximum number", (x) => ops.maximum(x, 0.25), (x) => Math.max(x, 0.25)),
];

const binary: Row[] = [
  two("add", ops.add, (a, b) => a + b),
  two("sub", ops.sub, (a, b) => a - b),
  two("mul", ops.mul, (a, b) => a * b),
  two("div", ops.div, (a, b) => a / b, [[-3, 3], [0.5, 4]]),
  two("divNoNan", ops.divNoNan, (a, b) => a / b, [[-3, 3], [-4, -0.5]]),
  two("floorDiv", ops.floorDiv, (a, b) => Math.floor(a / b), [[-9, 9], [0.5, 4]]),
  two("mod", ops.mod, mod, [[-9, 9], [0.5, 4]]),
  two("pow", ops.pow, (a, b) => a ** b, [[0.3, 3], [-2, 2]], { gtol: 3e-5 }),
  two("maximum", ops.maximum, Math.max),
  two("minimum", ops.minimum, Math.min),
  two("squaredDifference", ops.squaredDifference, (a, b) => (a - b) ** 2),
  two(
    "sigmoidCrossEntropy",
    sigmoidCrossEntropy,
    (label, x) => softplus(x) - label * x,
    [[0, 1], [-9, 9]],
  ),
  two("atan2", ops.atan2, Math.atan2),
  two("prelu", ops.prelu, (x, alpha) => x > 0 ? x : alpha * x),
  two("less", ops.less, (a, b) => Number(a < b), undefined, flat),
  two("greaterEqual", ops.greaterEqual, (a, b) => Number(a >= b), undefined, flat),
];

const whole = (
  name: string,
  run: Row["run"],
  f: (a: number, b: number) => number,
  b: Range = Whole,
) => two(name, run as (a: Tensor, b: Tensor) => Tensor, f, [Whole, b], {}, int);
const truth = (name: string, run: Row["run"], f: (a: number, b: number) => number) =>
  two(name, run as (a: Tensor, b: Tensor) => Tensor, f, [[0, 2], [0, 2]], {}, bool);

const integers: Row[] = [
  whole("add int32", ops.add, (a, b) => a + b),
  whole("mul int32", ops.mul, (a, b) => a * b),
  whole("div int32", ops.div, (a, b) => Math.floor(a / b), [1, 5]),
  whole("floorDiv int32", ops.floorDiv, (a, b) => Math.floor(a / b), [-5, 0]),
  whole("mod int32", ops.mod, mod, [-5, 0]),
  whole("pow int32", ops.pow, (a, b) => a ** b, [0, 4]),
  whole("maximum int32", ops.maximum, Math.max),
  whole("equal", ops.equal, (a, b) => Number(a === b)),
  whole("notEqual", ops.notEqual, (a, b) => Number(a !== b)),
  whole("lessEqual", ops.lessEqual, (a, b) => Number(a <= b)),
  whole("greater", ops.greater, (a, b) => Number(a > b)),
  whole("bitwiseAnd", ops.bitwiseAnd, (a, b) => a & b),
  truth("logicalAnd", ops.logicalAnd, (a, b) => a & b),
  truth("logicalOr", ops.logicalOr, (a, b) => a | b),
  truth("logicalXor", ops.logicalXor, (a, b) => a ^ b),
  row(
    "addN",
    (n) => [float([n, 2]), float([n, 2]), float([n, 2])],
    (...xs) => ops.addN(xs),
    (...xs) => zip((a, b, c) => a + b + c, ...xs),
    { roundings: 2 },
  ),
];

/** Rows of elementwise operations. */
export const elementwise: Row[] = [...unary, ...withNumbers, ...binary, ...integers];

// Which functions of one number are there? Rounding, powers, exponentials, trigonometry; activations are in activations.ts.

import { DinogradError } from "../errors.ts";
import type { Tensor } from "../tensor.ts";
import { type Unary, unary } from "./define.ts";
import { add, div, mul, neg, sub } from "./elementwise.ts";
import { equal, where } from "./logical.ts";
import type { Operand } from "./operand.ts";
import { slope } from "./slope.ts";

// ---- Rounding and signs ----

/** `|x|`. */
export const abs: Unary = unary("abs", {
  domain: "number",
  saves: ["x"],
  grad: ({ dy, x }) => mul(dy, sign(x)),
});
/** -1, 0 or 1; NaN stays. */
export const sign: Unary = unary("sign", { domain: "number", grad: "zero" });
/** The next whole number upwards. */
export const ceil: Unary = unary("ceil", { grad: "zero" });
/** The next whole number downwards. */
export const floor: Unary = unary("floor", { grad: "zero" });
/** The nearest whole number, halves to the even one. */
export const round: Unary = unary("round", { grad: "zero" });

const stepOp = unary("step", { domain: "number", grad: "zero" });
/** 1 where x > 0, else alpha. */
export function step(x: Operand, alpha = 0): Tensor {
  return stepOp(x, alpha);
}

const clip = unary("clipByValue", {
  domain: "number",
  saves: ["x", "y"],
  grad: ({ dy, x, y }) => where(equal(x, y), dy, 0),
});
/** x limited to [min, max]. */
export function clipByValue(x: Operand, clipValueMin: number, clipValueMax: number): Tensor {
  if (!(clipValueMin <= clipValueMax)) {
    throw new DinogradError(
      `clipByValue wants min <= max, got ${clipValueMin} and ${clipValueMax}`,
    );
  }
  return clip(x, clipValueMin, clipValueMax);
}

// ---- Powers ----

/** `x^2`. */
export const square: Unary = unary("square", {
  domain: "number",
  saves: ["x"],
  grad: ({ dy, x }) => mul(dy, mul(x, 2)),
});
const sqrtSlope = slope("sqrtGrad", (y) => div(-0.5, square(y)));
/** The square root; NaN below 0. */
export const sqrt: Unary = unary("sqrt", {
  saves: ["y"],
  grad: ({ dy, y }) => sqrtSlope(dy, y),
});
const rsqrtSlope = slope("rsqrtGrad", (y) => mul(square(y), -1.5));
/** `1 / sqrt(x)`. */
export const rsqrt: Unary = unary("rsqrt", {
  saves: ["y"],
  grad: ({ dy, y }) => rsqrtSlope(dy, y),
});
const reciprocalSlope = slope("reciprocalGrad", (y) => mul(y, -2));
/** `1 / x`. */
export const reciprocal: Unary = unary("reciprocal", {
  saves: ["y"],
  grad: ({ dy, y }) => reciprocalSlope(dy, y),
});

// ---- Exponentials and logarithms ----

/** `e^x`. */
export const exp: Unary = unary("exp", { saves: ["y"], grad: ({ dy, y }) => mul(dy, y) });
/** `e^x - 1`, exact near 0. */
export const expm1: Unary = unary("expm1", {
  saves: ["y"],
  grad: ({ dy, y }) => mul(dy, add(y, 1)),
});
/** The natural logarithm; NaN below 0. */
export const log: Unary = unary("log", { saves: ["x"], grad: ({ dy, x }) => div(dy, x) });
/** `log(1 + x)`, exact near 0. */
export const log1p: Unary = unary("log1p", {
  saves: ["x"],
  grad: ({ dy, x }) => div(dy, add(x, 1)),
});
const erfSlope = slope(
  "erfGrad",
  (x) => mul(mul(x, -4 / Math.sqrt(Math.PI)), exp(neg(square(x)))),
);
/** The error function `2 / sqrt(pi) * integral of e^(-t^2) from 0 to x`. */
export const erf: Unary = unary("erf", { saves: ["x"], grad: ({ dy, x }) => erfSlope(dy, x) });

// ---- Trigonometry ----

/** The sine. */
export const sin: Unary = unary("sin", { saves: ["x"], grad: ({ dy, x }) => mul(dy, cos(x)) });
/** The cosine. */
export const cos: Unary = unary("cos", {
  saves: ["x"],
  grad: ({ dy, x }) => neg(mul(dy, sin(x))),
});
/** The tangent. */
export const tan: Unary = unary("tan", {
  saves: ["y"],
  grad: ({ dy, y }) => mul(dy, add(square(y), 1)),
});
/** The inverse sine, in [-pi/2, pi/2]. */
export const asin: Unary = unary("asin", {
  saves: ["x"],
  grad: ({ dy, x }) => mul(dy, rsqrt(sub(1, square(x)))),
});
/** The inverse cosine, in [0, pi]. */
export const acos: Unary = unary("acos", {
  saves: ["x"],
  grad: ({ dy, x }) => neg(mul(dy, rsqrt(sub(1, square(x))))),
});
/** The inverse tangent, in [-pi/2, pi/2]. */
export const atan: Unary = unary("atan", {
  saves: ["x"],
  grad: ({ dy, x }) => div(dy, add(square(x), 1)),
});
/** The hyperbolic sine. */
export const sinh: Unary = unary("sinh", { saves: ["x"], grad: ({ dy, x }) => mul(dy, cosh(x)) });
/** The hyperbolic cosine. */
export const cosh: Unary = unary("cosh", { saves: ["x"], grad: ({ dy, x }) => mul(dy, sinh(x)) });
/** The inverse hyperbolic sine. */
export const asinh: Unary = unary("asinh", {
  saves: ["x"],
  grad: ({ dy, x }) => mul(dy, rsqrt(add(square(x), 1))),
});
/** The inverse hyperbolic cosine; NaN below 1. */
export const acosh: Unary = unary("acosh", {
  saves: ["x"],
  grad: ({ dy, x }) => mul(dy, rsqrt(sub(square(x), 1))),
});
/** The inverse hyperbolic tangent; NaN outside [-1, 1]. */
export const atanh: Unary = unary("atanh", {
  saves: ["x"],
  grad: ({ dy, x }) => div(dy, sub(1, square(x))),
});

// Which activation functions are smooth, so that their derivatives need the operand? softplus, swish, gelu, mish and their kin.

import type { Tensor } from "../tensor.ts";
import { sigmoid, tanh } from "./activations.ts";
import { type Unary, unary } from "./define.ts";
import { add, div, mul, neg, sub } from "./elementwise.ts";
import { less } from "./logical.ts";
import { abs, exp, sign, square } from "./math.ts";
import { asType } from "./cast.ts";
import { slope } from "./slope.ts";

// A unary operation whose derivative is a native formula of x; `second` is the derivative of that.
function smooth(name: string, second: (x: Tensor) => Tensor): Unary {
  const derivative = slope(`${name}Grad`, second);
  return unary(name, { saves: ["x"], grad: ({ dy, x }) => derivative(dy, x) });
}

// s (1 - s), the derivative of the sigmoid s.
const bell = (s: Tensor) => mul(s, sub(1, s));

/** `log(1 + e^x)`. */
export const softplus: Unary = smooth("softplus", (x) => bell(sigmoid(x)));
/** `-log(1 + e^-x)`. */
export const logSigmoid: Unary = smooth("logSigmoid", (x) => neg(bell(sigmoid(x))));
/** `x / (1 + |x|)`. */
export const softsign: Unary = smooth("softsign", (x) => {
  const d = add(abs(x), 1);
  return div(mul(sign(x), -2), mul(square(d), d));
});
/** `x * sigmoid(x)`, also called SiLU. */
export const swish: Unary = smooth("swish", (x) => {
  const s = sigmoid(x);
  return mul(bell(s), add(mul(x, sub(1, mul(s, 2))), 2));
});
/** `x * relu6(x + 3) / 6`. */
export const hardSwish: Unary = smooth(
  "hardSwish",
  (x) => mul(asType(less(abs(x), 3), x.dtype), 1 / 3),
);
/** `x * tanh(softplus(x))`. */
export const mish: Unary = smooth("mish", (x) => {
  const s = sigmoid(x), t = tanh(softplus(x));
  const flat = sub(1, square(t)), first = mul(flat, s); // 1 - t^2 and t'
  const second = sub(mul(flat, bell(s)), mul(mul(t, first), mul(s, 2)));
  return add(mul(first, 2), mul(x, second));
});
/** `x * Phi(x)`, Phi being the normal distribution function. */
export const gelu: Unary = smooth("gelu", (x) => {
  const x2 = square(x);
  return mul(mul(exp(mul(x2, -0.5)), 1 / Math.sqrt(2 * Math.PI)), sub(2, x2));
});
/** gelu with Phi approximated by `(1 + tanh(sqrt(2 / pi) * (x + 0.044715 * x^3))) / 2`. */
export const geluApprox: Unary = smooth("geluApprox", (x) => {
  // x sigmoid(w), w = c (x + k x^3)
  const c = Math.sqrt(8 / Math.PI), k = 0.044715, x2 = square(x);
  const s = sigmoid(mul(mul(x, c), add(mul(x2, k), 1)));
  const w1 = add(mul(x2, 3 * k * c), c), xw2 = mul(x2, 6 * k * c); // w' and x w''
  const curve = mul(mul(x, square(w1)), sub(1, mul(s, 2)));
  return mul(bell(s), add(add(mul(w1, 2), xw2), curve));
});

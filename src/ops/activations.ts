// Which activation functions have a derivative that follows from the result (or from one comparison)? The smooth ones are in
// smooth_activations.ts.

import type { Tensor } from "../tensor.ts";
import { binary, type Unary, unary } from "./define.ts";
import { div, mul, sub } from "./elementwise.ts";
import { greater, where } from "./logical.ts";
import { exp, step } from "./math.ts";
import type { Operand } from "./operand.ts";
import { slope } from "./slope.ts";

const below = (y: Tensor) => sub(1, step(y)); // 1 where y is not above 0

/** `dy * f'` from the result y of each activation f, by f's name. */
export const slopes = {
  relu: slope("reluGrad"),
  relu6: slope("relu6Grad"),
  elu: slope("eluGrad", below),
  selu: slope("seluGrad", below),
  sigmoid: slope("sigmoidGrad", (y) => sub(1, mul(y, 2))),
  tanh: slope("tanhGrad", (y) => mul(y, -2)),
  hardSigmoid: slope("hardSigmoidGrad"),
};

/** `max(x, 0)`. */
export const relu: Unary = unary("relu", {
  domain: "number",
  saves: ["y"],
  grad: ({ dy, y }) => slopes.relu(dy, y),
});
/** `min(max(x, 0), 6)`. */
export const relu6: Unary = unary("relu6", {
  domain: "number",
  saves: ["y"],
  grad: ({ dy, y }) => slopes.relu6(dy, y),
});
/** x where positive, else `e^x - 1`. */
export const elu: Unary = unary("elu", { saves: ["y"], grad: ({ dy, y }) => slopes.elu(dy, y) });
/** `1.0507 * x` where positive, else `1.7581 * (e^x - 1)`: keeps mean and variance (Klambauer et al., 2017). */
export const selu: Unary = unary("selu", { saves: ["y"], grad: ({ dy, y }) => slopes.selu(dy, y) });
/** `1 / (1 + e^-x)`. */
export const sigmoid: Unary = unary("sigmoid", {
  saves: ["y"],
  grad: ({ dy, y }) => slopes.sigmoid(dy, y),
});
/** The hyperbolic tangent. */
export const tanh: Unary = unary("tanh", { saves: ["y"], grad: ({ dy, y }) => slopes.tanh(dy, y) });
/** `relu6(x + 3) / 6`. */
export const hardSigmoid: Unary = unary("hardSigmoid", {
  saves: ["y"],
  grad: ({ dy, y }) => slopes.hardSigmoid(dy, y),
});

const leakyReluOp = unary("leakyRelu", {
  saves: ["x"],
  grad: ({ dy, x }, { a }) => mul(dy, step(x, a)),
});
/** x where positive, else `alpha * x`. */
export function leakyRelu(x: Operand, alpha = 0.2): Tensor {
  return leakyReluOp(x, alpha);
}

/** x where positive, else `alpha * x`, with a tensor alpha that broadcasts. */
export const prelu: (x: Operand, alpha: Operand) => Tensor = binary("prelu", {
  domain: "float",
  saves: ["a", "b"],
  grad: ({ dy, a, b }) => ({
    a: () => where(greater(a, 0), dy, mul(dy, b)),
    b: () => where(greater(a, 0), 0, mul(dy, a)),
  }),
});

const celuOp = unary("celu", {
  saves: ["x"],
  grad: ({ dy, x }, { a }) => mul(dy, where(greater(x, 0), 1, exp(div(x, a)))),
});
/** x where positive, else `alpha * (e^(x / alpha) - 1)`. */
export function celu(x: Operand, alpha = 1): Tensor {
  return celuOp(x, alpha);
}

// Which operations work element by element with the usual arithmetic? One statement each.

import type { Tensor } from "../tensor.ts";
import { binary, unary } from "./define.ts";
import type { Operand } from "./operand.ts";

/** `a + b`, broadcasting. */
export const add: (a: Operand, b: Operand) => Tensor = binary("add", {
  grad: ({ dy }) => ({ a: () => dy, b: () => dy }),
});
/** `a - b`, broadcasting. */
export const sub: (a: Operand, b: Operand) => Tensor = binary("sub", {
  grad: ({ dy }) => ({ a: () => dy, b: () => neg(dy) }),
});
/** `a * b`, broadcasting. */
export const mul: (a: Operand, b: Operand) => Tensor = binary("mul", {
  saves: ["a", "b"],
  grad: ({ dy, a, b }) => ({ a: () => mul(dy, b), b: () => mul(dy, a) }),
});
/** `-x`. */
export const neg: (x: Operand) => Tensor = unary("neg", {
  domain: "number",
  grad: ({ dy }) => neg(dy),
});

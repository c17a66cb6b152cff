// How is a function's derivative taken in one native pass? The library multiplies dy by f' at the function's result or operand.

import type { Tensor } from "../tensor.ts";
import { binary } from "./define.ts";
import { mul } from "./elementwise.ts";
import type { Operand } from "./operand.ts";

/** `dy * f'(at)`, where `at` is what the native formula reads; `second(at)` is the derivative of f' there, 0 when left out. */
export function slope(
  name: string,
  second?: (at: Tensor) => Tensor,
): (dy: Operand, at: Operand) => Tensor {
  const run: (dy: Operand, at: Operand) => Tensor = binary(name, {
    domain: "float",
    saves: ["a", "b"],
    grad: ({ dy, a, b }) => ({
      a: () => run(dy, b),
      b: second && (() => mul(mul(dy, a), second(b))),
    }),
  });
  return run;
}

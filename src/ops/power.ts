// Which functions of two numbers are there beyond plain arithmetic? pow, mod, atan2, divNoNan.

import { type Binary, binary } from "./define.ts";
import { add, div, floorDiv, mul, neg, sub } from "./elementwise.ts";
import { greater, where } from "./logical.ts";
import { log, square } from "./math.ts";

/** `a^b`, broadcasting. The gradient of b is 0 where a is not above 0. */
export const pow: Binary = binary("pow", {
  saves: ["a", "b", "y"],
  grad: ({ dy, a, b, y }) => ({
    a: () => mul(dy, mul(b, pow(a, sub(b, 1)))),
    b: () => {
      const positive = greater(a, 0);
      return mul(dy, where(positive, mul(y, log(where(positive, a, 1))), 0));
    },
  }),
});

/** The remainder of `floorDiv(a, b)`, with the sign of b, broadcasting. */
export const mod: Binary = binary("mod", {
  saves: ["a", "b"],
  grad: ({ dy, a, b }) => ({ a: () => dy, b: () => neg(mul(dy, floorDiv(a, b))) }),
});

/** The angle of the point (b, a), in [-pi, pi], broadcasting. */
export const atan2: Binary = binary("atan2", {
  domain: "float",
  saves: ["a", "b"],
  grad: ({ dy, a, b }) => {
    const inverse = () => div(dy, add(square(a), square(b)));
    return { a: () => mul(inverse(), b), b: () => neg(mul(inverse(), a)) };
  },
});

/** `a / b`, or 0 where b is 0, broadcasting. */
export const divNoNan: Binary = binary("divNoNan", {
  domain: "float",
  saves: ["b", "y"],
  grad: ({ dy, b, y }) => ({
    a: () => divNoNan(dy, b),
    b: () => neg(divNoNan(mul(dy, y), b)),
  }),
});

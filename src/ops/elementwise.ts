// Which operations combine two tensors element by element with plain arithmetic? In the operands' common type, broadcasting.

import { isFloat } from "../dtype.ts";
import { DinogradError } from "../errors.ts";
import { tidy } from "../scope.ts";
import { isWatched } from "../op.ts";
import { padRank, sameShape, showShape } from "../shape.ts";
import { Constant, constant, Tensor } from "../tensor.ts";
import { binary, unary } from "./define.ts";
import { greaterEqual, where } from "./logical.ts";
import { type Operand, scalarBeside, toTensor } from "./operand.ts";
import { clone } from "./reshape.ts";

/** `-x`. */
export const neg: (x: Operand) => Tensor = unary("neg", {
  domain: "number",
  grad: ({ dy }) => neg(dy),
});

// x a + b. What arithmetic with a plain number becomes: the numbers travel with the call, and as one of the two steps is exact, the
// result is that of plain arithmetic. b = -0 adds nothing, not even to -0.
const affineOf = unary("affine", {
  grad: ({ dy }, { a }) => a === 1 ? dy : affine(dy, a, -0),
});
function affine(x: Tensor, a: number, b: number): Tensor {
  if (!isPlain(x)) return affineOf(x, a, b);
  return constant(Math.fround(x.value * Math.fround(a)) + Math.fround(b), x.shape, x.device);
}

// Whether x is a number rather than memory, and no gradient flows through it.
const isPlain = (x: Operand): x is Constant =>
  x instanceof Constant && x.isUnwritten && !isWatched(x);
// The number that x is for each element of the other operand.
function numberBeside(x: Operand, other: Operand): Operand {
  if (!isPlain(x) || !(other instanceof Tensor) || other.dtype !== x.dtype) return x;
  const { rank, shape } = other;
  const fits = x.rank <= rank &&
    padRank(x.shape, rank).every((d, i) => d === 1 || d === shape[i]);
  return fits ? x.value : x;
}

const isFloatTensor = (x: Operand): x is Tensor => x instanceof Tensor && isFloat(x.dtype);

const sumOf = binary("add", {
  grad: ({ dy }) => ({ a: () => dy, b: () => dy }),
});
/** `a + b`, broadcasting. */
export function add(a: Operand, b: Operand): Tensor {
  if (typeof b === "number" && isFloatTensor(a)) return affine(a, 1, b);
  if (typeof a === "number" && isFloatTensor(b)) return affine(b, 1, a);
  return sumOf(a, b);
}

const differenceOf = binary("sub", {
  grad: ({ dy }) => ({ a: () => dy, b: () => neg(dy) }),
});
/** `a - b`, broadcasting. */
export function sub(a: Operand, b: Operand): Tensor {
  if (typeof b === "number" && isFloatTensor(a)) return affine(a, 1, -b);
  if (typeof a === "number" && isFloatTensor(b)) return affine(b, -1, a);
  return differenceOf(a, b);
}

const productOf = binary("mul", {
  saves: ["a", "b"],
  grad: ({ dy, a, b }) => ({ a: () => mul(dy, b), b: () => mul(dy, a) }),
});
/** `a * b`, broadcasting. */
export function mul(a: Operand, b: Operand): Tensor {
  const x = numberBeside(a, b), y = numberBeside(b, a);
  if (typeof y === "number" && isFloatTensor(a)) return affine(a, y, -0);
  if (typeof x === "number" && isFloatTensor(b)) return affine(b, x, -0);
  return productOf(a, b);
}

const quotientOf = binary("div", {
  saves: ["b", "y"],
  grad: ({ dy, b, y }) => ({ a: () => div(dy, b), b: () => neg(div(mul(dy, y), b)) }),
});
// Whether x / b is x times the reciprocal of b: exactly, or before it is rounded to 16 bits.
const hasReciprocal = (x: Tensor, b: number) =>
  x.dtype !== "float32" || Number.isInteger(Math.log2(Math.abs(b)));

/** `a / b`, broadcasting; two integer tensors give `floorDiv(a, b)`, an integer tensor and a plain number float32. */
export function div(a: Operand, b: Operand): Tensor {
  if (typeof b === "number" && isPlain(a)) {
    return constant(a.value / Math.fround(b), a.shape, a.device);
  }
  if (typeof b === "number" && isFloatTensor(a) && hasReciprocal(a, b)) {
    return affine(a, 1 / b, -0);
  }
  return tidy(() => {
    const x = asQuotientPart(a, b), y = asQuotientPart(b, a);
    return isFloat(x.dtype) || isFloat(y.dtype) ? quotientOf(x, y) : floorDiv(x, y);
  });
}
function asQuotientPart(x: Operand, other: Operand): Tensor {
  if (typeof x !== "number" || !(other instanceof Tensor)) return toTensor(x);
  return scalarBeside(x, other, isFloat(other.dtype) ? other.dtype : "float32");
}

/** `floor(a / b)`, broadcasting; integers divided by 0 give 0. */
export const floorDiv: (a: Operand, b: Operand) => Tensor = binary("floorDiv", { grad: "zero" });

/** The larger of a and b, broadcasting; NaN spreads. Where they are equal, the gradient goes to a. */
export const maximum: (a: Operand, b: Operand) => Tensor = binary("maximum", {
  saves: ["a", "b"],
  grad: ({ dy, a, b }) => ({
    a: () => where(greaterEqual(a, b), dy, 0),
    b: () => where(greaterEqual(a, b), 0, dy),
  }),
});

/** The smaller of a and b, broadcasting; NaN spreads. Where they are equal, the gradient goes to a. */
export const minimum: (a: Operand, b: Operand) => Tensor = binary("minimum", {
  saves: ["a", "b"],
  grad: ({ dy, a, b }) => ({
    a: () => where(greaterEqual(b, a), dy, 0),
    b: () => where(greaterEqual(b, a), 0, dy),
  }),
});

/** `(a - b)^2`, broadcasting. */
export const squaredDifference: (a: Operand, b: Operand) => Tensor = binary("squaredDifference", {
  saves: ["a", "b"],
  grad: ({ dy, a, b }) => ({
    a: () => mul(mul(dy, 2), sub(a, b)),
    b: () => mul(mul(dy, 2), sub(b, a)),
  }),
});

/** The sum of tensors of one shape. */
export function addN(tensors: readonly Operand[]): Tensor {
  if (tensors.length === 0) throw new DinogradError("addN wants at least one tensor, got none");
  return tidy(() => {
    const [first, ...rest] = tensors.map((x) => toTensor(x));
    for (const x of rest) {
      if (!sameShape(x.shape, first.shape)) {
        throw new DinogradError(
          `addN wants tensors of one shape, got ${showShape(first.shape)} and ${
            showShape(x.shape)
          }`,
        );
      }
    }
    return rest.length ? rest.reduce((a, b) => add(a, b), first) : clone(first);
  });
}

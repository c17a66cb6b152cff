// How are values compared, tested and chosen between?

import { promote } from "../dtype.ts";
import { op } from "../op.ts";
import { broadcastShapes, padRank } from "../shape.ts";
import { makeTensor, type Tensor } from "../tensor.ts";
import { sumTo } from "./broadcast.ts";
import { asType } from "./cast.ts";
import { binary, unary } from "./define.ts";
import { composite, type Operand, toTensors } from "./operand.ts";

/** Whether a = b (bool), broadcasting; NaN equals nothing. */
export const equal: (a: Operand, b: Operand) => Tensor = binary("equal", {
  domain: "any",
  result: "bool",
});
/** Whether a differs from b (bool), broadcasting. */
export const notEqual: (a: Operand, b: Operand) => Tensor = binary("notEqual", {
  domain: "any",
  result: "bool",
});
/** Whether a < b (bool), broadcasting. */
export const less: (a: Operand, b: Operand) => Tensor = binary("less", { result: "bool" });
/** Whether a <= b (bool), broadcasting. */
export const lessEqual: (a: Operand, b: Operand) => Tensor = binary("lessEqual", {
  result: "bool",
});
/** Whether a > b (bool), broadcasting. */
export const greater: (a: Operand, b: Operand) => Tensor = binary("greater", { result: "bool" });
/** Whether a >= b (bool), broadcasting. */
export const greaterEqual: (a: Operand, b: Operand) => Tensor = binary("greaterEqual", {
  result: "bool",
});

/** Whether both are true (bool tensors), broadcasting. */
export const logicalAnd: (a: Operand, b: Operand) => Tensor = binary("logicalAnd", {
  domain: "bool",
});
/** Whether one or both are true (bool tensors), broadcasting. */
export const logicalOr: (a: Operand, b: Operand) => Tensor = binary("logicalOr", {
  domain: "bool",
});
/** Whether exactly one is true (bool tensors), broadcasting. */
export const logicalXor: (a: Operand, b: Operand) => Tensor = binary("logicalXor", {
  domain: "bool",
});
/** The opposite of a bool tensor. */
export const logicalNot: (x: Operand) => Tensor = unary("logicalNot", { domain: "bool" });

/** The bits that both integers have, broadcasting. */
export const bitwiseAnd: (a: Operand, b: Operand) => Tensor = binary("bitwiseAnd", {
  domain: "integer",
});

/** Which values are NaN (bool). */
export const isNaN: (x: Operand) => Tensor = unary("isNaN", { domain: "number", result: "bool" });
/** Which values are Infinity or -Infinity (bool). */
export const isInf: (x: Operand) => Tensor = unary("isInf", { domain: "number", result: "bool" });
/** Which values are neither infinite nor NaN (bool). */
export const isFinite: (x: Operand) => Tensor = unary("isFinite", {
  domain: "number",
  result: "bool",
});

interface Shapes {
  readonly a: number[];
  readonly b: number[];
}

const whereOp: (inputs: { condition: Tensor; a: Tensor; b: Tensor }, attrs: Shapes) => Tensor = op<
  { condition: Tensor; a: Tensor; b: Tensor },
  Shapes,
  "condition"
>({
  name: "where",
  check: ({ condition, a, b }) => ({
    shape: broadcastShapes(
      condition.shape,
      broadcastShapes(a.shape, b.shape, "choose between"),
      "choose by",
    ),
    dtype: a.dtype,
  }),
  forward: ({ condition, a, b }, _, { shape, dtype }, device) => {
    const { native } = device;
    const y = makeTensor(shape, dtype, device);
    const operands = [condition, a, b];
    let rank = 0;
    if (!operands.every((x) => x.size === y.size || x.size === 1)) {
      rank = y.rank;
      native.list(...operands.map((x) => padRank(x.shape, rank)));
    }
    native.check(
      native.calls.dg_where(condition.handle, a.handle, b.handle, y.handle, rank),
    );
    return y;
  },
  saves: ["condition"],
  grad: ({ dy, condition }, { a, b }) => ({
    a: () => sumTo(where(condition, dy, 0), a),
    b: () => sumTo(where(condition, 0, dy), b),
  }),
});

/**
 * a where the condition (bool) is true, else b; all three broadcast.
 *
 * ```ts
 * import * as dg from "../../mod.ts";
 * import assert from "node:assert";
 *
 * const x = dg.tensor([-1, 2, -3]);
 * assert.deepEqual(dg.where(x.less(0), 0, x).arraySync(), [0, 2, 0]);
 * ```
 */
export function where(condition: Operand, a: Operand, b: Operand): Tensor {
  return composite(condition, (given) => {
    const c = asType(given, "bool");
    const [x, y] = toTensors(a, b);
    const type = promote(x.dtype, y.dtype);
    return whereOp({ condition: c, a: asType(x, type), b: asType(y, type) }, {
      a: x.shape,
      b: y.shape,
    });
  });
}

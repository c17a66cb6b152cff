// What are the running sums and products along an axis?

import { op } from "../op.ts";
import { tidy } from "../scope.ts";
import { normalizeAxis, sizeOf } from "../shape.ts";
import { makeTensor, type Tensor } from "../tensor.ts";
import { asSummand } from "./broadcast.ts";
import { asType } from "./cast.ts";
import { div, mul } from "./elementwise.ts";
import { equal, logicalAnd, where } from "./logical.ts";
import { type Operand, toTensor } from "./operand.ts";

interface ScanAttrs {
  readonly axis: number;
  readonly exclusive: boolean;
  readonly reverse: boolean;
}

function runScan(name: string, x: Tensor, attrs: ScanAttrs): Tensor {
  const { native } = x.device;
  const { axis } = attrs;
  const y = makeTensor(x.shape, x.dtype, x.device);
  native.check(native.calls.dg_scan(
    native.id("scan", name),
    x.handle,
    y.handle,
    sizeOf(x.shape.slice(0, axis)),
    x.shape[axis],
    sizeOf(x.shape.slice(axis + 1)),
    attrs.exclusive ? 1 : 0,
    attrs.reverse ? 1 : 0,
  ));
  return y;
}

const sumScan: (inputs: { x: Tensor }, attrs: ScanAttrs) => Tensor = op({
  name: "cumsum",
  check: ({ x }) => ({ shape: x.shape, dtype: x.dtype }),
  forward: ({ x }, attrs) => runScan("cumsum", x, attrs),
  grad: ({ dy }, attrs) => ({ x: () => backwards(dy, attrs) }),
});
const backwards = (x: Tensor, attrs: ScanAttrs) =>
  sumScan({ x }, { ...attrs, reverse: !attrs.reverse });

const prodScan: (inputs: { x: Tensor }, attrs: ScanAttrs) => Tensor = op<
  { x: Tensor },
  ScanAttrs,
  "x" | "y"
>({
  name: "cumprod",
  check: ({ x }) => ({ shape: x.shape, dtype: x.dtype }),
  forward: ({ x }, attrs) => runScan("cumprod", x, attrs),
  saves: ["x", "y"],
  grad: ({ dy, x, y }, attrs) => ({
    x: () => {
      // Element j is a factor of y_j, y_(j+1), ...: dx_j = sum of dy_i y_i / x_j over those. From the first zero on all y are 0; for
      // that zero itself the y are those of the sequence with a 1 in its place, and behind it there is nothing to gain.
      const zero = equal(x, 0);
      const before = sumScan({ x: asType(zero, "int32") }, { ...attrs, exclusive: true });
      const none = equal(before, 0), first = logicalAnd(zero, none);
      const filled = prodScan({ x: where(first, 1, x) }, attrs);
      const regular = div(backwards(mul(dy, y), attrs), where(zero, 1, x));
      return where(none, where(first, backwards(mul(dy, filled), attrs), regular), 0);
    },
  }),
});

const scan = (name: string, run: typeof sumScan) =>
(
  given: Operand,
  axis: number,
  exclusive: boolean,
  reverse: boolean,
): Tensor =>
  tidy(() => {
    const x = asSummand(toTensor(given));
    return run({ x }, { axis: normalizeAxis(axis, x.rank, name), exclusive, reverse });
  });
const runningSum = scan("cumsum", sumScan), runningProduct = scan("cumprod", prodScan);

/**
 * Running sums along an axis. `exclusive` leaves each element's own value out; `reverse` runs from the end.
 *
 * ```ts
 * import * as dg from "../../mod.ts";
 * import assert from "node:assert";
 *
 * assert.deepEqual(dg.cumsum([1, 2, 3]).arraySync(), [1, 3, 6]);
 * ```
 */
export function cumsum(x: Operand, axis = 0, exclusive = false, reverse = false): Tensor {
  return runningSum(x, axis, exclusive, reverse);
}

/** Running products along an axis. `exclusive` leaves each element's own value out; `reverse` runs from the end. */
export function cumprod(x: Operand, axis = 0, exclusive = false, reverse = false): Tensor {
  return runningProduct(x, axis, exclusive, reverse);
}

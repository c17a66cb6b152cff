// Which operations only look at the same values in another shape? They share their operand's buffer.

import { DinogradError } from "../errors.ts";
import { op } from "../op.ts";
import { inferShape, normalizeAxes, normalizeAxis, sameShape, showShape } from "../shape.ts";
import { shareTensor, type Tensor } from "../tensor.ts";
import { type Operand, use } from "./operand.ts";

type Reshape = (inputs: { x: Tensor }, attrs: { from: number[]; to: number[] }) => Tensor;

const reshapeOp: Reshape = op({
  name: "reshape",
  check: ({ x }, { to }) => ({ shape: to, dtype: x.dtype }),
  forward: ({ x }, { to }) => shareTensor(x, to),
  grad: ({ dy }, { from, to }) => ({ x: () => reshapeOp({ x: dy }, { from: to, to: from }) }),
});

/**
 * The same values in another shape of the same size; one dimension may be -1 and is inferred.
 *
 * ```ts
 * import * as dg from "../../mod.ts";
 * import assert from "node:assert";
 *
 * assert.deepEqual(dg.reshape([1, 2, 3, 4], [2, -1]).arraySync(), [[1, 2], [3, 4]]);
 * ```
 */
export function reshape(x: Operand, shape: readonly number[]): Tensor {
  return use(x, (t) => reshapeOp({ x: t }, { from: t.shape, to: inferShape(t.shape, shape) }));
}

/** A new dimension of size 1 at `axis` (-1: last). */
export function expandDims(x: Operand, axis = 0): Tensor {
  return use(x, (t) => {
    const at = normalizeAxis(axis, t.rank + 1, "expandDims");
    return reshape(t, [...t.shape.slice(0, at), 1, ...t.shape.slice(at)]);
  });
}

/** Without its dimensions of size 1, or without those of `axes`, which must be 1. */
export function squeeze(x: Operand, axes?: number | readonly number[]): Tensor {
  return use(x, (t) => {
    const gone = axes === undefined || (Array.isArray(axes) && axes.length === 0)
      ? t.shape.flatMap((d, i) => d === 1 ? [i] : [])
      : normalizeAxes(axes, t.rank, "squeeze");
    const wrong = gone.find((i) => t.shape[i] !== 1 && !Number.isNaN(t.shape[i]));
    if (wrong !== undefined) {
      throw new DinogradError(
        `Cannot squeeze axis ${wrong} of ${showShape(t.shape)}: its size must be 1`,
      );
    }
    return reshape(t, t.shape.filter((_, i) => !gone.includes(i)));
  });
}

/** All values in one dimension. */
export function flatten(x: Operand): Tensor {
  return use(x, (t) => reshape(t, [t.size]));
}

/** Another tensor over the same values. */
export function clone(x: Operand): Tensor {
  return use(x, (t) => reshapeOp({ x: t }, { from: t.shape, to: t.shape }));
}

/** The tensor, after checking its shape; null stands for any size. */
export function ensureShape(x: Operand, shape: readonly (number | null)[]): Tensor {
  return use(x, (t) => {
    if (!sameShape(t.shape, shape.map((d) => d ?? NaN))) {
      throw new DinogradError(
        `ensureShape wanted ${showShape(shape)}, got a tensor of shape ${showShape(t.shape)}`,
      );
    }
    return clone(t);
  });
}

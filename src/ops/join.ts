// How are tensors put together and taken apart? concat, stack, tile, mirrorPad; split and unstack.

import { promote } from "../dtype.ts";
import { DinogradError } from "../errors.ts";
import { type Inputs, op } from "../op.ts";
import { tidy } from "../scope.ts";
import { normalizeAxis, sameDim, showShape, sizeOf, stridesOf } from "../shape.ts";
import { makeTensor, type Tensor } from "../tensor.ts";
import { stretch } from "./broadcast.ts";
import { asType } from "./cast.ts";
import { checkPaddings, reverse, slice } from "./movement.ts";
import { type Operand, toTensor, use } from "./operand.ts";
import { clone, expandDims, reshape, squeeze } from "./reshape.ts";
import { copyStrided } from "./strided.ts";

function sliceAlong(x: Tensor, axis: number, begin: number, size: number): Tensor {
  const from = x.shape.map((_, i) => i === axis ? begin : 0);
  return slice(x, from, x.shape.map((d, i) => i === axis ? size : d));
}

interface ConcatAttrs {
  readonly axis: number;
  readonly sizes: readonly number[];
}

const concatOp = op<Inputs, ConcatAttrs>({
  name: "concat",
  check: ({ x0 }, { axis, sizes }) => ({
    shape: x0.shape.map((d, i) => i === axis ? sizes.reduce((a, b) => a + b, 0) : d),
    dtype: x0.dtype,
  }),
  forward: (inputs, { axis }, { shape, dtype }, device) => {
    const y = makeTensor(shape, dtype, device);
    const strides = stridesOf(shape);
    let offset = 0;
    for (const x of Object.values(inputs)) {
      copyStrided(x, { offset: 0, strides: stridesOf(x.shape) }, y, { offset, strides }, x.shape);
      offset += x.shape[axis] * strides[axis];
    }
    return y;
  },
  grad: ({ dy }, { axis, sizes }) => {
    let begin = 0;
    return Object.fromEntries(sizes.map((size, i) => {
      const at = begin;
      begin += size;
      return [`x${i}`, () => sliceAlong(dy, axis, at, size)];
    }));
  },
});

/**
 * The tensors one after another along `axis`; their other dimensions must agree. The types are promoted to the widest.
 *
 * ```ts
 * import * as dg from "../../mod.ts";
 * import assert from "node:assert";
 *
 * const wide = dg.concat([[[1], [2]], [[3], [4]]], 1);
 * assert.deepEqual(wide.arraySync(), [[1, 3], [2, 4]]);
 * ```
 */
export function concat(tensors: readonly Operand[], axis = 0): Tensor {
  if (tensors.length === 0) throw new DinogradError("concat wants at least one tensor, got none");
  return tidy(() => {
    const given = tensors.map((x) => toTensor(x));
    const [first] = given;
    const at = normalizeAxis(axis, first.rank, "concat");
    for (const x of given) {
      if (
        x.rank !== first.rank || !x.shape.every((d, i) => i === at || sameDim(d, first.shape[i]))
      ) {
        throw new DinogradError(
          `Cannot concat ${
            given.map((t) => showShape(t.shape)).join(", ")
          } along axis ${at}: the other dimensions must agree`,
        );
      }
    }
    const dtype = given.map((x) => x.dtype).reduce(promote);
    const xs = given.map((x) => asType(x, dtype));
    if (xs.length === 1) return clone(xs[0]);
    return concatOp(
      Object.fromEntries(xs.map((x, i) => [`x${i}`, x])),
      { axis: at, sizes: xs.map((x) => x.shape[at]) },
    );
  });
}

/** The tensors, all of one shape, along a new dimension at `axis`. */
export function stack(tensors: readonly Operand[], axis = 0): Tensor {
  return tidy(() => concat(tensors.map((x) => expandDims(x, axis)), axis));
}

/**
 * The parts of x along `axis`: equally many of each (`parts` a number, which must divide the size), or of the sizes given (one -1).
 *
 * ```ts
 * import * as dg from "../../mod.ts";
 * import assert from "node:assert";
 *
 * const [a, b] = dg.split([1, 2, 3, 4, 5], [2, -1]);
 * assert.deepEqual([a.arraySync(), b.arraySync()], [[1, 2], [3, 4, 5]]);
 * ```
 */
export function split(x: Operand, parts: number | readonly number[], axis = 0): Tensor[] {
  return use(x, (t) => {
    const at = normalizeAxis(axis, t.rank, "split");
    const d = t.shape[at];
    const sizes = typeof parts === "number"
      ? Array.from({ length: parts }, () => d / parts)
      : [...parts];
    const hole = sizes.indexOf(-1);
    if (hole >= 0) sizes[hole] = d - sizes.reduce((a, b) => a + b, 1);
    if (
      !sizes.every((s) => Number.isInteger(s) && s >= 0) ||
      sizes.reduce((a, b) => a + b, 0) !== d
    ) {
      throw new DinogradError(
        `Cannot split axis ${at} of ${showShape(t.shape)} into ${
          typeof parts === "number" ? `${parts} equal parts` : `parts of sizes [${parts}]`
        }`,
      );
    }
    let begin = 0;
    return sizes.map((size) => {
      const part = sliceAlong(t, at, begin, size);
      begin += size;
      return part;
    });
  });
}

/** The slices of x along `axis`, without that dimension. */
export function unstack(x: Operand, axis = 0): Tensor[] {
  return tidy(() => {
    const t = toTensor(x);
    const at = normalizeAxis(axis, t.rank, "unstack");
    return split(t, t.shape[at], at).map((part) => squeeze(part, [at]));
  });
}

/** x repeated `reps[i]` times along each dimension i. */
export function tile(x: Operand, reps: readonly number[]): Tensor {
  return tidy(() => {
    let t = toTensor(x);
    if (reps.length !== t.rank || reps.some((r) => !Number.isInteger(r) || r < 0)) {
      throw new DinogradError(
        `tile of ${showShape(t.shape)} wants ${t.rank} numbers of at least 0, got [${reps}]`,
      );
    }
    reps.forEach((times, i) => {
      if (times === 1) return;
      const { shape } = t;
      const outer = sizeOf(shape.slice(0, i)), inner = sizeOf(shape.slice(i));
      const repeated = stretch(reshape(t, [outer, 1, inner]), [outer, times, inner]);
      t = reshape(repeated, shape.map((d, j) => j === i ? d * times : d));
    });
    return clone(t);
  });
}

/**
 * x with its own values mirrored beyond its edges, `paddings[i]` = [before, after] of them along dimension i. `symmetric` repeats
 * the edge itself, `reflect` does not.
 */
export function mirrorPad(
  x: Operand,
  paddings: readonly (readonly [number, number])[],
  mode: "reflect" | "symmetric",
): Tensor {
  return tidy(() => {
    let t = toTensor(x);
    checkPaddings(t, paddings, "mirrorPad");
    if (mode !== "reflect" && mode !== "symmetric") {
      throw new DinogradError(`mirrorPad wants the mode "reflect" or "symmetric", got "${mode}"`);
    }
    const skip = mode === "reflect" ? 1 : 0;
    paddings.forEach(([before, after], i) => {
      const d = t.shape[i];
      if (before > d - skip || after > d - skip) {
        throw new DinogradError(
          `mirrorPad (${mode}) of dimension ${d} can add at most ${
            d - skip
          } on a side, got [${before},${after}]`,
        );
      }
      const parts = [t];
      if (before) parts.unshift(reverse(sliceAlong(t, i, skip, before), i));
      if (after) parts.push(reverse(sliceAlong(t, i, d - skip - after, after), i));
      t = concat(parts, i);
    });
    return clone(t);
  });
}

// How are values normalised by statistics that are given (batchNorm), or by those of neighbouring channels
// (localResponseNormalization)?

import { isFloat, promote } from "../dtype.ts";
import { DinogradError } from "../errors.ts";
import { op } from "../op.ts";
import { sameShape, showShape, sizeOf } from "../shape.ts";
import type { Tensor } from "../tensor.ts";
import { sum } from "./broadcast.ts";
import { asType } from "./cast.ts";
import { conv1d } from "./conv.ts";
import { ones } from "./creation.ts";
import { add, mul, neg, sub } from "./elementwise.ts";
import { rsqrt, square } from "./math.ts";
import { type Affine, type Attrs, present, runNormalize } from "./normalize.ts";
import { composite, type Operand, toTensor } from "./operand.ts";
import { pow } from "./power.ts";
import { reshape } from "./reshape.ts";

const scaleOp = op<Record<string, Tensor>, Attrs, string>({
  name: "batchNorm",
  check: ({ x }) => ({ shape: x.shape, dtype: x.dtype }),
  forward: (inputs, attrs) => runNormalize(inputs as { x: Tensor; variance: Tensor }, attrs, false),
  saves: ["x", "scale", "mean", "variance"],
  grad: ({ dy, x, scale, mean, variance }, { sizes: [, rows, channels], epsilon }) => {
    const wide = (t: Tensor) => reshape(asType(t, "float32"), [rows, channels]);
    const inverse = () => rsqrt(add(variance, epsilon));
    const factor = () => scale ? mul(inverse(), scale) : inverse();
    const weighted = () => sum(mul(wide(dy), sub(wide(x), mean)), 0);
    return {
      x: () => asType(mul(asType(dy, "float32"), factor()), x.dtype),
      mean: () => neg(mul(sum(wide(dy), 0), factor())),
      variance: () => mul(weighted(), mul(mul(factor(), square(inverse())), -0.5)),
      scale: () => mul(weighted(), inverse()),
      offset: () => sum(wide(dy), 0),
    };
  },
});

/** Floats x by float32 statistics of each channel, the last dimension. */
export function scaleChannels(
  x: Tensor,
  mean: Tensor,
  variance: Tensor,
  { scale, offset }: Affine,
  epsilon: number,
): Tensor {
  const rows = sizeOf(x.shape.slice(0, -1)), channels = x.shape[x.rank - 1];
  const inputs = present({ x, mean, variance, scale, offset });
  return scaleOp(inputs, { sizes: [1, rows, channels, 1], epsilon });
}

/**
 * `(x - mean) / sqrt(variance + varianceEpsilon) * scale + offset`. Statistics, scale and offset are vectors, one number for each entry
 * of the last dimension of x, or of any shape that x's can take.
 *
 * ```ts
 * import * as dg from "../../mod.ts";
 * import assert from "node:assert";
 *
 * const x = dg.tensor([[1, 10], [3, 30]]), { mean, variance } = dg.moments(x, 0);
 * assert.deepEqual(dg.batchNorm(x, mean, variance, null, null, 0).arraySync(), [[-1, -1], [1, 1]]);
 * ```
 */
export function batchNorm(
  x: Operand,
  mean: Operand,
  variance: Operand,
  offset?: Operand | null,
  scale?: Operand | null,
  varianceEpsilon = 0.001,
): Tensor {
  return composite(x, (t) => {
    const given = present({
      mean: toTensor(mean),
      variance: toTensor(variance),
      offset: offset === undefined || offset === null ? null : toTensor(offset),
      scale: scale === undefined || scale === null ? null : toTensor(scale),
    });
    const types = Object.values(given).map((g) => g.dtype);
    const type = types.reduce(promote, isFloat(t.dtype) ? t.dtype : "float32");
    const bring = (g: Tensor | undefined) => g && asType(g, "float32");
    const values = asType(t, type),
      [m, v, o, s] = [given.mean, given.variance, given.offset, given.scale].map(bring);
    const channels = t.shape.slice(-1);
    if (
      t.rank > 0 && Object.values(given).every((g) => sameShape(g.shape, channels))
    ) {
      return scaleChannels(values, m!, v!, { scale: s, offset: o }, varianceEpsilon);
    }
    const inverse = rsqrt(add(v!, varianceEpsilon));
    const y = mul(sub(values, m!), s ? mul(inverse, s) : inverse);
    return asType(o ? add(y, o) : y, type);
  });
}

/** `batchNorm` of one rank. */
export type BatchNorm = typeof batchNorm;

const batchNormOf = (rank: number): BatchNorm => (x, mean, variance, offset, scale, epsilon) =>
  composite(x, (t) => {
    const check = (what: string, given: Operand | null | undefined, ranks: number[]) => {
      if (given === undefined || given === null) return;
      const { shape } = toTensor(given);
      if (ranks.includes(shape.length)) return;
      throw new DinogradError(
        `batchNorm${rank}d wants ${what} of rank ${ranks.join(" or ")}, got ${showShape(shape)}`,
      );
    };
    check("x", t, [rank]);
    const beside = Object.entries({ mean, variance, offset, scale });
    for (const [what, given] of beside) check(what, given, [rank, 1]);
    return batchNorm(t, mean, variance, offset, scale, epsilon);
  });

/** `batchNorm` of rank 2, with statistics of rank 2 or 1. */
export const batchNorm2d: BatchNorm = batchNormOf(2);
/** `batchNorm` of rank 3, with statistics of rank 3 or 1. */
export const batchNorm3d: BatchNorm = batchNormOf(3);
/** `batchNorm` of rank 4, with statistics of rank 4 or 1. */
export const batchNorm4d: BatchNorm = batchNormOf(4);

/**
 * Values held to those of neighbouring channels: `x / (bias + alpha * s)^beta`, where s is the sum of the squares of the channels at most
 * `depthRadius` away. x is [batch, height, width, channels], or without the batch.
 *
 * ```ts
 * import * as dg from "../../mod.ts";
 * import assert from "node:assert";
 *
 * const x = dg.tensor([3, 4], [1, 1, 2]);
 * assert.deepEqual(dg.localResponseNormalization(x, 1, 0, 1, 1).flatten().arraySync(), [3 / 25, 4 / 25].map(Math.fround));
 * ```
 */
export function localResponseNormalization(
  x: Operand,
  depthRadius = 5,
  bias = 1,
  alpha = 1,
  beta = 0.5,
): Tensor {
  return composite(x, (given) => {
    const t = isFloat(given.dtype) ? given : asType(given, "float32");
    if (t.rank !== 3 && t.rank !== 4) {
      throw new DinogradError(
        `localResponseNormalization wants [batch, height, width, channels] or one sample, got ${
          showShape(t.shape)
        }`,
      );
    }
    if (!Number.isInteger(depthRadius) || depthRadius < 0) {
      throw new DinogradError(
        `localResponseNormalization wants depthRadius, a whole number from 0, got ${depthRadius}`,
      );
    }
    const values = asType(t, "float32"), channels = t.shape[t.rank - 1];
    const lines = reshape(square(values), [sizeOf(t.shape.slice(0, -1)), channels, 1]);
    const sums = conv1d(lines, ones([2 * depthRadius + 1, 1, 1]), 1, "same");
    const power = pow(add(mul(reshape(sums, t.shape), alpha), bias), -beta);
    return asType(mul(values, power), t.dtype);
  });
}

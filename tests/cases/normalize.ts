// The op table: what brings values to a common scale.

import {
  batchNorm,
  batchNorm2d,
  batchNorm3d,
  batchNorm4d,
  localResponseNormalization,
} from "../../src/ops/batch_norm.ts";
import { asType } from "../../src/ops/cast.ts";
import { normalizeAlong, normalizeChannels, normalizeGroups } from "../../src/ops/normalize.ts";
import { build, indices, Plain, total, zip } from "../plain.ts";
import type { Tensor } from "../../src/tensor.ts";
import { float, type Row, row } from "./row.ts";

const epsilon = 0.1;
const by = (x: number, m: number, v: number, o: number, s: number) =>
  (x - m) / Math.sqrt(v + 0.01) * s + o;
const statistics = (
  shape: number[],
) => [float(shape), float(shape, 0.5, 2), float(shape), float(shape)];
const loose = { rtol: 1e-5, atol: 1e-5, gtol: 1e-3, roundings: 8 };

/** A list for the channels of x, over all of x. */
const spread = (x: Plain, list: Plain) => build(x.shape, (...at) => list.data[at.at(-1)!]);

/** Values of the same key normalised together. */
function together(x: Plain, key: (at: number[]) => unknown, centred = true): Plain {
  const keys = indices(x.shape).map((at) => String(key(at)));
  const groups = new Map<string, number[]>();
  keys.forEach((k, i) => groups.set(k, [...groups.get(k) ?? [], x.data[i]]));
  const average = (v: readonly number[]) => total(v) / v.length;
  const scales = new Map([...groups].map(([k, v]) => {
    const mean = centred ? average(v) : 0;
    return [k, { mean, deviation: Math.sqrt(average(v.map((a) => (a - mean) ** 2)) + epsilon) }];
  }));
  const values = x.data.map((v, i) => {
    const { mean, deviation } = scales.get(keys[i])!;
    return (v - mean) / deviation;
  });
  return new Plain(x.shape, values);
}
const affine = (z: Plain, scale: Plain, offset: Plain) =>
  zip((a, s, o) => a * s + o, z, scale, offset);

/** Scale and offset are float32 whatever x is. */
const wide = (scale: Tensor, offset?: Tensor) => ({
  epsilon,
  scale: asType(scale, "float32"),
  offset: offset && asType(offset, "float32"),
});

/** Rows of normalizations. */
export const normalizations: Row[] = [
  row(
    "batchNorm",
    (n) => [float([n, 2, 3]), ...statistics([3])],
    (x, m, v, o, s) => batchNorm(x, m, v, o, s, 0.01),
    (x, ...rest) => zip(by, x, ...rest.map((list) => spread(x, list))),
    loose,
  ),
  row(
    "batchNorm of vectors",
    () => [float([3]), float([3]), float([3], 0.5, 2)],
    (x, m, v) => batchNorm(x, m, v, null, null, 0.01),
    (x, m, v) => zip((x, m, v) => by(x, m, v, 0, 1), x, m, v),
    loose,
  ),
  row(
    "batchNorm2d",
    (n) => [float([n, 3]), ...statistics([1, 3])],
    (x, m, v, o, s) => batchNorm2d(x, m, v, o, s, 0.01),
    (x, ...rest) => zip(by, x, ...rest.map((list) => spread(x, list))),
    loose,
  ),
  row(
    "batchNorm3d",
    (n) => [float([2, n, 5]), ...statistics([5])],
    (x, m, v, o, s) => batchNorm3d(x, m, v, o, s, 0.01),
    (x, ...rest) => zip(by, x, ...rest.map((list) => spread(x, list))),
    loose,
  ),
  row(
    "batchNorm4d",
    (n) => [float([n, 2, 1, 17]), float([17]), float([17], 0.5, 2)],
    (x, m, v) => batchNorm4d(x, m, v, null, null, 0.01),
    (x, m, v) => zip((x, m, v) => by(x, m, v, 0, 1), x, spread(x, m), spread(x, v)),
    loose,
  ),
  row(
    "localResponseNormalization",
    (n) => [float([1, 2, n, 4])],
    (x) => localResponseNormalization(x, 1, 2, 0.5, 0.75),
    (x) =>
      build(x.shape, (...at) => {
        const value = (c: number) => x.at(...at.with(3, c));
        const near = [-1, 0, 1].map((d) => at[3] + d).filter((c) => c >= 0 && c < 4);
        return value(at[3]) / (2 + 0.5 * total(near.map((c) => value(c) ** 2))) ** 0.75;
      }),
    loose,
  ),
  row(
    "normalize channels",
    (n) => [float([n, 3, 5]), float([5]), float([5])],
    (x, s, o) => normalizeChannels(x, wide(s, o)).y,
    (x, s, o) => affine(together(x, ([, , c]) => c), spread(x, s), spread(x, o)),
    loose,
  ),
  row(
    "normalize rows",
    (n) => [float([3, n + 1]), float([n + 1]), float([n + 1])],
    (x, s, o) => normalizeAlong(x, [1], wide(s, o)),
    (x, s, o) => affine(together(x, ([r]) => r), spread(x, s), spread(x, o)),
    loose,
  ),
  row(
    "normalize along other dimensions",
    (n) => [float([n + 1, 2, 3, 2])],
    (x) => normalizeAlong(x, [0, 2], { epsilon }),
    (x) => together(x, ([, b, , d]) => [b, d]),
    loose,
  ),
  row(
    "normalize by squares",
    (n) => [float([n, 2, 9]), float([9])],
    (x, s) => normalizeAlong(x, [2], { ...wide(s), centred: false }),
    (x, s) => zip((z, s) => z * s, together(x, ([a, b]) => [a, b], false), spread(x, s)),
    loose,
  ),
  row(
    "normalize groups",
    (n) => [float([2, n, 2, 6]), float([6]), float([6])],
    (x, s, o) => normalizeGroups(x, 3, wide(s, o)),
    (x, s, o) =>
      affine(together(x, ([b, , , c]) => [b, Math.floor(c / 2)]), spread(x, s), spread(x, o)),
    loose,
  ),
  row(
    "normalize groups of one row",
    (n) => [float([n, 6]), float([6]), float([6])],
    (x, s, o) => normalizeGroups(x, 2, wide(s, o)),
    (x, s, o) =>
      affine(together(x, ([b, c]) => [b, Math.floor(c / 3)]), spread(x, s), spread(x, o)),
    loose,
  ),
];

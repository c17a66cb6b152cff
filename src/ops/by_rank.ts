// Which operations does TensorFlow.js also name by the rank of what they take? Each checks the rank and does what its namesake does.

import { DinogradError } from "../errors.ts";
import { showShape } from "../shape.ts";
import type { Tensor } from "../tensor.ts";
import { concat } from "./join.ts";
import { pad, reverse, slice } from "./movement.ts";
import { type Operand, use } from "./operand.ts";

function ranked(name: string, x: Operand, rank: number, fn: (x: Tensor) => Tensor): Tensor {
  return use(x, (t) => {
    if (t.rank === rank) return fn(t);
    throw new DinogradError(`${name} wants a tensor of rank ${rank}, got ${showShape(t.shape)}`);
  });
}

/** Elements added before and after. */
export type Pair = readonly [before: number, after: number];
/** How much of a dimension, or of each. */
export type Extent = number | readonly number[];
/** `pad` of one rank. */
export type Pad = (x: Operand, paddings: readonly Pair[], constantValue?: number) => Tensor;
/** `slice` of one rank. */
export type Slice = (x: Operand, begin: Extent, size?: Extent) => Tensor;
/** `reverse` of one rank. */
export type Reverse = (x: Operand, axis?: Extent) => Tensor;
/** `concat` of one rank. */
export type Concat = (tensors: readonly Operand[], axis?: number) => Tensor;

const padOf = (rank: number): Pad => (x, paddings, value) =>
  ranked(`pad${rank}d`, x, rank, (t) => pad(t, paddings, value));
const sliceOf = (rank: number): Slice => (x, begin, size) =>
  ranked(`slice${rank}d`, x, rank, (t) => slice(t, begin, size));
const reverseOf = (rank: number): Reverse => (x, axis) =>
  ranked(`reverse${rank}d`, x, rank, (t) => reverse(t, axis));
const concatOf = (rank: number): Concat => (tensors, axis) => {
  for (const x of tensors) use(x, (t) => ranked(`concat${rank}d`, t, rank, (y) => y));
  return concat(tensors, axis);
};

/** `pad` of a vector, with one pair. */
export const pad1d = (x: Operand, paddings: Pair, constantValue?: number): Tensor =>
  padOf(1)(x, [paddings], constantValue);
/** `pad` of rank 2. */
export const pad2d: Pad = padOf(2);
/** `pad` of rank 3. */
export const pad3d: Pad = padOf(3);
/** `pad` of rank 4. */
export const pad4d: Pad = padOf(4);

/** `slice` of rank 1. */
export const slice1d: Slice = sliceOf(1);
/** `slice` of rank 2. */
export const slice2d: Slice = sliceOf(2);
/** `slice` of rank 3. */
export const slice3d: Slice = sliceOf(3);
/** `slice` of rank 4. */
export const slice4d: Slice = sliceOf(4);

/** `reverse` of a vector. */
export const reverse1d = (x: Operand): Tensor => reverseOf(1)(x);
/** `reverse` of rank 2. */
export const reverse2d: Reverse = reverseOf(2);
/** `reverse` of rank 3. */
export const reverse3d: Reverse = reverseOf(3);
/** `reverse` of rank 4. */
export const reverse4d: Reverse = reverseOf(4);

/** `concat` of vectors. */
export const concat1d = (tensors: readonly Operand[]): Tensor => concatOf(1)(tensors);
/** `concat` of rank 2. */
export const concat2d: Concat = concatOf(2);
/** `concat` of rank 3. */
export const concat3d: Concat = concatOf(3);
/** `concat` of rank 4. */
export const concat4d: Concat = concatOf(4);

// How are elements copied from places with one spacing to places with another? The native strided copy.

import type { Tensor } from "../tensor.ts";

/** Places in a buffer: the first one, and how far apart neighbours are along each dimension, in elements. */
export interface Places {
  readonly offset: number;
  readonly strides: readonly number[];
}

/** Copies `dims` elements from places in `x` to places in `y`. */
export function copyStrided(
  x: Tensor,
  from: Places,
  y: Tensor,
  to: Places,
  dims: readonly number[],
): void {
  if (dims.includes(0)) return;
  const { native } = x.device;
  native.list(dims, from.strides, to.strides);
  native.check(
    native.calls.dg_strided(x.handle, from.offset, y.handle, to.offset, dims.length),
  );
}

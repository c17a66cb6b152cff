// Which entries of a tensor count? Layers attach masks to what they give (bool, the shape without its last dimensions), and later
// layers, losses and metrics find them there, as in Keras.

import type { Tensor } from "../tensor.ts";

/** A mask for one tensor, one for each of several (null for those without), or none. */
export type Mask = Tensor | (Tensor | null)[] | null;

const masks = new WeakMap<Tensor, Tensor>();

/** The mask that goes with a tensor. */
export function maskOf(x: Tensor): Tensor | null {
  const mask = masks.get(x);
  return mask === undefined || mask.isDisposed ? null : mask;
}

/** Says which entries of `x` count. */
export function setMask(x: Tensor, mask: Tensor): void {
  masks.set(x, x.attach(mask));
}

/** The masks that go with a layer's inputs. */
export function masksOf(inputs: Tensor | Tensor[]): Mask {
  if (!Array.isArray(inputs)) return maskOf(inputs);
  const found = inputs.map(maskOf);
  return found.some((mask) => mask !== null) ? found : null;
}

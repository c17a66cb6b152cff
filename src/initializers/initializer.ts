// What is an initializer? A rule for the values that a weight starts with.

import type { DType } from "../dtype.ts";
import { currentDevice } from "../native/device.ts";
import { newRandomState, type RandomState } from "../ops/random.ts";
import { tidy } from "../scope.ts";
import { Configured } from "../serialization.ts";
import type { Tensor } from "../tensor.ts";

/** The base of all initializers. */
export abstract class Initializer<O extends object = object> extends Configured<O> {
  /** A new tensor of that shape. */
  abstract apply(shape: readonly number[], dtype?: DType): Tensor;
}

/** Option of everything random: the same seed gives the same values each time; null draws new ones. */
export interface Seeded {
  seed: number | null;
}

/** What `fn` draws from a fresh stream: of the seed, or else the next one of the global seed. */
export function draw(seed: number | null, fn: (state: RandomState) => Tensor): Tensor {
  const state = newRandomState(currentDevice(), seed ?? undefined);
  try {
    return tidy(() => fn(state));
  } finally {
    state.dispose();
  }
}

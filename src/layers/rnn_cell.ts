// What is a cell of a recurrent network? One step: from an input and the states before it to an output and the states after it.

import { DinogradError } from "../errors.ts";
import { zeros } from "../ops/creation.ts";
import { Tensor, track } from "../tensor.ts";
import { type CallArgs, Layer } from "./layer.ts";

/** A tensor of zeros, or the description of one where the batch size is not known. */
export function zerosOrDescription(shape: readonly number[], like: Tensor): Tensor {
  return like.isAbstract
    ? track(new Tensor([...shape], like.dtype, null))
    : zeros([...shape], like.dtype);
}

/**
 * The base of cells, which `layers.rnn` walks along sequences. `call` takes `[input, ...states]` and gives `[output, ...states]`.
 *
 * ```ts
 * import * as dg from "../../mod.ts";
 * import assert from "node:assert";
 *
 * class Sum extends dg.RNNCell {
 *   static override className = "Sum";
 *   override get stateSize(): number {
 *     return 3;
 *   }
 *   override call(inputs: dg.Tensor | dg.Tensor[]): dg.Tensor[] {
 *     const [x, total] = inputs as dg.Tensor[], y = x.add(total);
 *     return [y, y];
 *   }
 * }
 * const layer = dg.layers.rnn({ cell: new Sum({}), returnSequences: true });
 * const y = layer.apply(dg.ones([1, 4, 3])) as dg.Tensor;
 * assert.deepEqual(y.arraySync(), [[[1, 1, 1], [2, 2, 2], [3, 3, 3], [4, 4, 4]]]);
 * ```
 */
export abstract class RNNCell extends Layer {
  /** Name in saved models. */
  static override className = "RNNCell";

  /** Size of each state, the batch aside: one number where there is one state. */
  abstract get stateSize(): number | number[];

  /** One step: `[input, ...states]` to `[output, ...states]`. */
  abstract override call(inputs: Tensor | Tensor[], args: CallArgs): Tensor[];

  /** The states before the first step, for inputs `x` of one step: zeros. */
  getInitialState(x: Tensor): Tensor[] {
    return [this.stateSize].flat().map((size) => zerosOrDescription([x.shape[0], size], x));
  }

  /** What `call` is told in each step of a sequence whose inputs are like `x`: masks of dropout, which are the same in all steps. */
  stepArgs(_x: Tensor, { training }: CallArgs): CallArgs {
    return { training };
  }
}

/** A cell's inputs as the input itself and the states. */
export function splitInputs(inputs: Tensor | Tensor[], states: number, name: string): Tensor[] {
  const list = [inputs].flat();
  if (list.length === states + 1) return list;
  throw new DinogradError(
    `Cell "${name}" takes an input and ${states} states, got ${list.length} tensors`,
  );
}

// How does a function become a layer? Lambda calls it; nothing of it can be saved.

import { DinogradError } from "../errors.ts";
import type { Config } from "../serialization.ts";
import type { Tensor } from "../tensor.ts";
import { type CallArgs, Layer, type LayerArgs, type Shape } from "./layer.ts";
import type { Mask } from "./mask.ts";

/** A function of a layer's inputs (a tensor, or a list), with the arguments of the call: `training`, `mask` and those given to the layer. */
// deno-lint-ignore no-explicit-any
export type LambdaFunction = (inputs: any, args: CallArgs) => Tensor | Tensor[];

/** Arguments of `layers.lambda`. */
export interface LambdaArgs extends LayerArgs {
  /** The function. It also runs on descriptions without values, unless outputShape is given. */
  function: LambdaFunction;
  /** Shape of a sample that it gives, or a function that tells the whole shape from the inputs'. */
  outputShape?: Shape | ((inputShape: Shape | Shape[]) => Shape | Shape[]);
  /** The mask that goes with the outputs, or a function of inputs and mask that tells; none when left out. */
  mask?: Tensor | ((inputs: Tensor | Tensor[], mask?: Mask) => Mask);
  /** Further arguments for the function. */
  arguments?: Readonly<Record<string, unknown>>;
}

/** A function as a layer. */
export class Lambda extends Layer {
  static override className = "Lambda";
  readonly #args: LambdaArgs;

  constructor(args: LambdaArgs) {
    if (typeof args?.function !== "function") {
      throw new DinogradError(`lambda needs a function, got ${typeof args?.function}`);
    }
    super(args);
    this.#args = args;
    const { outputShape } = args;
    if (outputShape) {
      this.computeOutputShape = typeof outputShape === "function" ? outputShape : (inputShape) => [
        (Array.isArray(inputShape[0]) ? inputShape[0][0] : inputShape[0]) as number | null,
        ...outputShape,
      ];
    }
  }
  override call(inputs: Tensor | Tensor[], args: CallArgs): Tensor | Tensor[] {
    return this.#args.function(inputs, { ...this.#args.arguments, ...args });
  }
  override computeMask(inputs: Tensor | Tensor[], mask?: Mask): Mask {
    const { mask: own } = this.#args;
    return (typeof own === "function" ? own(inputs, mask) : own) ?? null;
  }
  override getConfig(): Config {
    throw new DinogradError(
      `Layer "${this.name}" is a function, which cannot be saved: make it a class that extends Layer, ` +
        `and register that with serialization.registerClass`,
    );
  }
}

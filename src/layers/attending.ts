// What have all layers of attention in common? What they are called on and with, weights of keys that are dropped at random while
// training, and masks.

import { DinogradError } from "../errors.ts";
import { attend } from "../ops/attention.ts";
import {
  type AttentionAttrs,
  type AttentionInputs,
  composedAttention,
} from "../ops/composed_attention.ts";
import type { RandomState } from "../ops/random.ts";
import { dropout } from "../ops/sampling.ts";
import type { Config } from "../serialization.ts";
import { showShape } from "../shape.ts";
import type { Tensor } from "../tensor.ts";
import { type CallArgs, Layer, type SymbolicTensor } from "./layer.ts";
import type { Mask } from "./mask.ts";
import type { SeededLayerArgs } from "./regularization.ts";

/** Arguments of all layers of attention. */
export interface AttendingLayerArgs extends SeededLayerArgs {
  /** Share of the weights of keys set to zero while training, in [0, 1). */
  dropout?: number;
}

/** What a layer of attention is told besides its inputs. */
export interface AttentionCallArgs extends CallArgs {
  /** Values, where the layer is called on the queries alone. */
  value?: Tensor | SymbolicTensor;
  /** Keys, the values when left out; also as the third of the inputs. */
  key?: Tensor | SymbolicTensor;
  /** Whether query i sees keys 0 to i only. */
  useCausalMask?: boolean;
  /** Whether the weights of keys are given, too: `[result, weights]`. */
  returnAttentionScores?: boolean;
}

/** The base of layers of attention, which are called on `[query, value]` or `[query, value, key]`. */
export abstract class Attending extends Layer {
  readonly #dropout: number;
  readonly #seed: number | undefined;
  #state: RandomState | undefined;

  /** Notes what is dropped. */
  constructor(args: AttendingLayerArgs) {
    super(args);
    this.supportsMasking = true;
    this.#dropout = args.dropout ?? 0;
    this.#seed = args.seed;
    if (!(this.#dropout >= 0 && this.#dropout < 1)) {
      throw new DinogradError(
        `Layer "${this.name}" needs dropout from 0 to below 1, got ${this.#dropout}`,
      );
    }
  }

  /** Makes what weights are dropped by. */
  override build(inputShape: number[] | number[][]): void {
    this.#checkInputs((Array.isArray(inputShape[0]) ? inputShape : [inputShape]) as number[][]);
    if (this.#dropout > 0) this.#state = this.addRandomState(this.#seed);
  }

  // Descriptions of lengths may be unknown; ranks are not.
  #checkInputs(shapes: readonly number[][]): void {
    if ((shapes.length === 2 || shapes.length === 3) && shapes.every((s) => s.length === 3)) return;
    throw new DinogradError(
      `Layer "${this.name}" takes [query, value] or [query, value, key], each [batch, length, features], got ${
        shapes.map(showShape).join(", ")
      }`,
    );
  }

  /** Attends; `value` and `key` may come by name. */
  override apply(inputs: Tensor | Tensor[], args?: AttentionCallArgs): Tensor | Tensor[];
  /** The same for symbolic tensors. */
  override apply(
    inputs: SymbolicTensor | SymbolicTensor[],
    args?: AttentionCallArgs,
  ): SymbolicTensor | SymbolicTensor[];
  override apply(
    inputs: Tensor | Tensor[] | SymbolicTensor | SymbolicTensor[],
    { value, key, ...args }: AttentionCallArgs = {},
  ): Tensor | Tensor[] | SymbolicTensor | SymbolicTensor[] {
    const all = [inputs, value ?? [], key ?? []].flat() as Tensor[];
    return super.apply(all.length === 1 ? all[0] : all, args);
  }

  /** Query, value and key, after checking them. */
  protected parts(inputs: Tensor | Tensor[]): [query: Tensor, value: Tensor, key: Tensor] {
    const list = [inputs].flat();
    this.#checkInputs(list.map((x) => x.shape));
    const [query, value, key = value] = list;
    return [query, value, key];
  }

  /** Which entries of the inputs count, where that is known. */
  protected masks(mask: Mask | undefined): (Tensor | null | undefined)[] {
    return [mask ?? []].flat();
  }

  /** The share of weights that remain while training. */
  protected drop(weights: Tensor, { training }: CallArgs): Tensor {
    const drops = training && this.#dropout > 0 && !weights.isAbstract;
    return drops ? dropout(weights, this.#dropout, undefined, this.#state) : weights;
  }

  /** Results, and the weights of keys where they are wanted; these are written down only then, or where some are dropped. */
  protected attend(
    inputs: AttentionInputs,
    attrs: AttentionAttrs,
    args: AttentionCallArgs,
  ): { y: Tensor; weights?: Tensor } {
    const drops = args.training && this.#dropout > 0;
    if (!drops && !args.returnAttentionScores) return { y: attend(inputs, attrs) };
    return composedAttention(inputs, attrs, (weights) => this.drop(weights, args));
  }

  /** The queries' mask. */
  override computeMask(_inputs: Tensor | Tensor[], mask?: Mask): Mask {
    return this.masks(mask)[0] ?? null;
  }
  /** What makes this layer again, with Keras's keys. */
  override getConfig(): Config {
    return { ...super.getConfig(), dropout: this.#dropout, seed: this.#seed ?? null };
  }
}

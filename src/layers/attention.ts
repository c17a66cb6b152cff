// How do sequences attend to others without weights of their own? Attention scores keys by products, AdditiveAttention by sums.

import { DinogradError } from "../errors.ts";
import { tanh } from "../ops/activations.ts";
import { checkAttention } from "../ops/attention.ts";
import { sum } from "../ops/broadcast.ts";
import { asType } from "../ops/cast.ts";
import { type AttentionInputs, weightsOf } from "../ops/composed_attention.ts";
import { add, mul } from "../ops/elementwise.ts";
import { matMul } from "../ops/matmul.ts";
import { expandDims, reshape } from "../ops/reshape.ts";
import { tidy } from "../scope.ts";
import type { Config } from "../serialization.ts";
import { registerClass } from "../serialization/registry.ts";
import type { Tensor } from "../tensor.ts";
import { Attending, type AttendingLayerArgs, type AttentionCallArgs } from "./attending.ts";
import type { Weight } from "./weight.ts";

/** How `layers.attention` scores a key for a query. */
export type ScoreMode = "dot" | "concat";

/** Arguments of `layers.attention`. */
export interface AttentionLayerArgs extends AttendingLayerArgs {
  /** Whether scores have a factor that is learned. */
  useScale?: boolean;
  /** "dot" (when left out): by the product of query and key; "concat": by a factor times the sum of tanh(query + key). */
  scoreMode?: ScoreMode;
}

// A matrix of features for each sample as one head, and back.
function oneHead(x: Tensor): Tensor {
  const [batch, length, size] = x.shape;
  return reshape(x, [batch, length, 1, size]);
}
function ofHead(x: Tensor): Tensor {
  const [batch, length, , size] = x.shape;
  return reshape(x, [batch, length, size]);
}

/** The base of layers whose queries, values and keys [batch, length, features] attend as they are. */
abstract class Direct extends Attending {
  /** Results, and the weights of keys where they are wanted. */
  protected abstract gather(
    inputs: AttentionInputs,
    args: AttentionCallArgs,
  ): { y: Tensor; weights?: Tensor };

  override call(inputs: Tensor | Tensor[], args: AttentionCallArgs): Tensor | Tensor[] {
    const [query, value, key] = this.parts(inputs);
    return tidy(() => {
      const [queryMask, valueMask] = this.masks(args.mask);
      const mask = valueMask
        ? reshape(valueMask, [valueMask.shape[0], 1, 1, valueMask.shape[1]])
        : undefined;
      const checked = checkAttention(
        `Layer "${this.name}"`,
        [query, key, value].map(oneHead),
        mask,
      );
      const { y, weights } = this.gather(checked, args);
      const result = ofHead(y);
      const shown = queryMask
        ? mul(result, asType(expandDims(queryMask, -1), result.dtype))
        : result;
      if (!args.returnAttentionScores) return shown;
      const [batch, , queries, keys] = weights!.shape;
      return [shown, reshape(weights!, [batch, queries, keys])];
    });
  }

  /** Values by the weights that come of what `score` makes of query + key: [batch, queries, keys, features] without the last. */
  protected gatherBySums(
    { q, k, v, mask }: AttentionInputs,
    args: AttentionCallArgs,
    score: (sums: Tensor) => Tensor,
  ): { y: Tensor; weights: Tensor } {
    const [batch, queries, , size] = q.shape, keys = k.shape[1];
    const pairs = add(reshape(q, [batch, queries, 1, size]), reshape(k, [batch, 1, keys, size]));
    const scores = reshape(score(pairs), [batch, 1, queries, keys]);
    const weights = weightsOf(scores, mask, args.useCausalMask ?? false);
    const dropped = reshape(this.drop(weights, args), [batch, queries, keys]);
    return { y: oneHead(matMul(dropped, ofHead(v))), weights };
  }
}

/** Dot-product attention of [query, value] or [query, value, key], [batch, length, features] each. */
export class Attention extends Direct {
  static override className = "Attention";
  readonly #useScale: boolean;
  readonly #scoreMode: ScoreMode;
  #scale: Weight | undefined;
  #concatWeight: Weight | undefined;

  constructor(args: AttentionLayerArgs = {}) {
    super(args);
    this.#useScale = args.useScale ?? false;
    this.#scoreMode = args.scoreMode ?? "dot";
    if (this.#scoreMode !== "dot" && this.#scoreMode !== "concat") {
      throw new DinogradError(
        `attention needs scoreMode "dot" or "concat", got ${JSON.stringify(this.#scoreMode)}`,
      );
    }
  }
  override build(inputShape: number[] | number[][]): void {
    super.build(inputShape);
    const factor = (name: string) => this.addWeight(name, [], this.dtype, "ones");
    if (this.#useScale) this.#scale = factor("scale");
    if (this.#scoreMode === "concat") this.#concatWeight = factor("concat_score_weight");
  }
  protected override gather(inputs: AttentionInputs, args: AttentionCallArgs) {
    const scaled = (x: Tensor) => this.#scale ? mul(x, this.#scale.read()) : x;
    if (this.#scoreMode === "concat") {
      const score = (pairs: Tensor) =>
        mul(sum(tanh(scaled(pairs)), -1), this.#concatWeight!.read());
      return this.gatherBySums(inputs, args, score);
    }
    const attrs = { scale: 1, causal: args.useCausalMask ?? false };
    return this.attend({ ...inputs, q: scaled(inputs.q) }, attrs, args);
  }
  override getConfig(): Config {
    return { ...super.getConfig(), use_scale: this.#useScale, score_mode: this.#scoreMode };
  }
}
registerClass(Attention);

/** Arguments of `layers.additiveAttention`. */
export interface AdditiveAttentionLayerArgs extends AttendingLayerArgs {
  /** Whether the features have factors that are learned, true when left out. */
  useScale?: boolean;
}

/** Attention by sums, of [query, value] or [query, value, key], [batch, length, features] each. */
export class AdditiveAttention extends Direct {
  static override className = "AdditiveAttention";
  readonly #useScale: boolean;
  #scale: Weight | undefined;

  constructor(args: AdditiveAttentionLayerArgs = {}) {
    super(args);
    this.#useScale = args.useScale ?? true;
  }
  override build(inputShape: number[] | number[][]): void {
    super.build(inputShape);
    const [, , size] = inputShape[0] as number[];
    if (this.#useScale) this.#scale = this.addWeight("scale", [size], this.dtype, "glorotUniform");
  }
  protected override gather(inputs: AttentionInputs, args: AttentionCallArgs) {
    const scaled = (x: Tensor) => this.#scale ? mul(x, this.#scale.read()) : x;
    return this.gatherBySums(inputs, args, (pairs) => sum(scaled(tanh(pairs)), -1));
  }
  override getConfig(): Config {
    return { ...super.getConfig(), use_scale: this.#useScale };
  }
}
registerClass(AdditiveAttention);

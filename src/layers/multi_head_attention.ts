// How do sequences attend to others in several ways at once? Heads: each with queries, keys and values of its own, which are learned
// products of the inputs; what they gather is brought back to the size of an input.

import type { ConstraintIdentifier } from "../constraints.ts";
import { DinogradError } from "../errors.ts";
import type { InitializerIdentifier } from "../initializers.ts";
import { checkAttention } from "../ops/attention.ts";
import { asType } from "../ops/cast.ts";
import { logicalAnd } from "../ops/logical.ts";
import { fusedMatMul } from "../ops/matmul.ts";
import { reshape } from "../ops/reshape.ts";
import type { RegularizerIdentifier } from "../regularizers.ts";
import { tidy } from "../scope.ts";
import type { Config } from "../serialization.ts";
import { registerClass } from "../serialization/registry.ts";
import { sameDim, showShape, sizeOf } from "../shape.ts";
import type { Tensor } from "../tensor.ts";
import { Attending, type AttendingLayerArgs, type AttentionCallArgs } from "./attending.ts";
import type { SymbolicTensor } from "./layer.ts";
import type { Weight } from "./weight.ts";
import { WeightOptions } from "./weight_options.ts";
import { countOf } from "./windowed.ts";

/** Arguments of all layers with heads. */
export interface HeadsLayerArgs extends AttendingLayerArgs {
  /** Whether products have biases, true when left out. */
  useBias?: boolean;
  kernelInitializer?: InitializerIdentifier;
  biasInitializer?: InitializerIdentifier;
  kernelRegularizer?: RegularizerIdentifier;
  biasRegularizer?: RegularizerIdentifier;
  kernelConstraint?: ConstraintIdentifier;
  biasConstraint?: ConstraintIdentifier;
}

/** What a layer with heads is told besides its inputs. */
export interface HeadsCallArgs extends AttentionCallArgs {
  /** Which keys count for which queries: [batch, queries, keys], for each head [batch, heads, queries, keys], or [queries, keys]. */
  attentionMask?: Tensor | SymbolicTensor;
}

interface Sizes {
  readonly heads: number;
  readonly keyHeads: number;
  readonly size: number;
  readonly valueSize: number;
}

interface Projection {
  readonly kernel: Weight;
  readonly bias: Weight | undefined;
}

// [..., inputs] by a kernel of [inputs, outputs], of any shapes with so many elements, as [..., ...outputs].
function project(x: Tensor, { kernel, bias }: Projection, outputs: readonly number[]): Tensor {
  const lead = x.shape.slice(0, 2), n = sizeOf(outputs), inputs = sizeOf(x.shape.slice(2));
  const y = fusedMatMul({
    a: reshape(x, [sizeOf(lead), inputs]),
    b: reshape(kernel.read(), [inputs, n]),
    bias: bias && reshape(bias.read(), [n]),
  });
  return reshape(y, [...lead, ...outputs]);
}

/** The base of layers with heads: [query, value] or [query, value, key], [batch, length, features] each. */
abstract class Heads extends Attending {
  readonly #sizes: Sizes;
  readonly #useBias: boolean;
  readonly #options: { kernel: WeightOptions; bias: WeightOptions };
  #parts!: Record<"query" | "key" | "value" | "output", Projection>;
  #outputs!: number[];

  constructor(args: HeadsLayerArgs, sizes: Sizes) {
    super(args);
    this.#sizes = sizes;
    this.#useBias = args.useBias ?? true;
    this.#options = {
      kernel: new WeightOptions("kernel", args, "glorotUniform"),
      bias: new WeightOptions("bias", args, "zeros"),
    };
  }

  /** Shape of the result's features, for queries with so many. */
  protected abstract outputSizes(features: number): number[];

  override build(inputShape: number[] | number[][]): void {
    super.build(inputShape);
    const [query, value, key = value] = (inputShape as number[][]).map((s) => s[2]);
    const { heads, keyHeads, size, valueSize } = this.#sizes;
    this.#outputs = this.outputSizes(query);
    this.#parts = {
      query: this.#projection("query", [query, heads, size], 1),
      key: this.#projection("key", [key, keyHeads, size], 1),
      value: this.#projection("value", [value, keyHeads, valueSize], 1),
      output: this.#projection("attention_output", [heads, valueSize, ...this.#outputs], 2),
    };
  }
  // A kernel whose first dimensions are those of the input.
  #projection(name: string, shape: number[], inputs: number): Projection {
    const add = (what: "kernel" | "bias", of: number[]) => {
      const { initializer, regularizer, constraint } = this.#options[what];
      return this.addWeight(
        `${name}/${what}`,
        of,
        this.dtype,
        initializer,
        regularizer,
        true,
        constraint,
      );
    };
    return {
      kernel: add("kernel", shape),
      bias: this.#useBias ? add("bias", shape.slice(inputs)) : undefined,
    };
  }

  override call(inputs: Tensor | Tensor[], args: HeadsCallArgs): Tensor | Tensor[] {
    const [query, value, key] = this.parts(inputs),
      { heads, keyHeads, size, valueSize } = this.#sizes;
    const parts = this.#parts;
    for (
      const [x, { kernel }] of [[query, parts.query], [value, parts.value], [
        key,
        parts.key,
      ]] as const
    ) {
      if (sameDim(x.shape[2], kernel.shape[0])) continue;
      throw new DinogradError(
        `"${kernel.name}" was built for inputs of last size ${kernel.shape[0]}, got ${
          showShape(x.shape)
        }`,
      );
    }
    return tidy(() => {
      const operands = [
        project(query, parts.query, [heads, size]),
        project(key, parts.key, [keyHeads, size]),
        project(value, parts.value, [keyHeads, valueSize]),
      ];
      const checked = checkAttention(`Layer "${this.name}"`, operands, this.#mask(args));
      const attrs = { scale: 1 / Math.sqrt(size), causal: args.useCausalMask ?? false };
      const { y, weights } = this.attend(checked, attrs, args);
      const result = project(y, parts.output, this.#outputs);
      return args.returnAttentionScores ? [result, weights!] : result;
    });
  }

  // What the masks of the inputs and the one given leave of the keys, for [batch, heads, queries, keys].
  #mask({ mask, attentionMask }: HeadsCallArgs): Tensor | undefined {
    const [query, value, key] = this.masks(mask), found: Tensor[] = [];
    if (query) found.push(reshape(query, [query.shape[0], 1, query.shape[1], 1]));
    for (const m of [value, key]) if (m) found.push(reshape(m, [m.shape[0], 1, 1, m.shape[1]]));
    if (attentionMask) {
      const given = attentionMask as Tensor, [batch, ...rest] = given.shape;
      const spread = given.rank === 3 ? reshape(given, [batch, 1, ...rest]) : given;
      found.push(asType(spread, "bool"));
    }
    return found.length > 0 ? found.reduce((a, b) => logicalAnd(a, b)) : undefined;
  }

  override getConfig(): Config {
    return {
      ...super.getConfig(),
      use_bias: this.#useBias,
      ...WeightOptions.config([this.#options.kernel, this.#options.bias]),
    };
  }
}

/** Arguments of `layers.multiHeadAttention`. */
export interface MultiHeadAttentionLayerArgs extends HeadsLayerArgs {
  /** Number of heads. */
  numHeads: number;
  /** Size of a head's queries and keys. */
  keyDim: number;
  /** Size of a head's values, `keyDim` when left out. */
  valueDim?: number;
  /** Size of the result's features, or their shape; that of the query when left out. */
  outputShape?: number | number[];
  /** The axis along which is attended: 1. */
  attentionAxes?: number | number[];
}

/** Attention with several heads (Vaswani et al. 2017). */
export class MultiHeadAttention extends Heads {
  static override className = "MultiHeadAttention";
  readonly #args: MultiHeadAttentionLayerArgs;

  constructor(args: MultiHeadAttentionLayerArgs) {
    const { numHeads, keyDim, valueDim = keyDim, outputShape, attentionAxes } = args ?? {};
    super(args, {
      heads: countOf("numHeads of multiHeadAttention", numHeads),
      keyHeads: numHeads,
      size: countOf("keyDim of multiHeadAttention", keyDim),
      valueSize: countOf("valueDim of multiHeadAttention", valueDim),
    });
    this.#args = args;
    for (const n of [outputShape ?? []].flat()) countOf("outputShape of multiHeadAttention", n);
    if ([attentionAxes ?? []].flat().some((axis) => axis !== 1)) {
      throw new DinogradError(
        `Layer "${this.name}" attends along axis 1 of [batch, length, features], got attentionAxes ${attentionAxes}`,
      );
    }
  }
  protected override outputSizes(features: number): number[] {
    return [this.#args.outputShape ?? features].flat();
  }
  override getConfig(): Config {
    const { numHeads, keyDim, valueDim, outputShape, attentionAxes } = this.#args;
    return {
      ...super.getConfig(),
      num_heads: numHeads,
      key_dim: keyDim,
      value_dim: valueDim ?? keyDim,
      output_shape: outputShape ?? null,
      attention_axes: attentionAxes ?? null,
    };
  }
}
registerClass(MultiHeadAttention);

/** Arguments of `layers.groupedQueryAttention`. */
export interface GroupedQueryAttentionLayerArgs extends HeadsLayerArgs {
  /** Size of a head. */
  headDim: number;
  /** Number of heads of the query. */
  numQueryHeads: number;
  /** Number of heads of keys and values, by which numQueryHeads can be divided. */
  numKeyValueHeads: number;
}

/** Attention whose heads share keys and values in groups (Ainslie et al. 2023). */
export class GroupedQueryAttention extends Heads {
  static override className = "GroupedQueryAttention";
  readonly #args: GroupedQueryAttentionLayerArgs;

  constructor(args: GroupedQueryAttentionLayerArgs) {
    const { headDim, numQueryHeads, numKeyValueHeads } = args ?? {};
    super(args, {
      heads: countOf("numQueryHeads of groupedQueryAttention", numQueryHeads),
      keyHeads: countOf("numKeyValueHeads of groupedQueryAttention", numKeyValueHeads),
      size: countOf("headDim of groupedQueryAttention", headDim),
      valueSize: headDim,
    });
    this.#args = args;
    if (numQueryHeads % numKeyValueHeads > 0) {
      throw new DinogradError(
        `groupedQueryAttention needs numQueryHeads to be a multiple of numKeyValueHeads, got ${numQueryHeads} and ${numKeyValueHeads}`,
      );
    }
  }
  protected override outputSizes(features: number): number[] {
    return [features];
  }
  override getConfig(): Config {
    const { headDim, numQueryHeads, numKeyValueHeads } = this.#args;
    return {
      ...super.getConfig(),
      head_dim: headDim,
      num_query_heads: numQueryHeads,
      num_key_value_heads: numKeyValueHeads,
    };
  }
}
registerClass(GroupedQueryAttention);

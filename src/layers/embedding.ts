// How do tokens become vectors? Each is the number of a row in a table that is learned.

import { castFloats } from "../activations.ts";
import type { ConstraintIdentifier } from "../constraints.ts";
import { DinogradError } from "../errors.ts";
import type { InitializerIdentifier } from "../initializers.ts";
import { asType } from "../ops/cast.ts";
import { gather } from "../ops/gather.ts";
import { notEqual } from "../ops/logical.ts";
import type { RegularizerIdentifier } from "../regularizers.ts";
import type { Config } from "../serialization.ts";
import { registerClass } from "../serialization/registry.ts";
import { sameShape, showShape } from "../shape.ts";
import { Tensor } from "../tensor.ts";
import { only } from "./core.ts";
import { Layer, type LayerArgs, type Shape, toDims } from "./layer.ts";
import type { Weight } from "./weight.ts";
import { WeightOptions } from "./weight_options.ts";
import { countOf } from "./windowed.ts";

/** Arguments of `layers.embedding`. */
export interface EmbeddingLayerArgs extends Omit<LayerArgs, "weights"> {
  /** Size of the vocabulary: tokens are whole numbers from 0 to below it. */
  inputDim: number;
  /** Size of the vectors. */
  outputDim: number;
  /** What the table begins with, "randomUniform" (from -0.05 to 0.05) when left out. */
  embeddingsInitializer?: InitializerIdentifier;
  embeddingsRegularizer?: RegularizerIdentifier;
  embeddingsConstraint?: ConstraintIdentifier;
  /** Whether token 0 fills what is missing, and is masked: later layers, the loss and the metrics do not count it. */
  maskZero?: boolean;
  /** Number of tokens in each sample where it is always the same (several for samples of several dimensions). */
  inputLength?: number | Shape;
  /** The initial table [inputDim, outputDim], by itself or in a list. */
  weights?: Tensor | Tensor[];
}

function layerArgs({ weights, ...args }: EmbeddingLayerArgs): LayerArgs {
  const batchInputShape = args.batchInputShape ??
    [args.batchSize ?? null, ...(args.inputShape ?? lengths(args.inputLength) ?? [null])];
  return { ...args, batchInputShape, weights: weights instanceof Tensor ? [weights] : weights };
}

function lengths(inputLength: number | Shape | undefined): Shape | undefined {
  return typeof inputLength === "number" ? [inputLength] : inputLength;
}

/**
 * Rows of a table: tokens [batch, ...] to vectors [batch, ..., outputDim]. Its gradient is kept as the rows that a batch used; the
 * others cost a training step nothing where the optimizer leaves them as they are (SGD without momentum, Adagrad, both without weight
 * decay and clipping).
 */
export class Embedding extends Layer {
  static override className = "Embedding";
  override readonly takesTokens = true;
  // Types of 16 bits do not hold all whole numbers.
  protected override readonly autocast = false;
  readonly #inputDim: number;
  readonly #outputDim: number;
  readonly #maskZero: boolean;
  readonly #inputLength: number | Shape | undefined;
  readonly #options: WeightOptions;
  #embeddings!: Weight;

  constructor(args: EmbeddingLayerArgs) {
    super(layerArgs(args));
    this.#inputDim = countOf(`inputDim of "${this.name}"`, args.inputDim);
    this.#outputDim = countOf(`outputDim of "${this.name}"`, args.outputDim);
    this.#maskZero = this.supportsMasking = args.maskZero ?? false;
    this.#inputLength = args.inputLength;
    this.#options = new WeightOptions("embeddings", args, "randomUniform");
  }

  override build(): void {
    const { initializer, regularizer, constraint } = this.#options;
    this.#embeddings = this.addWeight(
      "embeddings",
      [this.#inputDim, this.#outputDim],
      this.dtype,
      initializer,
      regularizer,
      true,
      constraint,
    );
  }

  override call(inputs: Tensor | Tensor[]): Tensor {
    const tokens = only(inputs, this.name);
    const wanted = lengths(this.#inputLength);
    if (wanted && !sameShape(toDims(wanted), tokens.shape.slice(1))) {
      throw new DinogradError(
        `Layer "${this.name}" was made for samples of inputLength ${showShape(wanted)}, got ${
          showShape(tokens.shape)
        }`,
      );
    }
    const vectors = gather(this.#embeddings.variable, asType(tokens, "int32"));
    return castFloats(vectors, this.computeDtype);
  }

  override computeMask(inputs: Tensor | Tensor[]): Tensor | null {
    return this.#maskZero ? notEqual(only(inputs, this.name), 0) : null;
  }
  override getConfig(): Config {
    const config: Config = {
      ...super.getConfig(),
      input_dim: this.#inputDim,
      output_dim: this.#outputDim,
      ...WeightOptions.config([this.#options]),
      mask_zero: this.#maskZero,
    };
    if (this.#inputLength !== undefined) config.input_length = this.#inputLength;
    return config;
  }
}
registerClass(Embedding);

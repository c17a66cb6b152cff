// Which layers bring raw values into a form that networks learn from? Scales, means and variances, categories as vectors.

import { castFloats } from "../activations.ts";
import { DinogradError } from "../errors.ts";
import { asType } from "../ops/cast.ts";
import { oneHot } from "../ops/counting.ts";
import { add, div, maximum, mul, sub } from "../ops/elementwise.ts";
import { sqrt } from "../ops/math.ts";
import { moments } from "../ops/norm.ts";
import { toTensor } from "../ops/operand.ts";
import { max } from "../ops/reduce.ts";
import { expandDims, reshape } from "../ops/reshape.ts";
import { sum } from "../ops/broadcast.ts";
import { tidy } from "../scope.ts";
import { argsOf, type Config } from "../serialization.ts";
import { registerClass } from "../serialization/registry.ts";
import { normalizeAxes, showShape } from "../shape.ts";
import type { Tensor } from "../tensor.ts";
import { only } from "./core.ts";
import { type CallArgs, Layer, type LayerArgs, type Shape } from "./layer.ts";
import type { Weight } from "./weight.ts";
import { countOf } from "./windowed.ts";

/** Arguments of `layers.rescaling`. */
export interface RescalingArgs extends LayerArgs {
  /** What values are multiplied by: a number, or one for each entry of the last dimension. */
  scale: number | number[];
  /** What is added then, 0 when left out. */
  offset?: number | number[];
}

/** x * scale + offset, in floats: `1 / 255` makes shares of brightness of bytes. */
export class Rescaling extends Layer {
  static override className = "Rescaling";
  readonly #scale: number | number[];
  readonly #offset: number | number[];

  constructor(args: RescalingArgs) {
    super(args);
    this.supportsMasking = true;
    this.#scale = args.scale;
    this.#offset = args.offset ?? 0;
    if (![this.#scale, this.#offset].flat().every((v) => typeof v === "number")) {
      throw new DinogradError(
        `rescaling wants scale and offset, numbers or lists of some, got ${
          JSON.stringify(args.scale)
        } and ${JSON.stringify(args.offset)}`,
      );
    }
  }
  override call(inputs: Tensor | Tensor[]): Tensor {
    return tidy(() => {
      const x = asType(only(inputs, this.name), this.computeDtype);
      return asType(add(mul(x, toTensor(this.#scale, x)), toTensor(this.#offset, x)), x.dtype);
    });
  }
  override getConfig(): Config {
    return { ...super.getConfig(), scale: this.#scale, offset: this.#offset };
  }
}
registerClass(Rescaling);

/** How categories become vectors. */
export type OutputMode = "oneHot" | "multiHot" | "count";

const outputModes = { oneHot: "one_hot", multiHot: "multi_hot", count: "count" } as const;

/** Arguments of `layers.categoryEncoding`. */
export interface CategoryEncodingArgs extends LayerArgs {
  /** How many categories there are. */
  numTokens: number;
  /** "oneHot": a vector for each value; "multiHot" (when left out) and "count": one for all values of a sample. */
  outputMode?: OutputMode | "one_hot" | "multi_hot";
}

/**
 * Categories 0 .. numTokens - 1 as vectors. oneHot: [..., 1] to [..., numTokens], other shapes get a new dimension; multiHot: 1 where
 * a category occurs in the last dimension; count: how often, or the sum of the `countWeights` that the call is given. Others count nowhere.
 */
export class CategoryEncoding extends Layer {
  static override className = "CategoryEncoding";
  readonly #numTokens: number;
  readonly #mode: OutputMode;

  constructor(args: CategoryEncodingArgs) {
    super(args);
    this.#numTokens = countOf("numTokens of categoryEncoding", args.numTokens);
    const given = args.outputMode ?? "multiHot";
    const mode = Object.entries(outputModes).find((names) => names.includes(given))?.[0];
    if (!mode) {
      throw new DinogradError(
        `categoryEncoding wants outputMode oneHot, multiHot or count, got "${given}"`,
      );
    }
    this.#mode = mode as OutputMode;
  }
  override call(inputs: Tensor | Tensor[], { countWeights }: CallArgs): Tensor {
    return tidy(() => {
      const x = asType(only(inputs, this.name), "int32"), mode = this.#mode;
      if (x.rank === 0 || (countWeights !== undefined && mode !== "count")) {
        throw new DinogradError(
          `Layer "${this.name}" wants values of rank 1 or more, and countWeights to count only, got ${
            showShape(x.shape)
          } and outputMode "${mode}"`,
        );
      }
      const single = mode === "oneHot" && x.rank > 1 && x.shape[x.rank - 1] === 1;
      const values = single ? reshape(x, x.shape.slice(0, -1)) : x;
      const hot = oneHot(values, this.#numTokens, 1, 0, this.computeDtype);
      if (mode === "oneHot") return hot;
      if (mode === "multiHot") return max(hot, -2);
      if (countWeights === undefined) return sum(hot, -2);
      const weights = castFloats(countWeights as Tensor, this.computeDtype);
      return sum(mul(hot, expandDims(weights, -1)), -2);
    });
  }
  override computeOutputShape(inputShape: Shape | Shape[]): Shape {
    const shape = inputShape as Shape, last = shape[shape.length - 1];
    const kept = this.#mode !== "oneHot" || (last === 1 && shape.length > 1);
    return [...(kept ? shape.slice(0, -1) : shape), this.#numTokens];
  }
  override getConfig(): Config {
    return {
      ...super.getConfig(),
      num_tokens: this.#numTokens,
      output_mode: outputModes[this.#mode],
    };
  }
}
registerClass(CategoryEncoding);

/** Arguments of `layers.normalization`. */
export interface NormalizationArgs extends LayerArgs {
  /** Dimensions whose entries have a mean and a variance each: the last when left out; null: one for all. */
  axis?: number | number[] | null;
  /** The mean, where it is known beforehand; then the variance must be too. */
  mean?: number | number[];
  /** The variance, where it is known beforehand. */
  variance?: number | number[];
  /** Whether it turns normalised values back. */
  invert?: boolean;
}

/**
 * (x - mean) / sqrt(variance), with mean and variance of data seen beforehand: `layer.adapt(data)`.
 *
 * ```ts
 * import * as dg from "../../mod.ts";
 * import assert from "node:assert";
 *
 * const layer = dg.layers.normalization();
 * layer.adapt(dg.tensor([[1, 10], [3, 30]]));
 * const y = layer.apply(dg.tensor([[2, 40]])) as dg.Tensor;
 * assert.deepEqual(y.arraySync(), [[0, 2]]);
 * ```
 */
export class Normalization extends Layer {
  static override className = "Normalization";
  readonly #axis: number | number[] | null;
  readonly #given: { mean: number | number[]; variance: number | number[] } | undefined;
  readonly #invert: boolean;
  #axes: number[] = [];
  #sizes: number[] = [];
  #mean: Weight | undefined;
  #variance: Weight | undefined;
  #count: Weight | undefined;

  constructor(args: NormalizationArgs = {}) {
    super(args);
    this.#axis = args.axis === undefined ? -1 : args.axis;
    this.#invert = args.invert ?? false;
    const { mean, variance } = args;
    if ((mean === undefined) !== (variance === undefined)) {
      throw new DinogradError(
        `normalization wants mean and variance, both or none, got ${mean} and ${variance}`,
      );
    }
    if (mean !== undefined && variance !== undefined) this.#given = { mean, variance };
  }
  override build(inputShape: number[]): void {
    this.#axes = this.#axis === null
      ? []
      : normalizeAxes(this.#axis, inputShape.length, `Layer "${this.name}"`);
    this.#sizes = this.#axes.map((a) => inputShape[a]);
    if (this.#sizes.some(Number.isNaN)) {
      throw new DinogradError(
        `Layer "${this.name}" wants known sizes along axis ${this.#axes}, got ${
          showShape(inputShape)
        }`,
      );
    }
    if (this.#given) return;
    this.#mean = this.addWeight("mean", this.#sizes, "float32", "zeros", null, false);
    this.#variance = this.addWeight("variance", this.#sizes, "float32", "ones", null, false);
    this.#count = this.addWeight("count", [], "int32", "zeros", null, false);
  }
  /** Takes mean and variance from data, whose first dimension is the batch, in place of those it had. */
  adapt(data: Tensor): void {
    if (this.#given) {
      throw new DinogradError(`Layer "${this.name}" was given its mean and variance`);
    }
    this.ensureBuilt(data.shape);
    tidy(() => {
      const x = asType(data, "float32");
      const others = x.shape.map((_, i) => i).filter((i) => !this.#axes.includes(i));
      const { mean, variance } = moments(x, others);
      this.#mean!.write(mean);
      this.#variance!.write(variance);
      this.#count!.write(toTensor(1, this.#count!.variable));
    });
  }
  override call(inputs: Tensor | Tensor[]): Tensor {
    return tidy(() => {
      const x = asType(only(inputs, this.name), this.computeDtype);
      const shape = x.shape.map((d, i) => this.#axes.includes(i) ? d : 1);
      const laid = (weight: Weight | undefined, given: number | number[] | undefined) => {
        const values = weight?.variable ?? toTensor(given!);
        return values.size === 1 ? reshape(values, []) : reshape(values, shape);
      };
      const mean = laid(this.#mean, this.#given?.mean);
      const spread = maximum(sqrt(laid(this.#variance, this.#given?.variance)), 1e-7);
      const wide = asType(x, "float32");
      const y = this.#invert ? add(mul(wide, spread), mean) : div(sub(wide, mean), spread);
      return asType(y, this.computeDtype);
    });
  }
  override getConfig(): Config {
    return {
      ...super.getConfig(),
      axis: this.#axis,
      invert: this.#invert,
      mean: this.#given?.mean ?? null,
      variance: this.#given?.variance ?? null,
    };
  }
  /** Its axis may be null, which in configs of other layers stands for the default. */
  static override fromConfig(config: Config): Normalization {
    return new Normalization({ ...argsOf(config), axis: config.axis as NormalizationArgs["axis"] });
  }
}
registerClass(Normalization);

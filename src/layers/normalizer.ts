// What do layers that bring values to a common scale have in common? An epsilon, and a scale (gamma) and an offset (beta) that are
// learned. Statistics and these two are float32 whatever the layer computes in.

import { castFloats } from "../activations.ts";
import type { ConstraintIdentifier } from "../constraints.ts";
import { DinogradError } from "../errors.ts";
import { isFloat } from "../dtype.ts";
import type { InitializerIdentifier } from "../initializers.ts";
import { asType } from "../ops/cast.ts";
import { transpose } from "../ops/movement.ts";
import type { Normalizing } from "../ops/normalize.ts";
import type { RegularizerIdentifier } from "../regularizers.ts";
import type { Config } from "../serialization.ts";
import { normalizeAxis, sameShape, showShape } from "../shape.ts";
import type { Tensor } from "../tensor.ts";
import { only } from "./core.ts";
import { Layer, type LayerArgs } from "./layer.ts";
import type { Weight } from "./weight.ts";
import { WeightOptions } from "./weight_options.ts";

/** Arguments of layers with a scale and an offset. */
export interface NormalizerArgs extends LayerArgs {
  /** Added to the variance, 0.001 when left out. */
  epsilon?: number;
  /** Whether an offset, beta, is added (true when left out). */
  center?: boolean;
  /** Whether values are multiplied by a scale, gamma (true when left out). */
  scale?: boolean;
  /** "zeros" when left out. */
  betaInitializer?: InitializerIdentifier;
  /** "ones" when left out. */
  gammaInitializer?: InitializerIdentifier;
  betaRegularizer?: RegularizerIdentifier;
  gammaRegularizer?: RegularizerIdentifier;
  betaConstraint?: ConstraintIdentifier;
  gammaConstraint?: ConstraintIdentifier;
}

/** A number from 0 that a layer is given. */
export function notNegative(what: string, value: number): number {
  if (typeof value === "number" && value >= 0) return value;
  throw new DinogradError(`${what} must be a number from 0, got ${value}`);
}

/** The base of layers with a scale and an offset. */
export abstract class Normalizer extends Layer {
  readonly #epsilon: number;
  readonly #center: boolean;
  readonly #scale: boolean;
  readonly #options: readonly WeightOptions[];
  #gamma: Weight | undefined;
  #beta: Weight | undefined;

  constructor(args: NormalizerArgs) {
    super(args);
    this.supportsMasking = true;
    this.#epsilon = notNegative(`epsilon of "${this.name}"`, args.epsilon ?? 1e-3);
    this.#center = args.center ?? true;
    this.#scale = args.scale ?? true;
    this.#options = [
      new WeightOptions("beta", args, "zeros"),
      new WeightOptions("gamma", args, "ones"),
    ];
  }

  /** Makes scale and offset. */
  protected addAffine(shape: number[]): void {
    const add = ({ name, initializer, regularizer, constraint }: WeightOptions) =>
      this.addWeight(name, shape, this.dtype, initializer, regularizer, true, constraint);
    const [beta, gamma] = this.#options;
    if (this.#scale) this.#gamma = add(gamma);
    if (this.#center) this.#beta = add(beta);
  }
  /** Refuses inputs with other sizes along these dimensions than the layer was built for. */
  protected checkSizes(x: Tensor, axes: readonly number[]): void {
    checkBuiltFor(this, this.#gamma ?? this.#beta, x, axes);
  }
  /** How values are normalised now. */
  protected get how(): Normalizing {
    return {
      epsilon: this.#epsilon,
      scale: this.#gamma && float32(this.#gamma),
      offset: this.#beta && float32(this.#beta),
    };
  }
  override getConfig(): Config {
    return {
      ...super.getConfig(),
      epsilon: this.#epsilon,
      center: this.#center,
      scale: this.#scale,
      ...WeightOptions.config(this.#options),
    };
  }
}

/** Refuses inputs with other sizes along some dimensions than a layer's weight has. */
export function checkBuiltFor(
  layer: Layer,
  weight: Weight | undefined,
  x: Tensor,
  axes: readonly number[],
): void {
  if (!weight || sameShape(weight.shape, axes.map((d) => x.shape[d]))) return;
  throw new DinogradError(
    `Layer "${layer.name}" was built for ${showShape(weight.shape)} along axis ${axes}, got ${
      showShape(x.shape)
    }`,
  );
}

/** The one input of a layer, as floats. */
export function floatsOf(layer: Layer, inputs: Tensor | Tensor[]): Tensor {
  const x = only(inputs, layer.name);
  return isFloat(x.dtype) ? x : asType(x, layer.computeDtype);
}

/** A weight's values as float32. */
export function float32(weight: Weight): Tensor {
  return castFloats(weight.variable, "float32");
}

/** Runs `fn` with the channels, which lie along `axis`, as the last dimension. */
export function channelsLast(
  x: Tensor,
  axis: number,
  name: string,
  fn: (x: Tensor) => Tensor,
): Tensor {
  const at = normalizeAxis(axis, x.rank, `Layer "${name}"`), last = x.rank - 1;
  if (at === last) return fn(x);
  const dims = x.shape.map((_, d) => d), order = [...dims.filter((d) => d !== at), at];
  return transpose(fn(transpose(x, order)), dims.map((d) => order.indexOf(d)));
}

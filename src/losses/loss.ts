// How do the losses of single samples become one number? Weights and masks are applied, then everything is reduced, as in Keras.

import { widened } from "../activations.ts";
import { DinogradError } from "../errors.ts";
import { sum } from "../ops/broadcast.ts";
import { asType } from "../ops/cast.ts";
import { mul } from "../ops/elementwise.ts";
import { divNoNan } from "../ops/power.ts";
import { mean } from "../ops/reduce.ts";
import { expandDims, squeeze } from "../ops/reshape.ts";
import { tidy } from "../scope.ts";
import { Configured } from "../serialization.ts";
import { sameShape, showShape } from "../shape.ts";
import { type Tensor, wantTensor } from "../tensor.ts";

/**
 * How the weighted losses of all samples become one: their sum over their number (`sum_over_batch_size` or `mean`), over the sum of
 * the weights (`mean_with_sample_weight`), the sum itself (`sum`), or not at all (`none`).
 */
export type Reduction =
  | "sum_over_batch_size"
  | "mean"
  | "mean_with_sample_weight"
  | "sum"
  | "none";

const reductions: readonly Reduction[] = [
  "sum_over_batch_size",
  "mean",
  "mean_with_sample_weight",
  "sum",
  "none",
];

/** Options that every loss takes. */
export interface LossOptions {
  /** How the losses of all samples become one. */
  reduction: Reduction;
  /** Name in logs and saved models. */
  name: string;
}

/** The per-sample loss of targets and predictions: [batch, ..., n] to [batch, ...]. */
export type LossFunction = (yTrue: Tensor, yPred: Tensor) => Tensor;

/** Two tensors at one rank, where the ranks differ by one and the longer shape ends with 1. */
export function alignRanks(a: Tensor, b: Tensor): [Tensor, Tensor] {
  if (a.rank === b.rank + 1 && a.shape[b.rank] === 1) {
    return b.rank === 1 ? [a, expandDims(b, -1)] : [squeeze(a, -1), b];
  }
  if (b.rank === a.rank + 1 && b.shape[a.rank] === 1) {
    const [y, x] = alignRanks(b, a);
    return [x, y];
  }
  return [a, b];
}

/** Targets and predictions as float32 tensors of one shape. */
export function alignTargets(yTrue: Tensor, yPred: Tensor, name: string): [Tensor, Tensor] {
  const [t, p] = alignRanks(asType(yTrue, "float32"), asType(yPred, "float32"));
  if (sameShape(t.shape, p.shape)) return [t, p];
  throw new DinogradError(
    `${name} needs targets of the predictions' shape ${showShape(yPred.shape)}, got ${
      showShape(yTrue.shape)
    }`,
  );
}

/** Sample weights with a mask worked in; `rescale`: so that a mean counts only what the mask leaves. */
export function maskedWeights(
  weights: Tensor | undefined,
  mask: Tensor | undefined,
  rescale: boolean,
): Tensor | undefined {
  if (!mask) return weights && asType(weights, "float32");
  let factor = asType(mask, "float32");
  if (rescale) factor = mul(factor, divNoNan(factor.size, sum(factor)));
  if (!weights) return factor;
  const [m, w] = applyWeights(factor, asType(weights, "float32"));
  return mul(w, m);
}

/** Brings values and weights to ranks that broadcast: weights may lack the last dimensions. */
export function applyWeights(values: Tensor, weights: Tensor): [values: Tensor, weights: Tensor] {
  let [v, w] = alignRanks(values, weights);
  while (w.rank > 0 && w.rank < v.rank) w = expandDims(w, -1);
  return [v, w];
}

/** The base of all losses: a subclass gives `call`, the losses of single samples. */
export abstract class Loss extends Configured<LossOptions> {
  /** A subclass passes its defaults and what it was given. */
  constructor(defaults: LossOptions, given: Partial<LossOptions>) {
    // As a reduction, null is Keras's "none"; as other options it would mean the default.
    super(defaults, given.reduction === null ? { ...given, reduction: "none" } : given);
    const { reduction } = this.options;
    if (reductions.includes(reduction)) return;
    throw new DinogradError(
      `${this.getClassName()} takes reduction ${reductions.join(", ")}, got "${reduction}"`,
    );
  }

  /** Name in logs and saved models. */
  get name(): string {
    return this.options.name;
  }

  /** The loss of each sample: [batch, ..., n] to [batch, ...]. */
  abstract call(yTrue: Tensor, yPred: Tensor): Tensor;

  /** The mean of the losses of all samples, where one call makes that. */
  protected meanOf(_yTrue: Tensor, _yPred: Tensor): Tensor | undefined {
    return undefined;
  }

  /** The reduced loss, a scalar unless the reduction is `none`; weights and mask are [batch] or [batch, ...]. */
  apply(yTrue: Tensor, yPred: Tensor, sampleWeight?: Tensor, mask?: Tensor): Tensor {
    const { reduction } = this.options;
    const averaged = reduction === "mean" || reduction === "sum_over_batch_size";
    return tidy(() => {
      const all = averaged && !sampleWeight && !mask ? this.meanOf(yTrue, yPred) : undefined;
      if (all) return all;
      const losses = widened(this.call(yTrue, yPred));
      const given = maskedWeights(sampleWeight, mask, averaged);
      const [values, weights] = given ? applyWeights(losses, given) : [losses, undefined];
      const weighted = weights ? mul(values, weights) : values;
      if (reduction === "none" || weighted.rank === 0) return weighted;
      if (reduction === "sum") return sum(weighted);
      return weights && reduction === "mean_with_sample_weight"
        ? divNoNan(sum(weighted), sum(weights))
        : mean(weighted);
    });
  }
}

/** A function as a loss; 16-bit floats come to it as float32. */
export class LossFunctionWrapper extends Loss {
  static override className = "LossFunctionWrapper";
  readonly #fn: LossFunction;

  constructor(fn: LossFunction, options: Partial<LossOptions> = {}) {
    super({ reduction: "sum_over_batch_size", name: fn.name || "loss" }, options);
    this.#fn = fn;
  }
  override call(yTrue: Tensor, yPred: Tensor): Tensor {
    const losses = this.#fn(widened(yTrue), widened(yPred));
    wantTensor(losses, `Loss "${this.name}" needs a function that returns a tensor`);
    return losses;
  }
}

/** The class of a loss with options O besides those of every loss. */
export type LossClass<O> = new (options?: Partial<O & LossOptions>) => Loss;

/**
 * Makes the class of a loss function; `defaults` are its options, `name` is its name in logs. `mean` gives the mean of all losses
 * where one call makes that.
 */
export function lossClass<O extends object>(
  className: string,
  name: string,
  fn: (yTrue: Tensor, yPred: Tensor, options: O) => Tensor,
  defaults: O,
  mean?: (yTrue: Tensor, yPred: Tensor, options: O) => Tensor | undefined,
): LossClass<O> {
  return class extends Loss {
    static override className = className;

    constructor(options: Partial<O & LossOptions> = {}) {
      super({ reduction: "sum_over_batch_size", name, ...defaults }, options);
    }
    override call(yTrue: Tensor, yPred: Tensor): Tensor {
      return fn(yTrue, yPred, this.options as LossOptions & O);
    }
    protected override meanOf(yTrue: Tensor, yPred: Tensor): Tensor | undefined {
      return mean?.(yTrue, yPred, this.options as LossOptions & O);
    }
  };
}

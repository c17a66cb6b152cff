// How does a layer bring channels to a mean of 0 and a variance of 1? While training by those of the batch, of which it keeps moving
// averages, and by these afterwards.

import { DinogradError } from "../errors.ts";
import { getInitializer, type Initializer, type InitializerIdentifier } from "../initializers.ts";
import { unwatched } from "../op.ts";
import { scaleChannels } from "../ops/batch_norm.ts";
import { asType } from "../ops/cast.ts";
import { sum } from "../ops/broadcast.ts";
import { add, div, mul, sub } from "../ops/elementwise.ts";
import { square } from "../ops/math.ts";
import { normalizeChannels } from "../ops/normalize.ts";
import { expandDims, reshape } from "../ops/reshape.ts";
import { tidy } from "../scope.ts";
import { type Config, serialize } from "../serialization.ts";
import { registerClass } from "../serialization/registry.ts";
import { normalizeAxis } from "../shape.ts";
import type { Tensor } from "../tensor.ts";
import type { CallArgs } from "./layer.ts";
import {
  channelsLast,
  checkBuiltFor,
  float32,
  floatsOf,
  Normalizer,
  type NormalizerArgs,
  notNegative,
} from "./normalizer.ts";
import type { Weight } from "./weight.ts";

/** Arguments of `layers.batchNormalization`. */
export interface BatchNormalizationLayerArgs extends NormalizerArgs {
  /** Where channels lie, the last dimension when left out; old files have it in a list. */
  axis?: number | number[];
  /** What share of a moving average stays at each step, 0.99 when left out. */
  momentum?: number;
  /** "zeros" when left out. */
  movingMeanInitializer?: InitializerIdentifier;
  /** "ones" when left out. */
  movingVarianceInitializer?: InitializerIdentifier;
}

interface Statistics {
  readonly mean: Tensor;
  readonly variance: Tensor;
}

/** (x - mean) / sqrt(variance + epsilon) * gamma + beta for each channel. */
export class BatchNormalization extends Normalizer {
  static override className = "BatchNormalization";
  readonly #axis: number;
  readonly #momentum: number;
  readonly #initializers: { readonly mean: Initializer; readonly variance: Initializer };
  #mean!: Weight;
  #variance!: Weight;

  constructor(args: BatchNormalizationLayerArgs = {}) {
    super(args);
    const axes = [args.axis ?? -1].flat();
    if (axes.length !== 1) {
      throw new DinogradError(`Layer "${this.name}" takes one axis, got [${axes}]`);
    }
    this.#axis = axes[0];
    this.#momentum = notNegative(`momentum of "${this.name}"`, args.momentum ?? 0.99);
    this.#initializers = {
      mean: getInitializer(args.movingMeanInitializer ?? "zeros"),
      variance: getInitializer(args.movingVarianceInitializer ?? "ones"),
    };
  }
  #at(shape: readonly number[]): number {
    return normalizeAxis(this.#axis, shape.length, `Layer "${this.name}"`);
  }
  override build(inputShape: number[]): void {
    const shape = [inputShape[this.#at(inputShape)]], { mean, variance } = this.#initializers;
    this.addAffine(shape);
    this.#mean = this.addWeight("moving_mean", shape, this.dtype, mean, null, false);
    this.#variance = this.addWeight("moving_variance", shape, this.dtype, variance, null, false);
  }

  override call(inputs: Tensor | Tensor[], { training, mask }: CallArgs): Tensor {
    const x = floatsOf(this, inputs), { how } = this;
    checkBuiltFor(this, this.#mean, x, [this.#at(x.shape)]);
    const learning = training && this.trainable;
    const counting = (Array.isArray(mask) ? mask[0] : mask) ?? null;
    const given = learning ? counting && this.#maskedStatistics(x, counting) : this.#moving();
    return tidy(() =>
      channelsLast(x, this.#axis, this.name, (rows) => {
        if (given) {
          if (learning) this.#move(given);
          return scaleChannels(rows, given.mean, given.variance, how, how.epsilon);
        }
        const { y, ...batch } = normalizeChannels(rows, how);
        this.#move(batch);
        return y;
      })
    );
  }
  #moving(): Statistics {
    return { mean: float32(this.#mean), variance: float32(this.#variance) };
  }
  // Of the entries that count, as Keras does it.
  #maskedStatistics(given: Tensor, mask: Tensor): Statistics {
    const x = asType(given, "float32"), at = this.#at(x.shape);
    const others = x.shape.map((_, d) => d).filter((d) => d !== at);
    const counts = expandDims(asType(mask, "float32"), -1);
    const n = add(sum(counts, others, true), 1e-7);
    const average = (t: Tensor) => div(sum(mul(t, counts), others, true), n);
    const mean = average(x), variance = average(square(sub(x, mean)));
    const flat = (t: Tensor) => reshape(t, [x.shape[at]]);
    return { mean: flat(mean), variance: flat(variance) };
  }
  // The moving averages after a batch with these statistics.
  #move({ mean, variance }: Statistics): void {
    if (mean.isAbstract) return;
    const keep = this.#momentum, before = this.#moving();
    const move = (weight: Weight, old: Tensor, now: Tensor) =>
      weight.write(add(mul(old, keep), mul(now, 1 - keep)));
    unwatched(() =>
      tidy(() => {
        move(this.#mean, before.mean, mean);
        move(this.#variance, before.variance, variance);
      })
    );
  }

  override getConfig(): Config {
    return {
      ...super.getConfig(),
      axis: this.#axis,
      momentum: this.#momentum,
      moving_mean_initializer: serialize(this.#initializers.mean),
      moving_variance_initializer: serialize(this.#initializers.variance),
    };
  }
}
registerClass(BatchNormalization);

// Which layers bring the values of each sample to a common scale? Layer, group, root mean square and unit normalization; batch
// normalization, which looks at all samples, is in batch_normalization.ts.

import { DinogradError } from "../errors.ts";
import { normalizeAlong, normalizeGroups } from "../ops/normalize.ts";
import { tidy } from "../scope.ts";
import type { Config } from "../serialization.ts";
import { registerClass } from "../serialization/registry.ts";
import { normalizeAxes, normalizeAxis, showShape } from "../shape.ts";
import type { Tensor } from "../tensor.ts";
import { only } from "./core.ts";
import { unitLength } from "./dot.ts";
import { Layer, type LayerArgs } from "./layer.ts";
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

/** Arguments of `layers.layerNormalization`. */
export interface LayerNormalizationLayerArgs extends NormalizerArgs {
  /** Along which dimensions values are normalised together, the last when left out. */
  axis?: number | number[];
}

/** (x - mean) / sqrt(variance + epsilon) * gamma + beta, with mean and variance of each sample along some dimensions. */
export class LayerNormalization extends Normalizer {
  static override className = "LayerNormalization";
  readonly #axis: number | number[];

  constructor(args: LayerNormalizationLayerArgs = {}) {
    super(args);
    this.#axis = args.axis ?? -1;
  }
  #axes(rank: number): number[] {
    return normalizeAxes(this.#axis, rank, `Layer "${this.name}"`);
  }
  override build(inputShape: number[]): void {
    this.addAffine(this.#axes(inputShape.length).map((d) => inputShape[d]));
  }
  override call(inputs: Tensor | Tensor[]): Tensor {
    const x = floatsOf(this, inputs), axes = this.#axes(x.rank);
    this.checkSizes(x, axes);
    return tidy(() => normalizeAlong(x, axes, this.how));
  }
  override getConfig(): Config {
    return { ...super.getConfig(), axis: this.#axis };
  }
}
registerClass(LayerNormalization);

/** Arguments of `layers.groupNormalization`. */
export interface GroupNormalizationLayerArgs extends NormalizerArgs {
  /** Into how many groups channels are divided, 32 when left out; -1: each channel is one of its own (instance normalization). */
  groups?: number;
  /** Where channels lie, the last dimension when left out. */
  axis?: number;
}

/** The same with mean and variance of groups of channels of each sample, over all positions. */
export class GroupNormalization extends Normalizer {
  static override className = "GroupNormalization";
  readonly #groups: number;
  readonly #axis: number;

  constructor(args: GroupNormalizationLayerArgs = {}) {
    super(args);
    this.#groups = args.groups ?? 32;
    this.#axis = args.axis ?? -1;
  }
  #at(rank: number): number {
    return normalizeAxis(this.#axis, rank, `Layer "${this.name}"`);
  }
  #groupsOf(channels: number): number {
    return this.#groups === -1 ? channels : this.#groups;
  }
  override build(inputShape: number[]): void {
    const axis = this.#at(inputShape.length);
    const channels = inputShape[axis], groups = this.#groupsOf(channels);
    if (axis === 0 || !Number.isInteger(groups) || groups < 1 || channels % groups) {
      throw new DinogradError(
        `Layer "${this.name}" cannot divide dimension ${axis} of ${
          showShape(inputShape)
        } into ${this.#groups} groups of channels`,
      );
    }
    this.addAffine([channels]);
  }
  override call(inputs: Tensor | Tensor[]): Tensor {
    const given = floatsOf(this, inputs);
    this.checkSizes(given, [this.#at(given.rank)]);
    return tidy(() =>
      channelsLast(given, this.#axis, this.name, (x) => {
        return normalizeGroups(x, this.#groupsOf(x.shape[x.rank - 1]), this.how);
      })
    );
  }
  override getConfig(): Config {
    return { ...super.getConfig(), groups: this.#groups, axis: this.#axis };
  }
}
registerClass(GroupNormalization);

/** Arguments of `layers.rmsNormalization`. */
export interface RMSNormalizationLayerArgs extends LayerArgs {
  /** Along which dimensions values are normalised together, the last when left out. */
  axis?: number | number[];
  /** Added to the mean of the squares, 1e-6 when left out. */
  epsilon?: number;
}

/** x / sqrt(mean(x^2) + epsilon) * scale, with the mean along some dimensions of each sample. */
export class RMSNormalization extends Layer {
  static override className = "RMSNormalization";
  readonly #axis: number | number[];
  readonly #epsilon: number;
  #scale!: Weight;

  constructor(args: RMSNormalizationLayerArgs = {}) {
    super(args);
    this.supportsMasking = true;
    this.#axis = args.axis ?? -1;
    this.#epsilon = notNegative(`epsilon of "${this.name}"`, args.epsilon ?? 1e-6);
  }
  #axes(rank: number): number[] {
    return normalizeAxes(this.#axis, rank, `Layer "${this.name}"`);
  }
  override build(inputShape: number[]): void {
    const shape = this.#axes(inputShape.length).map((d) => inputShape[d]);
    this.#scale = this.addWeight("scale", shape, this.dtype, "ones");
  }
  override call(inputs: Tensor | Tensor[]): Tensor {
    const x = floatsOf(this, inputs), axes = this.#axes(x.rank);
    checkBuiltFor(this, this.#scale, x, axes);
    const how = { epsilon: this.#epsilon, centred: false };
    return tidy(() => normalizeAlong(x, axes, { ...how, scale: float32(this.#scale) }));
  }
  override getConfig(): Config {
    return { ...super.getConfig(), axis: this.#axis, epsilon: this.#epsilon };
  }
}
registerClass(RMSNormalization);

/** Arguments of `layers.unitNormalization`. */
export interface UnitNormalizationLayerArgs extends LayerArgs {
  /** Along which dimensions vectors lie, the last when left out. */
  axis?: number | number[];
}

/** Vectors brought to length 1: x over the root of the sum of its squares along an axis. */
export class UnitNormalization extends Layer {
  static override className = "UnitNormalization";
  readonly #axis: number | number[];

  constructor(args: UnitNormalizationLayerArgs = {}) {
    super(args);
    this.supportsMasking = true;
    this.#axis = args.axis ?? -1;
  }
  override call(inputs: Tensor | Tensor[]): Tensor {
    return unitLength(only(inputs, this.name), this.#axis);
  }
  override getConfig(): Config {
    return { ...super.getConfig(), axis: this.#axis };
  }
}
registerClass(UnitNormalization);

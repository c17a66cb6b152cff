// Which activations are layers of their own? Those with options or weights: reLU and its kin, and softmax.

import { getActivation } from "../activations.ts";
import { type Constraint, type ConstraintIdentifier, getConstraint } from "../constraints.ts";
import { DinogradError } from "../errors.ts";
import { getInitializer, type Initializer, type InitializerIdentifier } from "../initializers.ts";
import { elu, leakyRelu, prelu, relu, relu6 } from "../ops/activations.ts";
import { asType } from "../ops/cast.ts";
import { add, mul, sub } from "../ops/elementwise.ts";
import { greater, where } from "../ops/logical.ts";
import { clipByValue, exp } from "../ops/math.ts";
import { logSumExp } from "../ops/norm.ts";
import { softmax } from "../ops/softmax.ts";
import { getRegularizer, type Regularizer, type RegularizerIdentifier } from "../regularizers.ts";
import { tidy } from "../scope.ts";
import { type Config, serialize } from "../serialization.ts";
import { registerClass } from "../serialization/registry.ts";
import { Tensor } from "../tensor.ts";
import { only } from "./core.ts";
import { type CallArgs, Layer, type LayerArgs } from "./layer.ts";
import type { Weight } from "./weight.ts";

function checkNumber(layer: string, key: string, value: number, low = -Infinity): number {
  if (Number.isFinite(value) && value >= low) return value;
  const wanted = low === -Infinity ? "a number" : `a number of at least ${low}`;
  throw new DinogradError(`${layer} needs ${key} to be ${wanted}, got ${value}`);
}

/** Arguments of `layers.reLU`. */
export interface ReLULayerArgs extends LayerArgs {
  /** The largest result; none when left out. */
  maxValue?: number;
  /** Slope below the threshold, 0 when left out. */
  negativeSlope?: number;
  /** Where the function begins to be x, 0 when left out. */
  threshold?: number;
}

/** x from the threshold to maxValue, maxValue above, `negativeSlope * (x - threshold)` below. */
export class ReLU extends Layer {
  static override className = "ReLU";
  readonly #max: number | undefined;
  readonly #slope: number;
  readonly #threshold: number;

  constructor(args: ReLULayerArgs = {}) {
    super(args);
    this.supportsMasking = true;
    const { maxValue, negativeSlope = 0, threshold = 0 } = args;
    this.#max = maxValue === undefined ? undefined : checkNumber("reLU", "maxValue", maxValue, 0);
    this.#slope = checkNumber("reLU", "negativeSlope", negativeSlope, 0);
    this.#threshold = checkNumber("reLU", "threshold", threshold, 0);
  }
  override call(inputs: Tensor | Tensor[]): Tensor {
    const x = only(inputs, this.name);
    const max = this.#max, slope = this.#slope, threshold = this.#threshold;
    if (threshold === 0 && max === undefined) return slope === 0 ? relu(x) : leakyRelu(x, slope);
    if (threshold === 0 && slope === 0 && max === 6) return relu6(x);
    return tidy(() => {
      const above = max === undefined ? x : clipByValue(x, -Infinity, max);
      const below = slope === 0 ? 0 : mul(sub(x, threshold), slope);
      return where(greater(x, threshold), above, below);
    });
  }
  override getConfig(): Config {
    return {
      ...super.getConfig(),
      max_value: this.#max ?? null,
      negative_slope: this.#slope,
      threshold: this.#threshold,
    };
  }
}
registerClass(ReLU);

/** Arguments of `layers.leakyReLU`. */
export interface LeakyReLULayerArgs extends LayerArgs {
  /** Slope below 0, 0.3 when left out. */
  alpha?: number;
  /** The slope under Keras 3's name. */
  negativeSlope?: number;
}

/** x where positive, else `alpha * x`. */
export class LeakyReLU extends Layer {
  static override className = "LeakyReLU";
  readonly #alpha: number;

  constructor(args: LeakyReLULayerArgs = {}) {
    super(args);
    this.supportsMasking = true;
    this.#alpha = checkNumber("leakyReLU", "alpha", args.negativeSlope ?? args.alpha ?? 0.3);
  }
  override call(inputs: Tensor | Tensor[]): Tensor {
    return leakyRelu(only(inputs, this.name), this.#alpha);
  }
  override getConfig(): Config {
    return { ...super.getConfig(), negative_slope: this.#alpha };
  }
}
registerClass(LeakyReLU);

/** Arguments of `layers.elu`. */
export interface ELULayerArgs extends LayerArgs {
  /** What it falls to below 0, times -1; 1 when left out. */
  alpha?: number;
}

/** x where positive, else `alpha * (e^x - 1)`. */
export class ELU extends Layer {
  static override className = "ELU";
  readonly #alpha: number;

  constructor(args: ELULayerArgs = {}) {
    super(args);
    this.supportsMasking = true;
    this.#alpha = checkNumber("elu", "alpha", args.alpha ?? 1);
  }
  override call(inputs: Tensor | Tensor[]): Tensor {
    const x = only(inputs, this.name);
    if (this.#alpha === 1) return elu(x);
    return tidy(() => where(greater(x, 0), x, mul(elu(x), this.#alpha)));
  }
  override getConfig(): Config {
    return { ...super.getConfig(), alpha: this.#alpha };
  }
}
registerClass(ELU);

/** Arguments of `layers.thresholdedReLU`. */
export interface ThresholdedReLULayerArgs extends LayerArgs {
  /** What x must exceed, 1 when left out. */
  theta?: number;
}

/** x where it is greater than theta, else 0. */
export class ThresholdedReLU extends Layer {
  static override className = "ThresholdedReLU";
  readonly #theta: number;

  constructor(args: ThresholdedReLULayerArgs = {}) {
    super(args);
    this.supportsMasking = true;
    this.#theta = checkNumber("thresholdedReLU", "theta", args.theta ?? 1);
  }
  override call(inputs: Tensor | Tensor[]): Tensor {
    const x = only(inputs, this.name);
    return tidy(() => where(greater(x, this.#theta), x, 0));
  }
  override getConfig(): Config {
    return { ...super.getConfig(), theta: this.#theta };
  }
}
registerClass(ThresholdedReLU);

/** Arguments of `layers.prelu`. */
export interface PReLULayerArgs extends LayerArgs {
  alphaInitializer?: InitializerIdentifier;
  alphaRegularizer?: RegularizerIdentifier;
  alphaConstraint?: ConstraintIdentifier;
  /** Dimensions (counted from 1) along which the slopes are shared; one number or several. */
  sharedAxes?: number | number[];
}

/** x where positive, else `alpha * x`, with slopes alpha that are learned: one per entry of a sample. */
export class PReLU extends Layer {
  static override className = "PReLU";
  readonly #initializer: Initializer;
  readonly #regularizer: Regularizer | null;
  readonly #constraint: Constraint | null;
  readonly #sharedAxes: number[] | undefined;
  #alpha!: Weight;

  constructor(args: PReLULayerArgs = {}) {
    super(args);
    this.supportsMasking = true;
    this.#initializer = getInitializer(args.alphaInitializer ?? "zeros");
    this.#regularizer = getRegularizer(args.alphaRegularizer);
    this.#constraint = getConstraint(args.alphaConstraint);
    this.#sharedAxes = args.sharedAxes === undefined ? undefined : [args.sharedAxes].flat();
  }
  override build(inputShape: number[]): void {
    const shape = inputShape.slice(1);
    for (const axis of this.#sharedAxes ?? []) {
      if (!Number.isInteger(axis) || axis < 1 || axis > shape.length) {
        throw new DinogradError(
          `Layer "${this.name}" shares slopes along axes from 1 to ${shape.length}, got ${axis}`,
        );
      }
      shape[axis - 1] = 1;
    }
    this.#alpha = this.addWeight(
      "alpha",
      shape,
      null,
      this.#initializer,
      this.#regularizer,
      true,
      this.#constraint,
    );
  }
  override call(inputs: Tensor | Tensor[]): Tensor {
    return prelu(only(inputs, this.name), this.#alpha.read());
  }
  override getConfig(): Config {
    return {
      ...super.getConfig(),
      alpha_initializer: serialize(this.#initializer),
      alpha_regularizer: serialize(this.#regularizer),
      alpha_constraint: serialize(this.#constraint),
      shared_axes: this.#sharedAxes ?? null,
    };
  }
}
registerClass(PReLU);

// Along the last axis as the activation does it, which losses can see through.
function softmaxAlong(x: Tensor, axis: number): Tensor {
  const last = axis === -1 || axis === x.rank - 1;
  return last ? getActivation("softmax").apply(x) : softmax(x, axis);
}

/** Arguments of `layers.softmax`. */
export interface SoftmaxLayerArgs extends LayerArgs {
  /** Where the scores of one distribution lie: one dimension, the last when left out, or several. */
  axis?: number | number[];
}

/** `e^x / sum(e^x)` along an axis; a mask of the input's rank leaves entries out. */
export class Softmax extends Layer {
  static override className = "Softmax";
  readonly #axis: number | number[];

  constructor(args: SoftmaxLayerArgs = {}) {
    super(args);
    this.supportsMasking = true;
    this.#axis = args.axis ?? -1;
  }
  override call(inputs: Tensor | Tensor[], { mask }: CallArgs): Tensor {
    const x = only(inputs, this.name);
    const axes = [this.#axis].flat();
    if (!(mask instanceof Tensor && mask.rank === x.rank) && axes.length === 1) {
      return softmaxAlong(x, axes[0]);
    }
    return tidy(() => {
      // So far below all scores that nothing is left of it: Keras's number.
      const scores = mask instanceof Tensor && mask.rank === x.rank
        ? add(x, mul(sub(1, asType(mask, x.dtype)), x.dtype === "float16" ? -3e4 : -1e9))
        : x;
      return axes.length === 1
        ? softmaxAlong(scores, axes[0])
        : exp(sub(scores, logSumExp(scores, axes, true)));
    });
  }
  override getConfig(): Config {
    return { ...super.getConfig(), axis: this.#axis };
  }
}
registerClass(Softmax);

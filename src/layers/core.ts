// The layers every network is made of: input, dense, activation, dropout, and changes of shape.

import {
  type Activation as ActivationFunction,
  type ActivationIdentifier,
  getActivation,
} from "../activations.ts";
import { type Constraint, getConstraint } from "../constraints.ts";
import { DinogradError } from "../errors.ts";
import { getInitializer, type Initializer, type InitializerIdentifier } from "../initializers.ts";
import { currentDevice } from "../native/device.ts";
import { fusedMatMul } from "../ops/matmul.ts";
import { newRandomState, type RandomState } from "../ops/random.ts";
import { reshape } from "../ops/reshape.ts";
import { dropout } from "../ops/sampling.ts";
import { getRegularizer, type Regularizer } from "../regularizers.ts";
import { type Config, serialize } from "../serialization.ts";
import { inferShape, sameDim, showShape, sizeOf } from "../shape.ts";
import type { Tensor } from "../tensor.ts";
import { type CallArgs, Layer, type LayerArgs, type Shape } from "./layer.ts";
import type { Weight } from "./weight.ts";

/** The one input of a layer that takes one. */
export function only(inputs: Tensor | Tensor[], name: string): Tensor {
  if (!Array.isArray(inputs)) return inputs;
  if (inputs.length === 1) return inputs[0];
  throw new DinogradError(`Layer "${name}" takes one input, got ${inputs.length}`);
}

/** Arguments of `layers.inputLayer`. */
export interface InputLayerArgs extends LayerArgs {
  /** Whether inputs are sparse: they may not be. */
  sparse?: boolean;
}

/** Says what a sequential model is fed. */
export class InputLayer extends Layer {
  static override className = "InputLayer";

  constructor(args: InputLayerArgs) {
    if (!args.inputShape && !args.batchInputShape) {
      throw new DinogradError("inputLayer needs inputShape or batchInputShape");
    }
    if (args.sparse) {
      throw new DinogradError("inputLayer takes dense inputs only, got sparse: true");
    }
    super({ ...args, dtype: args.dtype ?? "float32" });
  }
  override call(inputs: Tensor | Tensor[]): Tensor | Tensor[] {
    return inputs;
  }
  override getConfig(): Config {
    return { name: this.name, dtype: this.dtype, batch_input_shape: this.batchInputShape! };
  }
}

/** Arguments of `layers.dense`. */
export interface DenseLayerArgs extends LayerArgs {
  /** Size of the output's last dimension. */
  units: number;
  activation?: ActivationIdentifier;
  useBias?: boolean;
  /** Size of the input, as a short form of `inputShape: [inputDim]`. */
  inputDim?: number;
  kernelInitializer?: InitializerIdentifier;
  biasInitializer?: InitializerIdentifier;
  kernelRegularizer?: Regularizer | string | null;
  biasRegularizer?: Regularizer | string | null;
  kernelConstraint?: Constraint | string | null;
  biasConstraint?: Constraint | string | null;
}

/** `activation(x . kernel + bias)` over the last dimension: [..., n] to [..., units]. */
export class Dense extends Layer {
  static override className = "Dense";
  /** Size of the output's last dimension. */
  readonly units: number;
  readonly #activation: ActivationFunction;
  readonly #useBias: boolean;
  readonly #initializers: { kernel: Initializer; bias: Initializer };
  readonly #regularizers: { kernel: Regularizer | null; bias: Regularizer | null };
  readonly #constraints: { kernel: Constraint | null; bias: Constraint | null };
  #kernel!: Weight;
  #bias: Weight | undefined;

  constructor(args: DenseLayerArgs) {
    const { units, inputDim } = args ?? {};
    if (!Number.isInteger(units) || units < 1) {
      throw new DinogradError(`dense needs units, a whole number of at least 1: got ${units}`);
    }
    super(inputDim === undefined || args.inputShape ? args : { ...args, inputShape: [inputDim] });
    this.units = units;
    this.supportsMasking = true;
    this.#activation = getActivation(args.activation);
    this.#useBias = args.useBias ?? true;
    this.#initializers = {
      kernel: getInitializer(args.kernelInitializer ?? "glorotUniform"),
      bias: getInitializer(args.biasInitializer ?? "zeros"),
    };
    this.#regularizers = {
      kernel: getRegularizer(args.kernelRegularizer),
      bias: getRegularizer(args.biasRegularizer),
    };
    this.#constraints = {
      kernel: getConstraint(args.kernelConstraint),
      bias: getConstraint(args.biasConstraint),
    };
  }

  override build(inputShape: number[]): void {
    if (inputShape.length < 2) {
      throw new DinogradError(
        `Layer "${this.name}" needs inputs of rank 2 or more, got ${showShape(inputShape)}`,
      );
    }
    this.#kernel = this.addWeight(
      "kernel",
      [inputShape[inputShape.length - 1], this.units],
      this.dtype,
      this.#initializers.kernel,
      this.#regularizers.kernel,
      true,
      this.#constraints.kernel,
    );
    if (!this.#useBias) return;
    this.#bias = this.addWeight(
      "bias",
      [this.units],
      this.dtype,
      this.#initializers.bias,
      this.#regularizers.bias,
      true,
      this.#constraints.bias,
    );
  }

  override call(inputs: Tensor | Tensor[]): Tensor {
    const x = only(inputs, this.name);
    const [n] = this.#kernel.shape;
    if (!sameDim(x.shape[x.rank - 1], n)) {
      throw new DinogradError(
        `Layer "${this.name}" was built for inputs of last size ${n}, got ${showShape(x.shape)}`,
      );
    }
    const flat = x.rank === 2 ? x : reshape(x, [sizeOf(x.shape.slice(0, -1)), n]);
    const y = fusedMatMul({
      a: flat,
      b: this.#kernel.read(),
      bias: this.#bias?.read(),
      activation: this.#activation.fused,
    });
    const z = this.#activation.fused === undefined ? this.#activation.apply(y) : y;
    return x.rank === 2 ? z : reshape(z, [...x.shape.slice(0, -1), this.units]);
  }

  override getConfig(): Config {
    return {
      ...super.getConfig(),
      units: this.units,
      activation: serialize(this.#activation),
      use_bias: this.#useBias,
      kernel_initializer: serialize(this.#initializers.kernel),
      bias_initializer: serialize(this.#initializers.bias),
      kernel_regularizer: serialize(this.#regularizers.kernel),
      bias_regularizer: serialize(this.#regularizers.bias),
      kernel_constraint: serialize(this.#constraints.kernel),
      bias_constraint: serialize(this.#constraints.bias),
    };
  }
}

/** Arguments of `layers.activation`. */
export interface ActivationLayerArgs extends LayerArgs {
  activation: ActivationIdentifier;
}

/** An activation function as a layer. */
export class Activation extends Layer {
  static override className = "Activation";
  readonly #activation: ActivationFunction;

  constructor(args: ActivationLayerArgs) {
    super(args);
    this.supportsMasking = true;
    this.#activation = getActivation(args.activation);
  }
  override call(inputs: Tensor | Tensor[]): Tensor {
    return this.#activation.apply(only(inputs, this.name));
  }
  override getConfig(): Config {
    return { ...super.getConfig(), activation: serialize(this.#activation) };
  }
}

/** Arguments of `layers.dropout`. */
export interface DropoutLayerArgs extends LayerArgs {
  /** Share of the inputs set to zero, in [0, 1). */
  rate: number;
  /** Shape of the mask: 1 where it is shared along a dimension, null for the input's own size. */
  noiseShape?: Shape;
  seed?: number;
}

/** While training, sets a random share of its inputs to zero and scales the rest by 1 / (1 - rate). */
export class Dropout extends Layer {
  static override className = "Dropout";
  readonly #rate: number;
  readonly #noiseShape: Shape | undefined;
  readonly #seed: number | undefined;
  #state: RandomState | undefined;

  constructor(args: DropoutLayerArgs) {
    if (!(args.rate >= 0 && args.rate < 1)) {
      throw new DinogradError(`dropout needs a rate from 0 to below 1, got ${args.rate}`);
    }
    super(args);
    this.supportsMasking = true;
    this.#rate = args.rate;
    this.#noiseShape = args.noiseShape;
    this.#seed = args.seed;
  }
  override build(): void {
    this.#state = newRandomState(currentDevice(), this.#seed);
  }
  override call(inputs: Tensor | Tensor[], { training }: CallArgs): Tensor {
    const x = only(inputs, this.name);
    if (!training || this.#rate === 0 || x.isAbstract) return x;
    const noise = this.#noiseShape?.map((d, i) => d ?? x.shape[i]);
    return dropout(x, this.#rate, noise, this.#state);
  }
  override getConfig(): Config {
    return {
      ...super.getConfig(),
      rate: this.#rate,
      noise_shape: this.#noiseShape ?? null,
      seed: this.#seed ?? null,
    };
  }
  override dispose(): void {
    super.dispose();
    this.#state?.dispose();
  }
}

/** All dimensions but the batch in one: [batch, ...] to [batch, n]. */
export class Flatten extends Layer {
  static override className = "Flatten";

  constructor(args: LayerArgs = {}) {
    super(args);
  }
  override call(inputs: Tensor | Tensor[]): Tensor {
    const x = only(inputs, this.name);
    return reshape(x, [x.shape[0], sizeOf(x.shape.slice(1))]);
  }
}

/** Arguments of `layers.reshape`. */
export interface ReshapeLayerArgs extends LayerArgs {
  /** New shape without the batch; one entry may be -1 (or null) and is inferred. */
  targetShape: Shape;
}

/** Another shape for each sample: [batch, ...] to [batch, ...targetShape]. */
export class Reshape extends Layer {
  static override className = "Reshape";
  readonly #target: number[];

  constructor(args: ReshapeLayerArgs) {
    super(args);
    this.#target = args.targetShape.map((d) => d ?? -1);
  }
  override call(inputs: Tensor | Tensor[]): Tensor {
    const x = only(inputs, this.name);
    const sample = inferShape(x.shape.slice(1), this.#target, `reshape in layer "${this.name}"`);
    return reshape(x, [x.shape[0], ...sample]);
  }
  override getConfig(): Config {
    return { ...super.getConfig(), target_shape: this.#target };
  }
}

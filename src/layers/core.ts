// The layers every network is made of: input, dense, activation.

import {
  type Activation as ActivationFunction,
  type ActivationIdentifier,
  getActivation,
} from "../activations.ts";
import { type Constraint, type ConstraintIdentifier, getConstraint } from "../constraints.ts";
import type { DType } from "../dtype.ts";
import { DinogradError } from "../errors.ts";
import { getInitializer, type Initializer, type InitializerIdentifier } from "../initializers.ts";
import { fusedMatMul } from "../ops/matmul.ts";
import { reshape } from "../ops/reshape.ts";
import { getRegularizer, type Regularizer, type RegularizerIdentifier } from "../regularizers.ts";
import { type Config, serialize } from "../serialization.ts";
import { registerClass } from "../serialization/registry.ts";
import { sameDim, showShape, sizeOf } from "../shape.ts";
import type { Tensor } from "../tensor.ts";
import { Layer, type LayerArgs, type Shape, type SymbolicTensor } from "./layer.ts";
import { Node } from "./node.ts";
import type { Weight } from "./weight.ts";

/** The one input of a layer that takes one. */
export function only(inputs: Tensor | Tensor[], name: string): Tensor {
  if (!Array.isArray(inputs)) return inputs;
  if (inputs.length === 1) return inputs[0];
  throw new DinogradError(`Layer "${name}" takes one input, got ${inputs.length}`);
}

/** Arguments of `layers.inputLayer`. */
export interface InputLayerArgs extends LayerArgs {
  /** As batchInputShape, under Keras 3's name. */
  batchShape?: Shape;
  /** Whether inputs are sparse: they may not be. */
  sparse?: boolean;
}

/** Says what a model is fed. */
export class InputLayer extends Layer {
  static override className = "InputLayer";

  constructor(args: InputLayerArgs) {
    const batchInputShape = args.batchInputShape ?? args.batchShape;
    if (!args.inputShape && !batchInputShape) {
      throw new DinogradError("inputLayer needs inputShape or batchInputShape");
    }
    if (args.sparse) {
      throw new DinogradError("inputLayer takes dense inputs only, got sparse: true");
    }
    super({ ...args, batchInputShape, dtype: args.dtype ?? "float32" });
    this.built = true;
    new Node(this, [], {}, [{ shape: this.batchInputShape!, dtype: this.dtype }]);
  }
  override call(inputs: Tensor | Tensor[]): Tensor | Tensor[] {
    return inputs;
  }
  override getConfig(): Config {
    return {
      name: this.name,
      dtype: this.dtype,
      batch_input_shape: this.batchInputShape!,
      sparse: false,
    };
  }
}
registerClass(InputLayer);

/** Arguments of `input`: `shape` or `batchShape` must be given. */
export interface InputArgs {
  /** Shape of one sample; null for sizes that vary. */
  shape?: Shape;
  /** As shape, with the batch size in front, null where it varies. */
  batchShape?: Shape;
  /** Element type, float32 when left out; inputs of another type are cast. */
  dtype?: DType;
  /** Name of the input, by which data may be given. */
  name?: string;
  /** Whether inputs are sparse: they may not be. */
  sparse?: boolean;
}

/**
 * The start of a graph of layers: what a model will be fed, as a symbolic tensor.
 *
 * ```ts
 * import * as dg from "../../mod.ts";
 * import assert from "node:assert";
 *
 * const x = dg.input({ shape: [8], name: "features" });
 * const y = dg.layers.dense({ units: 1 }).apply(x) as dg.SymbolicTensor;
 * const model = dg.model({ inputs: x, outputs: y });
 * assert.deepEqual((model.predict(dg.ones([4, 8])) as dg.Tensor).shape, [4, 1]);
 * ```
 */
export function input({ shape, batchShape, ...args }: InputArgs): SymbolicTensor {
  if (Array.isArray(shape) === Array.isArray(batchShape)) {
    throw new DinogradError("input needs shape or batchShape, one of them");
  }
  const layer = new InputLayer({ ...args, inputShape: shape, batchInputShape: batchShape });
  return layer.output as SymbolicTensor;
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
  kernelRegularizer?: RegularizerIdentifier;
  biasRegularizer?: RegularizerIdentifier;
  kernelConstraint?: ConstraintIdentifier;
  biasConstraint?: ConstraintIdentifier;
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

  override sublayers(): readonly Layer[] {
    return this.#activation instanceof Layer ? [this.#activation] : [];
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

registerClass(Dense);

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
  override sublayers(): readonly Layer[] {
    return this.#activation instanceof Layer ? [this.#activation] : [];
  }
  override getConfig(): Config {
    return { ...super.getConfig(), activation: serialize(this.#activation) };
  }
}

registerClass(Activation);

// What is a layer? Weights made on first sight of an input shape, a `call`, and a config to make it again from.

import { castFloats } from "../activations.ts";
import { type ConstraintIdentifier, getConstraint } from "../constraints.ts";
import type { DType } from "../dtype.ts";
import { DinogradError } from "../errors.ts";
import { getInitializer, type InitializerIdentifier } from "../initializers.ts";
import { asType } from "../ops/cast.ts";
import { getPolicy, type Policy, type PolicyIdentifier } from "../policy.ts";
import { getRegularizer, type RegularizerIdentifier } from "../regularizers.ts";
import { tidy } from "../scope.ts";
import type { Config } from "../serialization.ts";
import { checkShape, sameShape, showShape, UNKNOWN } from "../shape.ts";
import { Tensor, track, wantTensor } from "../tensor.ts";
import { Variable } from "../variable.ts";
import { Weight } from "./weight.ts";

/** A shape as layers show it: null where a size is not known. */
export type Shape = (number | null)[];

/** Arguments every layer takes. */
export interface LayerArgs {
  /** Unique within a model; made from the class name when left out. */
  name?: string;
  /** Whether training changes its weights. */
  trainable?: boolean;
  /** Types that it computes in and keeps its weights in; the global policy's when left out. */
  dtype?: PolicyIdentifier;
  /** Shape of one input sample, for the first layer of a sequential model. */
  inputShape?: Shape;
  /** As inputShape, with the batch size in front. */
  batchInputShape?: Shape;
  /** Batch size to go with inputShape. */
  batchSize?: number;
  /** Initial values of the weights. */
  weights?: Tensor[];
}

/** What a layer is told besides its inputs. */
export interface CallArgs {
  /** Whether this is training (dropout drops, batch normalisation uses the batch). */
  training?: boolean;
  /** Which entries of the inputs count. */
  mask?: Tensor | Tensor[] | null;
}

/** What `setCallHook` takes. */
export type CallHook = (inputs: Tensor | Tensor[], args: CallArgs) => void;

const taken = new Map<string, number>();

/** `dense`, `dense_1`, ...: a name no layer of this class has had yet. */
function uniqueName(className: string): string {
  const base = className
    .replace(/(.)([A-Z][a-z0-9]+)/g, "$1_$2")
    .replace(/([a-z])([A-Z])/g, "$1_$2")
    .toLowerCase();
  const n = taken.get(base) ?? 0;
  taken.set(base, n + 1);
  return n === 0 ? base : `${base}_${n}`;
}

/** A shape with nulls as the library computes with it. */
export function toDims(shape: readonly (number | null)[]): number[] {
  return shape.map((d) => d ?? UNKNOWN);
}
/** A shape the library computed, with nulls. */
export function fromDims(dims: readonly number[]): Shape {
  return dims.map((d) => Number.isNaN(d) ? null : d);
}

function single<T>(list: readonly T[]): T | T[] {
  return list.length === 1 ? list[0] : [...list];
}

/**
 * The base of all layers. A subclass gives `call`, makes its weights in `build` with `addWeight`, extends `getConfig`, and has a
 * static `className` that names it in saved models.
 */
export abstract class Layer {
  /** Name in saved models. */
  static className = "Layer";

  /** Unique within a model. */
  readonly name: string;
  /** Types that it computes in and keeps its weights in. */
  readonly dtypePolicy: Policy;
  /** Shape of its input with the batch, where it was given. */
  readonly batchInputShape: Shape | undefined;
  /** Whether its weights exist. */
  built = false;
  /** Whether a mask on its input also holds for its output. */
  supportsMasking = false;
  /** Whether inputs of floats are cast to the type that it computes in. */
  protected readonly autocast: boolean = true;
  #trainable: boolean;
  #weights: Weight[] = [];
  readonly #initialWeights: Tensor[] | undefined;
  #callHook: CallHook | undefined;

  /** Names the layer and notes the shape of its input. */
  constructor(args: LayerArgs = {}) {
    this.name = args.name ?? uniqueName(this.getClassName());
    this.dtypePolicy = getPolicy(args.dtype);
    this.#trainable = args.trainable ?? true;
    this.#initialWeights = args.weights;
    const { batchInputShape, inputShape, batchSize = null } = args;
    for (const shape of [batchInputShape, inputShape]) {
      if (shape) checkShape(Array.isArray(shape) ? toDims(shape) : shape, `Layer "${this.name}"`);
    }
    this.batchInputShape = batchInputShape ?? (inputShape && [batchSize, ...inputShape]);
  }

  /** Type of its weights, under Keras's short name. */
  get dtype(): DType {
    return this.dtypePolicy.variableDtype;
  }
  /** Type of its weights. */
  get variableDtype(): DType {
    return this.dtypePolicy.variableDtype;
  }
  /** Type of its outputs, which inputs of floats and weights are cast to. */
  get computeDtype(): DType {
    return this.dtypePolicy.computeDtype;
  }

  /** Name of its class in saved models. */
  getClassName(): string {
    return (this.constructor as typeof Layer).className;
  }

  /** Whether training changes its weights. A model takes the value at `compile`. */
  get trainable(): boolean {
    return this.#trainable;
  }
  set trainable(value: boolean) {
    this.#trainable = value;
    for (const layer of this.sublayers()) layer.trainable = value;
  }

  /** Layers inside it whose weights are its own too. */
  sublayers(): readonly Layer[] {
    return [];
  }

  /** All its weights, trainable ones first. */
  get weights(): Weight[] {
    return [...this.trainableWeights, ...this.nonTrainableWeights];
  }
  /** The weights that training changes. */
  get trainableWeights(): Weight[] {
    if (!this.#trainable) return [];
    return [
      ...this.#weights.filter((w) => w.trainable),
      ...this.sublayers().flatMap((l) => l.trainableWeights),
    ];
  }
  /** The weights that training leaves alone. */
  get nonTrainableWeights(): Weight[] {
    const own = this.#trainable ? this.#weights.filter((w) => !w.trainable) : this.#weights;
    return [...own, ...this.sublayers().flatMap((l) => l.nonTrainableWeights)];
  }

  /** Makes one weight, for `build`; `read()` of it is what `call` computes with. The dtype is the policy's when left out. */
  protected addWeight(
    name: string,
    shape: Shape,
    dtype?: DType | null,
    initializer: InitializerIdentifier = "glorotUniform",
    regularizer?: RegularizerIdentifier,
    trainable = true,
    constraint?: ConstraintIdentifier,
  ): Weight {
    const dims = toDims(shape);
    const unknown = dims.findIndex((d) => Number.isNaN(d));
    if (unknown >= 0) {
      throw new DinogradError(
        `Layer "${this.name}" needs to know dimension ${unknown} of its weight "${name}": got ${
          showShape(shape)
        }`,
      );
    }
    const path = `${this.name}/${name}`;
    const variable = tidy(() => {
      const initial = getInitializer(initializer).apply(dims, dtype ?? this.variableDtype);
      return new Variable(initial, trainable, path);
    });
    const weight = new Weight(
      path,
      variable,
      getRegularizer(regularizer),
      getConstraint(constraint),
      this.computeDtype,
    );
    this.#weights.push(weight);
    return weight;
  }

  /** Makes the weights for inputs of this shape (a list of shapes for several inputs). */
  build(_inputShape: number[] | number[][]): void {}

  /** Computes the outputs. Runs on descriptions too, while a model is put together. */
  abstract call(inputs: Tensor | Tensor[], args: CallArgs): Tensor | Tensor[];

  /** Builds the layer if need be and calls it. */
  apply(inputs: Tensor | Tensor[], args: CallArgs = {}): Tensor | Tensor[] {
    const list = Array.isArray(inputs) ? inputs : [inputs];
    for (const x of list) wantTensor(x, `Layer "${this.name}" needs tensors`);
    const shapes = list.map((x) => x.shape);
    if (!this.built) this.ensureBuilt(single(shapes) as number[] | number[][]);
    if (
      list.some((x) => x.isAbstract) &&
      this.computeOutputShape !== Layer.prototype.computeOutputShape
    ) {
      // A subclass that says its output's shape may do in `call` what descriptions cannot go through.
      const shape = this.computeOutputShape(single(shapes.map(fromDims)) as Shape | Shape[]);
      const { dtype } = this.#cast(list[0]);
      const describe = (s: Shape) => track(new Tensor(toDims(s), dtype, null));
      return Array.isArray(shape[0]) ? (shape as Shape[]).map(describe) : describe(shape as Shape);
    }
    this.#callHook?.(inputs, args);
    const cast = Array.isArray(inputs) ? inputs.map((x) => this.#cast(x)) : this.#cast(inputs);
    const outputs = this.call(cast, args);
    for (const y of Array.isArray(outputs) ? outputs : [outputs]) {
      wantTensor(y, `Layer "${this.name}" needs a call that returns tensors`);
    }
    return outputs;
  }

  // An input as `call` gets it.
  #cast(x: Tensor): Tensor {
    return this.autocast ? castFloats(x, this.computeDtype) : x;
  }

  /** Has `hook` called with inputs and arguments before each `call`; while steps are recorded, that is once per recording. */
  setCallHook(hook: CallHook): void {
    this.#callHook = hook;
  }
  /** Removes the hook. */
  clearCallHook(): void {
    this.#callHook = undefined;
  }
  /** For subclasses written for TensorFlow.js, whose `call` begins with it. Here `apply` has called the hook already. */
  protected invokeCallHook(_inputs: Tensor | Tensor[], _args: CallArgs): void {}

  /** Builds the layer unless it is built. */
  ensureBuilt(inputShape: number[] | number[][]): void {
    if (this.built) return;
    this.build(inputShape);
    this.built = true;
    if (this.#initialWeights) this.setWeights(this.#initialWeights);
  }

  /** Shape of the outputs for inputs of this shape; builds the layer. */
  computeOutputShape(inputShape: Shape | Shape[]): Shape | Shape[] {
    const several = Array.isArray(inputShape[0]);
    const shapes = (several ? inputShape : [inputShape]) as Shape[];
    return tidy(() => {
      const inputs = shapes.map((s) => track(new Tensor(toDims(s), "float32", null)));
      const outputs = this.apply(several ? inputs : inputs[0], {});
      return Array.isArray(outputs)
        ? outputs.map((y) => fromDims(y.shape))
        : fromDims(outputs.shape);
    });
  }

  /** The mask that goes with the outputs. */
  computeMask(_inputs: Tensor | Tensor[], mask?: Tensor | Tensor[] | null): Tensor | null {
    return this.supportsMasking && mask instanceof Tensor ? mask : null;
  }

  /** Penalties of its weights' regularizers, as float32 scalars. */
  regularizationLosses(): Tensor[] {
    return this.trainableWeights.flatMap((w) =>
      w.regularizer ? [w.regularizer.apply(asType(w.variable, "float32"))] : []
    );
  }

  /** Number of values in its weights. */
  countParams(): number {
    if (!this.built) {
      throw new DinogradError(`Layer "${this.name}" has no weights yet: build it first`);
    }
    return this.weights.reduce((n, w) => n + w.variable.size, 0);
  }

  /** Copies of its weights' values. */
  getWeights(trainableOnly = false): Tensor[] {
    return (trainableOnly ? this.trainableWeights : this.weights).map((w) => w.variable.clone());
  }

  /** Overwrites its weights, in the order of `weights`. All are checked before any is changed. */
  setWeights(values: readonly Tensor[]): void {
    const weights = this.weights;
    if (values.length !== weights.length) {
      throw new DinogradError(
        `"${this.name}" has ${weights.length} weights, got ${values.length}`,
      );
    }
    weights.forEach((w, i) => {
      if (!sameShape(w.shape, values[i].shape)) {
        throw new DinogradError(
          `Weight "${w.name}" has shape ${showShape(w.shape)}, got ${showShape(values[i].shape)}`,
        );
      }
    });
    weights.forEach((w, i) => w.write(values[i]));
  }

  /** What makes this layer again, with Keras's keys. */
  getConfig(): Config {
    const dtype = this.dtypePolicy.serialize();
    const config: Config = { name: this.name, trainable: this.#trainable, dtype };
    if (this.batchInputShape) config.batch_input_shape = this.batchInputShape;
    return config;
  }

  /** Gives back its weights' memory. */
  dispose(): void {
    for (const w of this.#weights) w.variable.dispose();
    for (const layer of this.sublayers()) layer.dispose();
  }
}

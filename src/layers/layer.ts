// What is a layer? Weights made on first sight of an input shape, a `call`, and a config to make it again from.

import { castFloats, widened } from "../activations.ts";
import { type ConstraintIdentifier, getConstraint } from "../constraints.ts";
import type { DType } from "../dtype.ts";
import { DinogradError } from "../errors.ts";
import { getInitializer, type InitializerIdentifier } from "../initializers.ts";
import { currentDevice } from "../native/device.ts";
import { asType } from "../ops/cast.ts";
import { divNoNan } from "../ops/power.ts";
import { newRandomState, type RandomState } from "../ops/random.ts";
import { getPolicy, type Policy, type PolicyIdentifier } from "../policy.ts";
import { getRegularizer, type Regularizer, type RegularizerIdentifier } from "../regularizers.ts";
import { tidy } from "../scope.ts";
import { argsOf, type Config, serialize } from "../serialization.ts";
import { checkShape, sameShape, showShape } from "../shape.ts";
import { Tensor, track, wantTensor } from "../tensor.ts";
import { Variable } from "../variable.ts";
import { Additions, pass } from "./additions.ts";
import { type Mask, maskOf, masksOf, setMask } from "./mask.ts";
import {
  Connected,
  fromDims,
  Node,
  replaceInArgs,
  replaceSymbolic,
  type Shape,
  single,
  symbolicIn,
  SymbolicTensor,
  toDims,
} from "./node.ts";
import { Weight } from "./weight.ts";

export { fromDims, type Shape, SymbolicTensor, toDims };

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
  /** Penalty on what the layer gives, per sample. */
  activityRegularizer?: RegularizerIdentifier;
}

/** What a layer is told besides its inputs. */
export interface CallArgs {
  /** Whether this is training (dropout drops, batch normalisation uses the batch). */
  training?: boolean;
  /** Which entries of the inputs count: what layers before said, unless it is given. */
  mask?: Mask;
  /** Whatever else a layer's `call` takes. */
  [argument: string]: unknown;
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

function asList<T>(value: T | T[]): T[] {
  return Array.isArray(value) ? value : [value];
}

/**
 * The base of all layers. A subclass gives `call`, makes its weights in `build` with `addWeight`, extends `getConfig`, and has a
 * static `className` that names it in saved models. Layers among its fields, alone or in lists, are part of it.
 */
export abstract class Layer extends Connected {
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
  readonly #activityRegularizer: Regularizer | null;
  readonly #lossFunctions: (() => Tensor)[] = [];
  readonly #added = new Additions();
  readonly #randomStates: RandomState[] = [];
  #callHook: CallHook | undefined;

  /** Names the layer and notes the shape of its input. */
  constructor(args: LayerArgs = {}) {
    super();
    this.name = args.name ?? uniqueName(this.getClassName());
    this.dtypePolicy = getPolicy(args.dtype);
    this.#trainable = args.trainable ?? true;
    this.#initialWeights = args.weights;
    this.#activityRegularizer = getRegularizer(args.activityRegularizer);
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

  /** Layers inside it, whose weights are its own too. */
  sublayers(): readonly Layer[] {
    return Object.values(this).flat().filter((v) => v instanceof Layer);
  }
  /** This layer and all layers inside it, each once. */
  withSublayers(): Layer[] {
    return [...new Set([this, ...this.sublayers().flatMap((l) => l.withSublayers())])];
  }

  /** All its weights, each once: its own, trainable ones first, then those of the layers inside. */
  get weights(): Weight[] {
    const own = [true, false].flatMap((t) => this.#weights.filter((w) => w.trainable === t));
    return [...new Set([...own, ...this.sublayers().flatMap((l) => l.weights)])];
  }
  /** The weights that training changes. */
  get trainableWeights(): Weight[] {
    if (!this.#trainable) return [];
    const own = this.#weights.filter((w) => w.trainable);
    return [...new Set([...own, ...this.sublayers().flatMap((l) => l.trainableWeights)])];
  }
  /** The weights that training leaves alone. */
  get nonTrainableWeights(): Weight[] {
    const trainable = new Set(this.trainableWeights);
    return this.weights.filter((w) => !trainable.has(w));
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

  /** The generators that it and the layers inside draw from. */
  get randomStates(): RandomState[] {
    return this.withSublayers().flatMap((l) => l.#randomStates);
  }
  /** Makes a generator, for `build`: from `seed`, or else the next stream of the global seed. */
  protected addRandomState(seed?: number): RandomState {
    const state = newRandomState(currentDevice(), seed);
    this.#randomStates.push(state);
    return state;
  }

  /** Makes the weights for inputs of this shape (a list of shapes for several inputs). */
  build(_inputShape: number[] | number[][]): void {}

  /** Computes the outputs. Runs on descriptions too, while a model is put together. */
  abstract call(inputs: Tensor | Tensor[], args: CallArgs): Tensor | Tensor[];

  /**
   * Builds the layer if need be and calls it: on tensors it gives tensors, and disposes of all others that the call made; on symbolic
   * ones it gives symbolic ones, and the call becomes part of a graph that `model` makes a model of.
   *
   * ```ts
   * import * as dg from "../../mod.ts";
   * import assert from "node:assert";
   *
   * const layer = dg.layers.dense({ units: 2 });
   * const y = layer.apply(dg.ones([5, 3])) as dg.Tensor;
   * const later = layer.apply(dg.input({ shape: [3] })) as dg.SymbolicTensor;
   * assert.deepEqual([y.shape, later.shape], [[5, 2], [null, 2]]);
   * ```
   */
  apply(inputs: Tensor | Tensor[], args?: CallArgs): Tensor | Tensor[];
  /** The same for symbolic tensors. */
  apply(
    inputs: SymbolicTensor | SymbolicTensor[],
    args?: CallArgs,
  ): SymbolicTensor | SymbolicTensor[];
  apply(
    inputs: Tensor | Tensor[] | SymbolicTensor | SymbolicTensor[],
    args: CallArgs = {},
  ): Tensor | Tensor[] | SymbolicTensor | SymbolicTensor[] {
    const symbolic = symbolicIn(inputs);
    if (symbolic.length === 0) {
      const run = () => tidy(() => this.#run(inputs as Tensor | Tensor[], args));
      return pass(() => this.forgetAdded(), run);
    }
    if (symbolic.length === asList<unknown>(inputs).length) {
      return this.#connect(inputs as SymbolicTensor | SymbolicTensor[], args);
    }
    throw new DinogradError(
      `Layer "${this.name}" takes symbolic tensors or tensors with values, got both`,
    );
  }

  #run(inputs: Tensor | Tensor[], args: CallArgs): Tensor | Tensor[] {
    const list = asList(inputs);
    for (const x of list) wantTensor(x, `Layer "${this.name}" needs tensors`);
    const shapes = () => list.map((x) => x.shape);
    if (!this.built) this.ensureBuilt(single(shapes()) as number[] | number[][]);
    const described = list.some((x) => x.isAbstract);
    if (described && this.computeOutputShape !== Layer.prototype.computeOutputShape) {
      // A subclass that says its output's shape may do in `call` what descriptions cannot go through.
      const shape = this.computeOutputShape(single(shapes().map(fromDims)) as Shape | Shape[]);
      const { dtype } = this.#cast(list[0]);
      const describe = (s: Shape) => track(new Tensor(toDims(s), dtype, null));
      return Array.isArray(shape[0]) ? (shape as Shape[]).map(describe) : describe(shape as Shape);
    }
    const mask = args.mask ?? (described ? null : masksOf(inputs));
    const callArgs = { ...args, mask };
    this.#callHook?.(inputs, callArgs);
    const cast = Array.isArray(inputs) ? inputs.map((x) => this.#cast(x)) : this.#cast(inputs);
    const outputs = this.call(cast, callArgs);
    for (const y of asList(outputs)) {
      wantTensor(y, `Layer "${this.name}" needs a call that returns tensors`);
    }
    if (!described) this.#complete(cast, outputs, mask);
    return outputs;
  }

  // An input as `call` gets it.
  #cast(x: Tensor): Tensor {
    return this.autocast ? castFloats(x, this.computeDtype) : x;
  }

  // What a call entails: masks for what it gave, and the penalty on it.
  #complete(inputs: Tensor | Tensor[], outputs: Tensor | Tensor[], mask: Mask): void {
    const list = asList(outputs), masks = this.computeMask(inputs, mask);
    if (masks) {
      asList(masks).forEach((m, i) => {
        if (m && list[i] && !maskOf(list[i])) setMask(list[i], m);
      });
    }
    if (!this.#activityRegularizer) return;
    for (const y of list) {
      tidy(() => {
        const penalty = this.#activityRegularizer!.apply(widened(y));
        this.addLoss(y.rank > 0 ? divNoNan(penalty, y.shape[0]) : penalty);
      });
    }
  }

  // A call on symbolic tensors runs on descriptions of them, and is noted.
  #connect(
    inputs: SymbolicTensor | SymbolicTensor[],
    args: CallArgs,
  ): SymbolicTensor | SymbolicTensor[] {
    const describe = (x: SymbolicTensor) => x.describe();
    return tidy(() => {
      const described = replaceSymbolic(inputs, describe) as Tensor | Tensor[];
      const outputs = this.apply(described, replaceInArgs(args, describe));
      const specs = asList(outputs).map((y) => ({ shape: fromDims(y.shape), dtype: y.dtype }));
      const { outputTensors } = new Node(this, inputs, args, specs);
      return Array.isArray(outputs) ? [...outputTensors] : outputTensors[0];
    });
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

  /** The mask that goes with the outputs (a list for several outputs): that of the inputs, where the layer supports masking. */
  computeMask(_inputs: Tensor | Tensor[], mask?: Mask): Mask {
    return this.supportsMasking ? mask ?? null : null;
  }

  /**
   * Adds to the loss that models with this layer are trained on: within `call`, a scalar for this call; anywhere, a function that is
   * called in every step.
   *
   * ```ts
   * import * as dg from "../../mod.ts";
   *
   * class Sparse extends dg.Layer {
   *   static override className = "Sparse";
   *   override call(inputs: dg.Tensor | dg.Tensor[]): dg.Tensor {
   *     const x = inputs as dg.Tensor;
   *     this.addLoss(x.abs().mean().mul(0.1));
   *     return x;
   *   }
   * }
   * const layer = new Sparse({});
   * layer.apply(dg.tensor([1, -3]));
   * layer.calculateLosses()[0].print(); // 0.2
   * ```
   */
  addLoss(loss: Tensor | (() => Tensor) | readonly (Tensor | (() => Tensor))[]): void {
    for (const term of [loss].flat() as (Tensor | (() => Tensor))[]) {
      if (typeof term === "function") this.#lossFunctions.push(term);
      else {
        wantTensor(term, `addLoss of "${this.name}" needs tensors or functions that return some`);
        if (!term.isAbstract) this.#added.addLoss(term);
      }
    }
  }

  /** Within `call`: has the mean of a tensor over the batches logged under a name. */
  addMetric(value: Tensor, name: string): void {
    wantTensor(value, `addMetric of "${this.name}" needs a tensor`);
    if (typeof name !== "string") {
      throw new DinogradError(`addMetric of "${this.name}" needs a name to log under, got ${name}`);
    }
    if (!value.isAbstract) this.#added.addMetric(name, value);
  }

  /** Terms that it and the layers inside add to the loss: those of the last call, those of functions, and penalties on weights. */
  calculateLosses(): Tensor[] {
    const layers = this.withSublayers();
    return [
      ...layers.flatMap((l) => l.#added.losses),
      ...layers.flatMap((l) => l.#lossFunctions.map((term) => term())),
      ...this.trainableWeights.flatMap(({ regularizer, variable }) =>
        regularizer ? [tidy(() => regularizer.apply(asType(variable, "float32")))] : []
      ),
    ];
  }

  /** What it and the layers inside had logged in the last call. */
  addedMetrics(): [name: string, value: Tensor][] {
    return this.withSublayers().flatMap((l) => l.#added.metrics);
  }

  /** Gives back losses and metrics of the last call. */
  protected forgetAdded(): void {
    for (const layer of this.withSublayers()) layer.#added.forget();
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
    if (this.#activityRegularizer) {
      config.activity_regularizer = serialize(this.#activityRegularizer);
    }
    return config;
  }
  /** Makes a layer from its config: what `getConfig` gave, or Keras's or TensorFlow.js's config of such a layer. */
  static fromConfig(config: Config): Layer {
    // deno-lint-ignore no-explicit-any
    return new (this as unknown as new (args: any) => Layer)(argsOf(config));
  }

  /** Gives back the memory of its weights and generators. */
  dispose(): void {
    this.#added.forget();
    for (const w of this.#weights) w.variable.dispose();
    for (const state of this.#randomStates.splice(0)) state.dispose();
    for (const layer of this.sublayers()) layer.dispose();
  }
}

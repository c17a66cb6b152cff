// What is a layer? A module with a `call`, built on first sight of an input shape, and a config to make it again from.

import { castFloats, widened } from "../activations.ts";
import { DinogradError } from "../errors.ts";
import { divNoNan } from "../ops/power.ts";
import { getRegularizer, type Regularizer, type RegularizerIdentifier } from "../regularizers.ts";
import { tidy } from "../scope.ts";
import { argsOf, type Config, serialize } from "../serialization.ts";
import { checkShape } from "../shape.ts";
import { Tensor, track, wantTensor } from "../tensor.ts";
import { pass } from "./additions.ts";
import { type Mask, maskOf, masksOf, setMask } from "./mask.ts";
import { Module, type ModuleArgs } from "./module.ts";
import { recomputed } from "./recompute.ts";
import {
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

export { fromDims, type Shape, SymbolicTensor, toDims };

/** Arguments every layer takes. */
export interface LayerArgs extends ModuleArgs {
  /** Shape of one input sample, for the first layer of a sequential model. */
  inputShape?: Shape;
  /** As inputShape, with the batch size in front. */
  batchInputShape?: Shape;
  /** Batch size to go with inputShape. */
  batchSize?: number;
  /** Initial values of the weights. */
  weights?: Tensor[];
  /**
   * Whether training keeps only the layer's inputs, and calls the layer again when it goes back through it: the same numbers, in more
   * time and less memory. Worth it where a call makes much besides its result: attention, recurrent layers, whole models as layers.
   */
  recompute?: boolean;
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

function asList<T>(value: T | T[]): T[] {
  return Array.isArray(value) ? value : [value];
}

// What a list or a plain object holds.
function membersOf(field: unknown): unknown[] {
  const plain = typeof field === "object" && field !== null &&
    Object.getPrototypeOf(field) === Object.prototype;
  return Array.isArray(field) ? field : plain ? Object.values(field) : [];
}

/**
 * The base of all layers. A subclass gives `call`, makes its weights in `build` with `addWeight`, extends `getConfig`, and has a
 * static `className` that names it in saved models. Layers among its fields, alone, in lists or in plain objects, are part of it.
 */
export abstract class Layer extends Module {
  /** Name in saved models. */
  static override className = "Layer";

  /** Shape of its input with the batch, where it was given. */
  readonly batchInputShape: Shape | undefined;
  /** Whether training keeps only its inputs and calls it again when it goes back through it. */
  readonly recompute: boolean;
  /** Whether a mask on its input also holds for its output. */
  supportsMasking = false;
  /** Whether its inputs are whole numbers, whatever they are stored as. */
  readonly takesTokens: boolean = false;
  /** Whether inputs of floats are cast to the type that it computes in. */
  protected readonly autocast: boolean = true;
  readonly #initialWeights: Tensor[] | undefined;
  readonly #activityRegularizer: Regularizer | null;
  #callHook: CallHook | undefined;

  /** Names the layer and notes the shape of its input. */
  constructor(args: LayerArgs = {}) {
    super(args);
    this.#initialWeights = args.weights;
    this.#activityRegularizer = getRegularizer(args.activityRegularizer);
    this.recompute = args.recompute ?? false;
    const { batchInputShape, inputShape, batchSize = null } = args;
    for (const shape of [batchInputShape, inputShape]) {
      if (shape) checkShape(Array.isArray(shape) ? toDims(shape) : shape, `Layer "${this.name}"`);
    }
    this.batchInputShape = batchInputShape ?? (inputShape && [batchSize, ...inputShape]);
  }

  /** Layers inside it, whose weights are its own too: those among its fields, unless a subclass says otherwise. */
  override sublayers(): readonly Layer[] {
    const isLayer = (v: unknown) => v instanceof Layer;
    return Object.values(this).flatMap((f) => isLayer(f) ? [f] : membersOf(f).filter(isLayer));
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
    const call = (x: Tensor | Tensor[], a: CallArgs) => this.call(x, a);
    const outputs = this.recompute && !described
      ? recomputed(this, cast, callArgs, call)
      : call(cast, callArgs);
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

  /** What makes this layer again, with Keras's keys. */
  getConfig(): Config {
    const dtype = this.dtypePolicy.serialize();
    const config: Config = { name: this.name, trainable: this.trainable, dtype };
    if (this.batchInputShape) config.batch_input_shape = this.batchInputShape;
    if (this.recompute) config.recompute = true;
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
}

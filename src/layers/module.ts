// What does a layer hold? Weights, other layers, types to compute in, and what it adds to the loss and to the logs.

import { type ConstraintIdentifier, getConstraint } from "../constraints.ts";
import type { DType } from "../dtype.ts";
import { DinogradError } from "../errors.ts";
import { getInitializer, type InitializerIdentifier } from "../initializers.ts";
import { currentDevice } from "../native/device.ts";
import { asType } from "../ops/cast.ts";
import { newRandomState, type RandomState } from "../ops/random.ts";
import { getPolicy, type Policy, type PolicyIdentifier } from "../policy.ts";
import { getRegularizer, type RegularizerIdentifier } from "../regularizers.ts";
import { tidy } from "../scope.ts";
import { sameShape, showShape } from "../shape.ts";
import { type Tensor, wantTensor } from "../tensor.ts";
import { Variable } from "../variable.ts";
import { Additions } from "./additions.ts";
import { Connected, type Shape, toDims } from "./node.ts";
import { noteMade, takeRoom, Weight } from "./weight.ts";

/** Arguments of whatever holds weights. */
export interface ModuleArgs {
  /** Unique within a model; made from the class name when left out. */
  name?: string;
  /** Whether training changes its weights. */
  trainable?: boolean;
  /** Types that it computes in and keeps its weights in; the global policy's when left out. */
  dtype?: PolicyIdentifier;
}

const taken = new Map<string, number>();

/** `dense`, `dense_1`, ...: a name no layer of this class has had yet. */
export function uniqueName(className: string): string {
  const base = className
    .replace(/(.)([A-Z][a-z0-9]+)/g, "$1_$2")
    .replace(/([a-z])([A-Z])/g, "$1_$2")
    .toLowerCase();
  const n = taken.get(base) ?? 0;
  taken.set(base, n + 1);
  return n === 0 ? base : `${base}_${n}`;
}

/** What holds weights, its own and those of others inside it: the part of a layer that training, saving and freezing see. */
export abstract class Module extends Connected {
  /** Name in saved models. */
  static className = "Module";

  /** Unique within a model. */
  readonly name: string;
  /** Types that it computes in and keeps its weights in. */
  readonly dtypePolicy: Policy;
  /** Whether its weights exist. */
  built = false;
  /** What the names of its weights begin with: its own name, unless what it is inside says otherwise before it is built. */
  scope: string;
  #trainable: boolean;
  readonly #weights: Weight[] = [];
  readonly #lossFunctions: (() => Tensor)[] = [];
  readonly #added = new Additions();
  readonly #randomStates: RandomState[] = [];

  /** Names it. */
  constructor(args: ModuleArgs) {
    super();
    this.name = this.scope = args.name ?? uniqueName(this.getClassName());
    this.dtypePolicy = getPolicy(args.dtype);
    this.#trainable = args.trainable ?? true;
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
    return (this.constructor as typeof Module).className;
  }

  /** Whether training changes its weights. A model takes the value at `compile`. */
  get trainable(): boolean {
    return this.#trainable;
  }
  set trainable(value: boolean) {
    this.#trainable = value;
    for (const layer of this.sublayers()) layer.trainable = value;
  }

  /** Modules inside it, whose weights are its own too. */
  abstract sublayers(): readonly Module[];

  /** This layer and all layers inside it, each once. */
  withSublayers(): Module[] {
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
    const path = `${this.scope}/${name}`;
    takeRoom(path, dims);
    const variable = tidy(() => {
      const initial = getInitializer(initializer).apply(dims, dtype ?? this.variableDtype);
      return noteMade(new Variable(initial, trainable, path));
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
    const state = noteMade(newRandomState(currentDevice(), seed));
    this.#randomStates.push(state);
    return state;
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

  /** Gives back the memory of its weights and generators. */
  dispose(): void {
    this.#added.forget();
    for (const w of this.#weights) w.variable.dispose();
    for (const state of this.#randomStates.splice(0)) state.dispose();
    for (const layer of this.sublayers()) layer.dispose();
  }
}

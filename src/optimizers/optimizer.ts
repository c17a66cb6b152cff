// What is an optimizer to its user? Options, a learning rate, steps from gradients, and state that can be saved.

import { DinogradError } from "../errors.ts";
import { gradientsOf } from "../grad.ts";
import { type Config, Configured, isClassConfig } from "../serialization.ts";
import { sameShape, showShape } from "../shape.ts";
import { fromHost, type Tensor } from "../tensor.ts";
import type { Variable } from "../variable.ts";
import { deserializeSchedule, LearningRateSchedule } from "./schedules.ts";
import { type Clipping, OptimizerState, type Rule } from "./state.ts";

/** Options that every optimizer takes. */
export interface OptimizerOptions {
  /** A number, or a schedule that gives one for each step. */
  learningRate: number | LearningRateSchedule;
  /** Share of itself, times the learning rate, that each weight loses per step; null for none. */
  weightDecay: number | null;
  /** Largest Euclidean norm of each gradient. Only one of the three clippings may be set. */
  clipnorm: number | null;
  /** Largest absolute value in the gradients. */
  clipvalue: number | null;
  /** Largest Euclidean norm of all gradients together. */
  globalClipnorm: number | null;
  /** Name in saved models. */
  name: string;
}

/** The options an optimizer named `name` has by default. */
export function commonOptions(name: string, learningRate = 0.001): OptimizerOptions {
  const none = { weightDecay: null, clipnorm: null, clipvalue: null, globalClipnorm: null };
  return { learningRate, ...none, name };
}

/** A tensor with the name it is saved under. */
export interface NamedTensor {
  /** Its name. */
  readonly name: string;
  /** The values. */
  readonly tensor: Tensor;
}

/** Gradients by variable, by name, or as a list with names. */
export type Gradients =
  | ReadonlyMap<Variable, Tensor>
  | Readonly<Record<string, Tensor>>
  | readonly NamedTensor[];

/** Values for coming steps: row i goes to the start of the native array `target` before step i. */
export interface StepValues {
  /** The rows, one after another. */
  readonly values: Float32Array;
  /** Values in a row. */
  readonly width: number;
  /** Native float32 array that receives them. */
  readonly target: number;
}

/** The base of all optimizers: a subclass says which native rule it is. */
export abstract class Optimizer<O extends OptimizerOptions = OptimizerOptions>
  extends Configured<O> {
  #rate: number | LearningRateSchedule;
  readonly #clipping: Clipping | undefined;
  #state: OptimizerState | undefined;
  #scheduled = 0; // steps whose scheduled rates were given out
  #undecayed: (variable: Variable) => boolean = () => false;

  /** A subclass passes its defaults and what it was given. */
  constructor(defaults: O, given: object) {
    super(defaults, given);
    const { learningRate } = this.options;
    const rate = isClassConfig(learningRate) ? deserializeSchedule(learningRate) : learningRate;
    if (typeof rate !== "number" && !(rate instanceof LearningRateSchedule)) {
      throw new DinogradError(
        `${this.getClassName()} needs learningRate to be a number or a schedule, got ${typeof rate}`,
      );
    }
    this.#rate = rate;
    const clippings = (["clipvalue", "clipnorm", "globalClipnorm"] as const)
      .flatMap((kind) => this.options[kind] === null ? [] : [{ kind, limit: this.options[kind] }]);
    if (clippings.length > 1) {
      throw new DinogradError(
        `${this.getClassName()} takes one of clipnorm, clipvalue and globalClipnorm, got ${
          clippings.map(({ kind }) => kind).join(" and ")
        }`,
      );
    }
    this.#clipping = clippings[0];
  }

  /** The native rule after `iterations` steps. */
  protected abstract rule(iterations: number): Rule;

  /** Name in saved models. */
  get name(): string {
    return this.options.name;
  }

  /** The learning rate of the next step. Setting it takes effect with the next step, recorded or not. */
  get learningRate(): number {
    return typeof this.#rate === "number" ? this.#rate : this.#rate.rate(this.#scheduled);
  }
  set learningRate(rate: number) {
    if (typeof this.#rate !== "number") {
      throw new DinogradError(
        `The learning rate of ${this.getClassName()} follows a schedule and cannot be set`,
      );
    }
    this.#rate = rate;
    this.#state?.setRate(rate);
  }

  /** Steps done. Waits for the device. */
  get iterations(): number {
    return this.#state?.iterations ?? 0;
  }

  /**
   * Leaves variables out of weight decay: those listed, and those whose name contains one of `varNames`. To be called before the
   * first step.
   */
  excludeFromWeightDecay(
    { varList = [], varNames = [] }: {
      varList?: readonly Variable[];
      varNames?: readonly string[];
    },
  ): void {
    if (this.#state) {
      throw new DinogradError("excludeFromWeightDecay must be called before the first step");
    }
    const before = this.#undecayed;
    this.#undecayed = (v) =>
      before(v) || varList.includes(v) || varNames.some((part) => v.name.includes(part));
  }

  /** Makes the state for these variables, once; the first step does so by itself. */
  build(variables: readonly Variable[]): void {
    this.#built(variables);
  }

  #built(variables: Iterable<Variable>): OptimizerState {
    if (this.#state) return this.#state;
    const { weightDecay } = this.options;
    const decays = (v: Variable) => weightDecay !== null && !this.#undecayed(v);
    const state = new OptimizerState(this.rule(0), [...variables], decays);
    this.#state = state;
    this.#restart(state, 0);
    return state;
  }

  // Puts step count and everything that depends on it where `iterations` steps would have left them.
  #restart(state: OptimizerState, iterations: number): void {
    this.#scheduled = iterations;
    const { hyper } = this.rule(iterations);
    state.restart(iterations, this.learningRate, this.options.weightDecay ?? 0, hyper);
  }

  /**
   * The scheduled learning rates of the next `steps` steps, which must follow; nothing where the rate does not change by itself.
   * Whoever runs the steps writes row i to `target` before step i, and calls `update` in each.
   */
  prepareSteps(steps: number, variables: Iterable<Variable>): StepValues | undefined {
    const rate = this.#rate;
    if (typeof rate === "number") return undefined;
    const { hyper } = this.#built(variables);
    const first = this.#scheduled;
    this.#scheduled += steps;
    const values = Float32Array.from({ length: steps }, (_, i) => rate.rate(first + i));
    return { values, width: 1, target: hyper };
  }

  /** One step whose learning rate is set already: native calls only, so that it can be part of a recording. */
  update(gradients: ReadonlyMap<Variable, Tensor>): void {
    this.#built(gradients.keys()).update(gradients, this.#clipping);
  }

  /** One step. Gradients by name are for an optimizer that knows its variables (`build`, `computeGradients`, an earlier step). */
  applyGradients(gradients: Gradients): void {
    const byVariable = this.#byVariable(gradients);
    const next = this.prepareSteps(1, byVariable.keys());
    if (next) this.#state!.setRate(next.values[0]);
    this.update(byVariable);
  }

  #byVariable(gradients: Gradients): ReadonlyMap<Variable, Tensor> {
    if (gradients instanceof Map) return gradients;
    const named: [string, Tensor][] = Array.isArray(gradients)
      ? gradients.map(({ name, tensor }: NamedTensor) => [name, tensor])
      : Object.entries(gradients);
    const known = this.#state?.variables ?? [];
    return new Map(named.map(([name, tensor]) => {
      const variable = known.find((v) => v.name === name);
      if (variable) return [variable, tensor];
      throw new DinogradError(
        known.length === 0
          ? `The optimizer does not know "${name}" yet: call build(variables) first`
          : `The optimizer has no variable "${name}", only ${known.map((v) => v.name).join(", ")}`,
      );
    }));
  }

  /**
   * The scalar that `f` computes and its gradients, by name, with respect to `varList` (all trainable variables that `f` uses when
   * left out).
   */
  computeGradients(
    f: () => Tensor,
    varList?: readonly Variable[],
  ): { value: Tensor; grads: Record<string, Tensor> } {
    const { value, gradients } = gradientsOf(f, varList);
    this.#built(gradients.keys());
    return { value, grads: Object.fromEntries([...gradients].map(([v, g]) => [v.name, g])) };
  }

  /** One step towards a smaller `f()`, which must be a scalar; gives the cost before the step where asked to. */
  minimize(f: () => Tensor, returnCost = false, varList?: readonly Variable[]): Tensor | null {
    const { value, gradients } = gradientsOf(f, varList);
    try {
      this.applyGradients(gradients);
    } finally {
      for (const gradient of gradients.values()) gradient.dispose();
    }
    if (returnCost) return value;
    value.dispose();
    return null;
  }

  /** Copies of its state: step count, learning rate (where it is no schedule), then the state of each variable, as Keras saves it. */
  getWeights(): NamedTensor[] {
    const state = this.#state;
    if (!state) return [];
    const { device } = state.variables[0];
    const count = fromHost(Int32Array.of(state.iterations), [], "int32", device);
    const rate = typeof this.#rate === "number"
      ? [fromHost(Float32Array.of(this.#rate), [], "float32", device)]
      : [];
    return [
      { name: "iteration", tensor: count },
      ...rate.map((tensor) => ({ name: "learning_rate", tensor })),
      ...state.parts().map((part) => ({ name: part.name, tensor: part.read() })),
    ];
  }

  /** Takes over state that `getWeights` gave, once the optimizer knows its variables. All of it is checked before any is changed. */
  setWeights(weights: readonly NamedTensor[]): void {
    const state = this.#state;
    if (!state) throw new DinogradError("Call build(variables) before setWeights");
    const parts = state.parts();
    const head = typeof this.#rate === "number" ? 2 : 1;
    if (weights.length !== head + parts.length) {
      throw new DinogradError(
        `${this.getClassName()} has ${head + parts.length} weights, got ${weights.length}`,
      );
    }
    const values = weights.slice(head).map(({ tensor }) => tensor);
    parts.forEach(({ name, shape }, i) => {
      if (sameShape(values[i].shape, shape) && values[i].dtype === "float32") return;
      throw new DinogradError(
        `Optimizer weight "${name}" must be float32 ${showShape(shape)}, got ${values[i].dtype} ${
          showShape(values[i].shape)
        }`,
      );
    });
    const [iterations, rate] = weights.slice(0, head).map(({ tensor }) => tensor.dataSync()[0]);
    if (head === 2) this.#rate = rate;
    this.#restart(state, iterations);
    parts.forEach((part, i) => part.write(values[i]));
  }

  /** Its options, the learning rate as it is now. */
  override getConfig(): Config {
    const config = super.getConfig();
    if (typeof this.#rate === "number") config.learning_rate = this.#rate;
    return config;
  }

  /** Gives back its memory; the next step starts with fresh state. */
  dispose(): void {
    this.#state?.dispose();
    this.#state = undefined;
    this.#scheduled = 0;
  }
}

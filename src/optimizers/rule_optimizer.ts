// How does an optimizer that is one native rule take its steps? A learning rate or a schedule, clipping, and state on the device.

import { DinogradError } from "../errors.ts";
import { type Config, isClassConfig } from "../serialization.ts";
import { sameShape, showShape } from "../shape.ts";
import { fromHost, type Tensor } from "../tensor.ts";
import type { Variable } from "../variable.ts";
import { type NamedTensor, Optimizer, type StepValues } from "./optimizer.ts";
import { deserializeSchedule, LearningRateSchedule } from "./schedules.ts";
import { type Clipping, OptimizerState, type Rule, type Scaling } from "./state.ts";

/** Options that every optimizer of one rule takes. */
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

/** The base of optimizers that are one native rule: a subclass says which. */
export abstract class RuleOptimizer<O extends OptimizerOptions = OptimizerOptions>
  extends Optimizer<O> {
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

  /** The learning rate of the next step; one that follows a schedule cannot be set. */
  override get learningRate(): number {
    return typeof this.#rate === "number" ? this.#rate : this.#rate.rate(this.#scheduled);
  }
  override set learningRate(rate: number) {
    if (typeof this.#rate !== "number") {
      throw new DinogradError(
        `The learning rate of ${this.getClassName()} follows a schedule and cannot be set`,
      );
    }
    this.#rate = rate;
    this.#state?.setRate(rate);
  }

  /** Steps done. Waits for the device. */
  override get iterations(): number {
    return this.#state?.iterations ?? 0;
  }

  /** The variables it was built for; none before. */
  override get variables(): readonly Variable[] {
    return this.#state?.variables ?? [];
  }

  /** Leaves variables out of weight decay. */
  override excludeFromWeightDecay(
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

  /** Makes the state for these variables, once. */
  override build(variables: Iterable<Variable>): void {
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

  /** The scheduled learning rates of the next steps. */
  override prepareSteps(steps: number, variables: Iterable<Variable>): StepValues | undefined {
    const rate = this.#rate;
    if (typeof rate === "number") return undefined;
    const { hyper } = this.#built(variables);
    const first = this.#scheduled;
    this.#scheduled += steps;
    const values = Float32Array.from({ length: steps }, (_, i) => rate.rate(first + i));
    return { values, width: 1, target: hyper };
  }

  /** One step whose learning rate is set already. */
  override update(gradients: ReadonlyMap<Variable, Tensor>, scaling?: Scaling): void {
    this.#built(gradients.keys()).update(gradients, this.#clipping, scaling);
  }

  /** The positions of the variables' state in `getWeights`, array by array: the order in which TensorFlow.js saves them. */
  get stateBySlot(): number[] {
    const parts = this.#state?.parts() ?? [], head = typeof this.#rate === "number" ? 2 : 1;
    const order = parts.map((_, i) => i).sort((a, b) => parts[a].slot - parts[b].slot || a - b);
    return order.map((i) => head + i);
  }

  /** Copies of its state: step count, learning rate (where it is no schedule), then the state of each variable, as Keras saves it. */
  override getWeights(): NamedTensor[] {
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

  /** Takes over state that `getWeights` gave. */
  override setWeights(weights: readonly NamedTensor[]): void {
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
  override dispose(): void {
    this.#state?.dispose();
    this.#state = undefined;
    this.#scheduled = 0;
  }
}

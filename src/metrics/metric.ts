// What is a metric? State on the device that batches are added to, and a result computed from it. Adding is native calls only, so
// that it can be part of a recorded step.

import { widened } from "../activations.ts";
import { maskedWeights } from "../losses/loss.ts";
import { currentDevice, type Device } from "../native/device.ts";
import { tidy } from "../scope.ts";
import { Configured } from "../serialization.ts";
import { sizeOf } from "../shape.ts";
import { fromHost, type Tensor } from "../tensor.ts";
import { Variable } from "../variable.ts";

/** Options that every metric takes. */
export interface MetricOptions {
  /** Name in logs. */
  name: string;
}

/** Whether larger (`up`) or smaller (`down`) values are better. */
export type Direction = "up" | "down";

/** The base of all metrics. */
export abstract class Metric<O extends MetricOptions = MetricOptions> extends Configured<O> {
  /** Which values are better; undefined where that depends. */
  static direction: Direction | undefined;

  readonly #variables = new Map<string, Variable>();

  /** Name in logs. */
  get name(): string {
    return this.options.name;
  }
  /** Its state. */
  get variables(): Variable[] {
    return [...this.#variables.values()];
  }

  /** State variables by name, made as zeros on first use, where `like` is. */
  protected state<K extends string>(
    shapes: Readonly<Record<K, readonly number[]>>,
    like?: Tensor,
  ): Record<K, Variable> {
    const found = {} as Record<K, Variable>;
    for (const name in shapes) {
      let variable = this.#variables.get(name);
      if (!variable) {
        variable = zeroVariable(name, shapes[name], like?.device ?? currentDevice());
        this.#variables.set(name, variable);
      }
      found[name] = variable;
    }
    return found;
  }

  /** Adds a batch; entries that the mask leaves out do not count. */
  abstract updateState(
    yTrue: Tensor,
    yPred: Tensor,
    sampleWeight?: Tensor,
    mask?: Tensor,
  ): void;
  /** The value for all batches since the last reset. */
  abstract result(): Tensor;

  /** Forgets all batches. */
  resetState(): void {
    for (const v of this.#variables.values()) {
      const { native } = v.device;
      native.check(native.calls.dg_fill(v.writable(), 0));
    }
  }
  /** Its state by name, as far as it has any. */
  getState(): Record<string, Variable> {
    return Object.fromEntries(this.#variables);
  }
  /** Takes over state that `getState` gave. */
  setState(values: Readonly<Record<string, Tensor>>): void {
    for (const [name, value] of Object.entries(values)) {
      this.state({ [name]: value.shape }, value)[name].assign(value);
    }
  }
  /** Gives back its memory. */
  dispose(): void {
    for (const v of this.#variables.values()) v.dispose();
    this.#variables.clear();
  }
}

/** The base of metrics of targets and predictions: a subclass gives `add`, to which 16-bit floats come as float32, and `result`. */
export abstract class PredictionMetric<O extends MetricOptions = MetricOptions> extends Metric<O> {
  override updateState(
    yTrue: Tensor,
    yPred: Tensor,
    sampleWeight?: Tensor,
    mask?: Tensor,
  ): void {
    const weights = () => maskedWeights(sampleWeight, mask, false);
    tidy(() => this.add(widened(yTrue), widened(yPred), weights()));
  }

  /** Adds a batch; the mask is part of the weights. */
  protected abstract add(yTrue: Tensor, yPred: Tensor, weights: Tensor | undefined): void;
}

/** The class of a metric with options O besides those of every metric. */
export interface MetricClass<O> {
  new (options?: Partial<O & MetricOptions>): Metric;
  direction: Direction | undefined;
}

function zeroVariable(name: string, shape: readonly number[], device: Device): Variable {
  const values = new Float32Array(sizeOf(shape));
  return tidy(() => new Variable(fromHost(values, [...shape], "float32", device), false, name));
}

/** `state += value` in place; the value is float32 of the state's shape. */
export function accumulate(state: Variable, value: Tensor): void {
  const { native } = state.device;
  const into = state.writable();
  native.check(
    native.calls.dg_binary(native.id("binary", "add"), into, value.handle, into, 0),
  );
}

/** `state += value` in place, for a number. */
export function accumulateNumber(state: Variable, value: number): void {
  const { native } = state.device;
  const into = state.writable();
  native.check(native.calls.dg_unary(native.id("unary", "affine"), into, into, 1, value));
}

// What is an optimizer to its user? A learning rate, steps from gradients, and state that can be saved.

import { DinogradError } from "../errors.ts";
import { gradientsOf } from "../grad.ts";
import { Configured } from "../serialization.ts";
import type { Tensor } from "../tensor.ts";
import type { Variable } from "../variable.ts";
import type { Scaling } from "./state.ts";

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

/** The base of all optimizers. */
export abstract class Optimizer<O extends { name: string } = { name: string }>
  extends Configured<O> {
  /** Name in saved models. */
  get name(): string {
    return this.options.name;
  }

  /** The learning rate of the next step. Setting it takes effect with the next step, recorded or not. */
  abstract learningRate: number;

  /** Steps done. Waits for the device. */
  abstract get iterations(): number;

  /** The variables it was built for; none before. */
  abstract get variables(): readonly Variable[];

  /**
   * Leaves variables out of weight decay: those listed, and those whose name contains one of `varNames`. To be called before the
   * first step.
   */
  abstract excludeFromWeightDecay(
    which: { varList?: readonly Variable[]; varNames?: readonly string[] },
  ): void;

  /** Makes the state for these variables, once; the first step does so by itself. */
  abstract build(variables: Iterable<Variable>): void;

  /**
   * The scheduled learning rates of the next `steps` steps, which must follow; nothing where the rate does not change by itself.
   * Whoever runs the steps writes row i to `target` before step i, and calls `update` in each.
   */
  abstract prepareSteps(steps: number, variables: Iterable<Variable>): StepValues | undefined;

  /**
   * One step whose learning rate is set already: native calls only, so that it can be part of a recording. With `scaling`, for
   * gradients of a scaled loss.
   */
  abstract update(gradients: ReadonlyMap<Variable, Tensor>, scaling?: Scaling): void;

  /** What steps are taken to make smaller: the loss as it is, unless the optimizer scales it. `applyGradients` wants gradients of this. */
  scaleLoss(loss: Tensor): Tensor {
    return loss;
  }

  /** The scalar that `f` computes, and gradients by variable of what `scaleLoss` makes of it; see `computeGradients`. */
  gradientsOf(
    f: () => Tensor,
    varList?: readonly Variable[],
  ): { value: Tensor; gradients: Map<Variable, Tensor> } {
    return gradientsOf(f, varList);
  }

  /** One step. Gradients by name are for an optimizer that knows its variables (`build`, `computeGradients`, an earlier step). */
  applyGradients(gradients: Gradients): void {
    const byVariable = this.#byVariable(gradients);
    const next = this.prepareSteps(1, byVariable.keys());
    if (next) {
      const { native } = this.variables[0].device;
      native.upload(next.target, 0, new Uint8Array(next.values.slice().buffer));
    }
    this.update(byVariable);
  }

  #byVariable(gradients: Gradients): ReadonlyMap<Variable, Tensor> {
    if (gradients instanceof Map) return gradients;
    const named: [string, Tensor][] = Array.isArray(gradients)
      ? gradients.map(({ name, tensor }: NamedTensor) => [name, tensor])
      : Object.entries(gradients);
    const known = this.variables;
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
   * The scalar that `f` computes and its gradients, by name, as `applyGradients` takes them, with respect to `varList` (all trainable
   * variables that `f` uses when left out).
   */
  computeGradients(
    f: () => Tensor,
    varList?: readonly Variable[],
  ): { value: Tensor; grads: Record<string, Tensor> } {
    const { value, gradients } = this.gradientsOf(f, varList);
    this.build(gradients.keys());
    return { value, grads: Object.fromEntries([...gradients].map(([v, g]) => [v.name, g])) };
  }

  /** One step towards a smaller `f()`, which must be a scalar; gives the cost before the step where asked to. */
  minimize(f: () => Tensor, returnCost = false, varList?: readonly Variable[]): Tensor | null {
    const { value, gradients } = this.gradientsOf(f, varList);
    try {
      this.applyGradients(gradients);
    } finally {
      for (const gradient of gradients.values()) gradient.dispose();
    }
    if (returnCost) return value;
    value.dispose();
    return null;
  }

  /** Copies of its state. */
  abstract getWeights(): NamedTensor[];

  /** Takes over state that `getWeights` gave, once the optimizer knows its variables. All of it is checked before any is changed. */
  abstract setWeights(weights: readonly NamedTensor[]): void;

  /** Gives back its memory; the next step starts with fresh state. */
  abstract dispose(): void;
}

// How are small gradients kept from vanishing in float16? The loss is scaled up before the backward pass and the gradients down after
// it; where some are too large for the type, the step is skipped and the scale halved.

import { DinogradError } from "../errors.ts";
import { gradientsOf } from "../grad.ts";
import { mul } from "../ops/elementwise.ts";
import { clone } from "../ops/reshape.ts";
import { type Config, required } from "../serialization.ts";
import { showShape } from "../shape.ts";
import {
  allocate,
  type DeviceBuffer,
  fromHost,
  type Tensor,
  track,
  wantTensor,
} from "../tensor.ts";
import { tidy } from "../scope.ts";
import { Variable } from "../variable.ts";
import { type NamedTensor, Optimizer, type StepValues } from "./optimizer.ts";
import type { Scaling } from "./state.ts";

/** Options of `LossScaleOptimizer`. */
export interface LossScaleOptions {
  /** What the loss is multiplied by at first. */
  initialScale: number;
  /** Number of steps in a row with finite gradients after which the scale is doubled. */
  dynamicGrowthSteps: number;
  /** Whether the scale changes, and steps with gradients that are not finite are skipped; else it stays as it is. */
  dynamic: boolean;
  /** Name in saved models. */
  name: string;
}

// What lies on the device, so that a recorded step can change it.
interface State {
  readonly scale: Variable; // float32 []
  readonly steps: Variable; // int32 []: since the scale last changed
  readonly finite: DeviceBuffer; // int32 [1]: whether the gradients of this step are
}

/**
 * An optimizer around another one, for training in float16. Its gradients are those of `scaleLoss(loss)`, which `fit`, `minimize` and
 * `computeGradients` take by themselves. Steps that are skipped change neither weights nor the optimizer inside, and do not count
 * in `iterations`; only a schedule of the learning rate goes on.
 *
 * ```ts
 * import { scalar } from "../ops/creation.ts";
 * import { square } from "../ops/math.ts";
 * import { variable } from "../variable.ts";
 * import { train } from "./registry.ts";
 * import assert from "node:assert";
 *
 * const x = variable(scalar(100, "float16"));
 * const optimizer = train.lossScaleOptimizer(train.sgd(0.1), { initialScale: 1024 });
 * // The gradient, 200, times 1024 is beyond float16's 65504: the step is skipped, and the next one tries half the scale.
 * optimizer.minimize(() => square(x));
 * assert.deepEqual([optimizer.dynamicScale, optimizer.iterations], [512, 0]);
 * ```
 */
export class LossScaleOptimizer
  extends Optimizer<LossScaleOptions & { innerOptimizer: Optimizer }> {
  /** Name in saved models. */
  static override className = "LossScaleOptimizer";
  #state: State | undefined;

  /** Wraps an optimizer, which is not to be used by itself any more. */
  constructor(innerOptimizer: Optimizer, options: Partial<LossScaleOptions> = {}) {
    super({
      name: "loss_scale_optimizer",
      innerOptimizer: required,
      initialScale: 2 ** 15,
      dynamicGrowthSteps: 2000,
      dynamic: true,
    }, { ...options, innerOptimizer });
    const { initialScale, dynamicGrowthSteps } = this.options;
    if (!(innerOptimizer instanceof Optimizer) || innerOptimizer instanceof LossScaleOptimizer) {
      throw new DinogradError("lossScaleOptimizer wraps an optimizer that does not scale losses");
    }
    if (!(initialScale > 0 && initialScale < Infinity)) {
      throw new DinogradError(`lossScaleOptimizer needs initialScale above 0, got ${initialScale}`);
    }
    if (!Number.isInteger(dynamicGrowthSteps) || dynamicGrowthSteps < 1) {
      throw new DinogradError(
        `lossScaleOptimizer needs dynamicGrowthSteps to be a whole number of at least 1, got ${dynamicGrowthSteps}`,
      );
    }
  }

  /** The optimizer inside. */
  get innerOptimizer(): Optimizer {
    return this.options.innerOptimizer;
  }
  /** What the loss of the next step is multiplied by. Waits for the device. */
  get dynamicScale(): number {
    return this.#state?.scale.dataSync()[0] ?? this.options.initialScale;
  }
  /** Steps since the scale last changed. Waits for the device. */
  get stepCounter(): number {
    return this.#state?.steps.dataSync()[0] ?? 0;
  }
  /** The learning rate of the optimizer inside. */
  override get learningRate(): number {
    return this.innerOptimizer.learningRate;
  }
  override set learningRate(rate: number) {
    this.innerOptimizer.learningRate = rate;
  }
  /** Steps that were not skipped. Waits for the device. */
  override get iterations(): number {
    return this.innerOptimizer.iterations;
  }
  /** The variables it was built for; none before. */
  override get variables(): readonly Variable[] {
    return this.innerOptimizer.variables;
  }
  /** Leaves variables out of weight decay. */
  override excludeFromWeightDecay(
    which: { varList?: readonly Variable[]; varNames?: readonly string[] },
  ): void {
    this.innerOptimizer.excludeFromWeightDecay(which);
  }

  /** Makes the state for these variables, once. */
  override build(variables: Iterable<Variable>): void {
    this.#built(variables);
  }

  #built(variables: Iterable<Variable>): State {
    if (this.#state) return this.#state;
    this.innerOptimizer.build(variables);
    const { device } = this.variables[0];
    const one = (value: Float32Array | Int32Array, dtype: "float32" | "int32", name: string) =>
      tidy(() => new Variable(fromHost(value, [], dtype, device), false, name));
    return this.#state = {
      scale: one(Float32Array.of(this.options.initialScale), "float32", "dynamic_scale"),
      steps: one(Int32Array.of(0), "int32", "step_counter"),
      finite: allocate(device, "int32", 1, true),
    };
  }

  /** The scheduled learning rates of the next steps, skipped or not. */
  override prepareSteps(steps: number, variables: Iterable<Variable>): StepValues | undefined {
    return this.innerOptimizer.prepareSteps(steps, variables);
  }

  /** The loss times the scale. */
  override scaleLoss(loss: Tensor): Tensor {
    return mul(loss, this.#state?.scale ?? this.options.initialScale);
  }

  /** The scalar that `f` computes, and gradients of it times the scale. */
  override gradientsOf(
    f: () => Tensor,
    varList?: readonly Variable[],
  ): { value: Tensor; gradients: Map<Variable, Tensor> } {
    let loss: Tensor | undefined;
    try {
      const { value, gradients } = gradientsOf(() => {
        const y = f();
        wantTensor(y, "lossScaleOptimizer needs a function that returns a tensor");
        loss = y.alias();
        return this.scaleLoss(y);
      }, varList);
      value.dispose();
      return { value: track(loss!), gradients };
    } catch (error) {
      loss?.dispose();
      throw error;
    }
  }

  /** One step with gradients of a scaled loss, skipped where one of them is not finite; then the scale's own step. */
  override update(gradients: ReadonlyMap<Variable, Tensor>): void {
    const { scale, steps, finite } = this.#built(gradients.keys());
    const { dynamic, dynamicGrowthSteps } = this.options;
    const scaling: Scaling = { scale: scale.handle, finite: dynamic ? finite.handle : undefined };
    this.innerOptimizer.update(gradients, scaling);
    if (!dynamic) return;
    const { native } = scale.device;
    native.check(
      native.calls.dg_loss_scale(
        scale.writable(),
        steps.writable(),
        finite.handle,
        dynamicGrowthSteps,
      ),
    );
  }

  /** Copies of its state: steps since the scale last changed, the scale, then the state of the optimizer inside. */
  override getWeights(): NamedTensor[] {
    if (!this.#state) return [];
    const { steps, scale } = this.#state;
    const own = [steps, scale].map((v) => ({ name: v.name, tensor: clone(v) }));
    return [...own, ...this.innerOptimizer.getWeights()];
  }

  /** Takes over state that `getWeights` gave. */
  override setWeights(weights: readonly NamedTensor[]): void {
    const state = this.#state;
    if (!state) throw new DinogradError("Call build(variables) before setWeights");
    const own = [state.steps, state.scale];
    own.forEach(({ name, dtype }, i) => {
      const given = weights[i]?.tensor;
      if (given?.dtype === dtype && given.rank === 0) return;
      throw new DinogradError(
        `Optimizer weight "${name}" must be ${dtype} [], got ${
          given ? `${given.dtype} ${showShape(given.shape)}` : "nothing"
        }`,
      );
    });
    this.innerOptimizer.setWeights(weights.slice(own.length)); // checks the rest before it changes anything
    own.forEach((v, i) => v.assign(weights[i].tensor));
  }

  /** Its options with the config of the optimizer inside. */
  override getConfig(): Config {
    const { dynamic, ...config } = super.getConfig();
    return dynamic ? config : { ...config, dynamic };
  }

  /** Gives back its memory and that of the optimizer inside. */
  override dispose(): void {
    this.innerOptimizer.dispose();
    this.#state?.scale.dispose();
    this.#state?.steps.dispose();
    this.#state?.finite.release();
    this.#state = undefined;
  }
}

// Which optimizer does a name or a config stand for? And the factories `train.*`.

import { type ClassConfig, getObject, isClassConfig } from "../serialization.ts";
import { LossScaleOptimizer, type LossScaleOptions } from "./loss_scale.ts";
import { Optimizer } from "./optimizer.ts";
import { LearningRateSchedule } from "./schedules.ts";
import {
  Adadelta,
  type AdadeltaOptions,
  Adagrad,
  type AdagradOptions,
  Adam,
  Adamax,
  type AdamOptions,
  AdamW,
  Ftrl,
  type FtrlOptions,
  Lion,
  type LionOptions,
  type MomentsOptions,
  Nadam,
  RMSprop,
  type RMSpropOptions,
  SGD,
  type SGDOptions,
} from "./rules.ts";

/** What may be passed where an optimizer is wanted: one, its name in either spelling, or its config. */
export type OptimizerIdentifier = Optimizer | string | ClassConfig;

const optimizers = {
  SGD,
  Adam,
  AdamW,
  Adamax,
  Nadam,
  Adagrad,
  Adadelta,
  RMSprop,
  Ftrl,
  Lion,
};

/** The optimizer that is meant: itself, by name with Keras's defaults, or from its config. */
export function getOptimizer(identifier: OptimizerIdentifier): Optimizer {
  if (isClassConfig(identifier) && identifier.class_name === LossScaleOptimizer.className) {
    const { inner_optimizer, ...options } = identifier.config;
    return new LossScaleOptimizer(getOptimizer(inner_optimizer as ClassConfig), options);
  }
  return getObject<Optimizer>("optimizer", Optimizer, optimizers, identifier);
}

/** A learning rate, or a schedule that gives one for each step. */
export type LearningRate = number | LearningRateSchedule;

// The first argument of a factory: a learning rate, followed by other arguments, or an object of options.
function given<O extends { learningRate: unknown }>(
  first: LearningRate | Partial<O> | undefined,
  rest: Partial<O> = {},
): Partial<O> {
  return typeof first === "object" && !(first instanceof LearningRateSchedule)
    ? first
    : { learningRate: first, ...rest } as Partial<O>;
}

/**
 * Optimizers by TensorFlow.js's positional arguments or by an object of options.
 *
 * ```ts
 * import { scalar } from "../ops/creation.ts";
 * import { mul } from "../ops/elementwise.ts";
 * import { variable } from "../variable.ts";
 * import { train } from "./registry.ts";
 *
 * const x = variable(scalar(2));
 * train.sgd(0.1).minimize(() => mul(x, x)); // x -= 0.1 * 2 x
 * console.log(x.arraySync()); // 1.6
 * train.adamw({ learningRate: 0.01, weightDecay: 0.05, clipnorm: 1 });
 * ```
 */
export const train = {
  /** Stochastic gradient descent. */
  sgd: (learningRate?: LearningRate | Partial<SGDOptions>): SGD => new SGD(given(learningRate)),
  /** Stochastic gradient descent with momentum. */
  momentum: (learningRate: LearningRate, momentum: number, nesterov = false): SGD =>
    new SGD({ learningRate, momentum, nesterov }),
  /** Adagrad. */
  adagrad: (
    learningRate?: LearningRate | Partial<AdagradOptions>,
    initialAccumulatorValue?: number,
  ): Adagrad => new Adagrad(given(learningRate, { initialAccumulatorValue })),
  /** Adadelta. */
  adadelta: (
    learningRate?: LearningRate | Partial<AdadeltaOptions>,
    rho?: number,
    epsilon?: number,
  ): Adadelta => new Adadelta(given(learningRate, { rho, epsilon })),
  /** Adam. */
  adam: (
    learningRate?: LearningRate | Partial<AdamOptions>,
    beta1?: number,
    beta2?: number,
    epsilon?: number,
  ): Adam => new Adam(given(learningRate, { beta1, beta2, epsilon })),
  /** Adam with decoupled weight decay. */
  adamw: (learningRate?: LearningRate | Partial<AdamOptions>, weightDecay?: number): AdamW =>
    new AdamW(given(learningRate, { weightDecay })),
  /** Adamax; its learning rate is 0.002 here unless given, as in TensorFlow.js. */
  adamax: (
    learningRate: LearningRate | Partial<MomentsOptions> = 0.002,
    beta1?: number,
    beta2?: number,
    epsilon?: number,
  ): Adamax => new Adamax(given(learningRate, { beta1, beta2, epsilon })),
  /** Nadam. */
  nadam: (learningRate?: LearningRate | Partial<MomentsOptions>): Nadam =>
    new Nadam(given(learningRate)),
  /** RMSprop; `decay` is Keras's rho. */
  rmsprop: (
    learningRate?: LearningRate | Partial<RMSpropOptions>,
    decay?: number,
    momentum?: number,
    epsilon?: number,
    centered?: boolean,
  ): RMSprop => new RMSprop(given(learningRate, { rho: decay, momentum, epsilon, centered })),
  /** Follow the regularized leader. */
  ftrl: (learningRate?: LearningRate | Partial<FtrlOptions>): Ftrl => new Ftrl(given(learningRate)),
  /** Another optimizer, for training in float16: scales the loss up and its gradients down, and skips steps whose gradients overflow. */
  lossScaleOptimizer: (
    innerOptimizer: OptimizerIdentifier,
    options?: Partial<LossScaleOptions>,
  ): LossScaleOptimizer => new LossScaleOptimizer(getOptimizer(innerOptimizer), options),
  /** Lion. */
  lion: (learningRate?: LearningRate | Partial<LionOptions>): Lion => new Lion(given(learningRate)),
};

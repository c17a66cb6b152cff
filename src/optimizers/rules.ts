// Which optimizers are there? For each its options with Keras's defaults, and what it asks of the native library.

import { commonOptions, type OptimizerOptions, RuleOptimizer } from "./rule_optimizer.ts";
import type { Rule } from "./state.ts";

/** Options of `SGD`. */
export interface SGDOptions extends OptimizerOptions {
  momentum: number;
  /** Whether to look ahead along the momentum (Nesterov). */
  nesterov: boolean;
}

/** Stochastic gradient descent: `v = momentum * v - rate * g; w += v`. */
export class SGD extends RuleOptimizer<SGDOptions> {
  static override className = "SGD";

  constructor(options: Partial<SGDOptions> = {}) {
    super({ ...commonOptions("SGD", 0.01), momentum: 0, nesterov: false }, options);
  }
  protected override rule(): Rule {
    const { momentum, nesterov } = this.options;
    const slots = momentum === 0 ? [] : [{ name: "momentum" }];
    return { op: "sgd", hyper: [momentum, Number(nesterov)], slots };
  }
}

/** Options of `Adamax` and `Nadam`. */
export interface MomentsOptions extends OptimizerOptions {
  /** Share of the running mean of gradients that each step keeps. */
  beta1: number;
  /** Share of the running mean of their squares (Adamax: of their largest size) that each step keeps. */
  beta2: number;
  epsilon: number;
}

/** Options of `Adam` and `AdamW`. */
export interface AdamOptions extends MomentsOptions {
  /** Whether to divide by the largest mean square so far instead of the present one. */
  amsgrad: boolean;
}

const moments = { beta1: 0.9, beta2: 0.999, epsilon: 1e-7 };
const meanAndSquare = [{ name: "momentum" }, { name: "velocity" }];

abstract class AdamRule extends RuleOptimizer<AdamOptions> {
  protected override rule(): Rule {
    const { beta1, beta2, epsilon, amsgrad } = this.options;
    const slots = [...meanAndSquare, ...(amsgrad ? [{ name: "velocity_hat" }] : [])];
    return { op: "adam", hyper: [beta1, beta2, epsilon], slots, paired: true };
  }
}

/** Adam (Kingma and Ba 2014): `w -= rate * m / (sqrt(v) + epsilon)` with bias-corrected running means m of g and v of g². */
export class Adam extends AdamRule {
  static override className = "Adam";

  constructor(options: Partial<AdamOptions> = {}) {
    super({ ...commonOptions("adam"), ...moments, amsgrad: false }, options);
  }
}

/** Adam with decoupled weight decay (Loshchilov and Hutter 2017), 0.004 unless given. */
export class AdamW extends AdamRule {
  static override className = "AdamW";

  constructor(options: Partial<AdamOptions> = {}) {
    const common = { ...commonOptions("adamw"), weightDecay: 0.004 };
    super({ ...common, ...moments, amsgrad: false }, options);
  }
}

/** Adam with the infinity norm in place of the mean square: `u = max(beta2 * u, |g|)`. */
export class Adamax extends RuleOptimizer<MomentsOptions> {
  static override className = "Adamax";

  constructor(options: Partial<MomentsOptions> = {}) {
    super({ ...commonOptions("adamax"), ...moments }, options);
  }
  protected override rule(): Rule {
    const { beta1, beta2, epsilon } = this.options;
    const slots = [{ name: "momentum" }, { name: "norm" }];
    return { op: "adamax", hyper: [beta1, beta2, epsilon], slots, paired: true };
  }
}

/** Adam with Nesterov momentum (Dozat 2015). */
export class Nadam extends RuleOptimizer<MomentsOptions> {
  static override className = "Nadam";

  constructor(options: Partial<MomentsOptions> = {}) {
    super({ ...commonOptions("nadam"), ...moments }, options);
  }
  protected override rule(iterations: number): Rule {
    const { beta1, beta2, epsilon } = this.options;
    // hyper[15]: the product of the momenta of all steps so far, which the native rule keeps from there on.
    let product = 1;
    for (let t = 1; t <= iterations; t++) {
      product = Math.fround(product * beta1 * (1 - 0.5 * 0.96 ** t));
    }
    const hyper = [beta1, beta2, epsilon, ...new Array<number>(10).fill(0), product];
    return { op: "nadam", hyper, slots: meanAndSquare, paired: true };
  }
}

/** Options of `Adagrad`. */
export interface AdagradOptions extends OptimizerOptions {
  initialAccumulatorValue: number;
  epsilon: number;
}

/** Adagrad (Duchi et al. 2011): `a += g²; w -= rate * g / sqrt(a + epsilon)`. */
export class Adagrad extends RuleOptimizer<AdagradOptions> {
  static override className = "Adagrad";

  constructor(options: Partial<AdagradOptions> = {}) {
    super({ ...commonOptions("adagrad"), initialAccumulatorValue: 0.1, epsilon: 1e-7 }, options);
  }
  protected override rule(): Rule {
    const { initialAccumulatorValue, epsilon } = this.options;
    const slots = [{ name: "accumulator", initial: initialAccumulatorValue }];
    return { op: "adagrad", hyper: [epsilon], slots };
  }
}

/** Options of `Adadelta`. */
export interface AdadeltaOptions extends OptimizerOptions {
  /** Share of the running means that each step keeps. */
  rho: number;
  epsilon: number;
}

/** Adadelta (Zeiler 2012): steps scaled by the ratio of running means of past steps and gradients. */
export class Adadelta extends RuleOptimizer<AdadeltaOptions> {
  static override className = "Adadelta";

  constructor(options: Partial<AdadeltaOptions> = {}) {
    super({ ...commonOptions("adadelta"), rho: 0.95, epsilon: 1e-7 }, options);
  }
  protected override rule(): Rule {
    const { rho, epsilon } = this.options;
    const slots = [{ name: "accumulated_grad" }, { name: "accumulated_delta_var" }];
    return { op: "adadelta", hyper: [rho, epsilon], slots, paired: true };
  }
}

/** Options of `RMSprop`. */
export interface RMSpropOptions extends OptimizerOptions {
  /** Share of the running mean of squares that each step keeps. */
  rho: number;
  momentum: number;
  epsilon: number;
  /** Whether to divide by the estimated variance instead of the mean square. */
  centered: boolean;
}

/** RMSprop (Hinton 2012): `v = mean of g²; w -= rate * g / sqrt(v + epsilon)`. */
export class RMSprop extends RuleOptimizer<RMSpropOptions> {
  static override className = "RMSprop";

  constructor(options: Partial<RMSpropOptions> = {}) {
    const own = { rho: 0.9, momentum: 0, epsilon: 1e-7, centered: false };
    super({ ...commonOptions("rmsprop"), ...own }, options);
  }
  protected override rule(): Rule {
    const { rho, momentum, epsilon, centered } = this.options;
    const slots = [
      { name: "velocity" },
      momentum > 0 ? { name: "momentum" } : null,
      centered ? { name: "average_gradient" } : null,
    ];
    return { op: "rmsprop", hyper: [rho, momentum, epsilon], slots };
  }
}

/** Options of `Ftrl`. */
export interface FtrlOptions extends OptimizerOptions {
  /** At most 0; 0 keeps the learning rate fixed. */
  learningRatePower: number;
  initialAccumulatorValue: number;
  l1RegularizationStrength: number;
  l2RegularizationStrength: number;
  l2ShrinkageRegularizationStrength: number;
  beta: number;
}

/** "Follow the regularized leader" (McMahan et al. 2013): drives weights to exactly 0 under l1. */
export class Ftrl extends RuleOptimizer<FtrlOptions> {
  static override className = "Ftrl";

  constructor(options: Partial<FtrlOptions> = {}) {
    super({
      ...commonOptions("ftrl"),
      learningRatePower: -0.5,
      initialAccumulatorValue: 0.1,
      l1RegularizationStrength: 0,
      l2RegularizationStrength: 0,
      l2ShrinkageRegularizationStrength: 0,
      beta: 0,
    }, options);
  }
  protected override rule(): Rule {
    const o = this.options;
    const hyper = [
      o.learningRatePower,
      o.l1RegularizationStrength,
      o.l2RegularizationStrength,
      o.l2ShrinkageRegularizationStrength,
      o.beta,
    ];
    const slots = [
      { name: "accumulator", initial: o.initialAccumulatorValue },
      { name: "linear" },
    ];
    return { op: "ftrl", hyper, slots, paired: true };
  }
}

/** Options of `Lion`. */
export interface LionOptions extends OptimizerOptions {
  /** Weight of the running mean in the direction of a step. */
  beta1: number;
  /** Share of the running mean of gradients that each step keeps. */
  beta2: number;
}

/** Lion (Chen et al. 2023): steps of equal size along the sign of `beta1 * m + (1 - beta1) * g`. */
export class Lion extends RuleOptimizer<LionOptions> {
  static override className = "Lion";

  constructor(options: Partial<LionOptions> = {}) {
    super({ ...commonOptions("lion"), beta1: 0.9, beta2: 0.99 }, options);
  }
  protected override rule(): Rule {
    const { beta1, beta2 } = this.options;
    return { op: "lion", hyper: [beta1, beta2], slots: [{ name: "momentum" }] };
  }
}

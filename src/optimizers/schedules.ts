// How does a learning rate change from step to step? Formulas of the number of steps done, computed on the host.

import { DinogradError } from "../errors.ts";
import { type ClassConfig, Configured, deserialize, required } from "../serialization.ts";

/** The base of all schedules: a subclass gives `rate`. */
export abstract class LearningRateSchedule<O extends object = object> extends Configured<O> {
  /** The learning rate of the step before which `step` steps were done. */
  abstract rate(step: number): number;
}

function positive(what: string, name: string, value: number): void {
  if (!(value > 0)) throw new DinogradError(`${what} needs ${name} above 0, got ${value}`);
}

const cosine = (fraction: number) => 0.5 * (1 + Math.cos(Math.PI * fraction));

/** Options of `ExponentialDecay` and `InverseTimeDecay`. */
export interface DecayOptions {
  initialLearningRate: number;
  /** Steps over which the rate falls by one `decayRate`. */
  decaySteps: number;
  decayRate: number;
  /** Whether it falls at every multiple of `decaySteps` only. */
  staircase?: boolean;
}

const decayDefaults = {
  initialLearningRate: required,
  decaySteps: required,
  decayRate: required,
  staircase: false,
};

/** `initial * decayRate ^ (step / decaySteps)`. */
export class ExponentialDecay extends LearningRateSchedule<Required<DecayOptions>> {
  static override className = "ExponentialDecay";

  constructor(options: DecayOptions) {
    super(decayDefaults, options);
    positive("ExponentialDecay", "decaySteps", this.options.decaySteps);
  }
  override rate(step: number): number {
    const { initialLearningRate, decaySteps, decayRate, staircase } = this.options;
    const p = step / decaySteps;
    return initialLearningRate * decayRate ** (staircase ? Math.floor(p) : p);
  }
}

/** `initial / (1 + decayRate * step / decaySteps)`. */
export class InverseTimeDecay extends LearningRateSchedule<Required<DecayOptions>> {
  static override className = "InverseTimeDecay";

  constructor(options: DecayOptions) {
    super(decayDefaults, options);
    positive("InverseTimeDecay", "decaySteps", this.options.decaySteps);
  }
  override rate(step: number): number {
    const { initialLearningRate, decaySteps, decayRate, staircase } = this.options;
    const p = step / decaySteps;
    return initialLearningRate / (1 + decayRate * (staircase ? Math.floor(p) : p));
  }
}

/** Options of `PolynomialDecay`. */
export interface PolynomialDecayOptions {
  initialLearningRate: number;
  decaySteps: number;
  endLearningRate?: number;
  power?: number;
  /** Whether the decay starts again, over as many times `decaySteps` as are needed, instead of staying at its end. */
  cycle?: boolean;
}

/** `(initial - end) * (1 - step / decaySteps) ^ power + end`. */
export class PolynomialDecay extends LearningRateSchedule<Required<PolynomialDecayOptions>> {
  static override className = "PolynomialDecay";

  constructor(options: PolynomialDecayOptions) {
    super({
      initialLearningRate: required,
      decaySteps: required,
      endLearningRate: 0.0001,
      power: 1,
      cycle: false,
    }, options);
    positive("PolynomialDecay", "decaySteps", this.options.decaySteps);
  }
  override rate(step: number): number {
    const { initialLearningRate, decaySteps, endLearningRate, power, cycle } = this.options;
    const steps = cycle ? decaySteps * Math.max(1, Math.ceil(step / decaySteps)) : decaySteps;
    const left = 1 - Math.min(step, steps) / steps;
    return (initialLearningRate - endLearningRate) * left ** power + endLearningRate;
  }
}

/** Options of `PiecewiseConstantDecay`. */
export interface PiecewiseConstantDecayOptions {
  /** Ascending step numbers. */
  boundaries: number[];
  /** One rate more than there are boundaries. */
  values: number[];
}

/** `values[i]` for steps up to and including `boundaries[i]`, the last value after all. */
export class PiecewiseConstantDecay extends LearningRateSchedule<PiecewiseConstantDecayOptions> {
  static override className = "PiecewiseConstantDecay";

  constructor(options: PiecewiseConstantDecayOptions) {
    super({
      boundaries: required,
      values: required,
    }, options);
    const { boundaries, values } = this.options;
    if (values.length !== boundaries.length + 1) {
      throw new DinogradError(
        `PiecewiseConstantDecay needs one value more than boundaries, got ${values.length} and ${boundaries.length}`,
      );
    }
  }
  override rate(step: number): number {
    const { boundaries, values } = this.options;
    const i = boundaries.findIndex((boundary) => step <= boundary);
    return values[i < 0 ? boundaries.length : i];
  }
}

/** Options of `CosineDecay`. */
export interface CosineDecayOptions {
  initialLearningRate: number;
  /** Steps of the decay, after the warm-up. */
  decaySteps: number;
  /** The lowest rate, as a share of the highest. */
  alpha?: number;
  /** The rate at the end of a linear warm-up; null for no warm-up. */
  warmupTarget?: number | null;
  warmupSteps?: number;
}

/** `initial * ((1 - alpha) * (1 + cos(pi * step / decaySteps)) / 2 + alpha)`, after a linear warm-up where one is asked for. */
export class CosineDecay extends LearningRateSchedule<Required<CosineDecayOptions>> {
  static override className = "CosineDecay";

  constructor(options: CosineDecayOptions) {
    super({
      initialLearningRate: required,
      decaySteps: required,
      alpha: 0,
      warmupTarget: null,
      warmupSteps: 0,
    }, options);
    positive("CosineDecay", "decaySteps", this.options.decaySteps);
  }
  override rate(step: number): number {
    const { initialLearningRate, decaySteps, alpha, warmupTarget, warmupSteps } = this.options;
    const warmup = warmupTarget === null ? 0 : warmupSteps;
    const top = warmupTarget ?? initialLearningRate;
    if (step < warmup) return initialLearningRate + (top - initialLearningRate) * step / warmup;
    const fraction = Math.min(step - warmup, decaySteps) / decaySteps;
    return top * ((1 - alpha) * cosine(fraction) + alpha);
  }
}

/** Options of `CosineDecayRestarts`. */
export interface CosineDecayRestartsOptions {
  initialLearningRate: number;
  /** Steps of the first period. */
  firstDecaySteps: number;
  /** How many times longer each period is than the one before. */
  tMul?: number;
  /** How many times higher each period starts than the one before. */
  mMul?: number;
  /** The lowest rate, as a share of the initial one. */
  alpha?: number;
}

/** Cosine decay that starts again and again (SGDR, Loshchilov and Hutter 2016). */
export class CosineDecayRestarts
  extends LearningRateSchedule<Required<CosineDecayRestartsOptions>> {
  static override className = "CosineDecayRestarts";

  constructor(options: CosineDecayRestartsOptions) {
    super({
      initialLearningRate: required,
      firstDecaySteps: required,
      tMul: 2,
      mMul: 1,
      alpha: 0,
    }, options);
    positive("CosineDecayRestarts", "firstDecaySteps", this.options.firstDecaySteps);
    if (!(this.options.tMul >= 1)) {
      throw new DinogradError(
        `CosineDecayRestarts needs tMul of at least 1, got ${this.options.tMul}`,
      );
    }
  }
  override rate(step: number): number {
    const { initialLearningRate, firstDecaySteps, tMul, mMul, alpha } = this.options;
    let restarts = 0, start = 0, length = firstDecaySteps;
    if (tMul === 1) {
      restarts = Math.floor(step / length);
      start = restarts * length;
    }
    for (; step >= start + length; length *= tMul) {
      restarts++;
      start += length;
    }
    const decayed = mMul ** restarts * cosine((step - start) / length);
    return initialLearningRate * ((1 - alpha) * decayed + alpha);
  }
}

const classes = {
  ExponentialDecay,
  InverseTimeDecay,
  PolynomialDecay,
  PiecewiseConstantDecay,
  CosineDecay,
  CosineDecayRestarts,
};

/** The schedule that a config describes. */
export function deserializeSchedule(config: ClassConfig): LearningRateSchedule {
  return deserialize<LearningRateSchedule>("learning rate schedule", classes, config);
}

/**
 * Learning rate schedules by name.
 *
 * ```ts
 * import { train } from "./registry.ts";
 * import { schedules } from "./schedules.ts";
 *
 * const learningRate = schedules.cosineDecay({ initialLearningRate: 0.1, decaySteps: 1000 });
 * train.sgd({ learningRate, momentum: 0.9 });
 * ```
 */
export const schedules = {
  /** `initial * decayRate ^ (step / decaySteps)`. */
  exponentialDecay: (options: DecayOptions): LearningRateSchedule => new ExponentialDecay(options),
  /** `initial / (1 + decayRate * step / decaySteps)`. */
  inverseTimeDecay: (options: DecayOptions): LearningRateSchedule => new InverseTimeDecay(options),
  /** A power of the share of steps left. */
  polynomialDecay: (options: PolynomialDecayOptions): LearningRateSchedule =>
    new PolynomialDecay(options),
  /** One value after another. */
  piecewiseConstantDecay: (options: PiecewiseConstantDecayOptions): LearningRateSchedule =>
    new PiecewiseConstantDecay(options),
  /** Half a cosine wave, after an optional warm-up. */
  cosineDecay: (options: CosineDecayOptions): LearningRateSchedule => new CosineDecay(options),
  /** Half cosine waves one after another. */
  cosineDecayRestarts: (options: CosineDecayRestartsOptions): LearningRateSchedule =>
    new CosineDecayRestarts(options),
};

// How does the learning rate change from epoch to epoch? As a function says, or downwards when nothing gets better any more.

import { DinogradError } from "../errors.ts";
import { Callback, type Logs, type SavedState } from "./callback.ts";
import { Monitor, type MonitorMode } from "./monitor.ts";

/** Sets the learning rate of each epoch, and logs it as `learning_rate`. */
export class LearningRateScheduler extends Callback {
  /** `schedule` gives an epoch's rate, from its number (from 0) and the present rate. */
  constructor(
    readonly schedule: (epoch: number, learningRate: number) => number,
    readonly verbose: number = 0,
  ) {
    super();
    if (typeof schedule === "function") return;
    throw new DinogradError(`learningRateScheduler needs a function, got ${typeof schedule}`);
  }

  /** Sets the rate. */
  override onEpochBegin(epoch: number): void {
    const { optimizer } = this.model;
    const rate = this.schedule(epoch, optimizer.learningRate);
    if (typeof rate !== "number" || !Number.isFinite(rate)) {
      throw new DinogradError(
        `learningRateScheduler needs a function that gives a number, got ${rate} for epoch ${epoch}`,
      );
    }
    optimizer.learningRate = rate;
    if (this.verbose) console.log(`Epoch ${epoch + 1}: the learning rate is ${rate}`);
  }
  /** Logs the rate. */
  override onEpochEnd(_epoch: number, logs: Logs = {}): void {
    logs.learning_rate = this.model.optimizer.learningRate;
  }
}

/** Arguments of `callbacks.reduceLROnPlateau`. */
export interface ReduceLROnPlateauArgs {
  /** Name in the logs to watch, `val_loss` when left out. */
  monitor?: string;
  /** What the rate is multiplied by, 0.1 when left out. */
  factor?: number;
  /** Epochs without improvement before that, 10 when left out. */
  patience?: number;
  /** Whether to print what was done. */
  verbose?: number;
  /** Whether less or more is better. */
  mode?: MonitorMode;
  /** Changes up to this much do not count, 0.0001 when left out. */
  minDelta?: number;
  /** Epochs after a change of the rate that are not watched. */
  cooldown?: number;
  /** The lowest rate. */
  minLr?: number;
}

/** Lowers the learning rate when the watched number has not got better for a while, and logs it as `learning_rate`. */
export class ReduceLROnPlateau extends Callback {
  readonly #args: Required<ReduceLROnPlateauArgs>;
  readonly #monitor: Monitor;
  #best: number;
  #waited = 0;
  #cooling = 0;

  /** Watches `val_loss` unless told otherwise. */
  constructor(args: ReduceLROnPlateauArgs = {}) {
    super();
    this.#args = {
      monitor: "val_loss",
      factor: 0.1,
      patience: 10,
      verbose: 0,
      mode: "auto",
      minDelta: 1e-4,
      cooldown: 0,
      minLr: 0,
      ...args,
    };
    const { factor, monitor, mode } = this.#args;
    if (!(factor > 0 && factor < 1)) {
      throw new DinogradError(`reduceLROnPlateau needs a factor between 0 and 1, got ${factor}`);
    }
    this.#monitor = new Monitor("reduceLROnPlateau", monitor, mode);
    this.#best = this.#monitor.worst;
  }

  /** Starts anew. */
  override onTrainBegin(): void {
    this.#best = this.#monitor.worst;
    this.#waited = this.#cooling = 0;
  }

  /** Compares the epoch with the best so far. */
  override onEpochEnd(epoch: number, logs: Logs = {}): void {
    const { optimizer } = this.model, { patience, minDelta, cooldown, factor, minLr } = this.#args;
    const value = this.#monitor.read(logs);
    logs.learning_rate = optimizer.learningRate;
    if (value === undefined) return;
    if (this.#cooling > 0) {
      this.#cooling--;
      this.#waited = 0;
    }
    if (this.#monitor.improves(value, this.#best, minDelta)) {
      this.#best = value;
      this.#waited = 0;
    } else if (this.#cooling === 0 && ++this.#waited >= patience) {
      const rate = optimizer.learningRate;
      if (rate <= minLr) return;
      optimizer.learningRate = Math.max(rate * factor, minLr);
      if (this.#args.verbose) {
        console.log(`Epoch ${epoch + 1}: reducing the learning rate to ${optimizer.learningRate}`);
      }
      this.#cooling = cooldown;
      this.#waited = 0;
    }
  }

  /** How long it has waited, and for what to come back. */
  override getState(): SavedState {
    const values = { best: this.#best, waited: this.#waited, cooling: this.#cooling };
    return { values, arrays: {} };
  }
  /** Goes on waiting. */
  override setState({ values }: SavedState): void {
    this.#best = values.best as number;
    this.#waited = values.waited as number;
    this.#cooling = values.cooling as number;
  }
}

// When does training end before its last epoch? When nothing gets better any more, or when the loss is no number.

import type { Tensor } from "../tensor.ts";
import { Callback, type Logs, type SavedState } from "./callback.ts";
import { Monitor, type MonitorMode } from "./monitor.ts";

/** Arguments of `callbacks.earlyStopping`. */
export interface EarlyStoppingArgs {
  /** Name in the logs to watch. */
  monitor?: string;
  /** Changes up to this much do not count. */
  minDelta?: number;
  /** Epochs without improvement before training ends. */
  patience?: number;
  /** Whether to print what was done. */
  verbose?: number;
  /** Whether less or more is better; auto: more for accuracies and the like. */
  mode?: MonitorMode;
  /** What must be reached for an epoch to count as better. */
  baseline?: number | null;
  /** Whether the weights of the best epoch come back at the end. */
  restoreBestWeights?: boolean;
  /** The first epoch that is watched. */
  startFromEpoch?: number;
}

/** Ends training when the watched number has not got better for `patience` epochs, as in Keras 3. */
export class EarlyStopping extends Callback {
  readonly #args: Required<EarlyStoppingArgs>;
  readonly #monitor: Monitor;
  #best: number;
  #waited = 0;
  #bestEpoch = 0;
  #watched = 0; // epochs that had the number
  #bestWeights: Tensor[] | undefined;

  /** Watches `val_loss` unless told otherwise. */
  constructor(args: EarlyStoppingArgs = {}) {
    super();
    this.#args = {
      monitor: "val_loss",
      minDelta: 0,
      patience: 0,
      verbose: 0,
      mode: "auto",
      baseline: null,
      restoreBestWeights: false,
      startFromEpoch: 0,
      ...args,
    };
    this.#monitor = new Monitor("earlyStopping", this.#args.monitor, this.#args.mode);
    this.#best = this.#monitor.worst;
  }

  /** Starts anew. */
  override onTrainBegin(): void {
    this.#waited = this.#bestEpoch = this.#watched = 0;
    this.#best = this.#monitor.worst;
    this.#forget();
  }

  /** Compares the epoch with the best so far. */
  override onEpochEnd(epoch: number, logs: Logs = {}): void {
    const { minDelta, patience, baseline, restoreBestWeights, startFromEpoch } = this.#args;
    const value = this.#monitor.read(logs);
    if (value === undefined) return;
    this.#watched++;
    if (epoch < startFromEpoch) return;
    const beats = (reference: number) => this.#monitor.improves(value, reference, minDelta);
    const better = beats(this.#best);
    if (restoreBestWeights && (better || !this.#bestWeights)) this.#remember(epoch);
    this.#waited++;
    if (better) {
      this.#best = value;
      if (baseline === null || beats(baseline)) this.#waited = 0;
    } else if (this.#waited >= patience && epoch > 0) {
      if (this.#args.verbose) console.log(`Epoch ${epoch + 1}: early stopping`);
      this.model.stopTraining = true;
    }
  }

  /** Brings the best weights back where asked to. */
  override onTrainEnd(): void {
    if (this.#watched === 0) {
      console.warn(
        `dinograd: earlyStopping never saw "${this.#args.monitor}": fit was given nothing to validate on`,
      );
    }
    if (!this.#bestWeights) return;
    if (this.#args.verbose) console.log(`Restoring the weights of epoch ${this.#bestEpoch + 1}`);
    this.model.setWeights(this.#bestWeights);
    this.#forget();
  }

  /** How long it has waited, and for what to come back. */
  override getState(): SavedState {
    const weights = (this.#bestWeights ?? []).map((w, i) => [`${i}`, w]);
    return {
      values: {
        best: this.#best,
        waited: this.#waited,
        bestEpoch: this.#bestEpoch,
        watched: this.#watched,
      },
      arrays: Object.fromEntries(weights),
    };
  }
  /** Goes on waiting. */
  override setState({ values, arrays }: SavedState): void {
    this.#best = values.best as number;
    this.#waited = values.waited as number;
    this.#watched = values.watched as number;
    const count = Object.keys(arrays).length;
    if (count === 0) return;
    this.#keep(
      values.bestEpoch as number,
      Array.from({ length: count }, (_, i) => arrays[i].clone()),
    );
  }

  #remember(epoch: number): void {
    this.#keep(epoch, this.model.getWeights());
  }
  #keep(epoch: number, weights: Tensor[]): void {
    this.#forget();
    this.#bestEpoch = epoch;
    this.#bestWeights = weights;
    for (const w of weights) w.kept = true;
  }
  #forget(): void {
    for (const w of this.#bestWeights ?? []) w.dispose();
    this.#bestWeights = undefined;
  }
}

/** Ends training when the loss becomes NaN or infinite. */
export class TerminateOnNaN extends Callback {
  /** Yes. */
  override readonly stopsOnNaN = true;
}

// When does training end before its last epoch? When nothing gets better any more, or when the loss is no number.

import { DinogradError } from "../errors.ts";
import { directionOf } from "../metrics/registry.ts";
import type { Tensor } from "../tensor.ts";
import { Callback, type Logs } from "./callback.ts";

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
  mode?: "auto" | "min" | "max";
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
  readonly #sign: 1 | -1;
  #best = Infinity;
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
    const { monitor, mode } = this.#args;
    if (!["auto", "min", "max"].includes(mode)) {
      throw new DinogradError(`earlyStopping needs mode auto, min or max, got "${mode}"`);
    }
    this.#sign = mode === "max" || (mode === "auto" && directionOf(monitor) === "up") ? -1 : 1;
  }

  /** Starts anew. */
  override onTrainBegin(): void {
    this.#waited = this.#bestEpoch = this.#watched = 0;
    this.#best = Infinity;
    this.#forget();
  }

  /** Compares the epoch with the best so far. */
  override onEpochEnd(epoch: number, logs: Logs = {}): void {
    const { monitor, minDelta, patience, baseline, restoreBestWeights, startFromEpoch } =
      this.#args;
    const names = Object.keys(logs);
    if (!names.includes(monitor)) {
      // An epoch without validation is passed over; anything else is a wrong name.
      if (monitor.startsWith("val_") && !names.some((name) => name.startsWith("val_"))) return;
      throw new DinogradError(
        `earlyStopping watches "${monitor}", but the logs have only ${names.join(", ")}`,
      );
    }
    this.#watched++;
    if (epoch < startFromEpoch) return;
    const value = this.#sign * logs[monitor];
    const beats = (reference: number) => value < reference - Math.abs(minDelta);
    const better = beats(this.#best);
    if (restoreBestWeights && (better || !this.#bestWeights)) this.#remember(epoch);
    this.#waited++;
    if (better) {
      this.#best = value;
      if (baseline === null || beats(this.#sign * baseline)) this.#waited = 0;
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

  #remember(epoch: number): void {
    this.#forget();
    this.#bestEpoch = epoch;
    this.#bestWeights = this.model.getWeights().map((w) => {
      w.kept = true;
      return w;
    });
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

/** Callbacks by name. */
export const callbacks: {
  earlyStopping(args?: EarlyStoppingArgs): EarlyStopping;
  terminateOnNaN(): TerminateOnNaN;
} = {
  earlyStopping: (args) => new EarlyStopping(args),
  terminateOnNaN: () => new TerminateOnNaN(),
};

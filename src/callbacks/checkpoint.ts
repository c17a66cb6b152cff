// When is a model saved while it trains? After each epoch or every so many batches, always or when it has got better.

import { DinogradError } from "../errors.ts";
import { replaceFolder, toPath } from "../io/files.ts";
import { Callback, type Logs, type SavedState } from "./callback.ts";
import { Frequency, type SaveFreq } from "./frequency.ts";
import { Monitor, type MonitorMode } from "./monitor.ts";
import { formatPath } from "./path_pattern.ts";

/** Arguments of `callbacks.modelCheckpoint`. */
export interface ModelCheckpointArgs {
  /**
   * Where to: a folder in TensorFlow.js's layers format, or a safetensors file with saveWeightsOnly. `{epoch:02d}` (counted from
   * 1), `{batch}` and names of the logs, such as `{val_loss:.2f}`, stand for numbers.
   */
  filepath: string;
  /** Name in the logs to watch, `val_loss` when left out. */
  monitor?: string;
  /** Whether to print what was done. */
  verbose?: number;
  /** Whether to save only what is better than all before. */
  saveBestOnly?: boolean;
  /** Whether to save the weights alone. */
  saveWeightsOnly?: boolean;
  /** Whether less or more is better. */
  mode?: MonitorMode;
  /** After each epoch ("epoch"), or every so many batches. */
  saveFreq?: SaveFreq;
  /** What must be beaten to be saved at all. */
  initialValueThreshold?: number | null;
}

/**
 * Saves the model as it trains, as in Keras 3. What was there is replaced in one go: whenever the program ends, a whole model is
 * found under its name (of a folder, for a moment, under `.<name>.old`). A folder's old contents are removed.
 */
export class ModelCheckpoint extends Callback {
  readonly #args: ModelCheckpointArgs;
  readonly #monitor: Monitor;
  readonly #frequency: Frequency;
  #best: number;
  #epoch = 0;

  /** Where to save, and when. */
  constructor(args: ModelCheckpointArgs) {
    super();
    const { filepath, monitor = "val_loss", mode, saveBestOnly, saveFreq } = args;
    if (typeof filepath !== "string" || toPath(filepath) === "") {
      throw new DinogradError(`modelCheckpoint needs a filepath, got ${JSON.stringify(filepath)}`);
    }
    this.#args = args;
    this.#monitor = new Monitor("modelCheckpoint", monitor, mode);
    this.#frequency = new Frequency("modelCheckpoint", saveFreq);
    this.#best = args.initialValueThreshold ?? this.#monitor.worst;
    if (this.#frequency.isEpoch) return;
    if (saveBestOnly && monitor.startsWith("val_")) {
      throw new DinogradError(
        `modelCheckpoint watches "${monitor}", which is known after epochs only: saveFreq must be "epoch"`,
      );
    }
    // Only now, because whoever has this method is called after every batch.
    this.onBatchEnd = (batch, logs) => this.#onBatch(batch, logs!);
  }

  /** Notes the epoch. */
  override onEpochBegin(epoch: number): void {
    this.#epoch = epoch;
  }
  /** Saves the model, if epochs count. */
  override async onEpochEnd(epoch: number, logs: Logs = {}): Promise<void> {
    if (this.#frequency.isEpoch) await this.#save({ ...logs, epoch: epoch + 1 });
  }

  /** The best value so far. */
  override getState(): SavedState {
    return { values: { best: this.#best, seen: this.#frequency.seen }, arrays: {} };
  }
  /** Goes on from there. */
  override setState({ values }: SavedState): void {
    this.#best = values.best as number;
    this.#frequency.seen = values.seen as number;
  }

  async #onBatch(batch: number, logs: Logs): Promise<void> {
    if (!this.#frequency.isDue()) return;
    await this.#save({ ...logs, epoch: this.#epoch + 1, batch: batch + 1 });
  }

  async #save(values: Logs): Promise<void> {
    const { filepath, saveBestOnly, saveWeightsOnly, verbose } = this.#args;
    const say = (text: string) => verbose && console.log(`Epoch ${values.epoch}: ${text}`);
    if (saveBestOnly) {
      const value = this.#monitor.read(values), { name } = this.#monitor;
      if (value === undefined) return;
      if (!this.#monitor.improves(value, this.#best)) {
        say(`${name} did not improve from ${this.#best}`);
        return;
      }
      say(`${name} improved from ${this.#best} to ${value}`);
      this.#best = value;
    }
    const path = formatPath(toPath(filepath), values);
    say(`saving the model to ${path}`);
    if (saveWeightsOnly) await this.model.saveWeights(path);
    else await replaceFolder(path, (folder) => this.model.save(`file://${folder}`));
  }
}

// What does TensorBoard see of a training? Loss and metrics per epoch or batch, and histograms of the weights, as Keras writes them.

import { DinogradError, unknownName } from "../errors.ts";
import { EventFile, histogramSummary, scalarSummary } from "../io/events.ts";
import { checkAccess, toPath } from "../io/files.ts";
import { Callback, type Logs, type SavedState } from "./callback.ts";

/** Options of `callbacks.tensorBoard`. */
export interface TensorBoardArgs {
  /** Whether the logs of batches are written too: each ("batch"), or every so many; "epoch" when left out. */
  updateFreq?: "epoch" | "batch" | number;
  /** Every how many epochs histograms of the weights are written; 0 for never. */
  histogramFreq?: number;
}

type Part = "train" | "validation";

/**
 * Writes event files to `train` and `validation` below a folder: `epoch_loss`, `epoch_learning_rate` and so on per epoch,
 * `evaluation_loss_vs_iterations` per validation, `batch_loss` per batch where asked for, `<weight>/histogram` for weights.
 */
export class TensorBoard extends Callback {
  readonly #folder: string;
  readonly #every: number; // batches; 0: none is written
  readonly #histogramFreq: number;
  readonly #files = new Map<Part, EventFile>();
  #batches = 0;

  /** Which folder, and what to write. */
  constructor(logdir: string, args: TensorBoardArgs = {}) {
    super();
    const known: Record<keyof TensorBoardArgs, true> = { updateFreq: true, histogramFreq: true };
    for (const key in args) {
      if (!Object.hasOwn(known, key)) {
        throw unknownName("option of tensorBoard", key, Object.keys(known));
      }
    }
    const { updateFreq = "epoch", histogramFreq = 0 } = args;
    if (typeof logdir !== "string" || toPath(logdir) === "") {
      throw new DinogradError(`tensorBoard needs a folder, got ${JSON.stringify(logdir)}`);
    }
    this.#folder = toPath(logdir).replace(/\/+$/, "");
    this.#every = updateFreq === "epoch" ? 0 : updateFreq === "batch" ? 1 : updateFreq;
    this.#histogramFreq = histogramFreq;
    for (const [key, value] of Object.entries({ updateFreq: this.#every, histogramFreq })) {
      if (Number.isInteger(value) && value >= 0) continue;
      throw new DinogradError(`tensorBoard needs ${key} to be a whole number, got ${value}`);
    }
    // Only now, because whoever has this method is called after every batch.
    if (this.#every > 0) this.onBatchEnd = (_, logs) => this.#onBatch(logs!);
  }

  /** Starts new files. */
  override onTrainBegin(): void {
    checkAccess("Writing to", this.#folder, "write");
    this.#files.clear();
    this.#batches = 0;
  }

  /** Writes the epoch. */
  override async onEpochEnd(epoch: number, logs: Logs = {}): Promise<void> {
    const { optimizer, weights } = this.model;
    const all = Object.entries({ ...logs, learning_rate: optimizer.learningRate });
    for (const [name, value] of all) {
      if (!name.startsWith("val_")) this.#add("train", `epoch_${name}`, value, epoch);
    }
    const validated = all.filter(([name]) => name.startsWith("val_"));
    const iterations = validated.length > 0 ? optimizer.iterations : 0;
    for (const [name, value] of validated) {
      const bare = name.slice("val_".length);
      this.#add("validation", `evaluation_${bare}_vs_iterations`, value, iterations);
      this.#add("validation", `epoch_${bare}`, value, epoch);
    }
    if (this.#histogramFreq > 0 && epoch % this.#histogramFreq === 0) {
      for (const { name, variable } of weights) {
        this.#file("train").add(histogramSummary(`${name}/histogram`, variable.dataSync()), epoch);
      }
    }
    for (const file of this.#files.values()) await file.flush();
  }

  /** How many batches there were. */
  override getState(): SavedState {
    return { values: { batches: this.#batches }, arrays: {} };
  }
  /** Goes on counting. */
  override setState({ values }: SavedState): void {
    this.#batches = values.batches as number;
  }

  async #onBatch(logs: Logs): Promise<void> {
    if (++this.#batches % this.#every !== 0) return;
    for (const [name, value] of Object.entries(logs)) {
      if (name === "batch" || name === "size") continue;
      this.#add("train", `batch_${name}`, value, this.#batches);
    }
    await this.#file("train").flush();
  }

  #add(part: Part, tag: string, value: number, step: number): void {
    this.#file(part).add(scalarSummary(tag, value), step);
  }

  #file(part: Part): EventFile {
    let file = this.#files.get(part);
    if (!file) this.#files.set(part, file = new EventFile(`${this.#folder}/${part}`));
    return file;
  }
}

// How does training go on after the program was ended in the middle of it? From a file with everything that decides its course.

import { DinogradError } from "../errors.ts";
import { checkAccess, exists, readFile, replaceFile, toPath } from "../io/files.ts";
import { decodeSafetensors, encodeSafetensors } from "../io/safetensors.ts";
import { fromRaw, rawValues } from "../io/weights.ts";
import { dispose, tidy } from "../scope.ts";
import { Callback, type SavedState } from "./callback.ts";
import { Frequency, type SaveFreq } from "./frequency.ts";

/** Arguments of `callbacks.backupAndRestore`. */
export interface BackupAndRestoreArgs {
  /** The folder that holds the backup, with or without `file://` before it. */
  backupDir: string;
  /** After each epoch ("epoch"), or every so many batches. */
  saveFreq?: SaveFreq;
  /** Whether the backup is removed when training has ended by itself (true when left out). */
  deleteCheckpoint?: boolean;
}

// JSON has no numbers that are not finite.
type Spelled = { readonly number: string };
const spell = (_: string, value: unknown) =>
  typeof value === "number" && !Number.isFinite(value) ? { number: String(value) } : value;
const unspell = (_: string, value: unknown) =>
  typeof value === "object" && value !== null && Object.keys(value).join() === "number"
    ? Number((value as Spelled).number)
    : value;

const KEY = "dinograd_training";

/**
 * Saves the state of training again and again, and goes on from the last saved state when the same program is run again after it was
 * ended in the middle, as in Keras; but batches count too, and the outcome is that of a run that nothing ended, to the bit.
 *
 * What is saved: weights, the optimizer's state, layers' and the device's random generators, the order of the samples, metrics, the
 * logs so far, and what the other callbacks remember. It comes last of all callbacks. A dataset must give the same elements when it
 * is gone through again; those of the present iteration that came before are drawn again.
 */
export class BackupAndRestore extends Callback {
  /** Yes: it saves what the others have come to. */
  override readonly comesLast = true;
  readonly #folder: string;
  readonly #path: string;
  readonly #frequency: Frequency;
  readonly #deletes: boolean;

  /** Where to save, and when. */
  constructor({ backupDir, saveFreq, deleteCheckpoint = true }: BackupAndRestoreArgs) {
    super();
    if (typeof backupDir !== "string" || toPath(backupDir) === "") {
      throw new DinogradError(
        `backupAndRestore needs a folder as backupDir, got ${JSON.stringify(backupDir)}`,
      );
    }
    this.#folder = toPath(backupDir).replace(/\/+$/, "");
    this.#path = `${this.#folder}/training.safetensors`;
    this.#frequency = new Frequency("backupAndRestore", saveFreq);
    this.#deletes = deleteCheckpoint;
    // Only now, because whoever has this method is called after every batch.
    if (!this.#frequency.isEpoch) this.onBatchEnd = () => this.#onBatch();
  }

  /** Goes on from the backup, if there is one. */
  override async onTrainBegin(): Promise<void> {
    checkAccess("Backing up to", this.#folder, "read", "write");
    if (!await exists(this.#path)) return;
    const { arrays, metadata } = decodeSafetensors(await readFile(this.#path), this.#path);
    const json = metadata.get(KEY);
    if (json === undefined) {
      throw new DinogradError(`${this.#path} is no backup: it lacks the metadata ${KEY}`);
    }
    const { device } = this.model.weights[0].variable;
    tidy(() => {
      const tensors = [...arrays].map(([name, raw]) => [name, fromRaw(raw, device)]);
      this.training.restore({
        values: JSON.parse(json, unspell),
        arrays: Object.fromEntries(tensors),
      });
    });
  }

  /** Saves, if epochs count. */
  override async onEpochEnd(): Promise<void> {
    if (this.#frequency.isEpoch) await this.#save();
  }

  /** Removes the backup, unless it is to stay. */
  override async onTrainEnd(): Promise<void> {
    if (this.#deletes && await exists(this.#path)) await Deno.remove(this.#path);
  }

  async #onBatch(): Promise<void> {
    if (this.#frequency.isDue()) await this.#save();
  }

  async #save(): Promise<void> {
    const { values, arrays }: SavedState = this.training.save();
    const raw = Object.entries(arrays).map(([name, tensor]) => [name, rawValues(tensor)] as const);
    dispose(arrays);
    const metadata = new Map([[KEY, JSON.stringify(values, spell)]]);
    await replaceFile(this.#path, encodeSafetensors(new Map(raw), metadata));
  }
}

// How do the logs of all epochs get into a CSV file? A row per epoch, written as soon as it is known.

import { DinogradError } from "../errors.ts";
import { appendText, readFile, toPath } from "../io/files.ts";
import { Callback, type Logs, type SavedState } from "./callback.ts";

/** Arguments of `callbacks.csvLogger`. */
export interface CSVLoggerArgs {
  /** The file, with or without `file://` before it. */
  filename: string;
  /** What stands between fields, "," when left out. */
  separator?: string;
  /** Whether to go on with a file that is there, without a second header. */
  append?: boolean;
}

/** Writes a row per epoch: its number, counted from 0, then the logs in the order of their names; NA for what an epoch has not. */
export class CSVLogger extends Callback {
  readonly #path: string;
  readonly #separator: string;
  readonly #append: boolean;
  #names: readonly string[] | undefined;
  #headed = false;

  /** Where to write, and how. */
  constructor({ filename, separator = ",", append = false }: CSVLoggerArgs) {
    super();
    if (typeof filename !== "string" || toPath(filename) === "") {
      throw new DinogradError(`csvLogger needs a filename, got ${JSON.stringify(filename)}`);
    }
    this.#path = toPath(filename);
    this.#separator = separator;
    this.#append = append;
  }

  /** Makes the file. */
  override async onTrainBegin(): Promise<void> {
    this.#names = undefined;
    await appendText(this.#path, "", !this.#append);
    this.#headed = this.#append && (await readFile(this.#path)).length > 0;
  }

  /** Writes the row. */
  override async onEpochEnd(epoch: number, logs: Logs = {}): Promise<void> {
    if (!this.#names) {
      const names = Object.keys(logs).sort();
      // A validation that comes in some epochs only has its columns from the start.
      this.#names = [
        ...names,
        ...this.params.names.filter((n) => n.startsWith("val_") && !names.includes(n)),
      ];
    }
    const rows = this.#headed ? [] : [["epoch", ...this.#names]];
    rows.push([String(epoch), ...this.#names.map((name) => String(logs[name] ?? "NA"))]);
    const text = rows.map((row) => row.map((v) => this.#quote(v)).join(this.#separator) + "\r\n");
    await appendText(this.#path, text.join(""));
    this.#headed = true;
  }

  /** Its columns. */
  override getState(): SavedState | null {
    return this.#names ? { values: { names: this.#names }, arrays: {} } : null;
  }
  /** Goes on with them. */
  override setState({ values }: SavedState): void {
    this.#names = values.names as string[];
  }

  #quote(value: string): string {
    return value.includes(this.#separator) || /["\r\n]/.test(value)
      ? `"${value.replaceAll('"', '""')}"`
      : value;
  }
}

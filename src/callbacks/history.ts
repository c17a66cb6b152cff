// What came of each epoch? The history that fit returns.

import { Callback, type Logs, type SavedState } from "./callback.ts";

/** Loss and metrics of every epoch. */
export class History extends Callback {
  /** Numbers of the epochs. */
  readonly epoch: number[] = [];
  /** One value per epoch, by name. */
  readonly history: Record<string, number[]> = {};

  /** Notes the epoch. */
  override onEpochEnd(epoch: number, logs: Logs = {}): void {
    this.epoch.push(epoch);
    for (const key in logs) (this.history[key] ??= []).push(logs[key]);
  }

  /** All of it. */
  override getState(): SavedState {
    return { values: { epoch: this.epoch, history: this.history }, arrays: {} };
  }
  /** Goes on from there. */
  override setState({ values }: SavedState): void {
    this.epoch.splice(0, Infinity, ...values.epoch as number[]);
    Object.assign(this.history, values.history);
  }
}

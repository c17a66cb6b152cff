// How often is something saved? After each epoch, or after every so many batches, whichever epochs they belong to.

import { DinogradError } from "../errors.ts";

/** After each epoch, or every so many batches. */
export type SaveFreq = "epoch" | number;

/** Counts batches. */
export class Frequency {
  /** Batches since the last time. */
  seen = 0;

  /** `who` asks, for messages. */
  constructor(who: string, readonly every: SaveFreq = "epoch") {
    if (every === "epoch" || (Number.isInteger(every) && every > 0)) return;
    throw new DinogradError(`${who} needs saveFreq "epoch" or a number of batches, got ${every}`);
  }

  /** Whether epochs count, not batches. */
  get isEpoch(): boolean {
    return this.every === "epoch";
  }
  /** Whether the time has come after one more batch. */
  isDue(): boolean {
    if (this.isEpoch || ++this.seen < (this.every as number)) return false;
    this.seen = 0;
    return true;
  }
}

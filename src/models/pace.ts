// How long may steps keep everything else waiting? Until the event loop is due a turn; and how many of them fit in between.

const TURN_MS = 100;

/** Counts how many steps fit the time between two turns of the event loop, and gives it these turns. */
export class Pace {
  #msPerStep = Infinity;
  #turn = performance.now();

  /** How many of the steps that are left to run next. */
  stepsOf(left: number): number {
    return Math.max(1, Math.min(left, Math.floor(TURN_MS / this.#msPerStep)));
  }
  /** Notes how long steps took. */
  took(steps: number, ms: number): void {
    this.#msPerStep = Math.max(ms / steps, 1e-4);
  }

  /** Whether timers, messages and input have waited long enough. */
  get isDue(): boolean {
    return performance.now() - this.#turn >= TURN_MS;
  }
  /** Lets them be served. */
  async breathe(): Promise<void> {
    await new Promise((resolve) => setTimeout(resolve, 0));
    this.#turn = performance.now();
  }
}

// How long does work take, and how sure is that? Medians and quartiles of rounds, each long enough for the clock.

import { at, type Place, synchronize } from "./places.ts";

/** What an entry works on, and one iteration of the work. */
export interface Work<Result = unknown> {
  /** Tensors, models and optimizers to dispose of afterwards. */
  readonly holds: readonly { dispose(): void }[];
  readonly run: () => Result;
}

/** What rounds of timing came to. */
export interface Timing {
  /** Median, in seconds. */
  seconds: number;
  /** First and third quartile: half of the rounds lie between. */
  low: number;
  high: number;
  rounds: number;
}

/** How many rounds, and how long each lasts at least. */
export interface Effort {
  rounds: number;
  roundSeconds: number;
}

/** Median and quartiles of seconds. */
export function summarize(seconds: readonly number[]): Timing {
  const sorted = seconds.toSorted((a, b) => a - b);
  const quantile = (share: number) => {
    const place = share * (sorted.length - 1), below = Math.floor(place);
    const above = Math.min(below + 1, sorted.length - 1);
    return sorted[below] + (place - below) * (sorted[above] - sorted[below]);
  };
  return {
    seconds: quantile(0.5),
    low: quantile(0.25),
    high: quantile(0.75),
    rounds: seconds.length,
  };
}

/** How far the quartiles lie apart, as a share of the median. */
export const spreadOf = ({ seconds, low, high }: Timing): number => (high - low) / seconds;

/** Whether a figure over 100 us is too uncertain to compare: its quartiles lie more than 10 % apart. */
export const isNoisy = (timing: Timing): boolean => timing.seconds > 1e-4 && spreadOf(timing) > 0.1;

/** Seconds per run, round by round. Each round waits for the place once, and awaits what `run` promises. */
export async function measure(
  place: Place,
  run: () => unknown,
  { rounds, roundSeconds }: Effort,
): Promise<number[]> {
  const secondsOf = async (times: number) => {
    const start = performance.now();
    for (let i = 0; i < times; i++) {
      const promise = run();
      if (promise instanceof Promise) await promise;
    }
    synchronize(place);
    return (performance.now() - start) / 1000;
  };
  return await at(place, async () => {
    await secondsOf(1); // what happens once: memory, recording, compiling
    let times = 1, last: number;
    while ((last = await secondsOf(times)) < roundSeconds) {
      times = Math.ceil(times * Math.min(10, Math.max(1.5, 1.2 * roundSeconds / last)));
    }
    const seconds = [last / times];
    while (seconds.length < rounds) seconds.push(await secondsOf(times) / times);
    return seconds;
  });
}

// From which batch size on is one place faster than another? A sentence per model.

import type { Sweep } from "./sweep.ts";

/** How two places compare over the batch sizes that both trained at. */
export function crossover(a: Sweep, b: Sweep): string {
  const times = new Map(b.points.map((point) => [point.batch, point]));
  const shared = a.points.flatMap((point) => {
    const other = times.get(point.batch);
    return other ? [{ batch: point.batch, wins: other.seconds < point.seconds }] : [];
  });
  if (!shared.length) return `For ${a.work}, ${a.place} and ${b.place} share no batch size.`;
  // The first batch from which on b stays ahead: one point of noise before does not count.
  const last = shared.findLastIndex(({ wins }) => !wins);
  const [low, high] = [shared[0].batch, shared.at(-1)!.batch];
  if (last < 0) {
    return `For ${a.work}, ${b.place} beats ${a.place} at every batch size from ${low} to ${high}.`;
  }
  if (last === shared.length - 1) {
    return shared.some(({ wins }) => wins)
      ? `For ${a.work}, neither of ${a.place} and ${b.place} stays ahead up to batch ${high}.`
      : `For ${a.work}, ${a.place} beats ${b.place} at every batch size from ${low} to ${high}.`;
  }
  const from = shared[last + 1].batch;
  const before = shared.slice(0, last + 1).some(({ wins }) => wins) ? "mostly " : "";
  return `For ${a.work}, ${a.place} ${before}wins below batch ${from}, and ${b.place} from there on.`;
}

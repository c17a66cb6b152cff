// Did a change make work faster? Ratios of two runs, with the bounds that their noise allows.

import { isNoisy, spreadOf } from "./measure.ts";
import { showSeconds } from "./sweep.ts";
import { type Entry, keyOf, markdownTable, type Results } from "./results.ts";

/** The same work in two runs. */
export interface Comparison {
  key: string;
  before: Entry;
  after: Entry;
  /** Median time after over median time before: below 1 is faster. */
  ratio: number;
  /** The ratio of the quartiles that lie nearest, and of those that lie farthest. */
  low: number;
  high: number;
  /** Faster or slower only where 1 lies outside of the bounds. */
  verdict: "faster" | "slower" | "within noise";
}

/** Every figure that both runs have. */
export function compare(before: Results, after: Results): Comparison[] {
  const others = new Map(after.entries.map((entry) => [keyOf(entry), entry]));
  return before.entries.flatMap((a) => {
    const b = others.get(keyOf(a));
    if (!b) return [];
    const low = b.low / a.high, high = b.high / a.low;
    const verdict = high < 1 ? "faster" : low > 1 ? "slower" : "within noise";
    return [{
      key: keyOf(a),
      before: a,
      after: b,
      ratio: b.seconds / a.seconds,
      low,
      high,
      verdict,
    }];
  });
}

/** Comparisons as a table, with what only one run has below. */
export function comparisonText(before: Results, after: Results): string {
  const all = compare(before, after);
  const spread = (e: Entry) => `${(100 * spreadOf(e)).toFixed(0)} %${isNoisy(e) ? " noisy" : ""}`;
  const rows = all.map(({ key, before: a, after: b, ratio, low, high, verdict }) => [
    key,
    `${showSeconds(a.seconds)} (${spread(a)})`,
    `${showSeconds(b.seconds)} (${spread(b)})`,
    ratio.toFixed(2),
    `${low.toFixed(2)} to ${high.toFixed(2)}`,
    verdict,
  ]);
  const keys = new Set(all.map(({ key }) => key));
  const only = (results: Results) =>
    results.entries.map(keyOf).filter((key) => !keys.has(key)).length;
  const count = (verdict: Comparison["verdict"]) => all.filter((c) => c.verdict === verdict).length;
  // Where these differ as well, the machine was not the same, whatever it is called.
  const peaks = before.places.flatMap(({ name, limits }) => {
    const other = after.places.find((place) => place.name === name);
    if (!other) return [];
    const [from, to] = [limits, other.limits].map((l) => (l.operations / 1e9).toPrecision(3));
    return [`${name} ${from} and ${to}`];
  });
  const machine = (r: Results) => JSON.stringify([r.machine.CPU, r.machine.GPU]);
  return [
    `Before: ${before.commit}, ${before.date}. After: ${after.commit}, ${after.date}.`,
    ...(machine(before) === machine(after) ? [] : ["The runs come from different machines."]),
    `Peaks before and after, GFLOP/s: ${peaks.join("; ")}.`,
    markdownTable(["work", "before", "after", "ratio", "bounds", "verdict"], rows),
    `${count("faster")} faster, ${count("slower")} slower, ${
      count("within noise")
    } within noise; ` +
    `${only(before)} only before, ${only(after)} only after.`,
  ].join("\n\n");
}

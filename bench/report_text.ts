// How do a run's figures read? Tables and sentences in Markdown.

import { crossover } from "./crossover.ts";
import { isNoisy, spreadOf } from "./measure.ts";
import { type Entry, markdownTable, type Results } from "./results.ts";
import { showBytes, showSeconds } from "./sweep.ts";

/** What others are compared with: the last CPU place, which has all threads, else the first place. */
export function baselineName({ places }: Results): string {
  return (places.findLast(({ kind }) => kind === "cpu") ?? places[0]).name;
}

/** Why there is no GPU in charts and tables; nothing where there is one. */
export function gpuSentence({ places }: Results): string | undefined {
  if (places.some(({ kind }) => kind === "gpu")) return undefined;
  return "This machine has no GPU: its series are absent, and where it would overtake this CPU cannot be said.";
}

/** A sentence per model and pair of places worth comparing. */
export function crossovers(results: Results): string[] {
  const base = baselineName(results);
  const gpu = results.places.find(({ kind }) => kind === "gpu")?.name;
  const single = results.places.find(({ kind, name }) => kind === "cpu" && name !== base)?.name;
  const pairs = [[base, gpu], [single, base], ["wasm", base]]
    .filter(([a, b]) => a !== undefined && b !== undefined && a !== b);
  const works = [...new Set(results.sweeps.map(({ work }) => work))];
  return works.flatMap((work) =>
    pairs.flatMap(([a, b]) => {
      const of = (name?: string) => results.sweeps.find((s) => s.work === work && s.place === name);
      const [one, other] = [of(a), of(b)];
      return one && other ? [crossover(one, other)] : [];
    })
  );
}

const timing = (e: Entry) => showSeconds(e.seconds) + (isNoisy(e) ? " (noisy)" : "");
const rate = (n: number) => n ? (n / 1e9).toPrecision(3) : "";

function limitsTable({ places }: Results): string {
  return markdownTable(
    ["place", "multiply-adds, GFLOP/s", "copies, GB/s", "hardware"],
    places.map(({ name, hardware, limits }) => [
      name,
      (limits.operations / 1e9).toFixed(1),
      (limits.bytes / 1e9).toFixed(1),
      hardware,
    ]),
  );
}

/** One row per work, one column per place. */
function wide(results: Results, group: Entry["group"]): string {
  const entries = results.entries.filter((e) => e.group === group);
  const names = [...new Set(entries.map(({ place }) => place))];
  const rows = Map.groupBy(entries, ({ work, size }) => [work, size].filter(Boolean).join(", "));
  return markdownTable(
    ["work", ...names],
    [...rows].map(([work, list]) => [
      work,
      ...names.map((name) => {
        const entry = list.find(({ place }) => place === name);
        return entry ? timing(entry) : "";
      }),
    ]),
  );
}

function trainingTable({ entries, places }: Results): string {
  return markdownTable(
    ["model", "place", "per step", "spread", "GFLOP/s", "of the peak"],
    entries.filter(({ group }) => group === "training").map((e) => {
      const peak = places.find(({ name }) => name === e.place)!.limits.operations;
      const speed = e.flops / e.seconds;
      return [
        `${e.work}, ${e.size}`,
        e.place,
        timing(e),
        `${(100 * spreadOf(e)).toFixed(0)} %`,
        rate(speed),
        `${(100 * speed / peak).toFixed(1)} %`,
      ];
    }),
  );
}

function sweepsTable({ sweeps }: Results): string {
  return markdownTable(
    ["model", "place", "largest batch", "its memory", "most samples/s", "at batch", "why it ended"],
    sweeps.map(({ work, place, points, end }) => {
      const rates = points.map(({ batch, seconds }) => batch / seconds);
      const most = Math.max(...rates), last = points.at(-1);
      return [
        work,
        place,
        String(last?.batch ?? ""),
        last ? showBytes(last.bytes) : "",
        points.length ? Math.round(most).toLocaleString("en") : "",
        String(points[rates.indexOf(most)]?.batch ?? ""),
        end,
      ];
    }),
  );
}

function peersTable(results: Results): string {
  const peers = results.entries.filter(({ group }) => group === "peer");
  const base = baselineName(results);
  return markdownTable(
    ["model", "place", "per step", `times as long as ${base}`],
    peers.map((e) => {
      const own = results.entries.find((o) =>
        o.group === "training" && o.work === e.work && o.place === base
      );
      const ratio = own ? e.seconds / own.seconds : undefined;
      const times = ratio?.toLocaleString("en", { maximumSignificantDigits: 3 }) ?? "";
      return [`${e.work}, ${e.size}`, e.place, timing(e), times];
    }),
  );
}

/** The sections of a report: title, and Markdown. */
export function sections(results: Results): [title: string, body: string][] {
  const gpu = gpuSentence(results);
  const bullets = (list: readonly string[]) => list.map((line) => `- ${line}`).join("\n");
  const all: [string, string][] = [
    ["What the devices can do", limitsTable(results)],
    ["Training steps", trainingTable(results)],
    ["Which place wins at which batch size", bullets(crossovers(results))],
    ["Batch sizes", sweepsTable(results)],
    ["Operations", wide(results, "operation")],
    ["Calls and copies", wide(results, "dispatch")],
    ["From start to first result", wide(results, "load")],
    ["TensorFlow.js", peersTable(results)],
    ["Not measured", bullets(results.absent)],
  ];
  if (gpu) all.unshift(["No GPU", gpu]);
  return all.filter(([, body]) => body);
}

/** What the figures come from, in words. */
export function facts({ machine, commit, date, quick }: Results): Record<string, string> {
  return { ...machine, commit, date: `${date} UTC`, run: quick ? "quick" : "full" };
}

/** The report as Markdown. */
export function markdown(results: Results): string {
  const about = Object.entries(facts(results)).map(([key, value]) => `- ${key}: ${value}`);
  const noisy = results.entries.filter(isNoisy).length;
  return [
    `# Benchmarks, ${results.machine.CPU}`,
    about.join("\n"),
    `Times are medians; ${noisy} of ${results.entries.length} are marked noisy: over 100 us, with ` +
    "quartiles more than 10 % apart.",
    ...sections(results).map(([title, body]) => `## ${title}\n\n${body}`),
  ].join("\n\n") + "\n";
}

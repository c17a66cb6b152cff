// What is known of a GPU after a check, and how does that read as a table?

import type { Figure } from "../../bench/gpu_figures.ts";

/** What came of one part of a check. */
export interface Part {
  status: "passed" | "failed" | "skipped";
  /** What was found, in a line. */
  summary: string;
  /** Lines of output that say what failed. */
  failures?: string[];
  /** What was measured. */
  figures?: Row[];
  /** What could not be measured, and why. */
  absent?: string[];
  /** Version of the PyTorch that was measured beside it, or why there is none. */
  torch?: string;
}

/** A figure beside PyTorch's, where there is one. */
export interface Row extends Figure {
  torch?: number;
  /** How many times as fast as PyTorch. */
  speedup?: number;
}

/** All that a check found out. */
export interface Report {
  /** UTC, to the minute. */
  date: string;
  commit: string;
  /** Name of the GPU. */
  gpu: string;
  /** Whether it was the emulated one: then the figures say nothing of speed. */
  emulated: boolean;
  machine: Record<string, string>;
  parts: Record<string, Part & { seconds: number }>;
}

/** Figures beside those that PyTorch gave by the same name. */
export function compare(figures: readonly Figure[], torch: Record<string, number>): Row[] {
  return figures.map((figure) => {
    const other = torch[figure.id];
    if (other === undefined) return figure;
    const isRate = figure.unit === "GB/s" || figure.unit === "GFLOP/s";
    const speedup = isRate ? figure.value / other : other / figure.value;
    return { ...figure, torch: other, speedup };
  });
}

/** The report for people. */
export function markdown(report: Report): string {
  const { date, commit, gpu, emulated, machine, parts } = report;
  const measured: Part | undefined = parts.bench;
  const facts = Object.entries({ ...machine, PyTorch: measured?.torch ?? "not measured", commit });
  const blocks = [
    `# ${gpu}, ${date}`,
    ...(emulated ? ["Emulated: no speed is claimed."] : []),
    facts.map(([key, value]) => `- ${key}: ${value}`).join("\n"),
    table(
      ["part", "status", "seconds", "what was found"],
      Object.entries(parts).map(([name, { status, seconds, summary }]) => [
        name,
        status,
        String(seconds),
        summary,
      ]),
    ),
  ];
  if (measured?.figures) {
    const head = ["work", "dinograd", "spread", "of the copy", "PyTorch", "times its speed"];
    blocks.push(table(head, measured.figures.map(cells)));
  }
  const lists = { "Not measured": measured?.absent ?? [], Failures: failuresOf(parts) };
  for (const [title, items] of Object.entries(lists)) {
    if (items.length) {
      blocks.push([`${title}:`, "", ...items.map((item) => `- ${item}`)].join("\n"));
    }
  }
  return blocks.join("\n\n") + "\n";
}

const failuresOf = (parts: Report["parts"]) =>
  Object.entries(parts).flatMap(([name, { failures = [] }]) =>
    failures.map((line) => `${name}: ${line}`)
  );

function cells({ work, unit, value, spread, ofCopy, torch, speedup }: Row): string[] {
  const quantity = (n: number) => `${n < 100 ? n.toPrecision(3) : n.toFixed(0)} ${unit}`;
  return [
    work,
    quantity(value),
    `${(100 * spread).toFixed(0)} %`,
    ofCopy?.toFixed(2) ?? "",
    torch === undefined ? "" : quantity(torch),
    speedup?.toFixed(2) ?? "",
  ];
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  return [line(head), line(head.map(() => "---")), ...rows.map(line)].join("\n");
}

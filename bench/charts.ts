// How do figures look as charts? Colours are CSS variables, so that one picture suits light and dark pages.

import type { Entry, KernelFigure, Results } from "./results.ts";
import type { Sweep, SweepFigure } from "./sweep.ts";

const series = [1, 2, 3, 4, 5, 6, 7, 8].map((i) => `var(--series-${i})`);
const [ink, soft, grid] = ["var(--ink)", "var(--soft)", "var(--grid)"];

const config = {
  font: "system-ui, Helvetica, Arial, sans-serif",
  axis: {
    labelFontSize: 12,
    titleFontSize: 13,
    titleFontWeight: "normal",
    labelColor: soft,
    titleColor: ink,
    gridColor: grid,
    domainColor: soft,
    tickColor: soft,
  },
  legend: {
    labelFontSize: 12,
    labelColor: ink,
    orient: "top",
    title: null,
    labelLimit: 260,
    columns: 4,
  },
  title: { color: ink, fontSize: 14, anchor: "start" },
  header: { labelColor: ink, labelFontSize: 14, title: null },
  view: { stroke: null },
};

const chart = (rest: object) => ({
  $schema: "https://vega.github.io/schema/vega-lite/v6.json",
  background: "transparent",
  padding: 8,
  config,
  ...rest,
});

const color = (field: string, domain: readonly string[]) => ({
  field,
  type: "nominal",
  scale: { domain, range: series },
});

const log = { type: "log", nice: false };

/** How many times as fast as the baseline each operation is at every other place. */
export function speedupChart(results: Results, baseline: string): object {
  const key = ({ work, size }: Entry) => `${work}, ${size}`;
  const operations = results.entries.filter(({ group }) => group === "operation");
  const base = new Map(operations.filter((e) => e.place === baseline).map((e) => [key(e), e]));
  const values = operations.flatMap((entry) => {
    const other = base.get(key(entry));
    if (!other || entry.place === baseline) return [];
    return [{ work: key(entry), place: entry.place, times: other.seconds / entry.seconds }];
  });
  const names = results.places.map(({ name }) => name).filter((name) => name !== baseline);
  return chart({
    data: { values },
    width: 560,
    height: { step: 18 },
    layer: [
      {
        mark: { type: "rule", color: soft, strokeDash: [4, 3] },
        encoding: { x: { datum: 1, type: "quantitative" } },
      },
      {
        mark: { type: "point", filled: true, size: 70, opacity: 1 },
        encoding: {
          x: {
            field: "times",
            type: "quantitative",
            title: `Times the speed of ${baseline} (right of 1: faster)`,
            scale: { type: "log" },
            axis: { format: "~g", tickCount: 6 },
          },
          y: {
            field: "work",
            type: "nominal",
            sort: [...base.keys()],
            title: null,
            axis: { labelLimit: 700, grid: true },
          },
          color: color("place", names),
        },
      },
    ],
  });
}

function sweepPanel(
  sweeps: readonly Sweep<SweepFigure>[],
  field: "rate" | "MiB",
  title: string,
  places: readonly string[],
): object {
  const values = sweeps.flatMap(({ place, points }) =>
    points.map(({ batch, seconds, bytes }) => ({
      place,
      batch,
      rate: batch / seconds,
      MiB: bytes / 2 ** 20,
    }))
  );
  return {
    title: sweeps[0].work,
    data: { values },
    width: 300,
    height: 220,
    mark: { type: "line", strokeWidth: 2, point: { filled: true, size: 36 } },
    encoding: {
      x: {
        field: "batch",
        type: "quantitative",
        title: "Batch size (samples)",
        scale: { ...log, base: 2 },
        axis: { format: ",d", grid: false, values: [1, 4, 16, 64, 256, 1024, 4096, 16384] },
      },
      y: {
        field,
        type: "quantitative",
        title,
        scale: { type: "log" },
        axis: { format: "~s", tickCount: 5 },
      },
      color: color("place", places),
    },
  };
}

/** A panel per model: samples per second, or memory, by batch size. */
export function sweepChart(results: Results, field: "rate" | "MiB"): object {
  const title = field === "rate" ? "Samples per second" : "Memory (MiB, samples left out)";
  const works = [...new Set(results.sweeps.map(({ work }) => work))];
  const names = results.places.map(({ name }) => name);
  return chart({
    columns: 2,
    spacing: 40,
    concat: works.map((work) => {
      const sweeps = results.sweeps.filter((s) => s.work === work && s.points.length);
      return sweepPanel(sweeps, field, title, names);
    }),
  });
}

/** One sweep, as `deno task tune` draws it: on white, with colours of its own. */
export function tuneChart(found: Sweep<SweepFigure>): object {
  const plain: Record<string, string> = {
    [ink]: "#222",
    [soft]: "#666",
    [grid]: "#e4e4e4",
    [series[0]]: "#0b6fb8",
  };
  const text = JSON.stringify(chart({
    background: "white",
    hconcat: [
      sweepPanel([found], "rate", "Samples per second", [found.place]),
      sweepPanel([found], "MiB", "Memory (MiB)", [found.place]),
    ],
  }));
  return JSON.parse(text.replace(/var\(--[\w-]+\)/g, (name) => plain[name] ?? "#888"));
}

const others = "others";

/** Kernels by the time they took in all, as many as there are colours; the last colour is for all others. */
function colouredKernels(kernels: readonly KernelFigure[]): string[] {
  const times = new Map<string, number>();
  for (const { name, kernelTimeMs } of kernels) {
    times.set(name, (times.get(name) ?? 0) + kernelTimeMs);
  }
  const names = [...times.keys()].sort((a, b) => times.get(b)! - times.get(a)!);
  return names.length > series.length ? [...names.slice(0, series.length - 1), others] : names;
}

/** Each kernel's rate by its operations per byte, below what the place can compute and copy at most. */
export function rooflineChart(results: Results, place: string): object {
  const { limits } = results.places.find(({ name }) => name === place)!;
  const kernels = results.kernels.filter((k) => k.place === place);
  const kernelNames = colouredKernels(kernels);
  const values = kernels.map((k) => ({
    kernel: kernelNames.includes(k.name) ? k.name : others,
    intensity: k.operations / k.bytes,
    rate: k.operations * k.calls / (k.kernelTimeMs / 1e3) / 1e9,
    ms: k.kernelTimeMs,
  })).filter(({ rate }) => Number.isFinite(rate) && rate > 0);
  const ridge = limits.operations / limits.bytes, intensities = values.map((v) => v.intensity);
  const from = Math.min(0.05, ...intensities), to = Math.max(4 * ridge, ...intensities);
  const roof = [from, ridge, to].map((intensity) => ({
    intensity,
    rate: Math.min(limits.operations, limits.bytes * intensity) / 1e9,
  }));
  const x = {
    field: "intensity",
    type: "quantitative",
    title: "Operations per byte (FLOP/B)",
    scale: { ...log, domain: [from, to] },
    axis: { format: "~g", tickCount: 6, grid: false },
  };
  const y = {
    field: "rate",
    type: "quantitative",
    title: "Achieved (GFLOP/s)",
    scale: { type: "log" },
    axis: { format: "~g", tickCount: 6 },
  };
  return chart({
    title: place,
    width: 560,
    height: 300,
    layer: [
      {
        data: { values: roof },
        mark: { type: "line", color: soft, strokeWidth: 2 },
        encoding: { x, y },
      },
      {
        data: { values },
        mark: { type: "point", filled: true, opacity: 0.85 },
        encoding: {
          x,
          y,
          size: { field: "ms", type: "quantitative", legend: null, scale: { range: [30, 400] } },
          color: color("kernel", kernelNames),
        },
      },
    ],
  });
}

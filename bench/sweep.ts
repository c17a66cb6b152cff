// How does training scale with the batch size? Step time, samples per second and memory, up to a cap of memory or time.

import * as dg from "../mod.ts";
import { type Effort, measure, summarize, type Timing } from "./measure.ts";
import { stepsOf, type Tutorial } from "./models.ts";
import { at, type Place } from "./places.ts";

/** What training at one batch size took. */
export interface SweepFigure {
  batch: number;
  /** Of a step, the median. */
  seconds: number;
  /** Bytes that the device held at most. */
  bytes: number;
}

/** The same, samples left out, with how sure the seconds are. */
export interface SweepPoint extends SweepFigure, Timing {}

/** A model's training at growing batch sizes, and why it went no further. */
export interface Sweep<Point extends SweepFigure = SweepPoint> {
  work: string;
  place: string;
  points: Point[];
  end: string;
}

/** What bounds a sweep. */
export interface SweepLimits {
  /** Batch sizes, ascending. */
  batches: readonly number[];
  /** Bytes that training may take. */
  bytes: number;
  /** Seconds that a step may take: one that took longer is the last. */
  stepSeconds: number;
}

/** Powers of two. */
export const powersOfTwo = (from: number, to: number): number[] => {
  const all = [];
  for (let n = from; n <= to; n *= 2) all.push(n);
  return all;
};

/** Bytes in the unit that suits them. */
export function showBytes(bytes: number): string {
  const unit = bytes < 2 ** 20 ? "KiB" : bytes < 2 ** 30 ? "MiB" : "GiB";
  const value = bytes / { KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30 }[unit];
  return `${value < 100 ? value.toPrecision(3) : value.toFixed(0)} ${unit}`;
}

/** Seconds in the unit that suits them. */
export function showSeconds(seconds: number): string {
  if (!Number.isFinite(seconds)) return "";
  const [scale, unit] = seconds < 1e-3 ? [1e6, "us"] : seconds < 1 ? [1e3, "ms"] : [1, "s"];
  return `${(seconds * scale).toPrecision(3)} ${unit}`;
}

/** Trains at each batch size in turn, with the device's memory capped. */
export async function sweep(
  tutorial: Tutorial,
  place: Place,
  { batches, bytes, stepSeconds }: SweepLimits,
  effort: Effort,
): Promise<Sweep> {
  const { name } = place.device, points: SweepPoint[] = [];
  const result = (end: string): Sweep => ({ work: tutorial.name, place: place.name, points, end });
  for (const batch of batches) {
    const held = dg.config.getMemoryInfo(name);
    dg.config.setMemoryLimit(held.current + held.cached + bytes, name);
    try {
      points.push(await trainAt(tutorial, place, batch, effort));
    } catch (error) {
      if (!(error instanceof dg.OutOfMemoryError)) throw error;
      return result(`batch ${batch} wants more than the ${showBytes(bytes)} allowed`);
    } finally {
      dg.config.setMemoryLimit(held.limit, name);
    }
    const { seconds } = points.at(-1)!;
    if (seconds > stepSeconds && batch !== batches.at(-1)) {
      const most = showSeconds(stepSeconds);
      return result(`a step of batch ${batch} takes ${showSeconds(seconds)}, more than ${most}`);
    }
  }
  return result(`batch ${batches.at(-1)} was the last one asked for`);
}

async function trainAt(
  tutorial: Tutorial,
  place: Place,
  batch: number,
  effort: Effort,
): Promise<SweepPoint> {
  const { name } = place.device, before = dg.config.getMemoryInfo(name).current;
  const steps = stepsOf(tutorial, batch);
  const { holds, run } = at(place, () => tutorial.prepare(batch, steps));
  try {
    const samples = holds.reduce((sum, t) => t instanceof dg.Tensor ? sum + t.size * 4 : sum, 0);
    dg.config.resetMemoryStats(name);
    const seconds = await measure(place, run, effort);
    const bytes = dg.config.getMemoryInfo(name).peak - before - samples;
    return { batch, bytes, ...summarize(seconds.map((s) => s / steps)) };
  } finally {
    for (const held of holds) held.dispose();
  }
}

/** A sweep as a table for the terminal. */
export function sweepTable({ work, place, points, end }: Sweep<SweepFigure>): string {
  const rows = points.map(({ batch, seconds, bytes }) => [
    String(batch),
    showSeconds(seconds),
    Math.round(batch / seconds).toLocaleString("en"),
    showBytes(bytes),
  ]);
  const head = ["batch", "per step", "samples/s", "memory"];
  const widths = head.map((text, i) => Math.max(text.length, ...rows.map((row) => row[i].length)));
  const line = (row: string[]) => row.map((text, i) => text.padStart(widths[i])).join("  ");
  return [`${work} on ${place}`, line(head), ...rows.map(line), `End: ${end}.`].join("\n");
}

// What does a run of the suite keep? All figures with the machine they come from, as JSON.

import type { KernelProfile } from "../mod.ts";
import type { Timing } from "./measure.ts";
import type { Sweep } from "./sweep.ts";

/** A place as figures know it. */
export interface MeasuredPlace {
  name: string;
  kind: "wasm" | "cpu" | "gpu";
  /** The hardware, and which kernels run on it. */
  hardware: string;
  /** Most that it does in a second, measured in the same run: float32 operations, and bytes copied (read and written). */
  limits: { operations: number; bytes: number };
}

/** One piece of work at one place. */
export interface Entry extends Timing {
  group: "operation" | "training" | "dispatch" | "load" | "peer";
  work: string;
  size: string;
  place: string;
  /** Floating-point operations and least bytes of a run; 0 where they are not counted. */
  flops: number;
  bytes: number;
}

/** A kernel as it ran in the training of a model at a place. */
export interface KernelFigure extends KernelProfile {
  work: string;
  place: string;
}

/** All that a run of the suite found out. */
export interface Results {
  format: 1;
  /** UTC, to the minute. */
  date: string;
  commit: string;
  quick: boolean;
  /** What a reader wants to know of the machine, in words. */
  machine: Record<string, string>;
  places: MeasuredPlace[];
  entries: Entry[];
  sweeps: Sweep[];
  kernels: KernelFigure[];
  /** What was not measured, and why. */
  absent: string[];
}

/** What makes two figures the same work at the same place. */
export const keyOf = ({ group, work, size, place }: Entry): string =>
  [group, work, size, place].filter(Boolean).join(", ");

/** Reads a file that the suite wrote. */
export async function readResults(path: string): Promise<Results> {
  let value: Partial<Results>;
  try {
    value = JSON.parse(await Deno.readTextFile(path));
  } catch (error) {
    throw new Error(`Wanted results of bench:report in ${path}: ${(error as Error).message}`);
  }
  if (value?.format !== 1 || !Array.isArray(value.entries)) {
    throw new Error(`Wanted results of bench:report in ${path}, got other JSON`);
  }
  return value as Results;
}

/** A table in Markdown. */
export function markdownTable(
  head: readonly string[],
  rows: readonly (readonly string[])[],
): string {
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  return [line(head), line(head.map((_, i) => i ? "---:" : "---")), ...rows.map(line)].join("\n");
}

// How is work on a GPU measured and noted, and how much of it is there? The harness of gpu_dinograd.ts.

import { currentDevice } from "../src/native/device.ts";

/** One measured piece of work: higher is better for rates, lower for times. */
export interface Figure {
  /** What gpu_torch.py calls it, too. */
  id: string;
  work: string;
  /** Of times, memory, calls and shares less is better. */
  unit: "GB/s" | "GFLOP/s" | "us" | "MiB" | "calls" | "%";
  /** Median of the rounds. */
  value: number;
  /** How far the rounds lie apart, as a share of the median: smaller differences are noise. */
  spread: number;
  /** Bandwidth as a share of the device's own copy, in this run. */
  ofCopy?: number;
}

/** A square matrix product: what its factors are, or are rounded to, and their size. */
export interface Product {
  type: "float32" | "tf32" | "tf32x3" | "bfloat16";
  n: number;
}

/** A convolution of square images, windows in their middle: half of what is missing at the edges is padding before. */
export interface Convolution {
  batch: number;
  /** Height and width of the images. */
  size: number;
  inChannels: number;
  outChannels: number;
  window: number;
  stride: number;
}

/** How much of each piece of work there is; gpu_torch.py reads this. */
export interface Sizes {
  bytes: number;
  gemm: Product[];
  conv: Convolution[];
  /** Names of the tutorials' models, and their batches. */
  models: string[];
  batches: number[];
  /** The batch at which PyTorch compiles models, as long as its process is no older than so many seconds. */
  compiledBatch: number;
  compileUntil: number;
  /** Time steps of the recurrent layer that is measured, its units and batches. */
  lstm: { steps: number; units: number[]; batches: number[] };
  /** Most steps per epoch. */
  steps: number;
  rounds: number;
  /** A round of kernels lasts at least this long. */
  roundSeconds: number;
}

/** What this program prints. */
export interface Figures {
  sizes: Sizes;
  figures: Figure[];
  /** What could not be measured here, and why. */
  absent: string[];
}

/** Where everything runs. */
export const device = currentDevice();
const emulated = device.description === "emulated";
const { native, index } = device;

const convolution = (
  batch: number,
  size: number,
  inChannels: number,
  outChannels: number,
  window = 3,
  stride = 1,
): Convolution => ({ batch, size, inChannels, outChannels, window, stride });

const full: Sizes = {
  bytes: 2 ** 28,
  gemm: [
    ...[512, 1024, 2048, 4096].map((n): Product => ({ type: "float32", n })),
    { type: "tf32", n: 4096 },
    { type: "tf32x3", n: 4096 },
    { type: "bfloat16", n: 4096 },
    { type: "bfloat16", n: 8192 },
  ],
  conv: [
    convolution(64, 56, 64, 64),
    convolution(64, 28, 128, 128),
    convolution(64, 14, 256, 256),
    convolution(64, 28, 1, 32),
    convolution(64, 224, 3, 64, 7, 2),
  ],
  models: ["mlp", "cnn", "lstm", "text", "sentiment", "gan"],
  batches: [32, 256, 2048],
  compiledBatch: 256,
  compileUntil: 45,
  lstm: { steps: 100, units: [64, 128, 256, 512], batches: [32, 128, 512] },
  steps: 1000,
  rounds: 5,
  roundSeconds: 0.05,
};
/** For the emulator, which shows that the program runs and nothing of speed. */
const tiny: Sizes = {
  bytes: 2 ** 14,
  gemm: [{ type: "float32", n: 32 }, { type: "tf32", n: 32 }, { type: "tf32x3", n: 32 }, {
    type: "bfloat16",
    n: 32,
  }],
  conv: [convolution(2, 9, 8, 16), convolution(1, 12, 3, 8, 7, 2)],
  models: ["mlp"],
  batches: [2],
  compiledBatch: 2,
  compileUntil: 45,
  lstm: { steps: 3, units: [4], batches: [2] },
  steps: 4,
  rounds: 3,
  roundSeconds: 0.001,
};

export const sizes: Sizes = emulated ? tiny : full;
/** What was measured. */
export const figures: Figure[] = [];
/** What could not be measured, and why. */
export const absent: string[] = [];

export function note(id: string, work: string, unit: Figure["unit"], values: number[]): Figure {
  const sorted = values.toSorted((a, b) => a - b);
  const value = sorted[sorted.length >> 1];
  const figure = { id, work, unit, value, spread: (sorted.at(-1)! - sorted[0]) / value };
  figures.push(figure);
  return figure;
}

export function secondsOf(run: () => void, times: number): number {
  const start = performance.now();
  for (let i = 0; i < times; i++) run();
  native.check(native.calls.dg_synchronize(index));
  return (performance.now() - start) / 1000;
}

/** Seconds per run, round by round. */
export function measure(run: () => void): number[] {
  let times = 1;
  while (secondsOf(run, times) < sizes.roundSeconds) times *= 2;
  return Array.from({ length: sizes.rounds }, () => secondsOf(run, times) / times);
}

/** Why something cannot be measured, where the library refuses it. */
export function attempt(what: string, run: () => void): void {
  try {
    run();
  } catch (error) {
    absent.push(`${what}: ${(error as Error).message}`);
  }
}

// How fast is a GPU at the work that training is made of? Prints figures as JSON; gpu_torch.py does the same work in PyTorch.
//
//   deno run -A --no-lock bench/gpu_dinograd.ts
//
// Kernels are called through the contract, so that nothing but them is timed; training goes through `fit`. Times are those of
// the clock on the wall, over enough calls that waiting for the last one does not matter.

import * as dg from "../mod.ts";
import { currentDevice } from "../src/native/device.ts";
import { ConvKind, Engine, HYPER, MatMulFlag } from "../src/native/symbols.ts";
import { Arena, record } from "../src/record.ts";

/** One measured piece of work: higher is better for rates, lower for times. */
export interface Figure {
  /** What gpu_torch.py calls it, too. */
  id: string;
  work: string;
  unit: "GB/s" | "GFLOP/s" | "us";
  /** Median of the rounds. */
  value: number;
  /** How far the rounds lie apart, as a share of the median: smaller differences are noise. */
  spread: number;
  /** Bandwidth as a share of the device's own copy, in this run. */
  ofCopy?: number;
}

/** A square matrix product: what its factors are, or are rounded to, and their size. */
export interface Product {
  type: "float32" | "tf32" | "bfloat16";
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
  /** Steps per epoch, recorded and eager. */
  steps: number;
  eagerSteps: number;
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
  steps: 1000,
  eagerSteps: 200,
  rounds: 5,
  roundSeconds: 0.05,
};
/** For the emulator, which shows that the program runs and nothing of speed. */
const tiny: Sizes = {
  bytes: 2 ** 14,
  gemm: [{ type: "float32", n: 32 }, { type: "tf32", n: 32 }, { type: "bfloat16", n: 32 }],
  conv: [convolution(2, 9, 8, 16), convolution(1, 12, 3, 8, 7, 2)],
  steps: 4,
  eagerSteps: 4,
  rounds: 3,
  roundSeconds: 0.001,
};

const device = currentDevice();
const { native, index } = device;
const { calls } = native;
const sizes = device.description === "emulated" ? tiny : full;
const figures: Figure[] = [];
const absent: string[] = [];

function note(id: string, work: string, unit: Figure["unit"], values: number[]): Figure {
  const sorted = values.toSorted((a, b) => a - b);
  const value = sorted[sorted.length >> 1];
  const figure = { id, work, unit, value, spread: (sorted.at(-1)! - sorted[0]) / value };
  figures.push(figure);
  return figure;
}

function secondsOf(run: () => void, times: number): number {
  const start = performance.now();
  for (let i = 0; i < times; i++) run();
  native.check(calls.dg_synchronize(index));
  return (performance.now() - start) / 1000;
}

/** Seconds per run, round by round. */
function measure(run: () => void): number[] {
  let times = 1;
  while (secondsOf(run, times) < sizes.roundSeconds) times *= 2;
  return Array.from({ length: sizes.rounds }, () => secondsOf(run, times) / times);
}

function bandwidths(): void {
  const count = sizes.bytes / 4, width = 1024;
  const [x, a, b, c] = Array.from({ length: 4 }, () => dg.randomNormal([count]));
  const zeros = [dg.zeros([count]), dg.zeros([count])];
  const hyper = dg.tensor([0.001, 0, 0.9, 0.999, 1e-7, ...Array(HYPER - 5).fill(0)]);
  const iteration = dg.zeros([1], "int32");
  const { update, binary, unary } = native.ids;
  const adam = () => {
    native.list([c.handle, 0]);
    const [mean, square] = zeros.map((t) => t.handle);
    return calls.dg_update(
      update.adam,
      x.handle,
      mean,
      square,
      0,
      hyper.handle,
      iteration.handle,
      0,
      1,
      0,
    );
  };
  // How often the call reads or writes all the bytes, and the call.
  const kernels: [id: string, passes: number, call: () => number][] = [
    ["copy", 2, () => calls.dg_copy(x.handle, a.handle)],
    ["add", 3, () => calls.dg_binary(binary.add, x.handle, b.handle, a.handle, 0)],
    ["relu", 2, () => calls.dg_unary(unary.relu, x.handle, a.handle, 0, 0)],
    ["softmax", 2, () => calls.dg_softmax(x.handle, a.handle, count / width, width, 0)],
    ["adam", 7, adam],
  ];
  let copy = NaN;
  for (const [id, passes, call] of kernels) {
    const rates = measure(() => native.check(call())).map((s) => passes * sizes.bytes / s / 1e9);
    const figure = note(id, `${id}, ${sizes.bytes / 2 ** 20} MiB`, "GB/s", rates);
    if (id === "copy") copy = figure.value;
    figure.ofCopy = figure.value / copy;
  }
  dg.dispose([x, a, b, c, ...zeros, hyper, iteration]);
}

const BFLOAT16 = 2; // DG_BFLOAT16

interface NativeArray {
  handle: number;
  free(): void;
}

/** Random numbers; native arrays are freed with `free`. */
function randomArray(count: number, type: Product["type"]): NativeArray {
  const values = dg.randomNormal([count]);
  if (type !== "bfloat16") return { handle: values.handle, free: () => values.dispose() };
  const handle = native.check(calls.dg_alloc(index, BFLOAT16, count, 1));
  try {
    native.check(calls.dg_cast(values.handle, handle));
    return { handle, free: () => void calls.dg_free(handle) };
  } catch (error) {
    calls.dg_free(handle);
    throw error;
  } finally {
    values.dispose();
  }
}

/** Calls `work` with arrays of so many elements. */
function withArrays(counts: number[], type: Product["type"], work: (handles: number[]) => void) {
  const arrays: NativeArray[] = [];
  try {
    for (const count of counts) arrays.push(randomArray(count, type));
    work(arrays.map(({ handle }) => handle));
  } finally {
    for (const { free } of arrays) free();
  }
}

function matrixProduct({ type, n }: Product, work: string): void {
  withArrays(Array(3).fill(n * n), type, ([a, b, y]) => {
    const flags = type === "tf32" ? MatMulFlag.tf32 : 0;
    const product = () => calls.dg_matmul(a, b, 0, y, 1, n, n, n, flags, -1, 0);
    const rates = measure(() => native.check(product())).map((s) => 2 * n ** 3 / s / 1e9);
    note(`gemm_${type}_${n}`, work, "GFLOP/s", rates);
  });
}

/** Why something cannot be measured, where the library refuses it. */
function attempt(what: string, run: () => void): void {
  try {
    run();
  } catch (error) {
    absent.push(`${what}: ${(error as Error).message}`);
  }
}

/** Products by either engine, each to be seen beside the same of PyTorch. */
function matrixProducts(): void {
  const engines = { "own kernels": Engine.own, cuBLASLt: Engine.cublaslt };
  const before = calls.dg_engine(Engine.ask);
  for (const [name, engine] of Object.entries(engines)) {
    attempt(`matrix products, ${name}`, () => {
      native.check(calls.dg_engine(engine));
      for (const product of sizes.gemm) {
        const work = `matrix product, ${product.type}, ${product.n} cubed, ${name}`;
        attempt(work, () => matrixProduct(product, work));
      }
    });
  }
  native.check(calls.dg_engine(before));
}

/** Every direction of each convolution, as training runs them. */
function convolutions(): void {
  for (const { batch, size, inChannels, outChannels, window, stride } of sizes.conv) {
    const out = Math.ceil(size / stride), padding = window >> 1;
    const input = batch * size ** 2 * inChannels, output = batch * out ** 2 * outChannels;
    const filter = window ** 2 * inChannels * outChannels;
    const operations = 2 * batch * out ** 2 * filter;
    const lay = [
      batch,
      inChannels,
      outChannels,
      1,
      ...[size, out, window, stride, 1, padding]
        .flatMap((n) => [n, n]),
    ];
    for (const type of ["tf32", "bfloat16"] as const) {
      withArrays([input, filter, output], type, ([x, w, y]) => {
        const directions: [name: string, kind: number, a: number, b: number, y: number][] = [
          ["forward", ConvKind.forward, x, w, y],
          ["input", ConvKind.input, y, w, x],
          ["filter", ConvKind.filter, x, y, w],
        ];
        const flags = type === "tf32" ? MatMulFlag.tf32 : 0;
        for (const [name, kind, a, b, result] of directions) {
          const rates = measure(() => {
            native.list(lay);
            native.check(calls.dg_conv(kind, a, b, 0, result, 2, flags, -1, 0));
          }).map((s) => operations / s / 1e9);
          const what = `${window}x${window}/${stride}, ${inChannels} to ${outChannels} at ${size}`;
          const id = `conv_${type}_${inChannels}_${outChannels}_${size}_${name}`;
          note(id, `convolution, ${type}, ${what} squared, ${name}`, "GFLOP/s", rates);
        }
      });
    }
  }
}

function launches(): void {
  const x = dg.randomNormal([16]);
  const microseconds = (seconds: number[], calls: number) => seconds.map((s) => s / calls * 1e6);
  note(
    "call",
    "add of 16 elements, called",
    "us",
    microseconds(measure(() => x.add(x).dispose()), 1),
  );
  const arena = new Arena(device), chain = 100;
  const { program, result } = record(arena, () => {
    let y = x;
    for (let i = 0; i < chain; i++) y = y.add(x);
    return y;
  });
  const replayed = measure(() => program.replay());
  note("replay", "add of 16 elements, replayed", "us", microseconds(replayed, chain));
  program.dispose();
  dg.dispose([x, result]);
  arena.dispose();
}

/** Microseconds per step, epoch by epoch; the first one, in which the step is recorded, is left out. */
async function stepTimes(model: dg.Sequential, x: dg.Tensor, y: dg.Tensor): Promise<number[]> {
  const ends: number[] = [];
  await model.fit(x, y, {
    batchSize,
    epochs: sizes.rounds + 1,
    verbose: 0,
    callbacks: { onEpochEnd: () => void ends.push(performance.now()) },
  });
  return ends.slice(1).map((end, i) => (end - ends[i]) * 1000 / (x.shape[0] / batchSize));
}

const batchSize = 32;

async function training(): Promise<void> {
  const { dense } = dg.layers;
  const models = [
    {
      id: "mlp",
      work: "step of Dense 64/32/1 on 10 inputs, batch 32, Adam",
      inputs: 10,
      layers: () => [
        dense({ units: 64, activation: "relu", inputShape: [10] }),
        dense({ units: 32, activation: "relu" }),
        dense({ units: 1 }),
      ],
      loss: "meanSquaredError",
      targets: (n: number) => dg.randomNormal([n, 1]),
    },
    {
      id: "mnist",
      work: "step of Dense 128/10 on 784 inputs, batch 32, Adam",
      inputs: 784,
      layers: () => [
        dense({ units: 128, activation: "relu", inputShape: [784] }),
        dense({ units: 10, activation: "softmax" }),
      ],
      loss: "sparseCategoricalCrossentropy",
      targets: (n: number) => dg.randomUniform([n], 0, 10, "int32"),
    },
  ];
  for (const { id, work, inputs, layers, loss, targets } of models) {
    for (const runEagerly of [false, true]) {
      const samples = batchSize * (runEagerly ? sizes.eagerSteps : sizes.steps);
      const x = dg.randomUniform([samples, inputs]), y = targets(samples);
      const model = dg.sequential({ layers: layers() });
      model.compile({ optimizer: "adam", loss, runEagerly });
      const times = await stepTimes(model, x, y);
      const how = runEagerly ? "eager" : "replayed";
      note(`${id}_${how}`, `${work}, ${how}`, "us", times);
      model.dispose();
      dg.dispose([x, y]);
    }
  }
}

bandwidths();
matrixProducts();
convolutions();
launches();
await training();
console.log(JSON.stringify({ sizes, figures, absent } satisfies Figures));

// How fast is a GPU at the work that training is made of? Prints figures as JSON; gpu_torch.py does the same work in PyTorch.
//
//   deno run -A --no-lock bench/gpu_dinograd.ts
//
// Kernels are called through the contract, so that nothing but them is timed; training goes through `fit`. Times are those of
// the clock on the wall, over enough calls that waiting for the last one does not matter.

import * as dg from "../mod.ts";
import { ConvKind, Engine, HYPER, LossKind, MatMulFlag } from "../src/native/symbols.ts";
import { Arena, record } from "../src/record.ts";
import {
  absent,
  attempt,
  device,
  type Figures,
  figures,
  measure,
  note,
  type Product,
  sizes,
} from "./gpu_figures.ts";
import { recurrentLayers, tutorialSteps } from "./gpu_models.ts";

const { native, index } = device, { calls } = native;

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
  const rows = count / width,
    scale = dg.ones([width]),
    statistics = [0, 1].map(() => dg.zeros([rows]));
  const normalize = () => {
    native.list([rows, 1, 1, width]);
    const [mean, variance] = statistics.map((t) => t.handle), { handle } = scale;
    return calls.dg_normalize(x.handle, handle, handle, mean, variance, a.handle, 1, 1e-3);
  };
  const classes = dg.zeros([rows], "int32"), loss = dg.zeros([1]);
  const crossEntropy = () =>
    calls.dg_loss(
      LossKind.softmax,
      x.handle,
      classes.handle,
      loss.handle,
      a.handle,
      rows,
      width,
      1 / rows,
    );
  // How often the call reads or writes all the bytes, and the call.
  const kernels: [id: string, passes: number, call: () => number][] = [
    ["copy", 2, () => calls.dg_copy(x.handle, a.handle)],
    ["add", 3, () => calls.dg_binary(binary.add, x.handle, b.handle, a.handle, 0)],
    ["relu", 2, () => calls.dg_unary(unary.relu, x.handle, a.handle, 0, 0)],
    ["layer_norm", 2, normalize],
    ["cross_entropy", 2, crossEntropy],
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
  dg.dispose([x, a, b, c, ...zeros, hyper, iteration, scale, ...statistics, classes, loss]);
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
    const flags = type === "tf32" || type === "tf32x3" ? MatMulFlag[type] : 0;
    const product = () => calls.dg_matmul(a, b, 0, y, 1, n, n, n, flags, -1, 0);
    const rates = measure(() => native.check(product())).map((s) => 2 * n ** 3 / s / 1e9);
    note(`gemm_${type}_${n}`, work, "GFLOP/s", rates);
  });
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

bandwidths();
matrixProducts();
convolutions();
launches();
recurrentLayers();
await tutorialSteps();
console.log(JSON.stringify({ sizes, figures, absent } satisfies Figures));

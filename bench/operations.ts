// Which operations are timed by themselves, at which sizes, and what do they compute and move at least?

import * as dg from "../mod.ts";
import { lstm } from "./flops.ts";
import type { Work } from "./measure.ts";

/** An operation at one size. */
export interface Operation {
  /** What it is: operations of one name differ in size only. */
  name: string;
  size: string;
  /** Floating-point operations of a call, a multiply-add counted as two. */
  flops: number;
  /** Bytes that a call reads and writes at least. */
  bytes: number;
  /** Operands on the current device. */
  prepare(): Work<dg.Tensor | void>;
}

const volume = (shape: readonly number[]) => shape.reduce((a, b) => a * b, 1);

/** An operation on normally distributed tensors of these shapes, whose result has `outputs` elements. */
function on(
  name: string,
  size: string,
  shapes: readonly number[][],
  outputs: number,
  flops: number,
  run: (...x: dg.Tensor[]) => dg.Tensor,
): Operation {
  return {
    name,
    size,
    flops,
    bytes: 4 * (shapes.reduce((sum, shape) => sum + volume(shape), 0) + outputs),
    prepare: () => {
      const holds = shapes.map((shape) => dg.randomNormal(shape));
      return { holds, run: () => run(...holds) };
    },
  };
}

const elementwise = [["4 KiB", 2 ** 10], ["1 MiB", 2 ** 18], ["64 MiB", 2 ** 24]] as const;
const products = [64, 128, 256, 512, 1024, 2048, 4096];

/** Batch, side, channels and filters; the kernel is 3 x 3 and the padding "same". */
const images = [[32, 28, 1, 32], [32, 14, 32, 64], [16, 56, 64, 64]] as const;

function convolution([batch, side, channels, filters]: typeof images[number]): Operation {
  return on(
    "conv2d 3 x 3",
    `${batch} x ${side} x ${side} x ${channels} to ${filters}`,
    [[batch, side, side, channels], [3, 3, channels, filters]],
    batch * side ** 2 * filters,
    2 * batch * side ** 2 * 9 * channels * filters,
    (x, w) => dg.conv2d(x as dg.Tensor, w as dg.Tensor, 1, "same"),
  );
}

/** Batch, queries and keys, heads and their size. */
const attentions = [[32, 64, 4, 32], [8, 512, 8, 64]] as const;

function attention(
  name: string,
  [batch, length, heads, size]: typeof attentions[number],
  products: number,
  run: (q: dg.Tensor, k: dg.Tensor, v: dg.Tensor) => dg.Tensor,
): Operation {
  const shape = [batch, length, heads, size];
  return on(
    name,
    `${batch} x ${length}, ${heads} heads of ${size}`,
    [shape, shape, shape],
    volume(shape),
    products * 2 * batch * heads * length ** 2 * size,
    run as (...x: dg.Tensor[]) => dg.Tensor,
  );
}

/** All three gradients; those before the last are given back. */
function gradients(f: (q: dg.Tensor, k: dg.Tensor, v: dg.Tensor) => dg.Tensor) {
  return (...x: dg.Tensor[]) =>
    dg.tidy(() => dg.grads(f as (...x: dg.Tensor[]) => dg.Tensor)(x)[0]);
}

function embedding(rows: number, width: number, tokens: number): Operation {
  return {
    name: "embedding",
    size: `${tokens} of ${rows} rows of ${width}`,
    flops: 0,
    bytes: 4 * tokens * (2 * width + 1),
    prepare: () => {
      const table = dg.randomNormal([rows, width]);
      const at = dg.randomUniform([tokens], 0, rows, "int32");
      return { holds: [table, at], run: () => dg.gather(table, at) };
    },
  };
}

/** What a layer gives while it trains, and the gradients that follow; `passes`: how often values of the input's number are read or written. */
function training(
  name: string,
  make: () => dg.Layer,
  passes: number,
  shape: number[],
): Operation {
  return {
    name: `${name}, there and back`,
    size: shape.join(" x "),
    flops: 0,
    bytes: 4 * passes * volume(shape),
    prepare: () => {
      const layer = make(), x = dg.randomNormal(shape), dy = dg.randomNormal(shape);
      const back = dg.grad((t) => layer.apply(t, { training: true }) as dg.Tensor);
      back(x, dy).dispose(); // makes the weights
      return { holds: [x, dy, layer], run: () => back(x, dy) };
    },
  };
}

function adam(shapes: readonly number[][]): Operation {
  const count = shapes.reduce((sum, shape) => sum + volume(shape), 0);
  return {
    name: "Adam",
    size: `${count} weights of ${shapes.length} variables`,
    flops: 0,
    bytes: 4 * 7 * count, // weights and two moments are read and written, gradients read
    prepare: () => {
      const weights = shapes.map((shape) => dg.variable(dg.randomNormal(shape)));
      const gradients = shapes.map((shape) => dg.randomNormal(shape));
      const pairs = new Map(weights.map((w, i) => [w, gradients[i]]));
      const optimizer = dg.train.adam();
      return {
        holds: [...weights, ...gradients, optimizer],
        run: () => optimizer.applyGradients(pairs),
      };
    },
  };
}

/** Batch, steps, features and units. */
const sequences = [[32, 10, 1, 64], [32, 100, 256, 128], [128, 50, 512, 512]] as const;

function recurrent([batch, steps, features, units]: typeof sequences[number]): Operation {
  const weights = 4 * units * (features + units + 1);
  return {
    name: "lstm",
    size: `${batch} x ${steps} x ${features}, ${units} units`,
    flops: 2 * batch * lstm(steps, features, units),
    bytes: 4 * (batch * steps * (features + units) + weights),
    prepare: () => {
      const layer = dg.layers.lstm({ units, returnSequences: true });
      const x = dg.randomNormal([batch, steps, features]);
      dg.dispose(layer.apply(x));
      return { holds: [layer, x], run: () => layer.apply(x) as dg.Tensor };
    },
  };
}

const square = (side: number) => [side, side];

/** All operations, those of one name by size. */
export const operations: readonly Operation[] = [
  ...elementwise.map(([size, n]) => on("add", size, [[n], [n]], n, n, (a, b) => dg.add(a, b))),
  ...elementwise.map(([size, n]) => on("relu", size, [[n]], n, n, (x) => dg.relu(x))),
  ...elementwise.map(([size, n]) => on("tanh", size, [[n]], n, n, (x) => dg.tanh(x))),
  ...[128, 1024, 4096].map((n) =>
    on("sum of all", `${n} x ${n}`, [square(n)], 1, n * n, (x) => dg.sum(x))
  ),
  ...[1024, 4096].map((n) =>
    on("sum over rows", `${n} x ${n}`, [square(n)], n, n * n, (x) => dg.sum(x, 0))
  ),
  ...[1024, 4096].map((n) =>
    on("sum over columns", `${n} x ${n}`, [square(n)], n, n * n, (x) => dg.sum(x, 1))
  ),
  ...[[32, 10], [1024, 1000]].map((shape) =>
    on(
      "softmax",
      shape.join(" x "),
      [shape],
      volume(shape),
      4 * volume(shape),
      (x) => dg.softmax(x),
    )
  ),
  ...products.map((n) =>
    on(
      "matMul",
      `${n} x ${n}`,
      [square(n), square(n)],
      n * n,
      2 * n ** 3,
      (a, b) => dg.matMul(a, b),
    )
  ),
  ...images.map(convolution),
  ...sequences.map(recurrent),
  ...[[128, 256], [32, 28, 28, 32], [32, 56, 56, 64]].map((shape) =>
    training("batch normalization", () => dg.layers.batchNormalization(), 8, shape)
  ),
  ...[[256, 128], [4096, 1024]].map((shape) =>
    training("layer normalization", () => dg.layers.layerNormalization(), 5, shape)
  ),
  ...attentions.flatMap((sizes) => [
    attention("attention", sizes, 2, (q, k, v) => dg.dotProductAttention(q, k, v)),
    attention("attention with gradients", sizes, 7, gradients(dg.dotProductAttention)),
  ]),
  embedding(10_000, 256, 1280),
  embedding(65_536, 64, 8192),
  adam([[784, 128], [128], [128, 10], [10]]),
  adam([[4096, 2048], [2048]]),
];

/** Whether a place does a call in reasonable time, given what it computes and moves per second. */
export function isReasonable(
  { flops, bytes }: Operation,
  limits: { operations: number; bytes: number },
  seconds = 0.8,
): boolean {
  // Kernels reach a half of the limits, or less where the memory is in others' use.
  return 2 * (flops / limits.operations + bytes / limits.bytes) < seconds;
}

// The op table: convolutions.

import {
  conv1d,
  conv1dTranspose,
  conv2d,
  conv2dTranspose,
  conv3d,
  conv3dTranspose,
  fusedConv2d,
} from "../../src/ops/conv.ts";
import {
  depthwiseConv2d,
  dilation2d,
  fusedDepthwiseConv2d,
  separableConv2d,
} from "../../src/ops/depthwise.ts";
import { build, indices, type Plain } from "../plain.ts";
import { float, type Row, row } from "./row.ts";

const sums = { atol: 1e-5, gtol: 1e-4 };

/** Windows: strides, dilations and padding before, of each spatial dimension. */
export interface Lay {
  strides?: number[];
  dilations?: number[];
  padding?: number[];
}

/** Calls f(input position, element of the window) for the window of an output that lies inside an input of these sizes. */
export function eachElement(
  output: readonly number[],
  window: readonly number[],
  sizes: readonly number[],
  { strides = [], dilations = [], padding = [] }: Lay,
  f: (at: number[], element: number[]) => void,
): void {
  for (const element of indices(window)) {
    const at = element.map((w, d) =>
      output[d] * (strides[d] ?? 1) + w * (dilations[d] ?? 1) - (padding[d] ?? 0)
    );
    if (at.every((p, d) => p >= 0 && p < sizes[d])) f(at, element);
  }
}

// The convolution of x [n, .., in] by w [.., in / groups, out], to outputs of the given sizes.
function convolution(x: Plain, w: Plain, sizes: number[], lay: Lay = {}): Plain {
  const rank = sizes.length, channels = w.shape[rank + 1], depth = w.shape[rank];
  const columns = channels * depth / x.shape[rank + 1]; // of a group
  return build([x.shape[0], ...sizes, channels], (n, ...rest) => {
    const c = rest.pop()!, first = Math.floor(c / columns) * depth;
    let sum = 0;
    eachElement(rest, w.shape.slice(0, rank), x.shape.slice(1, -1), lay, (at, element) => {
      for (let i = 0; i < depth; i++) sum += x.at(n, ...at, first + i) * w.at(...element, i, c);
    });
    return sum;
  });
}

// The transposed convolution of y [n, .., out] by w [.., in, out]: what each output sends to the elements of its window.
function transposed(y: Plain, w: Plain, sizes: number[], lay: Lay = {}): Plain {
  const rank = sizes.length, channels = w.shape[rank];
  const x = build([y.shape[0], ...sizes, channels], () => 0);
  const steps = x.shape.map((_, d) => x.shape.slice(d + 1).reduce((a, b) => a * b, 1));
  for (const [n, ...output] of indices(y.shape.slice(0, -1))) {
    eachElement(output, w.shape.slice(0, rank), sizes, lay, (at, element) => {
      for (let i = 0; i < channels; i++) {
        const to = [n, ...at, i].reduce((a, p, d) => a + p * steps[d], 0);
        for (let c = 0; c < w.shape[rank + 1]; c++) {
          x.data[to] += y.at(n, ...output, c) * w.at(...element, i, c);
        }
      }
    });
  }
  return x;
}

const half = (n: number) => Math.ceil(n / 2);
// Every channel's filters side by side, as a filter of as many groups.
const grouped = (w: Plain) =>
  build(
    [w.shape[0], w.shape[1], 1, w.shape[2] * w.shape[3]],
    (h, v, _, c) => w.at(h, v, Math.floor(c / w.shape[3]), c % w.shape[3]),
  );
// What leads from channels last to channels first and back.
const turned = (x: Plain, back = false) =>
  back
    ? build([x.shape[0], x.shape[2], x.shape[3], x.shape[1]], (n, h, w, c) => x.at(n, c, h, w))
    : build([x.shape[0], x.shape[3], x.shape[1], x.shape[2]], (n, c, h, w) => x.at(n, h, w, c));

/** Rows of convolutions. */
export const convolutions: Row[] = [
  row(
    "conv1d",
    (n) => [float([2, n + 3, 2]), float([3, 2, 4])],
    (x, w) => conv1d(x, w, 1, "same"),
    (x, w) => convolution(x, w, [x.shape[1]], { padding: [1] }),
    sums,
  ),
  row(
    "conv2d",
    (n) => [float([n, 4, 5, 3]), float([3, 3, 3, 4])],
    (x, w) => conv2d(x, w, 1, "valid"),
    (x, w) => convolution(x, w, [2, 3]),
    sums,
  ),
  row(
    "conv2d of strides",
    (n) => [float([2, n + 3, 5, 2]), float([3, 2, 2, 3])],
    (x, w) => conv2d(x, w, [2, 2], [[0, 0], [1, 1], [1, 0], [0, 0]]),
    (x, w) =>
      convolution(x, w, [Math.floor((x.shape[1] - 1) / 2) + 1, 3], {
        strides: [2, 2],
        padding: [1, 1],
      }),
    sums,
  ),
  row(
    "conv2d of dilations in groups",
    (n) => [float([1, 5, n + 4, 4]), float([2, 2, 2, 6])],
    (x, w) => conv2d(x, w, 1, "same", "NHWC", [2, 3]),
    (x, w) => convolution(x, w, x.shape.slice(1, 3), { dilations: [2, 3], padding: [1, 1] }),
    sums,
  ),
  row(
    "conv2d of channels first",
    (n) => [float([n, 2, 4, 5]), float([3, 3, 2, 3])],
    (x, w) => conv2d(x, w, 1, 1, "NCHW"),
    (x, w) => turned(convolution(turned(x, true), w, [4, 5], { padding: [1, 1] })),
    sums,
  ),
  row(
    "conv3d",
    (n) => [float([1, n + 1, 4, 3, 2]), float([2, 3, 2, 2, 3])],
    (x, w) => conv3d(x, w, [1, 2, 1], "same"),
    (x, w) => convolution(x, w, [x.shape[1], 2, 3], { strides: [1, 2, 1], padding: [0, 0, 0] }),
    sums,
  ),
  ...(["linear", "relu", "tanh", "swish"] as const).map((activation) =>
    row(
      `fused.conv2d ${activation}`,
      (n) => [float([n, 4, 4, 2]), float([3, 3, 2, 3]), float([3])],
      (x, filter, bias) => fusedConv2d({ x, filter, strides: 1, pad: "same", bias, activation }),
      (x, w, bias) => {
        const z = convolution(x, w, [4, 4], { padding: [1, 1] });
        const f = {
          linear: (v: number) => v,
          relu: (v: number) => Math.max(v, 0),
          tanh: Math.tanh,
          swish: (v: number) => v / (1 + Math.exp(-v)),
        }[activation];
        return z.map((v, i) => f(v + bias.data[i % 3]));
      },
      { ...sums, roundings: activation === "swish" ? 2 : undefined },
    )
  ),
  row(
    "conv1dTranspose",
    (n) => [float([2, n + 1, 3]), float([3, 2, 3])],
    (y, w) => conv1dTranspose(y, w, [2, 2 * y.shape[1] + 1, 2], 2, "valid"),
    (y, w) => transposed(y, w, [2 * y.shape[1] + 1], { strides: [2] }),
    sums,
  ),
  row(
    "conv2dTranspose",
    (n) => [float([n, 2, 3, 2]), float([3, 3, 4, 2])],
    (y, w) => conv2dTranspose(y, w, [y.shape[0], 4, 6, 4], 2, "same"),
    (y, w) => transposed(y, w, [4, 6], { strides: [2, 2] }),
    sums,
  ),
  row(
    "conv3dTranspose",
    (n) => [float([1, 2, n + 1, 2, 2]), float([2, 2, 2, 3, 2])],
    (y, w) => conv3dTranspose(y, w, [1, 4, y.shape[2], 3, 3], [2, 1, 1], [[0, 0], [0, 1], [0, 0]]),
    (y, w) => transposed(y, w, [4, y.shape[2], 3], { strides: [2, 1, 1] }),
    sums,
  ),
  row(
    "depthwiseConv2d",
    (n) => [float([2, n + 2, 5, 3]), float([3, 3, 3, 2])],
    (x, w) => depthwiseConv2d(x, w, 2, "same"),
    (x, w) =>
      convolution(x, grouped(w), [half(x.shape[1]), 3], {
        strides: [2, 2],
        padding: [x.shape[1] % 2, 1],
      }),
    sums,
  ),
  row(
    "fused.depthwiseConv2d relu",
    (n) => [float([n, 4, 4, 2]), float([2, 2, 2, 1]), float([2])],
    (x, filter, bias) =>
      fusedDepthwiseConv2d({ x, filter, strides: 1, pad: "valid", bias, activation: "relu" }),
    (x, w, bias) =>
      convolution(x, grouped(w), [3, 3]).map((v, i) => Math.max(v + bias.data[i % 2], 0)),
    sums,
  ),
  row(
    "separableConv2d",
    (n) => [float([n, 4, 3, 2]), float([3, 3, 2, 2]), float([1, 1, 4, 3])],
    (x, d, p) => separableConv2d(x, d, p, 1, "same"),
    (x, d, p) => convolution(convolution(x, grouped(d), [4, 3], { padding: [1, 1] }), p, [4, 3]),
    { atol: 1e-4, gtol: 1e-4, roundings: 8 },
  ),
  row(
    "dilation2d",
    (n) => [float([n, 4, 5, 2]), float([3, 2, 2])],
    (x, w) => dilation2d(x, w, [1, 2], "same"),
    (x, w) =>
      build([x.shape[0], 4, 3, 2], (n, h, v, c) => {
        const lay = { strides: [1, 2], padding: [1, 0] }, terms: number[] = [];
        eachElement([h, v], [3, 2], [4, 5], lay, (at, element) =>
          terms.push(x.at(n, ...at, c) + w.at(...element, c)));
        return Math.max(...terms);
      }),
    { roundings: 2 },
  ),
];

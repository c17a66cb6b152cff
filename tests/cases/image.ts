// The op table: images.

import * as image from "../../src/ops/image.ts";
import type { Tensor } from "../../src/tensor.ts";
import { build, type Plain, total } from "../plain.ts";
import { float, int, type Row, row } from "./row.ts";

type Place = (o: number, size: number, newSize: number) => number;
const edges: Place = (o, n, m) => o * n / m;
const corners: Place = (o, n, m) => m > 1 ? o * (n - 1) / (m - 1) : edges(o, n, m);
const centers: Place = (o, n, m) => (o + 0.5) * n / m - 0.5;

const clamp = (at: number, size: number) => Math.min(Math.max(at, 0), size - 1);
const luma = [0.2989, 0.587, 0.114];
const gray = (x: Plain, ...at: number[]) => total(luma.map((w, c) => w * x.at(...at, c)));

type Read = (b: number, row: number, column: number, c: number) => number;

// The value at a place between pixels.
function between(read: Read, b: number, row: number, column: number, c: number): number {
  const r = Math.floor(row), s = Math.floor(column), down = row - r, right = column - s;
  const line = (at: number) =>
    read(b, at, s, c) * (1 - right) + (right && read(b, at, s + 1, c) * right);
  return line(r) * (1 - down) + (down && line(r + 1) * down);
}

function bilinear(x: Plain, height: number, width: number, place: Place): Plain {
  const [n, rows, columns, channels] = x.shape;
  const read: Read = (b, r, s, c) => x.at(b, clamp(r, rows), clamp(s, columns), c);
  return build(
    [n, height, width, channels],
    (b, h, w, c) => between(read, b, place(h, rows, height), place(w, columns, width), c),
  );
}

function nearest(x: Plain, height: number, width: number, round: Place): Plain {
  const [n, rows, columns, channels] = x.shape;
  return build(
    [n, height, width, channels],
    (b, h, w, c) =>
      x.at(
        b,
        clamp(Math.floor(round(h, rows, height)), rows),
        clamp(Math.floor(round(w, columns, width)), columns),
        c,
      ),
  );
}

const matrix = [0.9, 0.21, 0.32, -0.13, 1.1, -0.24, 0.011, 0.02];

// x through `matrix`, each place led into the image by `mode`.
function projected(
  x: Plain,
  height: number,
  width: number,
  mode: (at: number, size: number) => number,
  fill: number,
  smooth: boolean,
): Plain {
  const [n, rows, columns, channels] = x.shape, [a, b, c, d, e, f, g, h] = matrix;
  const read: Read = (image, r, s, channel) =>
    r >= 0 && r < rows && s >= 0 && s < columns ? x.at(image, r, s, channel) : fill;
  return build([n, height, width, channels], (image, i, j, channel) => {
    const k = g * j + h * i + 1;
    const column = mode((a * j + b * i + c) / k, columns);
    const row = mode((d * j + e * i + f) / k, rows);
    return smooth
      ? between(read, image, row, column, channel)
      : read(image, Math.floor(row + 0.5), Math.floor(column + 0.5), channel);
  });
}
const reflected = (at: number, n: number) => {
  const p = (at % (2 * n) + 2 * n) % (2 * n);
  return clamp(p >= n ? 2 * n - p - 1 : p, n);
};
const wrapped = (at: number, n: number) =>
  clamp(
    at < 0
      ? at + n * (Math.floor(-at / (n - 1)) + 1)
      : at > n - 1
      ? at - n * Math.floor(at / (n - 1))
      : at,
    n,
  );

const boxes = [[0.1, 0.2, 0.9, 0.7], [1.1, -0.2, 0.15, 0.63]];

function cropped(x: Plain, height: number, width: number, fill: number, smooth: boolean): Plain {
  const [, rows, columns, channels] = x.shape;
  const place = (from: number, to: number, i: number, count: number, size: number) =>
    (count > 1 ? from + (to - from) * i / (count - 1) : (from + to) / 2) * (size - 1);
  return build([2, height, width, channels], (box, i, j, c) => {
    const [y1, x1, y2, x2] = boxes[box];
    const row = place(y1, y2, i, height, rows), column = place(x1, x2, j, width, columns);
    if (row < 0 || row > rows - 1 || column < 0 || column > columns - 1) return fill;
    const read: Read = (b, r, s, channel) => x.at(b, r, s, channel);
    return smooth
      ? between(read, box, row, column, c)
      : x.at(box, Math.floor(row + 0.5), Math.floor(column + 0.5), c);
  });
}
const crop = (
  x: Tensor,
  ...rest: Parameters<typeof image.cropAndResize> extends [
    unknown,
    unknown,
    unknown,
    ...infer R,
  ] ? R
    : never
) => image.cropAndResize(x, boxes, [0, 1], ...rest);

// Places are float32, their weights with them.
const mixed = { rtol: 1e-5, atol: 2e-5, gtol: 1e-4, roundings: 4 };

function otsu(x: Plain): number {
  const values = x.data.map(Math.round);
  let best = -1, most = 0;
  for (let limit = 0; limit < 255; limit++) {
    const low = values.filter((v) => v <= limit), high = values.filter((v) => v > limit);
    if (!low.length || !high.length) continue;
    const apart = total(low) / low.length - total(high) / high.length;
    const variance = low.length * high.length * apart * apart;
    if (variance > most * (1 + 1e-9)) [best, most] = [limit, variance];
  }
  return best;
}
const bits = (x: Plain, f: (...at: number[]) => boolean, depth = 1) =>
  build([x.shape[0], x.shape[1], depth], (...at) => f(...at) ? 255 : 0);

/** Rows of operations on images. */
export const images: Row[] = [
  row(
    "image.resizeBilinear larger",
    (n) => [float([n, 3, 4, 2])],
    (x) => image.resizeBilinear(x, [5, 7]),
    (x) => bilinear(x, 5, 7, edges),
  ),
  row(
    "image.resizeBilinear alignCorners",
    (n) => [float([2, n + 1, 5, 3])],
    (x) => image.resizeBilinear(x, [4, 9], true),
    (x) => bilinear(x, 4, 9, corners),
    { rtol: 1e-5, atol: 1e-5 },
  ),
  row(
    "image.resizeBilinear halfPixelCenters",
    (n) => [float([1, 7, n + 1, 17])],
    (x) => image.resizeBilinear(x, [3, 5], false, true),
    (x) => bilinear(x, 3, 5, centers),
    { rtol: 1e-5, atol: 1e-5 },
  ),
  row(
    "image.resizeBilinear of whole numbers",
    (n) => [int([n + 1, 4, 3])],
    (x) => image.resizeBilinear(x, [3, 8], false, true),
    (x) => {
      const y = bilinear(build([1, ...x.shape], (_, ...at) => x.at(...at)), 3, 8, centers);
      return build(y.shape.slice(1), (...at) => y.at(0, ...at));
    },
    { rtol: 1e-5, atol: 1e-5 },
  ),
  row(
    "image.resizeNearestNeighbor",
    (n) => [float([n, 3, 4, 2])],
    (x) => image.resizeNearestNeighbor(x, [7, 5]),
    (x) => nearest(x, 7, 5, edges),
  ),
  row(
    "image.resizeNearestNeighbor alignCorners",
    (n) => [float([2, n + 2, 5, 3])],
    (x) => image.resizeNearestNeighbor(x, [2, 8], true),
    (x) => nearest(x, 2, 8, (...a) => corners(...a) + 0.5),
  ),
  row(
    "image.resizeNearestNeighbor halfPixelCenters",
    (n) => [int([1, n + 1, 6, 18])],
    (x) => image.resizeNearestNeighbor(x, [8, 4], false, true),
    (x) => nearest(x, 8, 4, (...a) => centers(...a) + 0.5),
  ),
  row(
    "image.cropAndResize bilinear",
    (n) => [float([2, n + 4, 5, 3])],
    (x) => crop(x, [3, 4], "bilinear", 0.5),
    (x) => cropped(x, 3, 4, 0.5, true),
    mixed,
  ),
  row(
    "image.cropAndResize nearest",
    (n) => [float([2, 5, n + 4, 1])],
    (x) => crop(x, [1, 3], "nearest"),
    (x) => cropped(x, 1, 3, 0, false),
  ),
  row(
    "image.transform",
    (n) => [float([n, 5, 4, 2])],
    (x) => image.transform(x, [matrix], "nearest", "constant", 0.25),
    (x) => projected(x, 5, 4, (at) => at, 0.25, false),
  ),
  row(
    "image.transform bilinear",
    (n) => [float([2, n + 4, 5, 2])],
    (x) => image.transform(x, [matrix, matrix], "bilinear", "constant", -1, [4, 6]),
    (x) => projected(x, 4, 6, (at) => at, -1, true),
    mixed,
  ),
  row(
    "image.transform reflect",
    (n) => [float([n, 3, 2, 2])],
    (x) => image.transform(x, [matrix], "bilinear", "reflect", 0, [6, 7]),
    (x) => projected(x, 6, 7, reflected, 0, true),
    mixed,
  ),
  row(
    "image.transform wrap",
    (n) => [float([n, 3, 4, 2])],
    (x) => image.transform(x, [matrix], "bilinear", "wrap", 0, [6, 7]),
    (x) => projected(x, 6, 7, wrapped, 0, true),
    mixed,
  ),
  row(
    "image.transform nearest",
    (n) => [float([n, 3, 4, 2])],
    (x) => image.transform(x, [matrix], "bilinear", "nearest", 0, [6, 7]),
    (x) => projected(x, 6, 7, clamp, 0, true),
    mixed,
  ),
  row(
    "image.flipLeftRight",
    (n) => [float([n, 2, 3, 2])],
    (x) => image.flipLeftRight(x),
    (x) => build(x.shape, (b, h, w, c) => x.at(b, h, 2 - w, c)),
  ),
  row(
    "image.rotateWithOffset by a right angle",
    (n) => [float([n, 3, 3, 2])],
    (x) => image.rotateWithOffset(x, Math.PI / 2, 0, [1 / 3, 1 / 3]),
    (x) => build(x.shape, (b, h, w, c) => h > 2 || 2 - h < 0 || w > 2 ? 0 : x.at(b, w, 2 - h, c)),
  ),
  row(
    "image.rotateWithOffset filled with a colour",
    (n) => [float([n, 2, 3, 4])],
    (x) => image.rotateWithOffset(x, Math.PI, [1, 2, 3], [0, 0]),
    (x) =>
      build(x.shape, (b, h, w, c) => h === 0 && w === 0 ? x.at(b, 0, 0, c) : [1, 2, 3, 255][c]),
  ),
  row(
    "image.grayscaleToRGB",
    (n) => [float([n, 2, 1])],
    (x) => image.grayscaleToRGB(x),
    (x) => build([...x.shape.slice(0, 2), 3], (i, j) => x.at(i, j, 0)),
  ),
  row(
    "image.rgbToGrayscale",
    (n) => [float([n, 2, 3])],
    (x) => image.rgbToGrayscale(x),
    (x) => build([...x.shape.slice(0, 2), 1], (i, j) => gray(x, i, j)),
  ),
  row(
    "image.threshold",
    (n) => [float([n, 2, 3], 0, 255)],
    (x) => image.threshold(x, "binary", true, 0.4),
    (x) => bits(x, (i, j) => gray(x, i, j) <= 102),
    { grad: false, wide: true },
  ),
  row(
    "image.threshold otsu",
    (n) => [int([n, 3, 1], 0, 256)],
    (x) => image.threshold(x, "otsu"),
    (x) => {
      const limit = otsu(x);
      return bits(x, (i, j) => x.at(i, j, 0) > limit);
    },
    { grad: false },
  ),
];

// The op table: what only moves values.

import { broadcastTo } from "../../src/ops/broadcast.ts";
import { diag } from "../../src/ops/grids.ts";
import { concat, mirrorPad, split, stack, tile, unstack } from "../../src/ops/join.ts";
import { bandPart } from "../../src/ops/linalg.ts";
import { pad, reverse, slice, transpose } from "../../src/ops/movement.ts";
import { expandDims, flatten, reshape, squeeze } from "../../src/ops/reshape.ts";
import { batchToSpaceND, depthToSpace, spaceToBatchND } from "../../src/ops/space.ts";
import { stridedSlice } from "../../src/ops/strided_slice.ts";
import { build, count, Plain } from "../plain.ts";
import { float, type Row, row } from "./row.ts";

const cube = (n: number) => [float([n, n + 1, n + 2])];
const as = (x: Plain, ...shape: number[]) => new Plain(shape, x.data);

/** Rows of movement operations. */
export const movement: Row[] = [
  row("reshape", cube, (x) => reshape(x, [x.shape[2], -1]), (x) => {
    const [a, b, c] = x.shape;
    return as(x, c, a * b);
  }),
  row("flatten", cube, (x) => flatten(x), (x) => as(x, count(x.shape))),
  row("expandDims", cube, (x) => expandDims(x, -2), (x) => {
    const [a, b, c] = x.shape;
    return as(x, a, b, 1, c);
  }),
  row("squeeze", (n) => [float([1, n, 1])], (x) => squeeze(x, [0]), (x) => as(x, x.shape[1], 1)),
  row(
    "broadcastTo",
    (n) => [float([n, 1, n + 1])],
    (x) => broadcastTo(x, [2, x.shape[0], 3, x.shape[2]]),
    (x) => build([2, x.shape[0], 3, x.shape[2]], (_, i, __, j) => x.at(i, 0, j)),
  ),
  row("transpose", cube, (x) => transpose(x), (x) => {
    const [a, b, c] = x.shape;
    return build([c, b, a], (i, j, k) => x.at(k, j, i));
  }),
  row("transpose 4d", (n) => [float([n, 3, 2, n + 1])], (x) => transpose(x, [0, 2, 3, 1]), (x) => {
    const [a, b, c, d] = x.shape;
    return build([a, c, d, b], (i, j, k, l) => x.at(i, l, j, k));
  }),
  row("slice", cube, (x) => slice(x, [0, 1, 1], [-1, -1, x.shape[2] - 2]), (x) => {
    const [a, b, c] = x.shape;
    return build([a, b - 1, c - 2], (i, j, k) => x.at(i, j + 1, k + 1));
  }),
  row(
    "stridedSlice",
    (n) => [float([2 * n + 1, n + 2, 3])],
    (x) => stridedSlice(x, [-1, 1, 2], [0, 0, 3], [-2, 1, 1], 0, 0b011, 0, 0, 0b100),
    (x) => {
      const [a, b] = x.shape;
      return build([(a + 1) / 2, b - 1], (i, j) => x.at(a - 1 - 2 * i, j + 1, 2));
    },
  ),
  row("reverse", cube, (x) => reverse(x, [0, -1]), (x) => {
    const [a, , c] = x.shape;
    return build(x.shape, (i, j, k) => x.at(a - 1 - i, j, c - 1 - k));
  }),
  row("pad", (n) => [float([n, n + 1])], (x) => pad(x, [[1, 0], [2, 3]], 1.5), (x) => {
    const [a, b] = x.shape;
    const inside = (i: number, j: number) => i >= 0 && j >= 0 && j < b;
    return build([a + 1, b + 5], (i, j) => inside(i - 1, j - 2) ? x.at(i - 1, j - 2) : 1.5);
  }),
  row(
    "mirrorPad reflect",
    (n) => [float([n + 2, n + 3])],
    (x) => mirrorPad(x, [[1, 1], [2, 0]], "reflect"),
    (x) => {
      const [a, b] = x.shape;
      const back = (i: number, n: number) => i < 0 ? -i : i >= n ? 2 * n - 2 - i : i;
      return build([a + 2, b + 2], (i, j) => x.at(back(i - 1, a), back(j - 2, b)));
    },
  ),
  row(
    "mirrorPad symmetric",
    (n) => [float([n + 1, n + 2])],
    (x) => mirrorPad(x, [[1, 1], [0, 2]], "symmetric"),
    (x) => {
      const [a, b] = x.shape;
      const back = (i: number, n: number) => i < 0 ? -1 - i : i >= n ? 2 * n - 1 - i : i;
      return build([a + 2, b + 2], (i, j) => x.at(back(i - 1, a), back(j, b)));
    },
  ),
  row("tile", (n) => [float([n, 2, n + 1])], (x) => tile(x, [2, 1, 3]), (x) => {
    const [a, b, c] = x.shape;
    return build([2 * a, b, 3 * c], (i, j, k) => x.at(i % a, j, k % c));
  }),
  row(
    "concat",
    (n) => [float([2, n, 3]), float([2, 1, 3]), float([2, n + 1, 3])],
    (...xs) => concat(xs, 1),
    (x, y, z) => {
      const n = x.shape[1];
      const pick = (i: number, j: number, k: number) =>
        j < n ? x.at(i, j, k) : j === n ? y.at(i, 0, k) : z.at(i, j - n - 1, k);
      return build([2, 2 * n + 2, 3], pick);
    },
  ),
  row(
    "stack",
    (n) => [float([n, 3]), float([n, 3])],
    (...xs) => stack(xs, 1),
    (x, y) => build([x.shape[0], 2, 3], (i, j, k) => (j ? y : x).at(i, k)),
  ),
  row("split", (n) => [float([2, 2 * n])], (x) => split(x, 2, 1), (x) => {
    const n = x.shape[1] / 2;
    return [0, n].map((from) => build([2, n], (i, j) => x.at(i, from + j)));
  }),
  row("split sizes", (n) => [float([n + 3, 2])], (x) => split(x, [1, -1, 2]), (x) => {
    const n = x.shape[0] - 3;
    return [[0, 1], [1, n], [n + 1, 2]].map(([from, size]) =>
      build([size, 2], (i, j) => x.at(from + i, j))
    );
  }),
  row(
    "unstack",
    (n) => [float([n, 3])],
    (x) => unstack(x, 1),
    (x) => [0, 1, 2].map((k) => build([x.shape[0]], (i) => x.at(i, k))),
  ),
  row("diag", (n) => [float([n, 2])], (x) => diag(x), (x) => {
    const shape = [...x.shape, ...x.shape];
    return build(shape, (i, j, k, l) => i === k && j === l ? x.at(i, j) : 0);
  }),
  row(
    "bandPart",
    (n) => [float([2, n, n + 1])],
    (x) => bandPart(x, 1, 0),
    (x) => build(x.shape, (b, i, j) => j <= i && i - j <= 1 ? x.at(b, i, j) : 0),
  ),
  row(
    "spaceToBatchND",
    (n) => [float([n, 3, 4, 2])],
    (x) => spaceToBatchND(x, [2, 2], [[1, 0], [0, 2]]),
    (x) => {
      const n = x.shape[0];
      return build([4 * n, 2, 3, 2], (b, i, j, c) => {
        const block = Math.floor(b / n);
        const row = 2 * i + (block >> 1) - 1, column = 2 * j + (block & 1);
        return row >= 0 && column < 4 ? x.at(b % n, row, column, c) : 0;
      });
    },
  ),
  row(
    "batchToSpaceND",
    (n) => [float([4 * n, 2, 3, 2])],
    (x) => batchToSpaceND(x, [2, 2], [[0, 1], [1, 0]]),
    (x) => {
      const n = x.shape[0] / 4;
      return build([n, 3, 5, 2], (b, i, j, c) => {
        const block = 2 * (i % 2) + (j + 1) % 2;
        return x.at(block * n + b, i >> 1, (j + 1) >> 1, c);
      });
    },
  ),
  row("depthToSpace", (n) => [float([n, 2, 3, 8])], (x) => depthToSpace(x, 2), (x) => {
    return build(
      [x.shape[0], 4, 6, 2],
      (b, i, j, c) => x.at(b, i >> 1, j >> 1, 2 * (2 * (i % 2) + j % 2) + c),
    );
  }),
];

// The op table: poolings.

import {
  avgPool,
  avgPool3d,
  maxPool,
  maxPool3d,
  maxPoolWithArgmax,
  pool,
} from "../../src/ops/pool.ts";
import { build, count, type Plain, total } from "../plain.ts";
import { eachElement, type Lay } from "./conv.ts";
import { float, type Row, row } from "./row.ts";

const mean = (values: number[]) => total(values) / values.length;

// What `combine` makes of the values in each window, or of where these lie in their sample.
function pooled(
  x: Plain,
  window: number[],
  sizes: number[],
  lay: Lay,
  combine: (values: number[], places: number[]) => number,
): Plain {
  const rank = window.length;
  return build([x.shape[0], ...sizes, x.shape[rank + 1]], (n, ...output) => {
    const c = output.pop()!, values: number[] = [], places: number[] = [];
    eachElement(output, window, x.shape.slice(1, -1), lay, (at) => {
      const position = [...at, c];
      values.push(x.at(n, ...position));
      places.push(position.reduce((a, p, d) => a * x.shape[d + 1] + p, 0));
    });
    return combine(values, places);
  });
}
const largest = (values: number[]) => Math.max(...values);

/** Rows of poolings. */
export const poolings: Row[] = [
  row(
    "maxPool",
    (n) => [float([n, 4, 6, 3])],
    (x) => maxPool(x, 2, 2, "valid"),
    (x) => pooled(x, [2, 2], [2, 3], { strides: [2, 2] }, largest),
  ),
  row(
    "maxPool overlapping",
    (n) => [float([2, n + 3, 4, 2])],
    (x) => maxPool(x, [3, 2], [2, 1], "same"),
    (x) => {
      const rows = x.shape[1], odd = rows % 2;
      return pooled(x, [3, 2], [Math.ceil(rows / 2), 4], {
        strides: [2, 1],
        padding: [odd, 0],
      }, largest);
    },
  ),
  row(
    "avgPool",
    (n) => [float([n, 5, 4, 3])],
    (x) => avgPool(x, [3, 2], 1, "same"),
    (x) => pooled(x, [3, 2], [5, 4], { padding: [1, 0] }, mean),
  ),
  row(
    "avgPool of a number as padding, rounded up",
    (n) => [float([1, n + 3, 4, 2])],
    (x) => avgPool(x, 3, 2, 1, "ceil"),
    (x) =>
      pooled(x, [3, 3], [Math.ceil((x.shape[1] - 1) / 2) + 1, 3], {
        strides: [2, 2],
        padding: [1, 1],
      }, mean),
  ),
  row(
    "maxPool3d",
    (n) => [float([n, 3, 4, 2, 2])],
    (x) => maxPool3d(x, 2, [1, 2, 1], "valid"),
    (x) => pooled(x, [2, 2, 2], [2, 2, 1], { strides: [1, 2, 1] }, largest),
  ),
  row(
    "avgPool3d",
    (n) => [float([1, n + 1, 3, 3, 2])],
    (x) => avgPool3d(x, [1, 2, 2], 1, "same"),
    (x) => pooled(x, [1, 2, 2], x.shape.slice(1, -1), {}, mean),
  ),
  row(
    "pool max",
    (n) => [float([2, n + 3, 5, 2])],
    (x) => pool(x, 2, "max", "valid", [2, 3]),
    (x) => pooled(x, [2, 2], [x.shape[1] - 2, 2], { dilations: [2, 3] }, largest),
  ),
  row(
    "pool avg",
    (n) => [float([2, n + 3, 5, 2])],
    (x) => pool(x, 2, "avg", "same", [2, 1], [1, 2]),
    (x) =>
      pooled(x, [2, 2], [x.shape[1], 3], {
        strides: [1, 2],
        dilations: [2, 1],
        padding: [1, 0],
      }, mean),
  ),
  row(
    "maxPoolWithArgmax",
    (n) => [float([n, 4, 4, 2])],
    (x) => {
      const { result, indexes } = maxPoolWithArgmax(x, 2, 2, "valid", true);
      return [result, indexes];
    },
    (x) => {
      const lay = { strides: [2, 2] }, sample = count(x.shape.slice(1));
      const places = pooled(
        x,
        [2, 2],
        [2, 2],
        lay,
        (values, p) => p[values.indexOf(largest(values))],
      );
      const per = count(places.shape.slice(1));
      return [
        pooled(x, [2, 2], [2, 2], lay, largest),
        places.map((p, i) => p + Math.floor(i / per) * sample),
      ];
    },
  ),
];

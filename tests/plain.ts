// What should an operation compute? Plain arrays of doubles and loops, against which the kernels are tested.

/** Row-major values of a shape. */
export class Plain {
  constructor(readonly shape: readonly number[], readonly data: number[]) {}

  /** Number of dimensions. */
  get rank(): number {
    return this.shape.length;
  }
  /** The element at an index. */
  at(...index: number[]): number {
    return this.data[index.reduce((at, i, d) => at * this.shape[d] + i, 0)];
  }
  /** Each value through a function. */
  map(f: (v: number, i: number) => number): Plain {
    return new Plain(this.shape, this.data.map(f));
  }
}

/** Number of elements of a shape. */
export const count = (shape: readonly number[]): number => shape.reduce((n, d) => n * d, 1);

/** Every index of a shape, in row-major order. */
export function indices(shape: readonly number[]): number[][] {
  return Array.from({ length: count(shape) }, (_, flat) => {
    const index = new Array<number>(shape.length);
    for (let d = shape.length - 1; d >= 0; d--) {
      index[d] = flat % shape[d];
      flat = Math.floor(flat / shape[d]);
    }
    return index;
  });
}

/** The array whose element at each index is `f(index)`. */
export function build(shape: readonly number[], f: (...index: number[]) => number): Plain {
  return new Plain(shape, indices(shape).map((index) => f(...index)));
}

/** `f` of several arrays, element by element, broadcasting. */
export function zip(f: (...v: number[]) => number, ...xs: Plain[]): Plain {
  const rank = Math.max(...xs.map((x) => x.rank));
  const shape = Array.from({ length: rank }, (_, d) => {
    const sizes = xs.map((x) => x.shape[x.rank - rank + d] ?? 1);
    return sizes.find((s) => s !== 1) ?? 1;
  });
  return build(
    shape,
    (...index) =>
      f(...xs.map((x) => x.at(...x.shape.map((s, d) => s === 1 ? 0 : index[rank - x.rank + d])))),
  );
}

/** `f` of the values along axes (all when left out), in row-major order. */
export function fold(
  x: Plain,
  f: (values: number[]) => number,
  axes: readonly number[] = x.shape.map((_, i) => i),
  keepDims = false,
): Plain {
  const kept = x.shape.map((d, i) => axes.includes(i) ? 1 : d);
  const groups = new Map(indices(kept).map((index) => [index.join(), [] as number[]]));
  indices(x.shape).forEach((index, i) => {
    groups.get(index.map((v, d) => axes.includes(d) ? 0 : v).join())!.push(x.data[i]);
  });
  const shape = keepDims ? kept : kept.filter((_, i) => !axes.includes(i));
  return new Plain(shape, [...groups.values()].map(f));
}

/** `f` of each line of values along one axis, which gives a line of the same length. */
export function lines(x: Plain, axis: number, f: (values: number[]) => number[]): Plain {
  const y = new Plain(x.shape, new Array(x.data.length).fill(0));
  const step = count(x.shape.slice(axis + 1)), n = x.shape[axis];
  for (let i = 0; i < x.data.length; i++) {
    if (Math.floor(i / step) % n !== 0) continue;
    const places = Array.from({ length: n }, (_, k) => i + k * step);
    f(places.map((p) => x.data[p])).forEach((v, k) => y.data[places[k]] = v);
  }
  return y;
}

/** The sum of values. */
export const total = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);

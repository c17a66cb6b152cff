// How are values brought to a mean of 0 and a variance of 1? By statistics of the values themselves (what layers do while they
// train), of all rows of a channel, of whole rows, or of groups of channels.

import { isWatched, op } from "../op.ts";
import { tidy } from "../scope.ts";
import { sizeOf } from "../shape.ts";
import { makeTensor, Tensor, track } from "../tensor.ts";
import { sum } from "./broadcast.ts";
import { asType } from "./cast.ts";
import { add, mul, sub } from "./elementwise.ts";
import { rsqrt, square } from "./math.ts";
import { transpose } from "./movement.ts";
import { mean as average } from "./reduce.ts";
import { reshape } from "./reshape.ts";

/**
 * What is normalised together: of [batch, rows, groups, size], the rows and the size of each group of each sample. A channel is one of
 * [groups, size].
 */
export type NormalSizes = readonly [batch: number, rows: number, groups: number, size: number];

/** What values are multiplied by, and what is added then: float32, one for each channel. */
export interface Affine {
  readonly scale?: Tensor | null;
  readonly offset?: Tensor | null;
}

/** How values are normalised. */
export interface Normalizing extends Affine {
  /** Added to the variance. */
  readonly epsilon: number;
  /** Whether the mean is subtracted (true when left out); the variance is the mean of the squares otherwise. */
  readonly centred?: boolean;
}

/** What came of it: the values, and the float32 statistics [batch * groups] that they had. */
export interface Normalized {
  readonly y: Tensor;
  readonly mean: Tensor;
  readonly variance: Tensor;
}

/** What the native calls take beside the tensors. */
export interface Attrs {
  readonly sizes: NormalSizes;
  readonly epsilon: number;
}

/** Operands that are there, by name. */
export function present(
  operands: Record<string, Tensor | null | undefined>,
): Record<string, Tensor> {
  const there = Object.entries(operands).filter(([, x]) => x !== null && x !== undefined);
  return Object.fromEntries(there) as Record<string, Tensor>;
}

/** Runs the native call; `measure`: mean and variance are written, not read. */
export function runNormalize(
  { x, scale, offset, mean, variance }: Record<string, Tensor | undefined> & {
    x: Tensor;
    variance: Tensor;
  },
  { sizes, epsilon }: Attrs,
  measure: boolean,
): Tensor {
  const { native } = x.device, y = makeTensor(x.shape, x.dtype, x.device);
  if (x.size === 0) return y;
  native.list(sizes);
  native.check(native.calls.dg_normalize(
    x.handle,
    scale?.handle ?? 0,
    offset?.handle ?? 0,
    mean?.handle ?? 0,
    variance.handle,
    y.handle,
    measure ? 1 : 0,
    epsilon,
  ));
  return y;
}

interface Slopes {
  x(): Tensor;
  scale(): Tensor;
  offset(): Tensor;
}

interface Saved {
  readonly dy: Tensor;
  readonly x: Tensor;
  readonly scale: Tensor | undefined;
  readonly offset: Tensor | undefined;
  readonly mean: Tensor | undefined;
  readonly variance: Tensor;
}

// All gradients in one native call.
function nativeSlopes(
  { dy, x, scale, offset, mean, variance }: Saved,
  { sizes, epsilon }: Attrs,
): Slopes {
  const { native } = x.device, like = (t: Tensor) => makeTensor(t.shape, t.dtype, t.device);
  const dx = like(x), dscale = scale && like(scale), doffset = offset && like(offset);
  native.list(sizes);
  native.check(native.calls.dg_normalize_grad(
    x.handle,
    dy.handle,
    scale?.handle ?? 0,
    mean?.handle ?? 0,
    variance.handle,
    dx.handle,
    dscale?.handle ?? 0,
    doffset?.handle ?? 0,
    epsilon,
  ));
  return { x: () => dx, scale: () => dscale!, offset: () => doffset! };
}

// The same made of operations, for who wants gradients of gradients. With g = dy scale and z the normalised x,
// dx = (g - mean(g) - z mean(g z)) / deviation.
function composedSlopes({ dy, x, scale, mean }: Saved, { sizes, epsilon }: Attrs): Slopes {
  const together = [1, 3], samples = [0, 1];
  const view = (t: Tensor) => reshape(asType(t, "float32"), sizes);
  const over = (t: Tensor) => average(t, together, true);
  const flat = (t: Tensor) => reshape(t, [sizes[2] * sizes[3]]);
  const values = view(x), d = view(dy);
  const apart = mean ? sub(values, over(values)) : values;
  const inverse = rsqrt(add(over(square(apart)), epsilon)), z = mul(apart, inverse);
  return {
    x: () => {
      const g = scale ? mul(d, reshape(scale, [1, 1, sizes[2], sizes[3]])) : d;
      const rest = sub(mean ? sub(g, over(g)) : g, mul(z, over(mul(g, z))));
      return asType(reshape(mul(rest, inverse), x.shape), x.dtype);
    },
    scale: () => flat(sum(mul(d, z), samples)),
    offset: () => flat(sum(d, samples)),
  };
}

const normalizeOp = op<Record<string, Tensor>, Attrs, string>({
  name: "normalize",
  check: ({ x }) => ({ shape: x.shape, dtype: x.dtype }),
  forward: (inputs, attrs) => runNormalize(inputs as { x: Tensor; variance: Tensor }, attrs, true),
  saves: ["x", "scale", "offset", "mean", "variance"],
  grad: (saved, attrs) => {
    let slopes: Slopes | undefined;
    const of = () => {
      const composed = saved.x.size === 0 || isWatched(...Object.values(saved));
      return slopes ??= (composed ? composedSlopes : nativeSlopes)(
        saved as unknown as Saved,
        attrs,
      );
    };
    return { x: () => of().x(), scale: () => of().scale(), offset: () => of().offset() };
  },
});

/** Floats x [batch, rows, groups, size] of any shape, normalised by their own statistics, which are float32 whatever x is. */
export function normalize(
  x: Tensor,
  sizes: NormalSizes,
  { scale, offset, epsilon, centred = true }: Normalizing,
): Normalized {
  const shape = [sizes[0] * sizes[2]];
  const statistic = () =>
    x.isAbstract
      ? track(new Tensor(shape, "float32", null))
      : x.size === 0
      ? reshape(average(reshape(asType(x, "float32"), sizes), [1, 3]), shape)
      : makeTensor(shape, "float32", x.device);
  const mean = statistic(), variance = statistic();
  const flat = (list?: Tensor | null) => list && reshape(list, [list.size]);
  const affine = { scale: flat(scale), offset: flat(offset) };
  const inputs = present({ x, ...affine, mean: centred ? mean : null, variance });
  return { y: normalizeOp(inputs, { sizes, epsilon }), mean, variance };
}

/** All values of each channel, the last dimension: batch normalization. */
export function normalizeChannels(x: Tensor, how: Normalizing): Normalized {
  const channels = x.shape[x.rank - 1];
  return normalize(x, [1, sizeOf(x.shape.slice(0, -1)), channels, 1], how);
}

/** All values along some axes, in ascending order, with a scale and an offset for each of them: layer normalization. */
export function normalizeAlong(x: Tensor, axes: readonly number[], how: Normalizing): Tensor {
  return tidy(() => {
    const others = x.shape.map((_, d) => d).filter((d) => !axes.includes(d));
    const order = [...others, ...axes], moved = order.some((d, i) => d !== i);
    const rows = moved ? transpose(x, order) : x;
    const count = (which: readonly number[]) => sizeOf(which.map((d) => x.shape[d]));
    const { y } = normalize(rows, [count(others), 1, 1, count(axes)], how);
    return moved ? transpose(y, order.map((_, d) => order.indexOf(d))) : y;
  });
}

/** Groups of neighbouring channels, the last dimension, of each sample: group normalization. */
export function normalizeGroups(x: Tensor, groups: number, how: Normalizing): Tensor {
  return tidy(() => {
    const [batch, ...rest] = x.shape, channels = rest.pop()!;
    return normalize(x, [batch, sizeOf(rest), groups, channels / groups], how).y;
  });
}

// How do two inputs become their products? Dot: along one axis of each, sample by sample.

import { DinogradError } from "../errors.ts";
import { mul } from "../ops/elementwise.ts";
import { matMul } from "../ops/matmul.ts";
import { clipByValue, rsqrt } from "../ops/math.ts";
import { transpose } from "../ops/movement.ts";
import { sumSquares } from "../ops/reduce.ts";
import { reshape } from "../ops/reshape.ts";
import { tidy } from "../scope.ts";
import type { Config } from "../serialization.ts";
import { registerClass } from "../serialization/registry.ts";
import { normalizeAxis, sameDim, showShape, sizeOf } from "../shape.ts";
import type { Tensor } from "../tensor.ts";
import type { LayerArgs } from "./layer.ts";
import type { Mask } from "./mask.ts";
import { Merge } from "./merge.ts";

/** x over its length along axes; zeros stay zeros. */
export function unitLength(x: Tensor, axis: number | readonly number[]): Tensor {
  return tidy(() => mul(x, rsqrt(clipByValue(sumSquares(x, axis, true), 1e-24, Infinity))));
}

/** Arguments of `layers.dot`. */
export interface DotLayerArgs extends LayerArgs {
  /** The dimension of both inputs, or of each, along which products are summed; not 0, the batch. */
  axes: number | [number, number];
  /** Whether vectors along it are brought to length 1 first, so that the results are cosines. */
  normalize?: boolean;
}

/** The sums of products along an axis of each of two inputs: [batch, ..., n, ...] and [batch, ..., n, ...] without n. */
export class Dot extends Merge {
  static override className = "Dot";
  readonly #axes: number | [number, number];
  readonly #normalize: boolean;

  constructor(args: DotLayerArgs) {
    const axes = args?.axes;
    const list = [axes].flat();
    if ((Array.isArray(axes) && axes.length !== 2) || !list.every((a) => Number.isInteger(a))) {
      throw new DinogradError(
        `dot needs axes, a whole number or two of them: got ${JSON.stringify(axes)}`,
      );
    }
    super(args);
    this.#axes = axes;
    this.#normalize = args.normalize ?? false;
  }
  override call(inputs: Tensor | Tensor[]): Tensor {
    const list = this.several(inputs);
    if (list.length !== 2) {
      throw new DinogradError(`Layer "${this.name}" takes two inputs, got ${list.length}`);
    }
    const [i, j] = list.map((x, k) => {
      const axis = Array.isArray(this.#axes) ? this.#axes[k] : this.#axes;
      return normalizeAxis(axis, x.rank, `dot in layer "${this.name}"`);
    });
    const [a, b] = list;
    if (i === 0 || j === 0 || !sameDim(a.shape[i], b.shape[j])) {
      throw new DinogradError(
        `Layer "${this.name}" cannot multiply ${showShape(a.shape)} along axis ${i} by ${
          showShape(b.shape)
        } along axis ${j}: wanted equal sizes, and not the batch's axis`,
      );
    }
    return tidy(() => {
      const [x, y] = this.#normalize ? [unitLength(a, i), unitLength(b, j)] : [a, b];
      const [batch, n] = [x.shape[0], x.shape[i]];
      const rows = x.shape.filter((_, k) => k !== 0 && k !== i);
      const columns = y.shape.filter((_, k) => k !== 0 && k !== j);
      const left = reshape(toLast(x, i), [batch, sizeOf(rows), n]);
      const right = reshape(toLast(y, j), [batch, sizeOf(columns), n]);
      const kept = [...rows, ...columns];
      return reshape(matMul(left, right, false, true), [batch, ...kept.length > 0 ? kept : [1]]);
    });
  }
  override computeMask(): Mask {
    return null;
  }
  override getConfig(): Config {
    return { ...super.getConfig(), axes: this.#axes, normalize: this.#normalize };
  }
}
registerClass(Dot);

function toLast(x: Tensor, axis: number): Tensor {
  if (axis === x.rank - 1) return x;
  return transpose(x, [...Array(x.rank).keys()].filter((k) => k !== axis).concat(axis));
}

// How is a random orthogonal matrix made? From normal numbers, orthonormalized on the host.

import type { DType } from "../dtype.ts";
import { DinogradError } from "../errors.ts";
import { randomNormal } from "../ops/random.ts";
import { showShape, sizeOf } from "../shape.ts";
import { fromHost, type Tensor } from "../tensor.ts";
import { draw, Initializer, type Seeded } from "./initializer.ts";

/** Options of `Orthogonal`. */
export interface OrthogonalOptions extends Seeded {
  gain: number;
}

/** `gain` times a random matrix with orthonormal rows or columns, whichever are fewer (Saxe et al. 2013). */
export class Orthogonal extends Initializer<OrthogonalOptions> {
  static override className = "Orthogonal";
  constructor(options: Partial<OrthogonalOptions> = {}) {
    super({ gain: 1, seed: null }, options);
  }
  override apply(shape: readonly number[], dtype?: DType): Tensor {
    if (shape.length < 2) {
      throw new DinogradError(`orthogonal needs rank 2 or more, got shape ${showShape(shape)}`);
    }
    const columns = shape[shape.length - 1], rows = sizeOf(shape) / (columns || 1);
    const count = Math.min(rows, columns), length = Math.max(rows, columns);
    const normal = draw(
      this.options.seed,
      (state) => randomNormal([count, length], 0, 1, "float32", state),
    );
    const vectors = orthonormal(normal.dataSync(), count, length);
    normal.dispose();
    const out = new Float32Array(count * length);
    for (let i = 0; i < count; i++) {
      for (let j = 0; j < length; j++) {
        out[rows < columns ? i * length + j : j * count + i] = this.options.gain * vectors[i][j];
      }
    }
    return fromHost(out, [...shape], dtype ?? "float32");
  }
}

// The rows of a matrix, each made orthogonal to those before it (Gram and Schmidt's way, modified) and of length 1.
function orthonormal(values: ArrayLike<number>, count: number, length: number): Float64Array[] {
  const done: Float64Array[] = [];
  const dot = (a: Float64Array, b: Float64Array) => a.reduce((sum, v, i) => sum + v * b[i], 0);
  for (let i = 0; i < count; i++) {
    const v = Float64Array.from({ length }, (_, j) => values[i * length + j]);
    for (const u of done) {
      const along = dot(u, v);
      for (let j = 0; j < length; j++) v[j] -= along * u[j];
    }
    const size = Math.sqrt(dot(v, v));
    done.push(v.map((x) => x / size));
  }
  return done;
}

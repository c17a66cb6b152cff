// Which small helpers do programs want around models?

import { DinogradError } from "./errors.ts";
import { tensor, type TensorLike } from "./ops/creation.ts";
import { tidy } from "./scope.ts";
import { Tensor } from "./tensor.ts";

/**
 * Class numbers as one-hot rows (float32): a last dimension of 1 gives way to one of numClasses, which is the largest number plus
 * one when left out.
 *
 * ```ts
 * import * as dg from "../mod.ts";
 * import assert from "node:assert";
 *
 * assert.deepEqual(dg.utils.toCategorical([0, 2]).arraySync(), [[1, 0, 0], [0, 0, 1]]);
 * ```
 */
export function toCategorical(labels: Tensor | TensorLike, numClasses?: number): Tensor {
  return tidy(() => {
    const t = labels instanceof Tensor ? labels : tensor(labels);
    const values = Array.from(t.dataSync());
    const classes = numClasses ?? values.reduce((most, v) => Math.max(most, v + 1), 0);
    if (!Number.isInteger(classes) || classes < 1) {
      throw new DinogradError(`toCategorical needs numClasses of at least 1, got ${classes}`);
    }
    const out = new Float32Array(values.length * classes);
    values.forEach((label, i) => {
      if (!Number.isInteger(label) || label < 0 || label >= classes) {
        throw new DinogradError(
          `toCategorical needs class numbers from 0 to ${classes - 1}, got ${label}`,
        );
      }
      out[i * classes + label] = 1;
    });
    const single = t.rank > 1 && t.shape[t.rank - 1] === 1;
    const shape = single ? t.shape.slice(0, -1) : t.shape;
    return tensor(out, [...shape, classes]);
  });
}

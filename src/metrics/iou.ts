// How well do predicted and true regions of classes overlap? Intersection over union, from a confusion matrix.

import { DinogradError } from "../errors.ts";
import { broadcastTo, sum } from "../ops/broadcast.ts";
import { asType } from "../ops/cast.ts";
import { ones, tensor } from "../ops/creation.ts";
import { add, div, mul, sub } from "../ops/elementwise.ts";
import { gather } from "../ops/gather.ts";
import { eye } from "../ops/grids.ts";
import { greater, greaterEqual, less, logicalAnd, notEqual, where } from "../ops/logical.ts";
import { argMax } from "../ops/reduce.ts";
import { reshape } from "../ops/reshape.ts";
import { tidy } from "../scope.ts";
import { required } from "../serialization.ts";
import { showShape } from "../shape.ts";
import type { Tensor } from "../tensor.ts";
import { type Direction, type MetricOptions, PredictionMetric } from "./metric.ts";

/** Options of `MeanIoU`. */
export interface MeanIoUOptions extends MetricOptions {
  /** Number of classes. */
  numClasses: number;
  /** A class whose targets do not count. */
  ignoreClass: number | null;
  /** Whether targets are class numbers, rather than vectors along `axis` whose largest value names the class. */
  sparseYTrue: boolean;
  /** Whether predictions are class numbers. */
  sparseYPred: boolean;
  axis: number;
}

/** Options of `IoU`. */
export interface IoUOptions extends MeanIoUOptions {
  /** The classes whose values are averaged. */
  targetClassIds: number[];
}

const EPSILON = 1e-7;
const meanDefaults = (name: string) => ({
  name,
  numClasses: required,
  ignoreClass: null,
  sparseYTrue: true,
  sparseYPred: true,
  axis: -1,
});

abstract class ConfusionMatrixMetric<O extends MeanIoUOptions> extends PredictionMetric<O> {
  static override direction: Direction = "up";

  protected matrix(like?: Tensor) {
    const { numClasses: n } = this.options;
    return this.state({ confusionMatrix: [n, n] }, like).confusionMatrix;
  }

  protected override add(yTrue: Tensor, yPred: Tensor, weights: Tensor | undefined): void {
    const { numClasses: n, ignoreClass, sparseYTrue, sparseYPred, axis } = this.options;
    const classes = (x: Tensor, sparse: boolean) => {
      const numbers = asType(sparse ? x : argMax(x, axis), "int32");
      return reshape(numbers, [numbers.size]);
    };
    const t = classes(yTrue, sparseYTrue), p = classes(yPred, sparseYPred);
    if (t.size !== p.size) {
      throw new DinogradError(
        `${this.getClassName()} needs as many targets as predictions, got ${
          showShape(yTrue.shape)
        } and ${showShape(yPred.shape)}`,
      );
    }
    const inside = (x: Tensor) => logicalAnd(greaterEqual(x, 0), less(x, n));
    let counts = logicalAnd(inside(t), inside(p));
    if (ignoreClass !== null) counts = logicalAnd(counts, notEqual(t, ignoreClass));
    const w = weights
      ? broadcastTo(weights.rank > 1 ? reshape(weights, [weights.size]) : weights, t.shape)
      : ones(t.shape);
    // An index outside the matrix is left out by the native call.
    const cells = where(counts, add(mul(t, n), p), -1);
    const matrix = this.matrix(yPred);
    const { native } = matrix.device;
    native.check(
      native.calls.dg_scatter_add(
        w.handle,
        cells.handle,
        matrix.writable(),
        1,
        n * n,
        t.size,
        1,
      ),
    );
  }

  /** Mean over classes, those without targets and predictions left out. */
  protected meanOver(classIds: readonly number[]): Tensor {
    return tidy(() => {
      const matrix = this.matrix(), ids = tensor([...classIds], undefined, "int32");
      const hits = sum(mul(matrix, eye(this.options.numClasses)), 0);
      const union = gather(sub(add(sum(matrix, 0), sum(matrix, 1)), hits), ids);
      const present = sum(asType(greater(union, 1e-9), "float32"));
      const values = div(gather(hits, ids), add(union, EPSILON));
      return div(sum(values), add(present, EPSILON));
    });
  }
}

/** Mean over some classes of `TP / (TP + FP + FN)`. */
export class IoU extends ConfusionMatrixMetric<IoUOptions> {
  static override className = "IoU";

  constructor(options: Partial<IoUOptions> & Pick<IoUOptions, "numClasses" | "targetClassIds">) {
    super({ ...meanDefaults("io_u"), targetClassIds: required }, options);
    const { targetClassIds, numClasses } = this.options;
    const wrong = targetClassIds.find((id) => !(id >= 0 && id < numClasses));
    if (wrong !== undefined) {
      throw new DinogradError(
        `IoU needs targetClassIds from 0 to ${numClasses - 1}, got ${wrong}`,
      );
    }
  }
  override result(): Tensor {
    return this.meanOver(this.options.targetClassIds);
  }
}

/** Mean over all classes of `TP / (TP + FP + FN)`. */
export class MeanIoU extends ConfusionMatrixMetric<MeanIoUOptions> {
  static override className = "MeanIoU";

  constructor(options: Partial<MeanIoUOptions> & Pick<MeanIoUOptions, "numClasses">) {
    super(meanDefaults("mean_io_u"), options);
  }
  override result(): Tensor {
    return this.meanOver(Array.from({ length: this.options.numClasses }, (_, i) => i));
  }
}

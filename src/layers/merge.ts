// How do several inputs become one? Entry by entry (add, multiply, ...), one after another (concatenate), or by products (dot).

import { DinogradError } from "../errors.ts";
import { broadcastTo } from "../ops/broadcast.ts";
import { asType } from "../ops/cast.ts";
import { onesLike } from "../ops/creation.ts";
import { add, div, maximum, minimum, mul, sub } from "../ops/elementwise.ts";
import { concat } from "../ops/join.ts";
import { logicalOr, where } from "../ops/logical.ts";
import { any } from "../ops/reduce.ts";
import { expandDims } from "../ops/reshape.ts";
import { tidy } from "../scope.ts";
import type { Config } from "../serialization.ts";
import { registerClass } from "../serialization/registry.ts";
import { sameDim, showShape } from "../shape.ts";
import type { Tensor } from "../tensor.ts";
import { type CallArgs, Layer, type LayerArgs } from "./layer.ts";
import type { Mask } from "./mask.ts";

const show = (inputs: readonly Tensor[]) => inputs.map((x) => showShape(x.shape)).join(", ");

/** The base of layers that take a list of inputs with one batch size. */
export abstract class Merge extends Layer {
  constructor(args: LayerArgs = {}) {
    super(args);
    this.supportsMasking = true;
  }
  /** The inputs, after checking them. */
  protected several(inputs: Tensor | Tensor[]): Tensor[] {
    if (!Array.isArray(inputs) || inputs.length === 0) {
      throw new DinogradError(`Layer "${this.name}" takes a list of inputs, got one`);
    }
    if (inputs.some((x) => x.rank === 0 || !sameDim(x.shape[0], inputs[0].shape[0]))) {
      throw new DinogradError(
        `Layer "${this.name}" takes inputs of one batch size, got ${show(inputs)}`,
      );
    }
    return inputs;
  }
}

/** The base of layers that merge entry by entry. Inputs of lower rank get dimensions of size 1 after the batch, then all broadcast. */
abstract class Elementwise extends Merge {
  /** What becomes of two inputs. */
  protected abstract merge(a: Tensor, b: Tensor): Tensor;

  override call(inputs: Tensor | Tensor[], args: CallArgs): Tensor {
    const list = this.several(inputs);
    return tidy(() => this.mergeAll(this.#alike(list), [args.mask ?? []].flat()));
  }
  /** What becomes of all inputs, given their masks. */
  protected mergeAll(inputs: Tensor[], _masks: (Tensor | null)[]): Tensor {
    return inputs.length === 1 ? add(inputs[0], 0) : inputs.reduce((a, b) => this.merge(a, b));
  }
  /** What counts in one of the inputs counts, provided that all have masks. */
  override computeMask(_inputs: Tensor | Tensor[], mask?: Mask): Mask {
    if (!Array.isArray(mask) || mask.some((m) => m === null)) return null;
    return tidy(() => (mask as Tensor[]).reduce((a, b) => logicalOr(a, b)));
  }

  #alike(inputs: readonly Tensor[]): Tensor[] {
    const rank = Math.max(...inputs.map((x) => x.rank));
    return inputs.map((x) => {
      while (x.rank < rank) x = expandDims(x, 1);
      return x;
    });
  }
}

// A mask [batch, time] over all features of [batch, time, features].
function spread(mask: Tensor, x: Tensor): Tensor {
  while (mask.rank < x.rank) mask = expandDims(mask, -1);
  return broadcastTo(mask, x.shape);
}

/** The sum of the inputs. */
export class Add extends Elementwise {
  static override className = "Add";
  protected override merge(a: Tensor, b: Tensor): Tensor {
    return add(a, b);
  }
}
registerClass(Add);

/** The first of two inputs less the second. */
export class Subtract extends Elementwise {
  static override className = "Subtract";
  protected override merge(a: Tensor, b: Tensor): Tensor {
    return sub(a, b);
  }
  protected override several(inputs: Tensor | Tensor[]): Tensor[] {
    const list = super.several(inputs);
    if (list.length === 2) return list;
    throw new DinogradError(`Layer "${this.name}" takes two inputs, got ${list.length}`);
  }
}
registerClass(Subtract);

/** The product of the inputs; what a mask leaves out counts as 1. */
export class Multiply extends Elementwise {
  static override className = "Multiply";
  protected override merge(a: Tensor, b: Tensor): Tensor {
    return mul(a, b);
  }
  protected override mergeAll(inputs: Tensor[], masks: (Tensor | null)[]): Tensor {
    if (masks.length === 0) return super.mergeAll(inputs, masks);
    const counting = masks.map((m, i) => m && spread(m, inputs[i]));
    const factors = inputs.map((x, i) => counting[i] ? where(counting[i], x, 1) : x);
    const product = super.mergeAll(factors, []);
    if (counting.some((m) => m === null)) return product;
    return where((counting as Tensor[]).reduce((a, b) => logicalOr(a, b)), product, 0);
  }
}
registerClass(Multiply);

/** The mean of the inputs. */
export class Average extends Elementwise {
  static override className = "Average";
  protected override merge(a: Tensor, b: Tensor): Tensor {
    return add(a, b);
  }
  protected override mergeAll(inputs: Tensor[], masks: (Tensor | null)[]): Tensor {
    return div(super.mergeAll(inputs, masks), inputs.length);
  }
}
registerClass(Average);

// Largest and smallest have no neutral entry: where only one of two counts, it is taken.
abstract class Extreme extends Elementwise {
  protected override mergeAll(inputs: Tensor[], masks: (Tensor | null)[]): Tensor {
    if (masks.length === 0) return super.mergeAll(inputs, masks);
    let so = inputs[0], counts = masks[0] && spread(masks[0], so);
    inputs.slice(1).forEach((x, i) => {
      const mask = masks[i + 1] && spread(masks[i + 1]!, x);
      const next = mask ? where(mask, x, so) : x;
      if (counts) so = where(counts, so, next);
      counts = mask && counts ? logicalOr(counts, mask) : null;
      so = this.merge(so, next);
    });
    return so;
  }
}

/** The largest of the inputs' entries. */
export class Maximum extends Extreme {
  static override className = "Maximum";
  protected override merge(a: Tensor, b: Tensor): Tensor {
    return maximum(a, b);
  }
}
registerClass(Maximum);

/** The smallest of the inputs' entries. */
export class Minimum extends Extreme {
  static override className = "Minimum";
  protected override merge(a: Tensor, b: Tensor): Tensor {
    return minimum(a, b);
  }
}
registerClass(Minimum);

/** Arguments of `layers.concatenate`. */
export interface ConcatenateLayerArgs extends LayerArgs {
  /** The dimension along which the inputs follow one another, the last when left out. */
  axis?: number;
}

/** The inputs one after another. */
export class Concatenate extends Merge {
  static override className = "Concatenate";
  readonly #axis: number;

  constructor(args: ConcatenateLayerArgs = {}) {
    super(args);
    this.#axis = args.axis ?? -1;
    if (!Number.isInteger(this.#axis) || this.#axis === 0) {
      throw new DinogradError(
        `concatenate needs axis to be a whole number other than 0, the batch: got ${this.#axis}`,
      );
    }
  }
  override call(inputs: Tensor | Tensor[]): Tensor {
    return concat(this.several(inputs), this.#axis);
  }
  /** The inputs' masks one after another; all of an input without one counts. */
  override computeMask(inputs: Tensor | Tensor[], mask?: Mask): Mask {
    if (!Array.isArray(inputs) || !Array.isArray(mask)) return null;
    return tidy(() => {
      const masks = inputs.map((x, i) => {
        const given = mask[i];
        if (!given) return asType(onesLike(x), "bool");
        return given.rank < x.rank ? spread(given, x) : given;
      });
      return any(concat(masks, this.#axis), -1);
    });
  }
  override getConfig(): Config {
    return { ...super.getConfig(), axis: this.#axis };
  }
}
registerClass(Concatenate);

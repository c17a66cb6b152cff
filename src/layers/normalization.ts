// Which layers bring values to a common scale? Unit normalization.

import type { Config } from "../serialization.ts";
import { registerClass } from "../serialization/registry.ts";
import type { Tensor } from "../tensor.ts";
import { only } from "./core.ts";
import { unitLength } from "./dot.ts";
import { Layer, type LayerArgs } from "./layer.ts";

/** Arguments of `layers.unitNormalization`. */
export interface UnitNormalizationLayerArgs extends LayerArgs {
  /** Along which dimensions vectors lie, the last when left out. */
  axis?: number | number[];
}

/** Vectors brought to length 1: x over the root of the sum of its squares along an axis. */
export class UnitNormalization extends Layer {
  static override className = "UnitNormalization";
  readonly #axis: number | number[];

  constructor(args: UnitNormalizationLayerArgs = {}) {
    super(args);
    this.supportsMasking = true;
    this.#axis = args.axis ?? -1;
  }
  override call(inputs: Tensor | Tensor[]): Tensor {
    return unitLength(only(inputs, this.name), this.#axis);
  }
  override getConfig(): Config {
    return { ...super.getConfig(), axis: this.#axis };
  }
}
registerClass(UnitNormalization);

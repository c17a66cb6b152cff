// Which layer says what does not count? Masking, by a value that fills what is missing.

import { asType } from "../ops/cast.ts";
import { mul } from "../ops/elementwise.ts";
import { notEqual } from "../ops/logical.ts";
import { any } from "../ops/reduce.ts";
import { tidy } from "../scope.ts";
import type { Config } from "../serialization.ts";
import { registerClass } from "../serialization/registry.ts";
import type { Tensor } from "../tensor.ts";
import { only } from "./core.ts";
import { Layer, type LayerArgs } from "./layer.ts";

/** Arguments of `layers.masking`. */
export interface MaskingArgs extends LayerArgs {
  /** What an entry is filled with that does not count, 0 when left out. */
  maskValue?: number;
}

/** Leaves out what is filled with one value: entries [batch, time] all of whose features equal it are masked, and become 0. */
export class Masking extends Layer {
  static override className = "Masking";
  readonly #maskValue: number;

  constructor(args: MaskingArgs = {}) {
    super(args);
    this.supportsMasking = true;
    this.#maskValue = args.maskValue ?? 0;
  }
  override computeMask(inputs: Tensor | Tensor[]): Tensor {
    return tidy(() => any(notEqual(only(inputs, this.name), this.#maskValue), -1));
  }
  override call(inputs: Tensor | Tensor[]): Tensor {
    const x = only(inputs, this.name);
    return tidy(() => mul(x, asType(any(notEqual(x, this.#maskValue), -1, true), x.dtype)));
  }
  override getConfig(): Config {
    return { ...super.getConfig(), mask_value: this.#maskValue };
  }
}
registerClass(Masking);

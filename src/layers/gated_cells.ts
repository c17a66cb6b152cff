// Which cells does every recurrent network begin with? SimpleRNN, LSTM and GRU: each adds what the input and what the state before
// say, through gates.

import type { DType } from "../dtype.ts";
import { Initializer } from "../initializers/initializer.ts";
import { ones } from "../ops/creation.ts";
import { add, mul, sub } from "../ops/elementwise.ts";
import { concat, split } from "../ops/join.ts";
import { fusedMatMul, matMul } from "../ops/matmul.ts";
import { slice } from "../ops/movement.ts";
import { reshape } from "../ops/reshape.ts";
import { tidy } from "../scope.ts";
import { type Config, serialize } from "../serialization.ts";
import { registerClass } from "../serialization/registry.ts";
import type { Tensor } from "../tensor.ts";
import {
  dropped,
  GatedCell,
  type GRUCellLayerArgs,
  type LSTMCellLayerArgs,
  type SimpleRNNCellLayerArgs,
} from "./gated_cell.ts";

/** `h' = activation(x . kernel + h . recurrentKernel + bias)`. */
export class SimpleRNNCell extends GatedCell {
  static override className = "SimpleRNNCell";

  constructor(args: SimpleRNNCellLayerArgs) {
    super(args, 1);
  }
  override step(projected: Tensor, [h]: readonly Tensor[], mask?: Tensor): Tensor[] {
    const sum = add(projected, this.say(h, mask));
    return [this.activation.apply(sum)];
  }
}
registerClass(SimpleRNNCell);

// Ones in the second of four blocks, the forget gate's.
class ForgetBias extends Initializer {
  static override className = "ForgetBias";
  constructor(readonly others: Initializer) {
    super({}, {});
  }
  override apply([size]: readonly number[], dtype?: DType): Tensor {
    const units = size / 4;
    return tidy(() =>
      concat([
        this.others.apply([units], dtype),
        ones([units], dtype),
        this.others.apply([2 * units], dtype),
      ])
    );
  }
}

/**
 * Long short-term memory, with gates i, f, o and what is new c~, side by side in the kernels as i, f, c~, o:
 * `c' = f c + i activation(c~)`, `h' = o activation(c')` (Hochreiter and Schmidhuber 1997, with forget gates).
 */
export class LSTMCell extends GatedCell {
  static override className = "LSTMCell";
  readonly #unitForgetBias: boolean;

  constructor(args: LSTMCellLayerArgs) {
    super(args, 4);
    this.#unitForgetBias = args.unitForgetBias ?? true;
  }
  override get stateSize(): number[] {
    return [this.units, this.units];
  }
  /** The dimension along which gates lie side by side. */
  protected get gateAxis(): number {
    return -1;
  }
  protected override biasInitializer(given: Initializer): Initializer {
    return this.#unitForgetBias ? new ForgetBias(given) : given;
  }
  override step(projected: Tensor, [h, c]: readonly Tensor[], mask?: Tensor): Tensor[] {
    const sum = add(projected, this.say(h, mask));
    const [i, f, fresh, o] = split(sum, 4, this.gateAxis), gate = this.recurrentActivation.apply;
    const cell = add(mul(gate(f), c), mul(gate(i), this.activation.apply(fresh)));
    return [mul(gate(o), this.activation.apply(cell)), cell];
  }
  override getConfig(): Config {
    return {
      ...super.getConfig(),
      recurrent_activation: serialize(this.recurrentActivation),
      unit_forget_bias: this.#unitForgetBias,
    };
  }
}
registerClass(LSTMCell);

/**
 * Gated recurrent unit, with gates z, r and what is new, side by side in the kernels: `h' = z h + (1 - z) activation(new)`
 * (Cho et al. 2014). The reset gate r multiplies what the state says or, where `resetAfter` is false, the state itself.
 */
export class GRUCell extends GatedCell {
  static override className = "GRUCell";
  /** Whether the reset gate follows the product with the state. */
  readonly resetAfter: boolean;

  constructor(args: GRUCellLayerArgs) {
    super(args, 3);
    this.resetAfter = args.resetAfter ?? true;
  }
  protected override get biasShape(): number[] {
    const size = 3 * this.units;
    return this.resetAfter ? [2, size] : [size];
  }
  #biasRow(i: number): Tensor | undefined {
    const bias = this.bias, size = 3 * this.units;
    return bias && (this.resetAfter ? reshape(slice(bias, [i, 0], [1, size]), [size]) : bias);
  }
  override get inputBias(): Tensor | undefined {
    return this.#biasRow(0);
  }
  override get recurrentBias(): Tensor | undefined {
    return this.resetAfter ? this.#biasRow(1) : undefined;
  }
  override step(projected: Tensor, [h]: readonly Tensor[], mask?: Tensor): Tensor[] {
    const { units, recurrentKernel } = this, gate = this.recurrentActivation.apply;
    const kept = dropped(h, mask), [xz, xr, xn] = split(projected, 3, -1);
    const said = this.resetAfter
      ? fusedMatMul({ a: kept, b: recurrentKernel, bias: this.recurrentBias })
      : matMul(kept, slice(recurrentKernel, [0, 0], [units, 2 * units]));
    const part = (i: number) => slice(said, [0, i * units], [said.shape[0], units]);
    const z = gate(add(xz, part(0))), r = gate(add(xr, part(1)));
    const fresh = this.resetAfter
      ? mul(r, part(2))
      : matMul(mul(r, kept), slice(recurrentKernel, [0, 2 * units], [units, units]));
    const candidate = this.activation.apply(add(xn, fresh));
    return [add(mul(z, h), mul(sub(1, z), candidate))];
  }
  override getConfig(): Config {
    return {
      ...super.getConfig(),
      recurrent_activation: serialize(this.recurrentActivation),
      reset_after: this.resetAfter,
    };
  }
}
registerClass(GRUCell);

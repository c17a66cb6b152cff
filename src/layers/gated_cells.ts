// Which cells does every recurrent network begin with? SimpleRNN, LSTM and GRU: each adds what the input and what the state before
// say, through gates.

import { type Activation, type ActivationIdentifier, getActivation } from "../activations.ts";
import type { ConstraintIdentifier } from "../constraints.ts";
import type { DType } from "../dtype.ts";
import { DinogradError } from "../errors.ts";
import type { InitializerIdentifier } from "../initializers.ts";
import { Initializer } from "../initializers/initializer.ts";
import { ones } from "../ops/creation.ts";
import { add, mul, sub } from "../ops/elementwise.ts";
import { concat, split } from "../ops/join.ts";
import { fusedMatMul, matMul } from "../ops/matmul.ts";
import { slice } from "../ops/movement.ts";
import type { RandomState } from "../ops/random.ts";
import { reshape } from "../ops/reshape.ts";
import { dropout } from "../ops/sampling.ts";
import type { RegularizerIdentifier } from "../regularizers.ts";
import { tidy } from "../scope.ts";
import { type Config, serialize } from "../serialization.ts";
import { registerClass } from "../serialization/registry.ts";
import type { Tensor } from "../tensor.ts";
import type { CallArgs, LayerArgs } from "./layer.ts";
import { RNNCell, splitInputs } from "./rnn_cell.ts";
import type { Weight } from "./weight.ts";
import { WeightOptions } from "./weight_options.ts";
import { countOf } from "./windowed.ts";

/** Arguments of `layers.simpleRNNCell`, and those that all cells with gates share. */
export interface SimpleRNNCellLayerArgs extends LayerArgs {
  /** Size of the state and of the output. */
  units: number;
  /** "tanh" when left out. */
  activation?: ActivationIdentifier;
  useBias?: boolean;
  kernelInitializer?: InitializerIdentifier;
  /** "orthogonal" when left out. */
  recurrentInitializer?: InitializerIdentifier;
  biasInitializer?: InitializerIdentifier;
  kernelRegularizer?: RegularizerIdentifier;
  recurrentRegularizer?: RegularizerIdentifier;
  biasRegularizer?: RegularizerIdentifier;
  kernelConstraint?: ConstraintIdentifier;
  recurrentConstraint?: ConstraintIdentifier;
  biasConstraint?: ConstraintIdentifier;
  /** Share of the inputs that is dropped while training, the same ones in all steps. */
  dropout?: number;
  /** Share of the state that is dropped while training, the same in all steps. */
  recurrentDropout?: number;
  /** Makes dropout draw the same numbers each time the layer is made. */
  seed?: number;
}

/** Arguments of cells with gates of their own. */
export interface GatedCellLayerArgs extends SimpleRNNCellLayerArgs {
  /** Of the gates, "sigmoid" when left out. */
  recurrentActivation?: ActivationIdentifier;
  /** Accepted as in Keras; the numbers are the same. */
  implementation?: number;
}
/** Arguments of `layers.lstmCell`. */
export interface LSTMCellLayerArgs extends GatedCellLayerArgs {
  /** Whether the forget gate begins with a bias of 1, true when left out. */
  unitForgetBias?: boolean;
}
/** Arguments of `layers.gruCell`. */
export interface GRUCellLayerArgs extends GatedCellLayerArgs {
  /** Whether the reset gate follows the product with the state, true when left out. */
  resetAfter?: boolean;
}

function rateOf(what: string, rate = 0): number {
  if (rate >= 0 && rate < 1) return rate;
  throw new DinogradError(`${what} must be from 0 to below 1, got ${rate}`);
}

/** What dropout leaves of the inputs and of the state, as factors [batch, size]. */
interface Masks extends CallArgs {
  dropoutMask?: Tensor;
  recurrentDropoutMask?: Tensor;
}

/** The base of cells that add `x . kernel + bias` and what the state says. */
export abstract class GatedCell extends RNNCell {
  /** Size of the state and of the output. */
  readonly units: number;
  /** Over the output, or over what is new of it. */
  readonly activation: Activation;
  /** Over the gates. */
  readonly recurrentActivation: Activation;
  /** Whether there is a bias. */
  readonly useBias: boolean;
  /** Pairs of a gate and its weights, side by side in the kernels. */
  protected readonly gates: number;
  readonly #rates: { dropout: number; recurrent: number };
  readonly #seed: number | undefined;
  readonly #options: readonly WeightOptions[];
  #kernel!: Weight;
  #recurrentKernel!: Weight;
  #bias: Weight | undefined;
  #random: { dropout: RandomState; recurrent: RandomState } | undefined;

  constructor(args: GatedCellLayerArgs, gates: number) {
    super(args);
    const name = this.getClassName();
    this.units = countOf(`units of "${this.name}"`, args.units);
    this.activation = getActivation(args.activation ?? "tanh");
    this.recurrentActivation = getActivation(args.recurrentActivation ?? "sigmoid");
    this.useBias = args.useBias ?? true;
    this.gates = gates;
    this.#rates = {
      dropout: rateOf(`dropout of ${name}`, args.dropout),
      recurrent: rateOf(`recurrentDropout of ${name}`, args.recurrentDropout),
    };
    this.#seed = args.seed;
    this.#options = [
      new WeightOptions("kernel", args, "glorotUniform"),
      new WeightOptions("recurrent", args, "orthogonal"),
      new WeightOptions("bias", args, "zeros"),
    ];
  }

  override get stateSize(): number | number[] {
    return this.units;
  }

  /** Shape of the bias. */
  protected get biasShape(): number[] {
    return [this.gates * this.units];
  }
  /** What the bias begins with. */
  protected biasInitializer(given: Initializer): Initializer {
    return given;
  }

  override build(inputShape: number[] | number[][]): void {
    const shape = [inputShape].flat(2).slice(0, 2), [kernel, recurrent, bias] = this.#options;
    const wide = this.gates * this.units;
    const make = (name: string, size: number[], o: WeightOptions, initializer = o.initializer) =>
      this.addWeight(name, size, this.dtype, initializer, o.regularizer, true, o.constraint);
    this.#kernel = make("kernel", [shape[shape.length - 1], wide], kernel);
    this.#recurrentKernel = make("recurrent_kernel", [this.units, wide], recurrent);
    if (this.useBias) {
      this.#bias = make("bias", this.biasShape, bias, this.biasInitializer(bias.initializer));
    }
    if (this.#rates.dropout === 0 && this.#rates.recurrent === 0) return;
    this.#random = {
      dropout: this.addRandomState(this.#seed),
      recurrent: this.addRandomState(this.#seed === undefined ? undefined : this.#seed + 1),
    };
  }

  /** The weights that the state meets [units, gates * units]. */
  get recurrentKernel(): Tensor {
    return this.#recurrentKernel.read();
  }
  /** What is added to the input's part. */
  get inputBias(): Tensor | undefined {
    return this.#bias?.read();
  }
  /** What is added to the state's part: nothing, unless a cell keeps a bias of its own for it. */
  get recurrentBias(): Tensor | undefined {
    return undefined;
  }
  /** The bias as it is kept. */
  protected get bias(): Tensor | undefined {
    return this.#bias?.read();
  }

  override stepArgs(x: Tensor, { training }: CallArgs): Masks {
    const { dropout: rate, recurrent } = this.#rates;
    const batch = x.shape[0];
    if (!training || Number.isNaN(batch) || (rate === 0 && recurrent === 0)) return { training };
    const draw = (size: number, r: number, state: RandomState) =>
      r > 0 ? dropout(ones([batch, size], x.dtype), r, undefined, state) : undefined;
    return {
      training,
      dropoutMask: draw(x.shape[x.rank - 1], rate, this.#random!.dropout),
      recurrentDropoutMask: draw(this.units, recurrent, this.#random!.recurrent),
    };
  }

  /** What inputs [..., features] say: `x . kernel + bias` [..., gates * units]. `mask` is dropout's [batch, features]. */
  project(x: Tensor, mask?: Tensor, bias = this.inputBias): Tensor {
    const factor = mask && x.rank === 3 ? reshape(mask, [mask.shape[0], 1, mask.shape[1]]) : mask;
    const a = factor ? mul(x, factor) : x;
    return fusedMatMul({ a, b: this.#kernel.read(), bias });
  }

  /** The states after a step, the output first, from what its input says and the states before. */
  abstract step(projected: Tensor, states: readonly Tensor[], mask?: Tensor): Tensor[];

  override call(inputs: Tensor | Tensor[], args: CallArgs): Tensor[] {
    const [x, ...states] = splitInputs(inputs, [this.stateSize].flat().length, this.name);
    return tidy(() => {
      const given = "dropoutMask" in args || "recurrentDropoutMask" in args;
      const masks: Masks = given ? args : this.stepArgs(x, args);
      const projected = this.project(x, masks.dropoutMask);
      const next = this.step(projected, states, masks.recurrentDropoutMask);
      return [next[0], ...next];
    });
  }

  override getConfig(): Config {
    return {
      ...super.getConfig(),
      units: this.units,
      activation: serialize(this.activation),
      use_bias: this.useBias,
      ...WeightOptions.config(this.#options),
      dropout: this.#rates.dropout,
      recurrent_dropout: this.#rates.recurrent,
      seed: this.#seed ?? null,
    };
  }
}

const dropped = (state: Tensor, mask: Tensor | undefined) => mask ? mul(state, mask) : state;

/** `h' = activation(x . kernel + h . recurrentKernel + bias)`. */
export class SimpleRNNCell extends GatedCell {
  static override className = "SimpleRNNCell";

  constructor(args: SimpleRNNCellLayerArgs) {
    super(args, 1);
  }
  override step(projected: Tensor, [h]: readonly Tensor[], mask?: Tensor): Tensor[] {
    const sum = add(projected, matMul(dropped(h, mask), this.recurrentKernel));
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
  protected override biasInitializer(given: Initializer): Initializer {
    return this.#unitForgetBias ? new ForgetBias(given) : given;
  }
  override step(projected: Tensor, [h, c]: readonly Tensor[], mask?: Tensor): Tensor[] {
    const sum = add(projected, matMul(dropped(h, mask), this.recurrentKernel));
    const [i, f, fresh, o] = split(sum, 4, -1), gate = this.recurrentActivation.apply;
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

// What do cells with gates have in common? They add what the input and what the state before say: kernels, a bias and dropout.

import { type Activation, type ActivationIdentifier, getActivation } from "../activations.ts";
import type { ConstraintIdentifier } from "../constraints.ts";
import { DinogradError } from "../errors.ts";
import type { InitializerIdentifier } from "../initializers.ts";
import type { Initializer } from "../initializers/initializer.ts";
import { ones } from "../ops/creation.ts";
import { mul } from "../ops/elementwise.ts";
import { fusedMatMul, matMul } from "../ops/matmul.ts";
import { composite } from "../ops/operand.ts";
import type { RandomState } from "../ops/random.ts";
import { reshape } from "../ops/reshape.ts";
import { dropout } from "../ops/sampling.ts";
import type { RegularizerIdentifier } from "../regularizers.ts";
import { type Config, serialize } from "../serialization.ts";
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

  /** Shapes of the kernels that inputs of a shape and states meet. */
  protected kernelShapes(inputShape: number[]): [kernel: number[], recurrent: number[]] {
    const wide = this.gates * this.units;
    return [[inputShape[inputShape.length - 1], wide], [this.units, wide]];
  }

  override build(inputShape: number[] | number[][]): void {
    const shape = (Array.isArray(inputShape[0]) ? inputShape[0] : inputShape) as number[];
    const [kernel, recurrent, bias] = this.#options;
    const [ofInputs, ofStates] = this.kernelShapes(shape);
    const make = (name: string, size: number[], o: WeightOptions, initializer = o.initializer) =>
      this.addWeight(name, size, this.dtype, initializer, o.regularizer, true, o.constraint);
    this.#kernel = make("kernel", ofInputs, kernel);
    this.#recurrentKernel = make("recurrent_kernel", ofStates, recurrent);
    if (this.useBias) {
      this.#bias = make("bias", this.biasShape, bias, this.biasInitializer(bias.initializer));
    }
    if (this.#rates.dropout === 0 && this.#rates.recurrent === 0) return;
    this.#random = {
      dropout: this.addRandomState(this.#seed),
      recurrent: this.addRandomState(this.#seed === undefined ? undefined : this.#seed + 1),
    };
  }

  /** The weights that inputs meet [features, gates * units]. */
  protected get kernel(): Tensor {
    return this.#kernel.read();
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
    const unknown = Number.isNaN(x.shape[0]);
    if (!training || unknown || (rate === 0 && recurrent === 0)) return { training };
    const draw = (shape: number[], r: number, state: RandomState) =>
      r > 0 ? dropout(ones(shape, x.dtype), r, undefined, state) : undefined;
    return {
      training,
      dropoutMask: draw(x.shape, rate, this.#random!.dropout),
      recurrentDropoutMask: draw(
        this.getInitialState(x)[0].shape,
        recurrent,
        this.#random!.recurrent,
      ),
    };
  }

  /** What inputs [..., features] say: `x . kernel + bias` [..., gates * units]. `mask` is dropout's [batch, features]. */
  project(x: Tensor, mask?: Tensor, bias = this.inputBias): Tensor {
    return fusedMatMul({ a: dropped(x, mask), b: this.kernel, bias });
  }
  /** What the state says: `h . recurrentKernel` [batch, gates * units]. `mask` is dropout's. */
  protected say(h: Tensor, mask?: Tensor): Tensor {
    return matMul(dropped(h, mask), this.recurrentKernel);
  }

  /** The states after a step, the output first, from what its input says and the states before. */
  abstract step(projected: Tensor, states: readonly Tensor[], mask?: Tensor): Tensor[];

  override call(inputs: Tensor | Tensor[], args: CallArgs): Tensor[] {
    const [x, ...states] = splitInputs(inputs, [this.stateSize].flat().length, this.name);
    return composite(x, () => {
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

/** What dropout leaves of one step, or of all steps of a sequence, which it treats alike. */
export function dropped(x: Tensor, mask: Tensor | undefined): Tensor {
  if (!mask) return x;
  const [batch, ...rest] = mask.shape;
  return mul(x, x.rank > mask.rank ? reshape(mask, [batch, 1, ...rest]) : mask);
}

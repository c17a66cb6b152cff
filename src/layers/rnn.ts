// How does a cell walk along a sequence? Step by step, states going from each step to the next.

import { castFloats } from "../activations.ts";
import { DinogradError } from "../errors.ts";
import { zerosLike } from "../ops/creation.ts";
import { stack, unstack } from "../ops/join.ts";
import { reverse } from "../ops/movement.ts";
import { where } from "../ops/logical.ts";
import { composite } from "../ops/operand.ts";
import { reshape } from "../ops/reshape.ts";
import { tidy } from "../scope.ts";
import { argsOf, type ClassConfig, type Config, serialize } from "../serialization.ts";
import { registerClass } from "../serialization/registry.ts";
import { sameShape, showShape, UNKNOWN } from "../shape.ts";
import { Tensor, track } from "../tensor.ts";
import { Variable } from "../variable.ts";
import { deserializeLayer } from "./deserialize.ts";
import { GatedCell } from "./gated_cell.ts";
import { type CallArgs, Layer, type LayerArgs, type SymbolicTensor } from "./layer.ts";
import type { Mask } from "./mask.ts";
import { RNNCell } from "./rnn_cell.ts";
import { StackedRNNCells } from "./stacked_cells.ts";
import { noteMade } from "./weight.ts";
import { walkAtOnce, walksAtOnce } from "./whole_sequence.ts";

/** Arguments of all layers that walk along sequences. */
export interface BaseRNNLayerArgs extends LayerArgs {
  /** Whether the outputs of all steps are given, [batch, steps, ...], or that of the last one. */
  returnSequences?: boolean;
  /** Whether the states after the last step are given, too: `[output, ...states]`. */
  returnState?: boolean;
  /** Whether it walks from the last step to the first; outputs come in the order in which they are made. */
  goBackwards?: boolean;
  /** Whether each batch goes on from the states that the batch before ended in, until `resetStates`. */
  stateful?: boolean;
  /** Accepted as in Keras; the numbers are the same. */
  unroll?: boolean;
  /** Whether outputs of masked steps are zeros; otherwise that of the step before is given again. */
  zeroOutputForMask?: boolean;
  /** Features of a step, as a short form of `inputShape: [inputLength, inputDim]`. */
  inputDim?: number;
  /** Steps of a sequence, to go with inputDim. */
  inputLength?: number;
}

/** Arguments of `layers.rnn`. */
export interface RNNLayerArgs extends BaseRNNLayerArgs {
  /** What walks, or several cells on top of each other. */
  cell: RNNCell | RNNCell[];
}

function layerArgs<A extends BaseRNNLayerArgs>(args: A): A {
  const { inputDim, inputLength = null, inputShape, batchInputShape } = args;
  if (inputDim === undefined || inputShape || batchInputShape) return args;
  return { ...args, inputShape: [inputLength, inputDim] };
}

/** A cell along sequences: inputs [batch, steps, ...], or a list of them and the states to begin with. */
export class RNN extends Layer {
  /** Name in saved models. */
  static override className = "RNN";
  /** What walks. */
  readonly cell: RNNCell;
  /** Whether the outputs of all steps are given. */
  readonly returnSequences: boolean;
  /** Whether the states after the last step are given. */
  readonly returnState: boolean;
  /** Whether it walks from the last step to the first. */
  readonly goBackwards: boolean;
  /** Whether each batch goes on where the one before ended. */
  readonly stateful: boolean;
  readonly #flags: { unroll: boolean; zeroOutputForMask: boolean };
  #kept: Variable[] | undefined;

  /** Takes a cell, or makes one of several. */
  constructor(args: RNNLayerArgs) {
    super(layerArgs(args));
    const { cell } = args;
    this.cell = Array.isArray(cell) ? new StackedRNNCells({ cells: cell }) : cell;
    if (!(this.cell instanceof RNNCell)) {
      throw new DinogradError(`Layer "${this.name}" needs a cell, an RNNCell or several`);
    }
    this.supportsMasking = true;
    this.returnSequences = args.returnSequences ?? false;
    this.returnState = args.returnState ?? false;
    this.goBackwards = args.goBackwards ?? false;
    this.stateful = args.stateful ?? false;
    this.#flags = {
      unroll: args.unroll ?? false,
      zeroOutputForMask: args.zeroOutputForMask ?? false,
    };
  }

  /** The states that it keeps from batch to batch, where it is stateful and built. */
  get states(): readonly Variable[] {
    return this.#kept ?? [];
  }

  /** Makes the cell's weights, and room for states that are kept. */
  override build(inputShape: number[] | number[][]): void {
    const [batch, steps, ...rest] =
      (Array.isArray(inputShape[0]) ? inputShape[0] : inputShape) as number[];
    if (rest.length === 0) {
      throw new DinogradError(
        `Layer "${this.name}" takes sequences [batch, steps, ...], got ${
          showShape([batch, steps].filter((d) => d !== undefined))
        }`,
      );
    }
    this.cell.scope = this.scope;
    this.cell.ensureBuilt([batch, ...rest]);
    if (!this.stateful) return;
    if (Number.isNaN(batch)) {
      throw new DinogradError(
        `Layer "${this.name}" is stateful: it needs to know the batch size, in batchInputShape`,
      );
    }
    tidy(() => {
      const x = track(new Tensor([batch, ...rest], this.computeDtype, null));
      const states = this.cell.getInitialState(x).map((s) => zerosLike(s));
      this.#kept = states.map((s, i) =>
        noteMade(new Variable(s, false, `${this.name}/state_${i}`))
      );
    });
  }

  /** Begins anew: with zeros, or with the given states. */
  resetStates(states?: Tensor | Tensor[]): void {
    if (!this.stateful) {
      throw new DinogradError(`Layer "${this.name}" keeps no states: it is not stateful`);
    }
    const given = states === undefined ? undefined : [states].flat();
    if (given && given.length !== this.states.length) {
      throw new DinogradError(
        `Layer "${this.name}" keeps ${this.states.length} states, got ${given.length}`,
      );
    }
    tidy(() => this.states.forEach((kept, i) => kept.assign(given ? given[i] : zerosLike(kept))));
  }

  /** Walks along sequences; `initialState` in `args` is what it begins with. */
  override apply(inputs: Tensor | Tensor[], args?: CallArgs): Tensor | Tensor[];
  /** The same for symbolic tensors. */
  override apply(
    inputs: SymbolicTensor | SymbolicTensor[],
    args?: CallArgs,
  ): SymbolicTensor | SymbolicTensor[];
  override apply(
    inputs: Tensor | Tensor[] | SymbolicTensor | SymbolicTensor[],
    { initialState, ...args }: CallArgs = {},
  ): Tensor | Tensor[] | SymbolicTensor | SymbolicTensor[] {
    const states = initialState === undefined || initialState === null ? [] : [initialState].flat();
    const all = [inputs, ...states].flat() as Tensor[];
    return super.apply(all.length === 1 ? all[0] : all, args);
  }

  /** Walks along `inputs`, sequences alone or followed by states to begin with. */
  override call(inputs: Tensor | Tensor[], args: CallArgs): Tensor | Tensor[] {
    const [x, ...given] = [inputs].flat();
    return composite(x, () => {
      const steps = x.shape[1], like = this.#stepOf(x);
      const states = () => this.#initialStates(like, given);
      if (x.isAbstract || steps === 0) return this.#describe(like, states(), steps);
      const mask = this.#maskOf(x, args), stepArgs = this.cell.stepArgs(like, args);
      const { output, last } = walksAtOnce(this.cell)
        ? this.#walkAtOnce(
          this.cell,
          x,
          given.length || this.stateful ? states() : [],
          mask,
          stepArgs,
        )
        : this.#walk(x, states(), mask, stepArgs);
      if (this.stateful) this.states.forEach((kept, i) => kept.assign(last[i]));
      return this.#give(output, last);
    });
  }

  #maskOf(x: Tensor, args: CallArgs): Tensor | null {
    const mask = [args.mask].flat()[0] ?? null, wanted = x.shape.slice(0, 2);
    if (!mask || sameShape(mask.shape, wanted)) return mask;
    throw new DinogradError(
      `Layer "${this.name}" wants a mask ${showShape(wanted)} of its steps, got ${
        showShape(mask.shape)
      }`,
    );
  }

  // A description of the inputs of one step.
  #stepOf(x: Tensor): Tensor {
    return track(new Tensor([x.shape[0], ...x.shape.slice(2)], x.dtype, null));
  }

  #initialStates(like: Tensor, given: readonly Tensor[]): Tensor[] {
    const wanted = this.cell.getInitialState(like);
    const states = given.length > 0 ? given : this.stateful ? this.states : undefined;
    if (!states) {
      return wanted.map((s) => s.isAbstract && !Number.isNaN(s.shape[0]) ? zerosLike(s) : s);
    }
    const fits = states.length === wanted.length &&
      states.every((s, i) => sameShape(s.shape, wanted[i].shape));
    if (!fits && !like.shape.includes(UNKNOWN)) {
      const show = (list: readonly Tensor[]) => list.map((s) => showShape(s.shape)).join(", ");
      throw new DinogradError(
        `Layer "${this.name}" begins with states ${show(wanted)}, got ${show(states)}`,
      );
    }
    return states.map((s) => castFloats(s, this.cell.computeDtype));
  }

  // What is given for sequences that have no values, or no steps.
  #describe(like: Tensor, states: Tensor[], steps: number): Tensor | Tensor[] {
    const abstract = (s: Tensor) => track(new Tensor(s.shape, s.dtype, null));
    const [output] = this.cell.apply([like, ...states.map(abstract)]) as Tensor[];
    const [batch, ...rest] = output.shape;
    const shape = this.returnSequences ? [batch, steps, ...rest] : output.shape;
    const whole = track(new Tensor(shape, output.dtype, null));
    const values = !like.shape.includes(UNKNOWN) && steps === 0;
    return this.#give(values ? zerosLike(whole) : whole, values ? states : states.map(abstract));
  }

  #give(output: Tensor, states: Tensor[]): Tensor | Tensor[] {
    return this.returnState ? [output, ...states] : output;
  }

  #walkAtOnce(cell: GatedCell, x: Tensor, states: Tensor[], mask: Tensor | null, args: CallArgs) {
    const turned = (t: Tensor) => this.goBackwards ? reverse(t, 1) : t;
    return walkAtOnce(cell, turned(x), {
      states,
      mask: mask && turned(mask),
      zeroOutput: this.#flags.zeroOutputForMask,
      sequences: this.returnSequences,
      wantStates: this.returnState || this.stateful,
    }, args);
  }

  #walk(x: Tensor, begin: Tensor[], mask: Tensor | null, args: CallArgs) {
    const step = this.#stepper(x, args), count = x.shape[1];
    const masks = mask && unstack(mask, 1);
    const outputs: Tensor[] = [];
    let states = begin;
    for (let i = 0; i < count; i++) {
      const t = this.goBackwards ? count - 1 - i : i;
      const [output, ...next] = step(t, states);
      if (!masks) {
        outputs.push(output);
        states = next;
        continue;
      }
      const choose = (now: Tensor, otherwise: Tensor) =>
        where(reshape(masks[t], [now.shape[0], ...now.shape.slice(1).fill(1)]), now, otherwise);
      const before = i === 0 || this.#flags.zeroOutputForMask ? zerosLike(output) : outputs[i - 1];
      outputs.push(choose(output, before));
      states = next.map((s, k) => choose(s, states[k]));
    }
    const output = this.returnSequences ? stack(outputs, 1) : outputs[outputs.length - 1];
    return { output, last: states };
  }

  // One step: [output, ...states]. What inputs say to a cell with gates is one product for all steps.
  #stepper(x: Tensor, args: CallArgs): (t: number, states: Tensor[]) => Tensor[] {
    const { cell } = this;
    if (cell instanceof GatedCell) {
      const parts = unstack(cell.project(x, args.dropoutMask as Tensor | undefined), 1);
      return (t, states) => {
        const next = cell.step(parts[t], states, args.recurrentDropoutMask as Tensor | undefined);
        return [next[0], ...next];
      };
    }
    const parts = unstack(x, 1);
    return (t, states) => cell.call([parts[t], ...states], args);
  }

  /** The mask of the inputs where all outputs are given; states have none. */
  override computeMask(_inputs: Tensor | Tensor[], mask?: Mask): Mask {
    const given = [mask].flat()[0] ?? null, output = this.returnSequences ? given : null;
    return this.returnState ? [output, ...[this.cell.stateSize].flat().map(() => null)] : output;
  }

  /** Gives back the memory of its weights and states. */
  override dispose(): void {
    super.dispose();
    for (const kept of this.states) kept.dispose();
    this.#kept = undefined;
  }

  /** The flags that all layers of the kind have. */
  protected flagsConfig(): Config {
    return {
      ...super.getConfig(),
      return_sequences: this.returnSequences,
      return_state: this.returnState,
      go_backwards: this.goBackwards,
      stateful: this.stateful,
      unroll: this.#flags.unroll,
      zero_output_for_mask: this.#flags.zeroOutputForMask,
    };
  }
  /** What makes the layer again, with Keras's keys. */
  override getConfig(): Config {
    return { ...this.flagsConfig(), cell: serialize(this.cell) };
  }
  /** Makes a layer from its config. */
  static override fromConfig(config: Config): Layer {
    const args = argsOf(config);
    if ("cell" in args) args.cell = deserializeLayer(args.cell as ClassConfig);
    // deno-lint-ignore no-explicit-any
    return new (this as unknown as new (args: any) => Layer)(args);
  }
}
registerClass(RNN);

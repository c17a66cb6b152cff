// How do cells stand on top of each other? Each takes the output of the one below; together they are one cell.

import { DinogradError } from "../errors.ts";
import { tidy } from "../scope.ts";
import { type ClassConfig, type Config, serialize } from "../serialization.ts";
import { registerClass } from "../serialization/registry.ts";
import { Tensor, track } from "../tensor.ts";
import { deserializeLayer } from "./deserialize.ts";
import type { CallArgs, Layer, LayerArgs } from "./layer.ts";
import { RNNCell } from "./rnn_cell.ts";

/** Arguments of `layers.stackedRNNCells`. */
export interface StackedRNNCellsArgs extends LayerArgs {
  /** The cells, from the one that takes the input on. */
  cells: RNNCell[];
}

const sizesOf = (cell: RNNCell) => [cell.stateSize].flat();

/** Cells on top of each other; their states stand in a row, those of the lowest first. */
export class StackedRNNCells extends RNNCell {
  static override className = "StackedRNNCells";
  /** The cells, from the one that takes the input on. */
  readonly cells: readonly RNNCell[];

  constructor(args: StackedRNNCellsArgs) {
    super(args);
    this.cells = args.cells;
    if (!this.cells?.length || this.cells.some((c) => !(c instanceof RNNCell))) {
      throw new DinogradError(`"${this.name}" needs cells, a list of RNNCells`);
    }
  }

  override get stateSize(): number[] {
    return this.cells.flatMap(sizesOf);
  }
  override getInitialState(x: Tensor): Tensor[] {
    return this.cells.flatMap((cell) => cell.getInitialState(x));
  }
  override build(inputShape: number[] | number[][]): void {
    const shape = (Array.isArray(inputShape[0]) ? inputShape[0] : inputShape) as number[];
    tidy(() => {
      let x = track(new Tensor(shape, this.computeDtype, null));
      for (const [i, cell] of this.cells.entries()) {
        cell.scope = `${this.scope}/RNNCell_${i}`; // as TensorFlow.js
        cell.ensureBuilt(x.shape);
        [x] = cell.apply([x, ...cell.getInitialState(x)]) as Tensor[];
      }
    });
  }
  override stepArgs(x: Tensor, args: CallArgs): CallArgs {
    let input = x;
    const cells = this.cells.map((cell) => {
      const own = cell.stepArgs(input, args);
      const described = track(new Tensor(input.shape, input.dtype, null));
      [input] = cell.apply([described, ...cell.getInitialState(described)]) as Tensor[];
      return own;
    });
    return { training: args.training, cells };
  }
  override call(inputs: Tensor | Tensor[], args: CallArgs): Tensor[] {
    const [x, ...states] = [inputs].flat();
    const own = args.cells as CallArgs[] | undefined;
    let output = x, at = 0;
    const next = this.cells.flatMap((cell, i) => {
      const count = sizesOf(cell).length;
      const [y, ...after] = cell.call(
        [output, ...states.slice(at, at += count)],
        own?.[i] ?? args,
      );
      output = y;
      return after;
    });
    return [output, ...next];
  }
  override getConfig(): Config {
    return { ...super.getConfig(), cells: this.cells.map((cell) => serialize(cell)) };
  }
  static override fromConfig({ cells, ...config }: Config): Layer {
    const made = (cells as ClassConfig[]).map(deserializeLayer) as RNNCell[];
    return new this({ ...config, cells: made });
  }
}
registerClass(StackedRNNCells);

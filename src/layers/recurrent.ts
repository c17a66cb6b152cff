// Which recurrent layers does every library have? A cell with gates along a sequence: SimpleRNN, LSTM, GRU.

import type { Config } from "../serialization.ts";
import { registerClass } from "../serialization/registry.ts";
import type {
  GatedCell,
  GRUCellLayerArgs,
  LSTMCellLayerArgs,
  SimpleRNNCellLayerArgs,
} from "./gated_cell.ts";
import { GRUCell, LSTMCell, SimpleRNNCell } from "./gated_cells.ts";
import { uniqueName } from "./module.ts";
import { type BaseRNNLayerArgs, RNN } from "./rnn.ts";

/** Arguments of `layers.simpleRNN`. */
export interface SimpleRNNLayerArgs extends SimpleRNNCellLayerArgs, BaseRNNLayerArgs {}
/** Arguments of `layers.lstm`. */
export interface LSTMLayerArgs extends LSTMCellLayerArgs, BaseRNNLayerArgs {}
/** Arguments of `layers.gru`. */
export interface GRULayerArgs extends GRUCellLayerArgs, BaseRNNLayerArgs {}

type CellArgs = SimpleRNNCellLayerArgs & BaseRNNLayerArgs;

// What a layer says of itself in its config, and not through its cell.
const ofLayer = ["name", "trainable", "dtype"];

/** The base of layers that are one cell, whose options are their own. */
export abstract class CellLayer extends RNN {
  /** Its weights go by the layer's name. */
  constructor(args: CellArgs, makeCell: (args: CellArgs) => GatedCell) {
    const name = args.name ?? uniqueName(new.target.className);
    const cell = makeCell({
      ...args,
      name,
      inputShape: undefined,
      batchInputShape: undefined,
      weights: undefined,
      activityRegularizer: undefined,
    });
    super({ ...args, name, cell });
  }
  override getConfig(): Config {
    const own = Object.entries(this.cell.getConfig()).filter(([key]) => !ofLayer.includes(key));
    return { ...this.flagsConfig(), ...Object.fromEntries(own) };
  }
}

/** `h' = activation(x . kernel + h . recurrentKernel + bias)` along sequences. */
export class SimpleRNN extends CellLayer {
  static override className = "SimpleRNN";
  constructor(args: SimpleRNNLayerArgs) {
    super(args, (own) => new SimpleRNNCell(own));
  }
}
registerClass(SimpleRNN);

/** Long short-term memory along sequences; see `LSTMCell`. */
export class LSTM extends CellLayer {
  static override className = "LSTM";
  constructor(args: LSTMLayerArgs) {
    super(args, (own) => new LSTMCell(own));
  }
}
registerClass(LSTM);

/** Gated recurrent units along sequences; see `GRUCell`. */
export class GRU extends CellLayer {
  static override className = "GRU";
  constructor(args: GRULayerArgs) {
    super(args, (own) => new GRUCell(own));
  }
}
registerClass(GRU);

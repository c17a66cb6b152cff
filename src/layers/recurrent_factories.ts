// How does a user make a layer for sequences? As every layer (factories.ts): one function per class.

import {
  ConvLSTM2D,
  ConvLSTM2DCell,
  type ConvLSTM2DCellLayerArgs,
  type ConvLSTM2DLayerArgs,
} from "./conv_lstm.ts";
import type { GRUCellLayerArgs, LSTMCellLayerArgs, SimpleRNNCellLayerArgs } from "./gated_cell.ts";
import { GRUCell, LSTMCell, SimpleRNNCell } from "./gated_cells.ts";
import {
  GRU,
  type GRULayerArgs,
  LSTM,
  type LSTMLayerArgs,
  SimpleRNN,
  type SimpleRNNLayerArgs,
} from "./recurrent.ts";
import { RNN, type RNNLayerArgs } from "./rnn.ts";
import { StackedRNNCells, type StackedRNNCellsArgs } from "./stacked_cells.ts";
import {
  Bidirectional,
  type BidirectionalLayerArgs,
  TimeDistributed,
  type WrapperLayerArgs,
} from "./wrappers.ts";

/**
 * Long short-term memory along sequences [batch, steps, features].
 *
 * With gates i, f, o through `recurrentActivation`: `c' = f c + i activation(c~)`, `h' = o activation(c')`, where i, f, c~ and o are
 * the parts of `x . kernel + h . recurrentKernel + bias` (Hochreiter and Schmidhuber 1997; numbers of Keras 3). It gives h after the
 * last step [batch, units]; with `returnSequences` that of each, with `returnState` also h and c after the last. What a mask leaves out
 * changes no state. A state to begin with comes as `apply(x, { initialState: [h, c] })`.
 *
 * ```ts
 * import * as dg from "../../mod.ts";
 * import assert from "node:assert";
 *
 * const model = dg.sequential({
 *   layers: [
 *     dg.layers.lstm({ units: 8, inputShape: [20, 3] }),
 *     dg.layers.dense({ units: 1 }),
 *   ],
 * });
 * const y = model.predict(dg.randomNormal([4, 20, 3])) as dg.Tensor;
 * assert.deepEqual(y.shape, [4, 1]);
 * ```
 */
export function lstm(args: LSTMLayerArgs): LSTM {
  return new LSTM(args);
}
/**
 * Gated recurrent units along sequences: `h' = z h + (1 - z) activation(new)`, with gates z and r (Cho et al. 2014). As in Keras 3 the
 * reset gate r follows the product with the state, unless `resetAfter` is false. Shapes and states as of `lstm`, with one state.
 */
export function gru(args: GRULayerArgs): GRU {
  return new GRU(args);
}
/** `h' = activation(x . kernel + h . recurrentKernel + bias)` along sequences: shapes and states as of `lstm`, with one state. */
export function simpleRNN(args: SimpleRNNLayerArgs): SimpleRNN {
  return new SimpleRNN(args);
}
/**
 * Long short-term memory along sequences of images [batch, steps, height, width, channels], whose products are convolutions: `kernel`
 * [window.., channels, 4 * filters] over the images, as `conv2d` with the same strides and padding, and `recurrentKernel` over the
 * state, which keeps its size (Shi et al. 2015; numbers of Keras 3). It gives h after the last step [batch, height, width, filters].
 *
 * ```ts
 * import * as dg from "../../mod.ts";
 * import assert from "node:assert";
 *
 * const layer = dg.layers.convLstm2d({ filters: 4, kernelSize: 3, padding: "same" });
 * assert.deepEqual((layer.apply(dg.ones([2, 5, 8, 8, 3])) as dg.Tensor).shape, [2, 8, 8, 4]);
 * ```
 */
export function convLstm2d(args: ConvLSTM2DLayerArgs): ConvLSTM2D {
  return new ConvLSTM2D(args);
}
/** One step of `convLstm2d`. */
export function convLstm2dCell(args: ConvLSTM2DCellLayerArgs): ConvLSTM2DCell {
  return new ConvLSTM2DCell(args);
}
/** A cell, or several on top of each other, along sequences: `layers.rnn({ cell: layers.lstmCell({ units: 8 }) })`. */
export function rnn(args: RNNLayerArgs): RNN {
  return new RNN(args);
}
/** One step of `lstm`. */
export function lstmCell(args: LSTMCellLayerArgs): LSTMCell {
  return new LSTMCell(args);
}
/** One step of `gru`. */
export function gruCell(args: GRUCellLayerArgs): GRUCell {
  return new GRUCell(args);
}
/** One step of `simpleRNN`. */
export function simpleRNNCell(args: SimpleRNNCellLayerArgs): SimpleRNNCell {
  return new SimpleRNNCell(args);
}
/** Several cells on top of each other as one. */
export function stackedRNNCells(args: StackedRNNCellsArgs): StackedRNNCells {
  return new StackedRNNCells(args);
}
/**
 * A recurrent layer twice, along sequences from either end; the results are joined: side by side, or as `mergeMode` says ("sum", "mul",
 * "ave", or null for both in a list). The results of the one that walks backwards are turned round first.
 *
 * ```ts
 * import * as dg from "../../mod.ts";
 * import assert from "node:assert";
 *
 * const layer = dg.layers.bidirectional({
 *   layer: dg.layers.gru({ units: 4, returnSequences: true }),
 * });
 * const y = layer.apply(dg.randomNormal([2, 7, 3])) as dg.Tensor;
 * assert.deepEqual(y.shape, [2, 7, 8]);
 * ```
 */
export function bidirectional(args: BidirectionalLayerArgs): Bidirectional {
  return new Bidirectional(args);
}
/**
 * A layer for each step of a sequence by itself: [batch, steps, ...] to [batch, steps, ...].
 *
 * ```ts
 * import * as dg from "../../mod.ts";
 * import assert from "node:assert";
 *
 * const layer = dg.layers.timeDistributed({ layer: dg.layers.dense({ units: 2 }) });
 * assert.deepEqual((layer.apply(dg.ones([5, 7, 3])) as dg.Tensor).shape, [5, 7, 2]);
 * ```
 */
export function timeDistributed(args: WrapperLayerArgs): TimeDistributed {
  return new TimeDistributed(args);
}

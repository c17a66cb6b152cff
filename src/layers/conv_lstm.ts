// How does memory go along sequences of images? As LSTM, with convolutions where that has products.

import { convImages } from "../ops/conv_images.ts";
import { reshape } from "../ops/reshape.ts";
import type { Config } from "../serialization.ts";
import { registerClass } from "../serialization/registry.ts";
import { DinogradError } from "../errors.ts";
import { showShape } from "../shape.ts";
import type { Tensor } from "../tensor.ts";
import { dropped, type LSTMCellLayerArgs } from "./gated_cell.ts";
import { LSTMCell } from "./gated_cells.ts";
import { CellLayer } from "./recurrent.ts";
import { checkDataFormat, type DataFormat } from "./reshaping.ts";
import { zerosOrDescription } from "./rnn_cell.ts";
import type { BaseRNNLayerArgs } from "./rnn.ts";
import {
  checkPadding,
  countOf,
  type LayerWindows,
  type PaddingName,
  sizesOf,
  windowArgs,
} from "./windowed.ts";

/** Arguments of `layers.convLstm2dCell`. */
export interface ConvLSTM2DCellLayerArgs extends Omit<LSTMCellLayerArgs, "units"> {
  /** Number of channels of the state and of the output. */
  filters: number;
  /** Sizes of the windows: a number for both dimensions, or one each. */
  kernelSize: number | number[];
  /** Distances of windows over the input, 1 when left out. */
  strides?: number | number[];
  /** Of the input, "valid" when left out. */
  padding?: PaddingName;
  /** Distances of a window's elements over the input, 1 when left out. */
  dilationRate?: number | number[];
  /** Whether channels come last (as they do when left out) or before the sizes. */
  dataFormat?: DataFormat;
}
/** Arguments of `layers.convLstm2d`. */
export interface ConvLSTM2DLayerArgs extends ConvLSTM2DCellLayerArgs, BaseRNNLayerArgs {}

const same: Pick<LayerWindows, "strides" | "dilations" | "padding"> = {
  strides: [1, 1],
  dilations: [1, 1],
  padding: "same",
};

/** `LSTMCell` over images [batch, height, width, channels], whose products are convolutions. */
export class ConvLSTM2DCell extends LSTMCell {
  static override className = "ConvLSTM2DCell";
  readonly #windows: LayerWindows;
  readonly #dataFormat: DataFormat;

  constructor(args: ConvLSTM2DCellLayerArgs) {
    super({ ...args, units: countOf("filters of ConvLSTM2D", args.filters) });
    if (args.kernelSize === undefined) throw new DinogradError("ConvLSTM2D needs kernelSize");
    const what = (option: string) => `${option} of "${this.name}"`;
    this.#windows = {
      sizes: sizesOf(what("kernelSize"), args.kernelSize, 2),
      strides: sizesOf(what("strides"), args.strides ?? 1, 2),
      dilations: sizesOf(what("dilationRate"), args.dilationRate ?? 1, 2),
      padding: checkPadding("ConvLSTM2D", args.padding ?? "valid", false),
    };
    this.#dataFormat = checkDataFormat(args.dataFormat, "ConvLSTM2D");
  }

  get #channelAxis(): number {
    return this.#dataFormat === "channelsFirst" ? 1 : 3;
  }
  protected override get gateAxis(): number {
    return this.#channelAxis;
  }
  protected override kernelShapes(inputShape: number[]): [number[], number[]] {
    if (inputShape.length !== 4) {
      throw new DinogradError(
        `Layer "${this.name}" takes images [batch, height, width, channels] in each step, got ${
          showShape(inputShape)
        }`,
      );
    }
    const { sizes } = this.#windows, wide = this.gates * this.units;
    return [[...sizes, inputShape[this.#channelAxis], wide], [...sizes, this.units, wide]];
  }

  #convolve(x: Tensor, filter: Tensor, windows: LayerWindows, bias?: Tensor): Tensor {
    const args = windowArgs(windows, this.#dataFormat);
    return convImages(`conv in layer "${this.name}"`, 2, x, filter, args, { bias });
  }
  /** What images say, of one step or of all steps of a sequence. */
  override project(x: Tensor, mask?: Tensor): Tensor {
    const kept = dropped(x, mask), sizes = x.shape.slice(-3), steps = x.shape.slice(0, -3);
    const images = x.rank === 4 ? kept : reshape(kept, [steps[0] * steps[1], ...sizes]);
    const y = this.#convolve(images, this.kernel, this.#windows, this.inputBias);
    return x.rank === 4 ? y : reshape(y, [...steps, ...y.shape.slice(1)]);
  }
  protected override say(h: Tensor, mask?: Tensor): Tensor {
    const windows = { sizes: this.#windows.sizes, ...same };
    return this.#convolve(dropped(h, mask), this.recurrentKernel, windows);
  }
  override getInitialState(x: Tensor): Tensor[] {
    const shape = [...this.project(x).shape];
    shape[this.#channelAxis] = this.units;
    return [0, 1].map(() => zerosOrDescription(shape, x));
  }

  override getConfig(): Config {
    const { units: filters, ...config } = super.getConfig();
    const { sizes, strides, dilations, padding } = this.#windows;
    return {
      ...config,
      filters,
      kernel_size: sizes,
      strides,
      padding,
      dilation_rate: dilations,
      data_format: this.#dataFormat === "channelsFirst" ? "channels_first" : "channels_last",
    };
  }
}
registerClass(ConvLSTM2DCell);

/** Long short-term memory along sequences of images; see `ConvLSTM2DCell`. */
export class ConvLSTM2D extends CellLayer {
  static override className = "ConvLSTM2D";
  constructor(args: ConvLSTM2DLayerArgs) {
    super(args as never, (own) => new ConvLSTM2DCell(own as unknown as ConvLSTM2DCellLayerArgs));
  }
}
registerClass(ConvLSTM2D);

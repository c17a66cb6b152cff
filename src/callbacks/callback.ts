// What can a program do while a model trains? Callbacks: objects with methods that fit calls, as in TensorFlow.js.

import { DinogradError } from "../errors.ts";
import type { Tensor } from "../tensor.ts";

/** Loss and metrics by name; `val_` names for the validation. At the end of a batch also `batch` and `size`. */
export type Logs = Record<string, number>;

/** What callbacks may do with the model. */
export interface CallbackModel {
  /** Set it to end training after the present step. */
  stopTraining: boolean;
  /** Copies of the weights. */
  getWeights(): Tensor[];
  /** Overwrites the weights. */
  setWeights(values: readonly Tensor[]): void;
}

/** What fit was asked for. */
export interface FitParams {
  /** Number of passes over the data. */
  readonly epochs: number;
  /** Steps per epoch. */
  readonly steps: number;
  /** Samples per step. */
  readonly batchSize: number;
  /** Samples per epoch. */
  readonly samples: number;
}

/** Functions that fit calls. A batch function makes fit run single steps and read the loss after each. */
export interface CallbackArgs {
  /** Before the first epoch. */
  onTrainBegin?(logs?: Logs): void | Promise<void>;
  /** After the last epoch. */
  onTrainEnd?(logs?: Logs): void | Promise<void>;
  /** Before an epoch, counted from 0. */
  onEpochBegin?(epoch: number, logs?: Logs): void | Promise<void>;
  /** After an epoch, with its loss and metrics. */
  onEpochEnd?(epoch: number, logs?: Logs): void | Promise<void>;
  /** Before a step, counted from 0 in each epoch. */
  onBatchBegin?(batch: number, logs?: Logs): void | Promise<void>;
  /** After a step, with the loss and metrics of the epoch so far. */
  onBatchEnd?(batch: number, logs?: Logs): void | Promise<void>;
  /** Called whenever fit lets other things have a turn. */
  onYield?(epoch: number, batch: number, logs?: Logs): void | Promise<void>;
}

/** The base of callbacks with state of their own. */
export class Callback implements CallbackArgs {
  /** The model that is being trained. */
  protected model!: CallbackModel;
  /** What fit was asked for. */
  protected params!: FitParams;
  /** Whether training ends when the loss is not a finite number. */
  readonly stopsOnNaN: boolean = false;

  /** Called before training. */
  setModel(model: CallbackModel): void {
    this.model = model;
  }
  /** Called before training. */
  setParams(params: FitParams): void {
    this.params = params;
  }
}

/** A callback has any of the functions. */
export interface Callback extends CallbackArgs {}

/** A callback object, or plain functions. */
export type CallbackLike = Callback | CallbackArgs;

type Moment = Exclude<keyof CallbackArgs, undefined>;

/** All callbacks of a fit, the history first. */
export class CallbackList {
  readonly #all: CallbackLike[];

  constructor(given: CallbackLike | readonly CallbackLike[] | undefined, history: Callback) {
    this.#all = [history, ...[given ?? []].flat() as CallbackLike[]];
    const stranger = this.#all.find((c) => typeof c !== "object" || c === null);
    if (stranger === undefined) return;
    throw new DinogradError(
      `fit needs callbacks to be objects with methods such as onEpochEnd, got ${typeof stranger}`,
    );
  }

  /** Whether somebody wants to know of every batch. */
  get wantsBatches(): boolean {
    return this.#all.some((c) => c.onBatchBegin || c.onBatchEnd);
  }
  /** Whether somebody wants training to end when the loss is not finite. */
  get stopsOnNaN(): boolean {
    return this.#all.some((c) => c instanceof Callback && c.stopsOnNaN);
  }

  /** Introduces model and parameters to all. */
  begin(model: CallbackModel, params: FitParams): void {
    for (const c of this.#all) {
      if (!(c instanceof Callback)) continue;
      c.setModel(model);
      c.setParams(params);
    }
  }

  onTrainBegin(): Promise<void> {
    return this.#call("onTrainBegin", {});
  }
  onTrainEnd(): Promise<void> {
    return this.#call("onTrainEnd", {});
  }
  onEpochBegin(epoch: number): Promise<void> {
    return this.#call("onEpochBegin", epoch, {});
  }
  onEpochEnd(epoch: number, logs: Logs): Promise<void> {
    return this.#call("onEpochEnd", epoch, logs);
  }
  onBatchBegin(batch: number): Promise<void> {
    return this.#call("onBatchBegin", batch, {});
  }
  onBatchEnd(batch: number, logs: Logs): Promise<void> {
    return this.#call("onBatchEnd", batch, logs);
  }
  onYield(epoch: number, batch: number, logs: Logs = {}): Promise<void> {
    return this.#call("onYield", epoch, batch, logs);
  }

  async #call(moment: Moment, ...args: unknown[]): Promise<void> {
    for (const c of this.#all) {
      const method = c[moment] as ((...args: unknown[]) => void | Promise<void>) | undefined;
      if (method) await method.apply(c, args);
    }
  }
}

// What can a program do while a model trains? Callbacks: objects with methods that fit calls, as in TensorFlow.js.

import { DinogradError } from "../errors.ts";
import type { SaveHandler } from "../io/artifacts.ts";
import type { Weight } from "../layers/weight.ts";
import type { Optimizer } from "../optimizers/optimizer.ts";
import type { Tensor } from "../tensor.ts";

/** Loss and metrics by name; `val_` names for the validation. At the end of a batch also `batch` and `size`. */
export type Logs = Record<string, number>;

/** What callbacks may do with the model. */
export interface CallbackModel {
  /** Set it to end training after the present step. */
  stopTraining: boolean;
  /** The optimizer, whose learning rate may be set. */
  readonly optimizer: Optimizer;
  /** Its weights. */
  readonly weights: readonly Weight[];
  /** Copies of the weights. */
  getWeights(): Tensor[];
  /** Overwrites the weights. */
  setWeights(values: readonly Tensor[]): void;
  /** Saves model and weights; see `model.save`. */
  save(target: string | SaveHandler): Promise<unknown>;
  /** Saves the weights; see `model.saveWeights`. */
  saveWeights(path: string): Promise<void>;
}

/** What must be kept to go on later as if nothing had happened. */
export interface SavedState {
  /** Numbers and texts, lists and objects of them. */
  readonly values: Readonly<Record<string, unknown>>;
  /** Tensors by name. */
  readonly arrays: Readonly<Record<string, Tensor>>;
}

/** A running fit, which can be saved between two steps, and another one gone on with from there. */
export interface Training {
  /** Weights, optimizer, random generators, metrics, callbacks, and how far training has come. The caller disposes of the arrays. */
  save(): SavedState;
  /** Goes on from a saved state; to be called in `onTrainBegin`. */
  restore(state: SavedState): void;
}

/** What fit was asked for. */
export interface FitParams {
  /** Number of passes over the data. */
  readonly epochs: number;
  /** Steps per epoch; null where a dataset does not say. */
  readonly steps: number | null;
  /** Samples per step; null for datasets. */
  readonly batchSize: number | null;
  /** Samples per epoch; null for datasets. */
  readonly samples: number | null;
  /** Names that the logs of an epoch may have: the loss, metrics, and `val_` ones where there is a validation. */
  readonly names: readonly string[];
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
  /** The fit that is running. */
  protected training!: Training;
  /** Whether training ends when the loss is not a finite number. */
  readonly stopsOnNaN: boolean = false;
  /** Whether it is called after all others, the history included. */
  readonly comesLast: boolean = false;

  /** Called before training. */
  setModel(model: CallbackModel): void {
    this.model = model;
  }
  /** Called before training. */
  setParams(params: FitParams): void {
    this.params = params;
  }
  /** Called before training. */
  setTraining(training: Training): void {
    this.training = training;
  }

  /** What it must remember when training goes on later; the arrays stay its own. */
  getState(): SavedState | null {
    return null;
  }
  /** Takes over what `getState` gave; the arrays stay the caller's. */
  setState(_state: SavedState): void {}
}

/** A callback has any of the functions. */
export interface Callback extends CallbackArgs {}

/** A callback object, or plain functions. */
export type CallbackLike = Callback | CallbackArgs;

type Moment = Exclude<keyof CallbackArgs, undefined>;

/** All callbacks of a fit, the history behind them, because it notes what others add to the logs, and then those that come last. */
export class CallbackList {
  readonly #all: CallbackLike[];

  constructor(given: CallbackLike | readonly CallbackLike[] | undefined, history: Callback) {
    const all = [given ?? []].flat() as CallbackLike[];
    const stranger = all.find((c) => typeof c !== "object" || c === null);
    const late = (c: CallbackLike) => c instanceof Callback && c.comesLast;
    this.#all = [...all.filter((c) => !late(c)), history, ...all.filter(late)];
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

  /** Introduces model, parameters and the fit itself to all. */
  begin(model: CallbackModel, params: FitParams, training: Training): void {
    for (const c of this.#own) {
      c.setModel(model);
      c.setParams(params);
      c.setTraining(training);
    }
  }

  /** What all of them must remember: one value for each, and arrays by its number and their names. */
  save(): { values: unknown[]; arrays: Record<string, Tensor> } {
    const states = this.#own.map((c) => c.getState());
    const arrays = states.flatMap((state, i) =>
      Object.entries(state?.arrays ?? {}).map(([name, tensor]) => [`${i}/${name}`, tensor])
    );
    return {
      values: states.map((state) => state?.values ?? null),
      arrays: Object.fromEntries(arrays),
    };
  }

  /** Takes over what `save` gave. */
  restore(values: readonly unknown[], arrays: Readonly<Record<string, Tensor>>): void {
    if (values.length !== this.#own.length) {
      throw new DinogradError(
        `The saved training had ${values.length} callbacks with state, the history included, this one has ${this.#own.length}`,
      );
    }
    this.#own.forEach((c, i) => {
      if (values[i] === null) return;
      const own = Object.entries(arrays).flatMap(([name, tensor]) =>
        name.startsWith(`${i}/`) ? [[name.slice(`${i}/`.length), tensor]] : []
      );
      c.setState({
        values: values[i] as SavedState["values"],
        arrays: Object.fromEntries(own),
      });
    });
  }

  get #own(): Callback[] {
    return this.#all.filter((c) => c instanceof Callback);
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

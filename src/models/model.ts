// What can be done with a model? Compile, fit, evaluate, predict, look inside, save.

import type { History } from "../callbacks/history.ts";
import { DinogradError } from "../errors.ts";
import { Layer, type LayerArgs, toDims } from "../layers/layer.ts";
import {
  encodeWeights,
  fileHandler,
  inTensorflowJsTerms,
  type SaveHandler,
} from "../io/artifacts.ts";
import { currentDevice, type Device, within } from "../native/device.ts";
import type { Optimizer } from "../optimizers/optimizer.ts";
import { concat } from "../ops/join.ts";
import { slice } from "../ops/movement.ts";
import { scalar } from "../ops/creation.ts";
import { Arena } from "../record.ts";
import { tidy } from "../scope.ts";
import { Tensor, track } from "../tensor.ts";
import { version } from "../version.ts";
import { type CompileArgs, Compiled } from "./compiled.ts";
import {
  checkCount,
  mapSamples,
  rowsOf,
  type Samples,
  sliceSamples,
  type TensorData,
  toList,
  toSamples,
} from "./data.ts";
import { fitLoop, type FitTarget, makeLoop, runTest } from "./fit.ts";
import { checkFitArgs, type FitArgs } from "./fit_args.ts";
import type { Loop } from "./loop.ts";
import { summaryLines, type SummaryRow } from "./summary.ts";
import { bringRows, hostFor } from "./transfer.ts";

/** Arguments of `model.evaluate`. */
export interface EvaluateArgs {
  /** Samples per step, 32 when left out. */
  batchSize?: number;
  /** Weight of each sample in loss and metrics. */
  sampleWeight?: Tensor;
  /** Taken for TensorFlow.js's sake; evaluation draws nothing. */
  verbose?: 0 | 1;
}

/** Arguments of `model.predict`. */
export interface PredictArgs {
  /** Samples per step, 32 when left out. */
  batchSize?: number;
  /** Taken for TensorFlow.js's sake; prediction draws nothing. */
  verbose?: boolean;
}

/** A layer made of layers, which can be trained. */
export abstract class Model extends Layer {
  /** Set it (in a callback, say) to end `fit` after the present step. */
  stopTraining = false;
  /** Its layers see to their inputs themselves. */
  protected override readonly autocast = false;
  #compiled: Compiled | undefined;
  #fitting = false;
  #arena: Arena | undefined;

  /** A model is a layer: it takes what every layer takes. */
  constructor(args: LayerArgs = {}) {
    super(args);
  }

  /** Names of the inputs, in order. */
  abstract get inputNames(): readonly string[];
  /** Names of the outputs, in order. */
  abstract get outputNames(): readonly string[];
  /** Its layers, in order. */
  abstract get layers(): readonly Layer[];
  /** Rows of its summary. */
  protected abstract summaryRows(): SummaryRow[];

  /** Its layers. */
  override sublayers(): readonly Layer[] {
    return this.layers;
  }

  /** Penalties of all its layers. */
  override regularizationLosses(): Tensor[] {
    return this.layers.flatMap((l) => l.regularizationLosses());
  }

  /** The optimizer that `compile` was given. */
  get optimizer(): Optimizer {
    return this.#ready().optimizer;
  }
  /** Names of what `evaluate` gives: `loss`, then the metrics. */
  get metricsNames(): string[] {
    return this.#ready().names;
  }

  /** Says how to train: optimizer, loss, metrics. What is trainable then is trained until the next compile. */
  compile(args: CompileArgs): void {
    this.#mustRest("compiled");
    const next = new Compiled(this, args);
    this.#compiled?.dispose(this.#compiled.optimizer === next.optimizer);
    this.#compiled = next;
  }

  /**
   * Trains the model on `x` and `y`, whose first dimension counts the samples.
   *
   * The step is recorded once per batch size and replayed. Data may lie on any device: what is not beside the weights is copied there
   * while fit runs, where it fits, and else streams in parts of a few MiB, with the same numbers to the bit.
   * @returns The history: one number per epoch for the loss and each metric, `val_` ones for the validation.
   */
  async fit(x: TensorData, y: TensorData, args: FitArgs = {}): Promise<History> {
    checkFitArgs(args);
    this.#ready();
    this.#mustRest("fitted again");
    const names = { inputs: this.inputNames, outputs: this.outputNames };
    const all = toSamples(x, y, names, "fit", args);
    const made: (Tensor | null)[] = [all.weights];
    const cut = (from: number, rows: number): Samples => {
      const part = sliceSamples(all, from, rows);
      made.push(...part.x, ...part.y, part.weights);
      return part;
    };
    this.#fitting = true;
    try {
      if (all.count === 0) throw new DinogradError("fit needs at least one sample, got 0");
      let train = all, validation: Samples | null = null;
      if (args.validationSplit) {
        const rows = Math.floor(all.count * (1 - args.validationSplit));
        if (rows === 0) {
          throw new DinogradError(
            `fit has nothing to train on: validationSplit ${args.validationSplit} takes all ${all.count} samples`,
          );
        }
        train = cut(0, rows);
        validation = cut(rows, all.count - rows);
      } else if (args.validationData) {
        const [vx, vy, sampleWeight] = args.validationData;
        validation = toSamples(vx, vy, names, "fit's validationData", { sampleWeight });
        made.push(validation.weights);
      }
      this.#buildFor(train.x);
      return await fitLoop(this.#target(), train, validation, args);
    } finally {
      this.#fitting = false;
      for (const t of made) t?.dispose();
    }
  }

  /** Loss, then metrics, over all of `x` and `y`: one scalar, or a list when there are metrics, on the model's device. */
  evaluate(x: TensorData, y: TensorData, args: EvaluateArgs = {}): Tensor | Tensor[] {
    this.#ready();
    checkCount("evaluate", "batchSize", args.batchSize);
    const names = { inputs: this.inputNames, outputs: this.outputNames };
    const samples = toSamples(x, y, names, "evaluate", args);
    let loop: Loop | undefined;
    try {
      if (samples.count === 0) throw new DinogradError("evaluate needs at least one sample, got 0");
      this.#buildFor(samples.x);
      const target = this.#target();
      loop = makeLoop(target, samples, args.batchSize ?? 32, "test", 1);
      const values = Object.values(runTest(target, loop)) as number[];
      const results = within(target.arena.device, () => values.map((v) => scalar(v)));
      return results.length === 1 ? results[0] : results;
    } finally {
      loop?.dispose();
      samples.weights?.dispose();
    }
  }

  /** Outputs for `x`, computed batch by batch, on the model's device. */
  predict(x: TensorData, args: PredictArgs = {}): Tensor | Tensor[] {
    checkCount("predict", "batchSize", args.batchSize);
    const xs = toList(x, this.inputNames, "predict's x");
    const rows = rowsOf(xs, "predict"), batchSize = args.batchSize ?? 32;
    this.#buildFor(xs);
    const device = this.#device;
    const host = hostFor(xs.filter((t) => t.device !== device), Math.min(batchSize, rows));
    const run = () => {
      const parts: Tensor[][] = [];
      for (let at = 0; at === 0 || at < rows; at += batchSize) {
        const size = Math.min(batchSize, rows - at);
        const batch = (t: Tensor) =>
          t.device === device ? slice(t, [at], [size]) : bringRows(t, at, size, device, host);
        parts.push(tidy(() => this.#outputs(xs.map(batch))));
      }
      const outputs = parts[0].map((_, i) =>
        parts.length === 1 ? parts[0][i] : concat(parts.map((p) => p[i]), 0)
      );
      return outputs.length === 1 ? outputs[0] : outputs;
    };
    return within(device, () => tidy(run));
  }

  /** Outputs for `x` as one batch. */
  predictOnBatch(x: TensorData): Tensor | Tensor[] {
    const xs = toList(x, this.inputNames, "predictOnBatch's x");
    return this.predict(xs, { batchSize: Math.max(1, rowsOf(xs, "predictOnBatch")) });
  }

  /** One step on one batch: its loss before the update, then the metrics of this batch. */
  trainOnBatch(x: TensorData, y: TensorData, sampleWeight?: Tensor): Promise<number | number[]> {
    return Promise.resolve().then(() => this.#onBatch(x, y, sampleWeight, true));
  }

  /** Loss and metrics of one batch, nothing trained. */
  testOnBatch(x: TensorData, y: TensorData, sampleWeight?: Tensor): Promise<number | number[]> {
    return Promise.resolve().then(() => this.#onBatch(x, y, sampleWeight, false));
  }

  /** The layer of this name, or at this position. */
  getLayer(nameOrIndex: string | number, index?: number): Layer {
    const at = typeof nameOrIndex === "number" ? nameOrIndex : index;
    const layer = at !== undefined
      ? this.layers[at]
      : this.layers.find((l) => l.name === nameOrIndex);
    if (layer) return layer;
    throw new DinogradError(
      `Model "${this.name}" has no layer ${at ?? JSON.stringify(nameOrIndex)}, only ${
        this.layers.map((l) => l.name).join(", ")
      }`,
    );
  }

  /** Prints a table of its layers. */
  summary(
    lineLength?: number,
    _positions?: number[],
    printFn: (text: string) => void = console.log,
  ): void {
    for (const text of summaryLines(this.name, this.summaryRows(), lineLength)) printFn(text);
  }

  /**
   * Saves topology and weights in TensorFlow.js's layers format.
   * @param target `file://` and a folder, which gets model.json and weights.bin; or a handler with a `save` method.
   */
  async save(target: string | SaveHandler): Promise<unknown> {
    if (!this.built) {
      throw new DinogradError(`Model "${this.name}" is not built yet: nothing to save`);
    }
    const handler = typeof target === "string" ? fileHandler(target) : target;
    const { specs, data } = encodeWeights(this.weights);
    return await handler.save({
      modelTopology: {
        ...inTensorflowJsTerms({ class_name: this.getClassName(), config: this.getConfig() }),
        keras_version: "3.0.0",
        backend: "dinograd",
      },
      format: "layers-model",
      generatedBy: `dinograd ${version}`,
      convertedBy: null,
      weightSpecs: specs,
      weightData: data,
    });
  }

  /** Gives back the memory of weights, optimizer and recordings. */
  override dispose(): void {
    this.#mustRest("disposed of");
    this.#compiled?.dispose();
    this.#dropArena();
    super.dispose();
  }

  #ready(): Compiled {
    if (this.#compiled) return this.#compiled;
    throw new DinogradError(`Model "${this.name}" must be compiled first: model.compile({...})`);
  }

  // A running fit holds on to what these would take away.
  #mustRest(done: string): void {
    if (!this.#fitting) return;
    throw new DinogradError(
      `Model "${this.name}" cannot be ${done} while fit runs: set stopTraining, and wait for fit to end`,
    );
  }

  // Where the weights were made, which is where everything is computed.
  get #device(): Device {
    return this.weights[0]?.variable.device ?? currentDevice();
  }

  // What loops need of the model; its recorded steps share one arena on the weights' device.
  #target(): FitTarget {
    const device = this.#device;
    if (this.#arena && this.#arena.device !== device) this.#dropArena();
    this.#arena ??= new Arena(device);
    return { name: this.name, compiled: this.#ready(), arena: this.#arena, model: this };
  }

  #dropArena(): void {
    this.#arena?.dispose();
    this.#arena = undefined;
  }

  #outputs(xs: Tensor[]): Tensor[] {
    const out = this.apply(xs.length === 1 ? xs[0] : xs, { training: false });
    return (Array.isArray(out) ? out : [out]).map((y) => xs.includes(y) ? y.clone() : y);
  }

  #buildFor(xs: readonly Tensor[]): void {
    if (this.built) return;
    tidy(() => {
      const described = xs.map((x) =>
        track(new Tensor(toDims([null, ...x.shape.slice(1)]), x.dtype, null))
      );
      this.apply(described.length === 1 ? described[0] : described, {});
    });
  }

  #onBatch(
    x: TensorData,
    y: TensorData,
    sampleWeight: Tensor | undefined,
    training: boolean,
  ): number | number[] {
    const compiled = this.#ready();
    const what = training ? "trainOnBatch" : "testOnBatch";
    const names = { inputs: this.inputNames, outputs: this.outputNames };
    return tidy(() => {
      const given = toSamples(x, y, names, what, { sampleWeight });
      this.#buildFor(given.x);
      const device = this.#device;
      const here = (t: Tensor) => t.device === device ? t : bringRows(t, 0, given.count, device);
      const samples = mapSamples(given, given.count, here);
      return within(device, () => {
        compiled.resetMetrics();
        const params = training ? compiled.stepParams(1) : undefined;
        if (params) {
          device.native.upload(params.target, 0, new Uint8Array(params.values.slice().buffer));
        }
        const loss = (training ? compiled.trainStep : compiled.testStep)(samples).dataSync()[0];
        const metrics = Object.values(compiled.metricResults());
        return metrics.length ? [loss, ...metrics] : loss;
      });
    });
  }
}

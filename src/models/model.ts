// What can be done with a model? Compile, fit, evaluate, predict, look inside, save.

import type { Logs } from "../callbacks/callback.ts";
import type { History } from "../callbacks/history.ts";
import type { Dataset } from "../data/dataset.ts";
import { isRecord } from "../data/elements.ts";
import { DinogradError } from "../errors.ts";
import { deserializeLayer } from "../layers/deserialize.ts";
import type { LayerArgs } from "../layers/layer.ts";
import { single } from "../layers/node.ts";
import type { SaveArgs, SaveHandler } from "../io/artifacts.ts";
import { fileSystem } from "../io/handlers.ts";
import { inTensorflowJsTerms } from "../io/terms.ts";
import { loadWeights, saveWeights } from "../io/weights.ts";
import { within } from "../native/device.ts";
import type { Optimizer } from "../optimizers/optimizer.ts";
import { scalar } from "../ops/creation.ts";
import { Arena } from "../record.ts";
import { tidy } from "../scope.ts";
import type { Config } from "../serialization.ts";
import type { Tensor } from "../tensor.ts";
import { Compiled } from "./compiled.ts";
import { Container } from "./container.ts";
import { checkCount, mapSamples, rowsOf, type TensorData, toList, toSamples } from "./data.ts";
import { DatasetCourse } from "./course.ts";
import { equip, fitBatches, fitSamples, makeLoop, runTest, runTestCourse } from "./fit.ts";
import type { FitTarget } from "./fit_state.ts";
import {
  checkFitArgs,
  checkFitDatasetArgs,
  type EvaluateArgs,
  type EvaluateDatasetArgs,
  type FitArgs,
  type FitDatasetArgs,
  type PredictArgs,
} from "./fit_args.ts";
import { buildFor, deviceOf, predict } from "./predict.ts";
import { rehearse } from "./rehearsal.ts";
import { splitBatches, splitSamples } from "./split.ts";
import type { Loop } from "./loop.ts";
import type { CompileArgs } from "./outputs.ts";
import { artifactsOf } from "./artifacts.ts";
import { bringRows } from "./transfer.ts";

/**
 * A layer made of layers, which can be trained. `sequential` and `model` make some; a class that extends Model keeps layers in its
 * fields and applies them in its `call`.
 *
 * ```ts
 * import * as dg from "../../mod.ts";
 *
 * class Classifier extends dg.Model {
 *   static override className = "Classifier";
 *   hidden = dg.layers.dense({ units: 8, activation: "relu" });
 *   head = dg.layers.dense({ units: 3, activation: "softmax" });
 *   override call(inputs: dg.Tensor | dg.Tensor[]): dg.Tensor {
 *     return this.head.apply(this.hidden.apply(inputs)) as dg.Tensor;
 *   }
 * }
 * const model = new Classifier();
 * model.compile({ optimizer: "adam", loss: "sparseCategoricalCrossentropy" });
 * const x = dg.randomNormal([32, 4]), y = dg.randomUniformInt([32], 0, 3);
 * await model.fit(x, y, { verbose: 0 });
 * ```
 */
export class Model extends Container {
  /** Name in saved models. */
  static override className = "Model";
  /** Set it (in a callback, say) to end `fit` after the present step. */
  stopTraining = false;
  /** Its layers see to their inputs themselves. */
  protected override readonly autocast = false;
  #compiled: Compiled | undefined;
  #running: "fit" | "tune.batchSize" | undefined;
  #arena: Arena | undefined;
  #metadata: Record<string, unknown> | undefined;

  /** A model is a layer: it takes what every layer takes. */
  constructor(args: LayerArgs = {}) {
    super(args);
  }

  /** Makes a model from its config: of this class, or as `Model.fromConfig`, whichever kind the config describes. */
  static override fromConfig(config: Config): Model {
    if (this as unknown !== Model) return super.fromConfig(config) as Model;
    const class_name = "input_layers" in config ? "Functional" : "Sequential";
    return deserializeLayer({ class_name, config }) as Model;
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
   * Trains the model on `x` and `y`, whose first dimension counts the samples. Targets are needed for the outputs that have losses
   * or metrics; null where none has.
   *
   * The step is recorded once per batch size and replayed. Data may lie on any device: what is not beside the weights is copied there
   * while fit runs, where it fits, and else streams in parts of a few MiB, with the same numbers to the bit.
   * @returns The history: one number per epoch for the loss and each metric, `val_` ones for the validation.
   */
  async fit(x: TensorData, y: TensorData | null, args: FitArgs = {}): Promise<History> {
    checkFitArgs(args);
    this.#ready();
    this.#mustRest("fitted again");
    const names = { inputs: this.inputNames, outputs: this.#ready().targetNames };
    const { train, validation, made } = splitSamples(x, y, names, args);
    this.#running = "fit";
    try {
      this.#buildFor(train.x);
      return await fitSamples(this.#target(), train, validation, args);
    } finally {
      this.#running = undefined;
      for (const t of made) t.dispose();
    }
  }

  /**
   * Trains the model on a dataset, whose elements are batches `{ xs, ys }`, or `{ xs, ys, sampleWeight }`: each a tensor, a list in the
   * order of inputs or outputs, or an object by their names. The tensors of each element are disposed of.
   *
   * The step is recorded once per form of batches and replayed, as in `fit`, and the same batches give the same numbers to the bit.
   *
   * ```ts
   * import * as dg from "../../mod.ts";
   *
   * const points = Array.from({ length: 64 }, (_, i) => ({ xs: [i / 64], ys: [3 * i / 64 + 1] }));
   * const model = dg.sequential({ layers: [dg.layers.dense({ units: 1, inputShape: [1] })] });
   * model.compile({ optimizer: dg.train.sgd(0.1), loss: "meanSquaredError" });
   * const dataset = dg.data.array(points).shuffle(64).batch(16);
   * await model.fitDataset(dataset, { epochs: 5, verbose: 0 });
   * ```
   */
  async fitDataset(dataset: Dataset<unknown>, args: FitDatasetArgs = {}): Promise<History> {
    checkFitDatasetArgs(args);
    this.#ready();
    this.#mustRest("fitted again");
    const names = { inputs: this.inputNames, outputs: this.#ready().targetNames };
    const { train, validation, made } = splitBatches(dataset, names, args);
    this.#running = "fit";
    try {
      this.#buildFor((await train.first()).x);
      return await fitBatches(this.#target(), train, validation, args);
    } finally {
      this.#running = undefined;
      await train.dispose();
      for (const t of made) t.dispose();
    }
  }

  /** Loss, then metrics, over the batches of a dataset: one scalar, or a list when there are metrics, on the model's device. */
  async evaluateDataset(
    dataset: Dataset<unknown>,
    args: EvaluateDatasetArgs = {},
  ): Promise<Tensor | Tensor[]> {
    const compiled = this.#ready();
    checkCount("evaluateDataset", "batches", args.batches);
    const names = { inputs: this.inputNames, outputs: compiled.targetNames };
    const { batches } = args;
    const course = new DatasetCourse(dataset, {
      what: "evaluateDataset",
      names,
      batches,
      anew: true,
    });
    try {
      this.#buildFor((await course.first()).x);
      const target = this.#target();
      return this.#results(await runTestCourse(target, equip(course, target, "test")));
    } finally {
      await course.dispose();
    }
  }

  // What evaluations give for their logs.
  #results(logs: Logs): Tensor | Tensor[] {
    return single(within(deviceOf(this), () => Object.values(logs).map((v) => scalar(v))));
  }

  /** Loss, then metrics, over all of `x` and `y`: one scalar, or a list when there are metrics, on the model's device. */
  evaluate(x: TensorData, y: TensorData | null, args: EvaluateArgs = {}): Tensor | Tensor[] {
    const compiled = this.#ready();
    checkCount("evaluate", "batchSize", args.batchSize);
    const names = { inputs: this.inputNames, outputs: compiled.targetNames };
    const samples = toSamples(x, y, names, "evaluate", args);
    let loop: Loop | undefined;
    try {
      if (samples.count === 0) throw new DinogradError("evaluate needs at least one sample, got 0");
      this.#buildFor(samples.x);
      const target = this.#target();
      loop = makeLoop(target, samples, args.batchSize ?? 32, "test", 1);
      return this.#results(runTest(target, loop));
    } finally {
      loop?.dispose();
      samples.weights?.dispose();
    }
  }

  /** Outputs for `x`, computed batch by batch, on the model's device. */
  predict(x: TensorData, args: PredictArgs = {}): Tensor | Tensor[] {
    return predict(this, x, args, (xs) => this.#buildFor(xs));
  }

  /** Outputs for `x` as one batch. */
  predictOnBatch(x: TensorData): Tensor | Tensor[] {
    const xs = toList(x, this.inputNames, "predictOnBatch's x");
    return this.predict(xs, { batchSize: Math.max(1, rowsOf(xs, "predictOnBatch")) });
  }

  /** One step on one batch: its loss before the update, then the metrics of this batch. */
  trainOnBatch(
    x: TensorData,
    y: TensorData | null,
    sampleWeight?: Tensor,
  ): Promise<number | number[]> {
    return Promise.resolve().then(() => this.#onBatch(x, y, sampleWeight, true));
  }

  /** Loss and metrics of one batch, nothing trained. */
  testOnBatch(
    x: TensorData,
    y: TensorData | null,
    sampleWeight?: Tensor,
  ): Promise<number | number[]> {
    return Promise.resolve().then(() => this.#onBatch(x, y, sampleWeight, false));
  }

  /** The topology as `modelFromJSON` reads it, in TensorFlow.js's terms: as text, or as an object where `returnString` is false. */
  toJSON(_unused?: unknown, returnString = true): string | Record<string, unknown> {
    const topology = {
      ...inTensorflowJsTerms({ class_name: this.getClassName(), config: this.getConfig() }),
      keras_version: "3.0.0",
      backend: "dinograd",
    };
    return returnString ? JSON.stringify(topology) : topology;
  }

  /** Has `save` put a plain object with the model, for `getUserDefinedMetadata` of what is loaded. */
  setUserDefinedMetadata(metadata: Record<string, unknown>): void {
    const json = JSON.stringify(metadata);
    if (!isRecord(metadata) || json === undefined) {
      throw new DinogradError(`userDefinedMetadata must be a plain object, got ${typeof metadata}`);
    }
    this.#metadata = JSON.parse(json);
  }
  /** What `setUserDefinedMetadata` was given, or came with a loaded model. */
  getUserDefinedMetadata(): Record<string, unknown> | undefined {
    return this.#metadata;
  }

  /**
   * Saves topology and weights in TensorFlow.js's layers format, for `loadLayersModel` or TensorFlow.js itself; with
   * `includeOptimizer`, also what `compile` was told and the optimizer's state, so that training can go on as if it had not stopped.
   *
   * 16-bit floats are saved as float32. What TensorFlow.js has not (optimizers such as AdamW, Keras 3's hard_sigmoid) is saved under
   * names that it does not know: it says so when it loads such a model.
   *
   * ```ts
   * import * as dg from "../../mod.ts";
   *
   * const model = dg.sequential({ layers: [dg.layers.dense({ units: 1, inputShape: [2] })] });
   * model.compile({ optimizer: "adam", loss: "meanSquaredError" });
   * await model.fit(dg.ones([8, 2]), dg.zeros([8, 1]), { verbose: 0 });
   * const folder = await Deno.makeTempDir();
   * await model.save(`file://${folder}`, { includeOptimizer: true });
   * const again = await dg.loadLayersModel(`file://${folder}/model.json`);
   * await again.fit(dg.ones([8, 2]), dg.zeros([8, 1]), { verbose: 0 });
   * await Deno.remove(folder, { recursive: true });
   * ```
   * @param target A folder, with or without `file://`, which gets model.json and weights.bin; or a handler with a `save` method.
   */
  async save(target: string | SaveHandler, args: SaveArgs = {}): Promise<unknown> {
    if (!this.built) {
      throw new DinogradError(`Model "${this.name}" is not built yet: nothing to save`);
    }
    const handler = typeof target === "string" ? fileSystem(target) : target;
    if (typeof handler?.save !== "function") {
      throw new DinogradError(`save needs a folder or a handler with a method save`);
    }
    const compiled = args.includeOptimizer ? this.#ready() : undefined;
    const topology = this.toJSON(undefined, false);
    return await handler.save(
      artifactsOf(this, topology, args, compiled, this.#metadata),
    );
  }

  /**
   * Saves the weights alone, in the safetensors format, under the names that `weights` shows. A file of that name is replaced
   * in one go.
   * @param path With or without `file://` before it.
   */
  async saveWeights(path: string): Promise<void> {
    if (!this.built) {
      throw new DinogradError(`Model "${this.name}" is not built yet: it has no weights to save`);
    }
    await saveWeights(this.weights, path);
  }

  /** Takes over weights that `saveWeights` wrote, for a model of the same layers. All are checked before any is changed. */
  async loadWeights(path: string): Promise<void> {
    if (!this.built) {
      throw new DinogradError(`Model "${this.name}" is not built yet: it has no weights to load`);
    }
    this.#mustRest("given other weights");
    await loadWeights(this.weights, path);
  }

  /** @internal For `tune.batchSize`: trains it by what `compile` was told, with an optimizer of its own, and then undoes that. */
  async rehearse<T>(work: (target: FitTarget) => Promise<T>): Promise<T> {
    this.#mustRest("tuned");
    const compiled = this.#ready();
    this.#running = "tune.batchSize";
    try {
      return await rehearse(this, compiled, work);
    } finally {
      this.#running = undefined;
    }
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

  // What runs holds on to what these would take away.
  #mustRest(done: string): void {
    const running = this.#running, stop = running === "fit" ? "set stopTraining, and " : "";
    if (!running) return;
    throw new DinogradError(
      `Model "${this.name}" cannot be ${done} while ${running} runs: ${stop}wait for it to end`,
    );
  }

  // What loops need of the model; its recorded steps share one arena on the weights' device.
  #target(): FitTarget {
    const device = deviceOf(this);
    if (this.#arena && this.#arena.device !== device) this.#dropArena();
    this.#arena ??= new Arena(device);
    return { name: this.name, compiled: this.#ready(), arena: this.#arena, model: this };
  }

  #dropArena(): void {
    this.#arena?.dispose();
    this.#arena = undefined;
  }

  #buildFor(xs: readonly Tensor[]): void {
    buildFor(this, xs, this.graph?.inputs[0].shape[0]);
  }

  #onBatch(
    x: TensorData,
    y: TensorData | null,
    sampleWeight: Tensor | undefined,
    training: boolean,
  ): number | number[] {
    const compiled = this.#ready();
    const what = training ? "trainOnBatch" : "testOnBatch";
    const names = { inputs: this.inputNames, outputs: compiled.targetNames };
    return tidy(() => {
      const given = toSamples(x, y, names, what, { sampleWeight });
      this.#buildFor(given.x);
      const device = deviceOf(this);
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

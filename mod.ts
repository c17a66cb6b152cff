/**
 * Deep learning for Deno: Keras-style models, trained on an NVIDIA GPU, a CPU library or WebAssembly, from one import.
 *
 * ```ts
 * import * as dg from "./mod.ts";
 *
 * const x = dg.randomNormal([64, 4]);
 * const y = x.sum(1, true);
 * const model = dg.sequential({
 *   layers: [
 *     dg.layers.dense({ units: 16, activation: "relu", inputShape: [4] }),
 *     dg.layers.dense({ units: 1 }),
 *   ],
 * });
 * model.compile({ optimizer: "adam", loss: "meanSquaredError" });
 * await model.fit(x, y, { epochs: 2, verbose: 0 });
 * ```
 *
 * @module
 */

import "./src/chain.ts";

// ---- Tensors and their lifetime ---------------------------------------------------------------------------------------
export { type DeviceBuffer, memory, print, Tensor } from "./src/tensor.ts";
export { Variable, variable } from "./src/variable.ts";
export { type Disposable, dispose, keep, tidy } from "./src/scope.ts";
export type { DType, TypedArray } from "./src/dtype.ts";
export type { NestedArray } from "./src/format.ts";

// ---- Operations and gradients -----------------------------------------------------------------------------------------
export * from "./src/ops/mod.ts";
export {
  customGrad,
  type CustomResult,
  grad,
  grads,
  type GradSaveFunc,
  valueAndGrad,
  valueAndGrads,
  variableGrads,
} from "./src/grad.ts";

export {
  type DeviceLimits,
  type KernelProfile,
  measureLimits,
  profile,
  type ProfileInfo,
  profileTable,
  time,
  type TimeInfo,
} from "./src/profile.ts";

// ---- Layers and models ------------------------------------------------------------------------------------------------
/** Makers of layers: `layers.dense({ units: 10 })`. */
export * as layers from "./src/layers/factories.ts";
export {
  type CallArgs,
  type CallHook,
  Layer,
  type LayerArgs,
  type Shape,
} from "./src/layers/layer.ts";
export { input, type InputArgs } from "./src/layers/core.ts";
export type { Module, ModuleArgs } from "./src/layers/module.ts";
export { type Connected, type Node, type SymbolicSpec, SymbolicTensor } from "./src/layers/node.ts";
export { RNNCell } from "./src/layers/rnn_cell.ts";
export { RNN } from "./src/layers/rnn.ts";
export type { Mask } from "./src/layers/mask.ts";
export { deserializeLayer } from "./src/layers/deserialize.ts";
export type { Weight } from "./src/layers/weight.ts";
export { Initializer, type InitializerIdentifier, initializers } from "./src/initializers.ts";
export { Regularizer, type RegularizerIdentifier, regularizers } from "./src/regularizers.ts";
export { Constraint, type ConstraintIdentifier, constraints } from "./src/constraints.ts";
export type { Activation, ActivationIdentifier } from "./src/activations.ts";
export { Sequential, sequential, type SequentialArgs } from "./src/models/sequential.ts";
export { Functional, type FunctionalArgs, model } from "./src/models/functional.ts";
export {
  Model,
  /** A model, under TensorFlow.js's name. */
  Model as LayersModel,
} from "./src/models/model.ts";
export type { Container } from "./src/models/container.ts";
export type { Graph } from "./src/models/graph.ts";
export type { SummaryRow } from "./src/models/summary.ts";
export { loadLayersModel, type LoadOptions } from "./src/models/load.ts";
/** Models from their configs: TensorFlow.js's `tf.models`. */
export * as models from "./src/models/from_json.ts";
/** Where models are saved to and loaded from: TensorFlow.js's `tf.io`. */
export * as io from "./src/io/mod.ts";
export type {
  LoadHandler,
  ModelArtifacts,
  Quantization,
  SaveArgs,
  SaveHandler,
  TrainingConfig,
  WeightSpec,
} from "./src/io/artifacts.ts";
export type { ClassConfig, Config, Configured, Serializable } from "./src/serialization.ts";
/** Lets configs name a program's own classes. */
export * as serialization from "./src/serialization/registry.ts";

/** In which types layers compute and keep their weights: `mixedPrecision.setGlobalPolicy("mixed_bfloat16")`. */
export * as mixedPrecision from "./src/mixed_precision.ts";
export type { Policy, PolicyIdentifier, PolicyName } from "./src/policy.ts";

// ---- Training ---------------------------------------------------------------------------------------------------------
export type { CompileArgs, OutputMetrics, PerOutput } from "./src/models/outputs.ts";
export type {
  CommonFitArgs,
  EvaluateArgs,
  EvaluateDatasetArgs,
  FitArgs,
  FitDatasetArgs,
  PredictArgs,
  ValidationSamples,
} from "./src/models/fit_args.ts";
/** Which batch size a model should be trained at: `tune.batchSize(model)`. */
export * as tune from "./src/models/tune.ts";
export type { ClassWeight, TensorData } from "./src/models/data.ts";
export {
  getOptimizer,
  type LearningRate,
  type OptimizerIdentifier,
  train,
} from "./src/optimizers/registry.ts";
export {
  type Gradients,
  type NamedTensor,
  Optimizer,
  type StepValues,
} from "./src/optimizers/optimizer.ts";
export { type OptimizerOptions, RuleOptimizer } from "./src/optimizers/rule_optimizer.ts";
export type { LossScaleOptimizer, LossScaleOptions } from "./src/optimizers/loss_scale.ts";
export type { Rule, Scaling, Slot } from "./src/optimizers/state.ts";
export { LearningRateSchedule, schedules } from "./src/optimizers/schedules.ts";
/** Losses: TensorFlow.js's core functions, and Keras's classes. */
export * as losses from "./src/losses/mod.ts";
export { Reduction } from "./src/losses/core.ts";
export type {
  Loss,
  LossFunction,
  LossOptions,
  Reduction as LossReduction,
} from "./src/losses/loss.ts";
export type { LossIdentifier } from "./src/losses/registry.ts";
/** Metrics: TensorFlow.js's functions, and Keras's classes with state. */
export * as metrics from "./src/metrics/mod.ts";
export { Metric, type MetricOptions } from "./src/metrics/metric.ts";
export type { MetricFunction } from "./src/metrics/mean.ts";
export type { MetricIdentifier } from "./src/metrics/registry.ts";
export {
  Callback,
  type CallbackArgs,
  type CallbackLike,
  type CallbackModel,
  type FitParams,
  type Logs,
  type SavedState,
  type Training,
} from "./src/callbacks/callback.ts";
export { History } from "./src/callbacks/history.ts";
/** Makers of callbacks: `callbacks.earlyStopping({ patience: 3 })`. */
export * as callbacks from "./src/callbacks/factories.ts";
export { BackupAndRestore, type BackupAndRestoreArgs } from "./src/callbacks/backup.ts";
export { ModelCheckpoint, type ModelCheckpointArgs } from "./src/callbacks/checkpoint.ts";
export { CSVLogger, type CSVLoggerArgs } from "./src/callbacks/csv_logger.ts";
export type { SaveFreq } from "./src/callbacks/frequency.ts";
export type { MonitorMode } from "./src/callbacks/monitor.ts";
export {
  LearningRateScheduler,
  ReduceLROnPlateau,
  type ReduceLROnPlateauArgs,
} from "./src/callbacks/rates.ts";
export { EarlyStopping, type EarlyStoppingArgs, TerminateOnNaN } from "./src/callbacks/stopping.ts";
export { TensorBoard, type TensorBoardArgs } from "./src/callbacks/tensorboard.ts";

// ---- Data -------------------------------------------------------------------------------------------------------------
/** Where samples come from: datasets of lists, generators, text and series, drawn digits, files in MNIST's format. */
export * as data from "./src/data/mod.ts";
export type { Dataset, Stream } from "./src/data/dataset.ts";
/** Texts to numbers and tensors: tokenizers, padding, vectorization. */
export * as text from "./src/text/mod.ts";
/** Small helpers. */
export * as utils from "./src/utils.ts";

// ---- Devices ----------------------------------------------------------------------------------------------------------
export { getBackend, nextFrame, ready, setBackend } from "./src/backend.ts";
export {
  type Device,
  device,
  type DeviceKind,
  type DeviceProperty,
  devices,
  type MemoryProperty,
} from "./src/native/device.ts";
/** Which devices there are and how much memory they may take: TensorFlow's `tf.config`. */
export * as config from "./src/config.ts";
/** What this build and machine can do: TensorFlow's `tf.test`. */
export * as test from "./src/availability.ts";
export { type Installed, installNative, type InstallOptions } from "./src/native/install.ts";
export type { LibraryKind } from "./src/native/library.ts";
export type {
  Argument,
  Arguments,
  Calls,
  DeviceNumber,
  Family,
  FamilyName,
  MemoryKind,
  SymbolName,
  symbols,
} from "./src/native/symbols.ts";
export { type Native, OutOfMemoryError, RecordError } from "./src/native/native.ts";

// ---- Errors and version -----------------------------------------------------------------------------------------------
export { DinogradError } from "./src/errors.ts";
export { version } from "./src/version.ts";

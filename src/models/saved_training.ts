// How does a saved model say how it was trained? Optimizer, loss and metrics in TensorFlow.js's terms, and the optimizer's state.

import { isRecord } from "../data/elements.ts";
import { DinogradError } from "../errors.ts";
import type { TrainingConfig } from "../io/artifacts.ts";
import type { StoredWeight } from "../io/decode.ts";
import { Loss } from "../losses/loss.ts";
import { Metric } from "../metrics/metric.ts";
import { LossScaleOptimizer } from "../optimizers/loss_scale.ts";
import type { NamedTensor, Optimizer } from "../optimizers/optimizer.ts";
import { RuleOptimizer } from "../optimizers/rule_optimizer.ts";
import { RMSprop } from "../optimizers/rules.ts";
import { mul } from "../ops/elementwise.ts";
import { zerosLike } from "../ops/creation.ts";
import { tidy } from "../scope.ts";
import {
  type ClassConfig,
  type Config,
  isClassConfig,
  serialize,
  toCamelCase,
  toSnakeCase,
} from "../serialization.ts";
import { showShape } from "../shape.ts";
import { fromHost, type Tensor } from "../tensor.ts";
import type { CompileArgs } from "./outputs.ts";

// ---- What compile was told --------------------------------------------------------------------------------------------

const given = (value: unknown) => value !== undefined && value !== null;

/** A loss or metric, or any arrangement of them, as JSON holds it. */
function named(kind: string, value: unknown): unknown {
  if (typeof value === "string") return toSnakeCase(value);
  if (value instanceof Loss || value instanceof Metric) {
    const saved = serialize(value) as ClassConfig;
    if (!saved.class_name.endsWith("Wrapper")) return saved;
  } else if (Array.isArray(value)) return value.map((item) => named(kind, item));
  else if (isClassConfig(value) || !given(value)) return value;
  else if (isRecord(value)) {
    return Object.fromEntries(Object.entries(value).map(([key, v]) => [key, named(kind, v)]));
  }
  const name = (value as { name?: string }).name ?? typeof value;
  throw new DinogradError(
    `A file cannot hold the ${kind} function "${name}": compile with the name or an object of a ${kind}, or save without includeOptimizer`,
  );
}

/** What TensorFlow.js calls the options, besides the learning rate, of those optimizers that take the same steps there as here. */
const theirs: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  SGD: {},
  Adam: { beta_1: "beta_1", beta_2: "beta_2", epsilon: "epsilon" },
  RMSProp: { rho: "decay", momentum: "momentum", epsilon: "epsilon" },
  Adagrad: { initial_accumulator_value: "initial_accumulator_value" },
};

// Options that TensorFlow.js fixes, at the value that it fixes them at.
const fixed: Readonly<Record<string, unknown>> = {
  momentum: 0,
  nesterov: false,
  amsgrad: false,
  centered: false,
};

/**
 * An optimizer as TensorFlow.js says it, where it has the same one; else with `dinograd>` before the class, so that TensorFlow.js says
 * that it does not know it, instead of training otherwise.
 */
function optimizerConfig(optimizer: Optimizer): ClassConfig {
  const { class_name, config } = serialize(optimizer) as ClassConfig;
  const name = class_name === "RMSprop" ? "RMSProp" : class_name;
  const known: Readonly<Record<string, string>> = Object.hasOwn(theirs, name)
    ? { ...theirs[name], learning_rate: "learning_rate", name: "name" }
    : {};
  const stray = (key: string, value: unknown) =>
    !Object.hasOwn(known, key) && given(value) && value !== fixed[key] &&
    !(name === "Adagrad" && key === "epsilon" && value === 1e-7);
  const same = known.name && typeof config.learning_rate === "number" &&
    !Object.entries(config).some(([key, value]) => stray(key, value));
  if (!same) return { class_name: `dinograd>${class_name}`, config };
  const kept = Object.entries(config).filter(([key]) => key in known);
  return {
    class_name: name,
    config: Object.fromEntries(kept.map(([key, value]) => [known[key], value])),
  };
}

/** What `compile` was told, for a file. */
export function trainingConfigOf(args: CompileArgs, optimizer: Optimizer): TrainingConfig {
  const weights = args.lossWeights;
  return {
    optimizer_config: optimizerConfig(optimizer),
    loss: named("loss", args.loss ?? null),
    metrics: named("metric", args.metrics ?? []),
    ...(given(args.weightedMetrics) &&
      { weighted_metrics: named("metric", args.weightedMetrics) }),
    ...(given(weights) && { loss_weights: weights }),
  };
}

/** TensorFlow.js's and Keras 2's config of an optimizer, in our terms. */
function optimizerFrom(saved: unknown, file: string): ClassConfig {
  if (
    !isClassConfig(saved) || typeof saved.class_name !== "string" || !isRecord(saved.config)
  ) {
    throw new DinogradError(
      `${file} must describe its optimizer by class_name and config, got ${
        JSON.stringify(saved)?.slice(0, 80)
      }`,
    );
  }
  const { class_name } = saved;
  const config: Config = Object.fromEntries(
    Object.entries(saved.config).map(([key, value]) => [toCamelCase(key), value]),
  );
  if (class_name === "LossScaleOptimizer" || class_name === "dinograd>LossScaleOptimizer") {
    const { innerOptimizer, ...rest } = config;
    return {
      class_name: "LossScaleOptimizer",
      config: { ...rest, inner_optimizer: optimizerFrom(innerOptimizer, file) },
    };
  }
  if (class_name === "Momentum") {
    const { useNesterov: nesterov, ...rest } = config;
    return { class_name: "SGD", config: { ...rest, nesterov } };
  }
  if (/^rmsprop$/i.test(class_name) && config.rho === undefined) {
    const { decay: rho, ...rest } = config;
    return { class_name: "RMSprop", config: { ...rest, rho } };
  }
  return { class_name, config };
}

/** Arguments of `compile` from a file. */
export function compileArgsFrom(saved: unknown, file: string): CompileArgs {
  if (!isRecord(saved)) {
    throw new DinogradError(`${file} has a trainingConfig that is none: ${JSON.stringify(saved)}`);
  }
  const { loss, metrics, loss_weights, weighted_metrics } = saved;
  for (const [key, value] of Object.entries({ loss, metrics, loss_weights, weighted_metrics })) {
    const plain = key === "loss_weights" ? "number" : "string";
    if (!given(value) || typeof value === plain || Array.isArray(value) || isRecord(value)) {
      continue;
    }
    throw new DinogradError(
      `${file} must give ${key} as a ${plain}, a list or an object, got ${JSON.stringify(value)}`,
    );
  }
  return {
    optimizer: optimizerFrom(saved.optimizer_config, file),
    loss: loss as CompileArgs["loss"],
    metrics: metrics as CompileArgs["metrics"],
    ...(given(loss_weights) && { lossWeights: loss_weights as CompileArgs["lossWeights"] }),
    ...(given(weighted_metrics) &&
      { weightedMetrics: weighted_metrics as CompileArgs["metrics"] }),
  };
}

// ---- The optimizer's state --------------------------------------------------------------------------------------------

// Scale and step counter come last, so that the rest is what TensorFlow.js writes of the optimizer inside.
const ofScale = ["step_counter", "dynamic_scale"];

// TensorFlow.js's RMSProp has an array for momentum in any case.
const lacksMomentum = (optimizer: Optimizer) =>
  optimizer instanceof RMSprop && optimizer.getConfig().momentum === 0;

/** The state of an optimizer in TensorFlow.js's order: the number of steps, then array by array. Nothing before the first step. */
export function optimizerWeights(optimizer: Optimizer): NamedTensor[] {
  if (optimizer instanceof LossScaleOptimizer) {
    const own = optimizer.getWeights().slice(0, ofScale.length);
    return own.length > 0 ? [...optimizerWeights(optimizer.innerOptimizer), ...own] : [];
  }
  const all = optimizer.getWeights();
  if (all.length === 0) return [];
  const state = optimizer instanceof RuleOptimizer
    ? optimizer.stateBySlot.map((i) => all[i])
    : all.slice(1);
  if (lacksMomentum(optimizer)) {
    const count = optimizer.variables.length;
    const none = optimizer.variables.map((v, i) => ({
      name: `${v.name.replaceAll("/", "_")}_momentum`,
      tensor: zerosLike(state[i].tensor),
    }));
    state.splice(count, 0, ...none);
  }
  return [{ name: "iter", tensor: all[0].tensor }, ...state];
}

/** Gives an optimizer, built for its variables, the state of a file. All of it is checked before any is changed. */
export function restoreOptimizer(
  optimizer: Optimizer,
  stored: readonly StoredWeight[],
  config: unknown,
  file: string,
): void {
  tidy(() => optimizer.setWeights(stateFrom(optimizer, stored, config, file)));
}

function stateFrom(
  optimizer: Optimizer,
  stored: readonly StoredWeight[],
  config: unknown,
  file: string,
): NamedTensor[] {
  const scales = optimizer instanceof LossScaleOptimizer;
  const inner = scales ? optimizer.innerOptimizer : optimizer;
  if (!(inner instanceof RuleOptimizer)) {
    throw new DinogradError(`${file} holds state for ${inner.getClassName()}, which takes none`);
  }
  const order = inner.stateBySlot, count = inner.variables.length;
  const padded = lacksMomentum(inner) ? count : 0;
  const wanted = 1 + order.length + padded + (scales ? ofScale.length : 0);
  if (stored.length !== wanted) {
    throw new DinogradError(
      `${file} must hold ${wanted} arrays of state for ${inner.getClassName()} and ${count} weights, got ${stored.length}`,
    );
  }
  const [iter, ...rest] = stored;
  if (iter.dtype !== "int32" || iter.size !== 1 || iter.values()[0] < 0) {
    throw new DinogradError(
      `${file} must begin its optimizer's state with the number of steps, got ${iter.dtype} ${
        showShape(iter.shape)
      } "${iter.name}"`,
    );
  }
  const { device } = inner.variables[0];
  const tensor = ({ values, shape, dtype }: StoredWeight) =>
    fromHost(values(), shape, dtype, device);
  const own = scales ? rest.splice(-ofScale.length) : [];
  rest.splice(count, padded);
  const all: NamedTensor[] = inner.getWeights();
  all[0] = { name: "iteration", tensor: fromHost(iter.values(), [], "int32", device) };
  const convert = momentumOf(config, inner.learningRate);
  order.forEach((to, i) => {
    all[to] = { name: all[to].name, tensor: convert(tensor(rest[i])) };
  });
  return [...own.map((s) => ({ name: s.name, tensor: tensor(s) })), ...all];
}

// TensorFlow.js's Momentum adds up gradients, Keras's SGD the steps that they make.
function momentumOf(config: unknown, rate: number): (state: Tensor) => Tensor {
  const saved = isRecord(config) ? config.optimizer_config : undefined;
  return isClassConfig(saved) && saved.class_name === "Momentum"
    ? (state) => mul(state, -rate)
    : (state) => state;
}

// What does `compile` make of a model? Its optimizer, losses and metrics, and the two steps that loops run: train and test.

import { DinogradError, unknownName } from "../errors.ts";
import type { Layer } from "../layers/layer.ts";
import type { Weight } from "../layers/weight.ts";
import { getLoss, type Loss, type LossIdentifier } from "../losses/registry.ts";
import { type Metric, type MetricIdentifier, resolveMetric } from "../metrics/registry.ts";
import { add, mul } from "../ops/elementwise.ts";
import { getOptimizer, type OptimizerIdentifier } from "../optimizers/registry.ts";
import { LossScaleOptimizer } from "../optimizers/loss_scale.ts";
import type { Optimizer } from "../optimizers/optimizer.ts";
import { scopes, tidy } from "../scope.ts";
import { showShape } from "../shape.ts";
import type { Tensor } from "../tensor.ts";
import type { Variable } from "../variable.ts";
import type { Batch, StepParams } from "./loop.ts";

/** One item for all outputs, a list in their order, or an object by output name. */
export type PerOutput<T> = T | readonly T[] | Readonly<Record<string, T>>;

/** Arguments of `model.compile`. */
export interface CompileArgs {
  /** An optimizer or its name. */
  optimizer: OptimizerIdentifier;
  /** A loss (name, function or object), or one per output. */
  loss: PerOutput<LossIdentifier>;
  /** Weight of each output's loss in the total. */
  lossWeights?: readonly number[] | Readonly<Record<string, number>>;
  /** Metrics (names, functions or objects), or a list per output; sample weights do not count in them. */
  metrics?:
    | MetricIdentifier
    | readonly MetricIdentifier[]
    | Readonly<Record<string, MetricIdentifier | readonly MetricIdentifier[]>>;
  /** As metrics, with the sample weights counted in. */
  weightedMetrics?: CompileArgs["metrics"];
  /** Whether a model of the policy mixed_float16 has its optimizer wrapped in a LossScaleOptimizer (true when left out). */
  autoScaleLoss?: boolean;
  /** Runs every training step op by op instead of recording it: slower, but a debugger sees it. */
  runEagerly?: boolean;
}

// An optimizer keeps its loss scale from compile to compile, as it keeps its state.
const wrapped = new WeakMap<Optimizer, LossScaleOptimizer>();
function scaling(optimizer: Optimizer): Optimizer {
  if (optimizer instanceof LossScaleOptimizer) return optimizer;
  const wrapper = wrapped.get(optimizer) ?? new LossScaleOptimizer(optimizer);
  wrapped.set(optimizer, wrapper);
  return wrapper;
}

/** The model as its steps see it. */
export interface Steppable extends Layer {
  readonly outputNames: readonly string[];
}

/** A metric before the shapes are known that decide which one is meant. */
interface WantedMetric {
  readonly name: string;
  readonly identifier: MetricIdentifier;
  readonly output: number;
  readonly weighted: boolean;
}

interface NamedMetric extends WantedMetric {
  readonly metric: Metric;
}

/** Spreads a per-output argument over the outputs. */
function spread<T>(
  given: PerOutput<T>,
  names: readonly string[],
  what: string,
  isItem: (value: unknown) => boolean,
): T[] {
  if (isItem(given)) return names.map(() => given as T);
  if (Array.isArray(given)) {
    if (given.length !== names.length) {
      throw new DinogradError(
        `compile got ${given.length} ${what} for ${names.length} outputs (${names.join(", ")})`,
      );
    }
    return [...given] as T[];
  }
  const record = given as Readonly<Record<string, T>>;
  return names.map((name) => {
    if (Object.hasOwn(record, name)) return record[name];
    throw new DinogradError(
      `compile got no ${what} for output "${name}", only for ${Object.keys(record).join(", ")}`,
    );
  });
}

function asList<T>(value: T | readonly T[]): readonly T[] {
  return Array.isArray(value) ? value : [value as T];
}

function isIdentifier(value: unknown): boolean {
  return typeof value === "string" || typeof value === "function" ||
    (typeof value === "object" && value !== null &&
      ("class_name" in value || "getConfig" in value));
}

/** The metrics for each output, named for the logs; throws where one is not known or belongs to no output. */
function wantedMetrics(args: CompileArgs, outputs: readonly string[]): WantedMetric[] {
  const taken = new Set(["loss"]);
  const named = (identifier: MetricIdentifier, output: number, weighted: boolean): WantedMetric => {
    // Any shapes do to learn its name, and whether there is such a metric.
    const { name } = resolveMetric(identifier, [1, 1], [1, 1]);
    const label = (text: string) => outputs.length > 1 ? `${outputs[output]}_${text}` : text;
    let unique = label(name);
    if (weighted && taken.has(unique)) unique = label(`weighted_${name}`);
    for (let i = 1; taken.has(unique); i++) unique = label(`${name}_${i}`);
    taken.add(unique);
    return { name: unique, identifier, output, weighted };
  };
  return (["metrics", "weightedMetrics"] as const).flatMap((key) => {
    const given = args[key] ?? [];
    const same = isIdentifier(given) || Array.isArray(given);
    const stray = same ? undefined : Object.keys(given).find((name) => !outputs.includes(name));
    if (stray !== undefined) throw unknownName(`output in compile's ${key}`, stray, outputs);
    const byOutput = given as Readonly<Record<string, MetricIdentifier>>;
    return outputs.flatMap((output, i) =>
      asList(same ? given as MetricIdentifier : byOutput[output] ?? [])
        .map((identifier) => named(identifier, i, key === "weightedMetrics"))
    );
  });
}

/** A compiled model: what is needed to run it on batches. */
export class Compiled {
  readonly optimizer: Optimizer;
  readonly runEagerly: boolean;
  readonly #model: Steppable;
  readonly #losses: Loss[];
  readonly #lossWeights: number[];
  readonly #wantedMetrics: readonly WantedMetric[];
  readonly #trainable = new Map<Weight, boolean>(); // as it was at compile, or when the weight came to be
  #metrics: NamedMetric[] | undefined;

  constructor(model: Steppable, args: CompileArgs) {
    const names = model.outputNames;
    for (const key of ["optimizer", "loss"] as const) {
      if (!args?.[key]) throw new DinogradError(`compile needs { optimizer, loss }: got no ${key}`);
    }
    this.#model = model;
    const optimizer = getOptimizer(args.optimizer);
    const scales = (args.autoScaleLoss ?? true) && model.dtypePolicy.name === "mixed_float16";
    this.optimizer = scales ? scaling(optimizer) : optimizer;
    this.runEagerly = args.runEagerly ?? false;
    this.#losses = spread<LossIdentifier>(args.loss, names, "losses", isIdentifier).map(getLoss);
    this.#lossWeights = args.lossWeights === undefined
      ? names.map(() => 1)
      : spread<number>(args.lossWeights, names, "loss weights", (v) => typeof v === "number");
    this.#wantedMetrics = wantedMetrics(args, names);
    this.#trained();
  }

  /** Names under which results are logged: `loss`, then the metrics. */
  get names(): string[] {
    return ["loss", ...this.#wantedMetrics.map((m) => m.name)];
  }

  /** Makes metrics and optimizer state; the shapes of targets and outputs must be known. */
  prepare(targets: readonly Tensor[], outputs: readonly Tensor[]): void {
    this.#metrics ??= this.#wantedMetrics.map((wanted) => {
      const { identifier, output } = wanted;
      const metric = resolveMetric(identifier, targets[output].shape, outputs[output].shape);
      return { ...wanted, metric };
    });
  }

  /** Forward and backward pass, update, metrics; gives the batch's loss. */
  readonly trainStep = (batch: Batch): Tensor => {
    const variables = this.#variables();
    let outputs: Tensor[] = [];
    let pass: ReturnType<Optimizer["gradientsOf"]>;
    try {
      pass = this.optimizer.gradientsOf(() => {
        const { loss, outputs: made } = this.#forward(batch, true);
        outputs = made.map((y) => y.alias()); // metrics read them after the pass that made them is gone
        return loss;
      }, variables);
    } finally {
      for (const y of outputs) scopes.track(y);
    }
    this.optimizer.update(pass.gradients);
    for (const w of this.#trained()) {
      if (w.constraint) w.variable.assign(w.constraint.apply(w.variable));
    }
    this.#updateMetrics(batch, outputs);
    return pass.value;
  };

  /** Forward pass, loss and metrics. */
  readonly testStep = (batch: Batch): Tensor => {
    const { loss, outputs } = this.#forward(batch, false);
    this.#updateMetrics(batch, outputs);
    return loss;
  };

  /** What the host decides for the next `count` train steps; see Loop.run. */
  stepParams(count: number): StepParams | undefined {
    return this.optimizer.prepareSteps(count, this.#variables());
  }

  /** Starts all metrics anew. */
  resetMetrics(): void {
    for (const { metric } of this.#metrics ?? []) metric.resetState();
  }

  /** The metrics' present values. Waits for the device. */
  metricResults(): Record<string, number> {
    return tidy(() =>
      Object.fromEntries(
        (this.#metrics ?? []).map(({ name, metric }) => [name, metric.result().dataSync()[0]]),
      )
    );
  }

  /** Gives back what it made; the optimizer's state too, unless the optimizer lives on. */
  dispose(keepOptimizer = false): void {
    for (const { metric } of this.#metrics ?? []) metric.dispose();
    if (!keepOptimizer) this.optimizer.dispose();
  }

  // The weights that steps change: freezing one later waits for the next compile, as in Keras.
  #trained(): Weight[] {
    const now = new Set(this.#model.trainableWeights), all = this.#model.weights;
    for (const w of all) if (!this.#trainable.has(w)) this.#trainable.set(w, now.has(w));
    return all.filter((w) => this.#trainable.get(w));
  }

  #variables(): Variable[] {
    const variables = this.#trained().map((w) => w.variable);
    if (variables.length > 0) return variables;
    throw new DinogradError(`Model "${this.#model.name}" has no trainable weights to fit`);
  }

  #forward(batch: Batch, training: boolean): { loss: Tensor; outputs: readonly Tensor[] } {
    const x = batch.x.length === 1 ? batch.x[0] : [...batch.x];
    const outputs = asList(this.#model.apply(x, { training }));
    this.prepare(batch.y, outputs);
    let loss: Tensor | undefined;
    outputs.forEach((output, i) => {
      const part = this.#losses[i].apply(batch.y[i], output, batch.weights ?? undefined);
      const weighted = this.#lossWeights[i] === 1 ? part : mul(part, this.#lossWeights[i]);
      loss = loss ? add(loss, weighted) : weighted;
    });
    if (loss!.rank !== 0) {
      throw new DinogradError(
        `A model is trained on a loss that is one number: got shape ${showShape(loss!.shape)} ` +
          `(is its reduction "none"?)`,
      );
    }
    for (const penalty of this.#model.regularizationLosses()) loss = add(loss!, penalty);
    return { loss: loss!, outputs };
  }

  #updateMetrics(batch: Batch, outputs: readonly Tensor[]): void {
    for (const { metric, output, weighted } of this.#metrics!) {
      const weights = weighted ? batch.weights ?? undefined : undefined;
      metric.updateState(batch.y[output], outputs[output], weights);
    }
  }
}

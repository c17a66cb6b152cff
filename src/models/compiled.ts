// What does `compile` make of a model? Its optimizer, losses and metrics, and the two steps that loops run: train and test.

import { widened } from "../activations.ts";
import { DinogradError } from "../errors.ts";
import type { Layer } from "../layers/layer.ts";
import { maskOf } from "../layers/mask.ts";
import { single } from "../layers/node.ts";
import type { Weight } from "../layers/weight.ts";
import { Mean } from "../metrics/mean.ts";
import { type Metric, resolveMetric } from "../metrics/registry.ts";
import { unwatched } from "../op.ts";
import { sum } from "../ops/broadcast.ts";
import { scalar } from "../ops/creation.ts";
import { add, mul } from "../ops/elementwise.ts";
import { getOptimizer } from "../optimizers/registry.ts";
import { LossScaleOptimizer } from "../optimizers/loss_scale.ts";
import type { Optimizer } from "../optimizers/optimizer.ts";
import { scopes, tidy } from "../scope.ts";
import { showShape } from "../shape.ts";
import type { Tensor } from "../tensor.ts";
import type { Variable } from "../variable.ts";
import type { Batch, StepParams } from "./stepper.ts";
import {
  type CompileArgs,
  type WantedLoss,
  wantedLosses,
  type WantedMetric,
  wantedMetrics,
} from "./outputs.ts";

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

interface NamedMetric extends WantedMetric {
  readonly metric: Metric;
}

/** One of a model's outputs, with the mask that says which entries count. */
interface Output {
  readonly value: Tensor;
  readonly mask: Tensor | undefined;
}

/** A compiled model: what is needed to run it on batches. */
export class Compiled {
  readonly optimizer: Optimizer;
  readonly runEagerly: boolean;
  /** The losses of outputs. */
  readonly losses: readonly WantedLoss[];
  readonly #model: Steppable;
  readonly #wantedMetrics: readonly WantedMetric[];
  readonly #targets: readonly number[]; // positions of the outputs that have targets
  readonly #trainable = new Map<Weight, boolean>(); // as it was at compile, or when the weight came to be
  readonly #means = new Map<string, Mean>(); // of several outputs' losses, and of what layers had logged
  #metrics: NamedMetric[] | undefined;
  #restored: Readonly<Record<string, Tensor>> | undefined; // state of metrics that are not there yet

  constructor(model: Steppable, readonly args: CompileArgs) {
    const names = model.outputNames;
    if (!args?.optimizer) {
      throw new DinogradError("compile needs { optimizer, loss }: got no optimizer");
    }
    this.#model = model;
    const optimizer = getOptimizer(args.optimizer);
    const scales = (args.autoScaleLoss ?? true) && model.dtypePolicy.name === "mixed_float16";
    this.optimizer = scales ? scaling(optimizer) : optimizer;
    this.runEagerly = args.runEagerly ?? false;
    this.losses = wantedLosses(args, names);
    if (this.losses.length > 1) {
      for (const { name } of this.losses) this.#means.set(name, new Mean({ name }));
    }
    this.#wantedMetrics = wantedMetrics(args, names, new Set(["loss", ...this.#means.keys()]));
    const wanted = new Set([...this.losses, ...this.#wantedMetrics].map((item) => item.output));
    this.#targets = names.flatMap((_, i) => wanted.has(i) ? [i] : []);
    this.#trained();
  }

  /** Names under which results are logged: `loss`, those of several outputs, the metrics, what layers had logged so far. */
  get names(): string[] {
    return ["loss", ...this.#results().map(([name]) => name)];
  }
  /** Names of the outputs that have targets, in order. */
  get targetNames(): string[] {
    return this.#targets.map((i) => this.#model.outputNames[i]);
  }

  /** Makes metrics; the shapes of targets and outputs must be known. */
  prepare(batch: Batch, outputs: readonly Tensor[]): void {
    this.#metrics ??= this.#wantedMetrics.map((wanted) => {
      const { identifier, output } = wanted;
      const target = this.#target(batch, output);
      return { ...wanted, metric: resolveMetric(identifier, target.shape, outputs[output].shape) };
    });
    if (this.#restored) this.restoreMetrics(this.#restored);
  }

  /** Forward and backward pass, update, metrics; gives the batch's loss. */
  readonly trainStep = (batch: Batch): Tensor => {
    const variables = this.#variables();
    let outputs: Output[] = [];
    let pass: ReturnType<Optimizer["gradientsOf"]>;
    try {
      pass = this.optimizer.gradientsOf(() => {
        const { loss, outputs: made } = this.#forward(batch, true);
        // Metrics read them after the pass that made them is gone.
        outputs = made.map(({ value, mask }) => ({ value: value.alias(), mask: mask?.alias() }));
        return loss;
      }, variables);
    } finally {
      for (const { value, mask } of outputs) {
        scopes.track(value);
        if (mask) scopes.track(mask);
      }
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
    for (const [, metric] of this.#results()) metric?.resetState();
  }

  /** The metrics' present values. Waits for the device. */
  metricResults(): Record<string, number> {
    return tidy(() =>
      Object.fromEntries(
        this.#results().flatMap(([name, metric]) =>
          metric ? [[name, metric.result().dataSync()[0]]] : []
        ),
      )
    );
  }

  /** Makes the optimizer's state. */
  buildOptimizer(): void {
    this.optimizer.build(this.#variables());
  }

  /** The state of all metrics, under `<metric>/<variable>`. */
  metricState(): Record<string, Tensor> {
    return Object.fromEntries(
      this.#results().flatMap(([name, metric]) =>
        Object.entries(metric?.getState() ?? {}).map(([key, v]) => [`${name}/${key}`, v])
      ),
    );
  }

  /** Takes over state that `metricState` gave, now or as soon as the metrics are made. */
  restoreMetrics(state: Readonly<Record<string, Tensor>>): void {
    const own = new Map<string, Record<string, Tensor>>();
    for (const [path, value] of Object.entries(state)) {
      const [name, key] = path.split(/\/(?=[^/]*$)/);
      own.set(name, { ...own.get(name), [key]: value });
    }
    // What layers had logged has no metric before the first step.
    for (const name of own.keys()) {
      if (this.#means.has(name) || this.#wantedMetrics.some((w) => w.name === name)) continue;
      this.#means.set(name, new Mean({ name }));
    }
    for (const [name, metric] of this.#results()) metric?.setState(own.get(name) ?? {});
    this.#restored = this.#metrics ? undefined : state;
  }

  /** Gives back what it made; the optimizer's state too, unless the optimizer lives on. */
  dispose(keepOptimizer = false): void {
    for (const [, metric] of this.#results()) metric?.dispose();
    if (!keepOptimizer) this.optimizer.dispose();
  }

  // What is logged besides the loss, in order: losses of several outputs, metrics, what layers had logged.
  #results(): [name: string, metric: Metric | undefined][] {
    const losses = this.losses.length > 1 ? this.losses.map((l) => l.name) : [];
    const added = [...this.#means.keys()].filter((name) => !losses.includes(name));
    const mean = (name: string): [string, Metric | undefined] => [name, this.#means.get(name)];
    return [
      ...losses.map(mean),
      ...this.#wantedMetrics.map((w, i): [string, Metric | undefined] => [
        w.name,
        this.#metrics?.[i].metric,
      ]),
      ...added.map(mean),
    ];
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

  #target(batch: Batch, output: number): Tensor {
    return batch.y[this.#targets.indexOf(output)];
  }

  #forward(batch: Batch, training: boolean): { loss: Tensor; outputs: Output[] } {
    const given = [this.#model.apply(single(batch.x), { training })].flat();
    this.prepare(batch, given);
    const outputs = given.map((value) => ({ value, mask: maskOf(value) ?? undefined }));
    const terms = this.losses.map(({ name, loss, output, weight }) => {
      const { value, mask } = outputs[output];
      const weights = batch.weights ?? undefined;
      const term = loss.apply(this.#target(batch, output), value, weights, mask);
      if (term.rank !== 0) {
        throw new DinogradError(
          `A model is trained on a loss that is one number: got shape ${showShape(term.shape)} ` +
            `(is its reduction "none"?)`,
        );
      }
      const mean = this.#means.get(name);
      if (mean) unwatched(() => tidy(() => mean.updateState(term, scalar(value.shape[0]))));
      return weight === 1 ? term : mul(term, weight);
    });
    const added = this.#model.calculateLosses().map((given) => {
      const term = widened(given);
      return term.rank === 0 ? term : sum(term);
    });
    const all = [...terms, ...added];
    if (all.length === 0) {
      throw new DinogradError(
        `Model "${this.#model.name}" has nothing to train on: compile got no loss, and no layer added one`,
      );
    }
    this.#log();
    return { loss: all.reduce((a, b) => add(a, b)), outputs };
  }

  // Notes what layers had logged in this pass.
  #log(): void {
    for (const [name, value] of this.#model.addedMetrics()) {
      const taken = this.#wantedMetrics.some((w) => w.name === name) || name === "loss";
      if (taken || this.losses.some((l) => l.name === name)) {
        throw new DinogradError(
          `Model "${this.#model.name}" already logs "${name}": addMetric needs another name`,
        );
      }
      let mean = this.#means.get(name);
      if (!mean) this.#means.set(name, mean = new Mean({ name }));
      unwatched(() => mean.updateState(value));
    }
  }

  #updateMetrics(batch: Batch, outputs: readonly Output[]): void {
    for (const { metric, output, weighted } of this.#metrics!) {
      const weights = weighted ? batch.weights ?? undefined : undefined;
      const { value, mask } = outputs[output];
      metric.updateState(this.#target(batch, output), value, weights, mask);
    }
  }
}

// What is a functional model? A graph of layers from symbolic inputs to symbolic outputs.

import type { CallArgs, SymbolicTensor } from "../layers/layer.ts";
import { single, symbolicIn } from "../layers/node.ts";
import type { PolicyIdentifier } from "../policy.ts";
import type { Config } from "../serialization.ts";
import { registerClass } from "../serialization/registry.ts";
import type { Tensor } from "../tensor.ts";
import { Graph } from "./graph.ts";
import { graphConfig, readGraphConfig } from "./graph_config.ts";
import { Model } from "./model.ts";

/** Arguments of `model`. */
export interface FunctionalArgs {
  /** What the model is fed: what `input` gave, or values on the way, which then begin a part of that graph. */
  inputs: SymbolicTensor | SymbolicTensor[];
  /** What it computes. */
  outputs: SymbolicTensor | SymbolicTensor[];
  /** The model's name. */
  name?: string;
  /** Whether training changes its weights. */
  trainable?: boolean;
  /** The model's own policy, the global one when left out. Layers have theirs. */
  dtype?: PolicyIdentifier;
  /** Whether training keeps only its inputs and calls it again when it goes back through it. */
  recompute?: boolean;
}

/** A graph of layers, which may have several inputs and outputs and may use a layer several times. */
export class Functional extends Model {
  /** Name in saved models. */
  static override className = "Functional";
  readonly #ends: { inputs: SymbolicTensor[]; outputs: SymbolicTensor[] };
  readonly #losses: SymbolicTensor[] = [];
  readonly #metrics: [name: string, value: SymbolicTensor][] = [];

  /** Finds the layers between inputs and outputs. */
  constructor({ inputs, outputs, ...args }: FunctionalArgs) {
    super(args);
    const graph = new Graph(this.name, [inputs].flat(), [outputs].flat());
    this.#ends = { inputs: [...graph.inputs], outputs: [...graph.outputs] };
    this.graph = graph;
    this.built = true;
  }

  /** What it gives, in order. */
  override get outputs(): SymbolicTensor[] {
    return [...this.#ends.outputs];
  }

  /** Runs the graph, and what was added to it. */
  override call(inputs: Tensor | Tensor[], args: CallArgs): Tensor | Tensor[] {
    const values = this.graph!.run([inputs].flat(), args);
    const outputs = values.splice(0, this.#ends.outputs.length);
    for (const loss of values.splice(0, this.#losses.length)) super.addLoss(loss);
    values.forEach((value, i) => super.addMetric(value, this.#metrics[i][0]));
    return single(outputs);
  }

  /**
   * Adds to the loss: a value of the model's graph, whose entries are summed; or as layers do. Such values are no part of the config.
   *
   * ```ts
   * import * as dg from "../../mod.ts";
   *
   * const x = dg.input({ shape: [3] });
   * const code = dg.layers.dense({ units: 2 }).apply(x) as dg.SymbolicTensor;
   * const model = dg.model({ inputs: x, outputs: dg.layers.dense({ units: 3 }).apply(code) });
   * const size = dg.layers.lambda({ function: (c) => c.square().mean() });
   * model.addLoss(size.apply(code) as dg.SymbolicTensor);
   * ```
   */
  override addLoss(
    loss:
      | SymbolicTensor
      | Tensor
      | (() => Tensor)
      | readonly (SymbolicTensor | Tensor | (() => Tensor))[],
  ): void {
    const symbolic = symbolicIn(loss);
    if (symbolic.length === 0) return super.addLoss(loss as Tensor);
    this.#extend([...this.#losses, ...symbolic], this.#metrics);
    this.#losses.push(...symbolic);
  }

  /** Has the mean over the batches logged under a name, of a value of the model's graph or, as in layers, of a tensor. */
  override addMetric(value: SymbolicTensor | Tensor, name: string): void {
    const [symbolic] = symbolicIn(value);
    if (!symbolic) return super.addMetric(value as Tensor, name);
    this.#extend(this.#losses, [...this.#metrics, [name, symbolic]]);
    this.#metrics.push([name, symbolic]);
  }

  #extend(losses: SymbolicTensor[], metrics: readonly [string, SymbolicTensor][]): void {
    const { inputs, outputs } = this.#ends;
    this.graph = new Graph(this.name, inputs, [
      ...outputs,
      ...losses,
      ...metrics.map(([, value]) => value),
    ]);
  }

  /** Layers and connections, as Keras 2 and TensorFlow.js write them. */
  override getConfig(): Config {
    const { inputs, outputs } = this.#ends;
    return {
      name: this.name,
      trainable: this.trainable,
      dtype: this.dtypePolicy.serialize(),
      ...(this.recompute ? { recompute: true } : {}),
      ...graphConfig(new Graph(this.name, inputs, outputs)),
    };
  }
  /** Makes a model from its config: what `getConfig` gave, or Keras's or TensorFlow.js's config of a functional model. */
  static override fromConfig(config: Config): Functional {
    const { layers: _, input_layers: __, output_layers: ___, ...rest } = config;
    return new this({ ...rest, ...readGraphConfig(config) });
  }
}
registerClass(Functional);
registerClass(Functional, undefined, "Model"); // as Keras and TensorFlow.js used to call it

/**
 * A model from inputs to outputs, made of the layers that were applied on the way.
 *
 * ```ts
 * import * as dg from "../../mod.ts";
 *
 * const a = dg.input({ shape: [4], name: "a" });
 * const b = dg.input({ shape: [4], name: "b" });
 * const shared = dg.layers.dense({ units: 8, activation: "relu" });
 * const [x, y] = [a, b].map((t) => shared.apply(t) as dg.SymbolicTensor);
 * const both = dg.layers.concatenate().apply([x, y]) as dg.SymbolicTensor;
 * const score = dg.layers.dense({ units: 1, name: "score" }).apply(both) as dg.SymbolicTensor;
 *
 * const model = dg.model({ inputs: [a, b], outputs: score });
 * model.compile({ optimizer: "adam", loss: "meanSquaredError" });
 * const data = { a: dg.randomNormal([32, 4]), b: dg.randomNormal([32, 4]) };
 * await model.fit(data, dg.ones([32, 1]), { verbose: 0 });
 * ```
 */
export function model(args: FunctionalArgs): Functional {
  return new Functional(args);
}

// What is a sequential model? Layers in a row, each fed with what the one before gives.

import { DinogradError } from "../errors.ts";
import { input, InputLayer } from "../layers/core.ts";
import { deserializeLayer } from "../layers/deserialize.ts";
import { fromDims, Layer, type Shape, SymbolicTensor } from "../layers/layer.ts";
import type { PolicyIdentifier } from "../policy.ts";
import { type ClassConfig, type Config, serialize } from "../serialization.ts";
import { registerClass } from "../serialization/registry.ts";
import { Container } from "./container.ts";
import { Graph } from "./graph.ts";
import { Model } from "./model.ts";

/** Arguments of `sequential`. */
export interface SequentialArgs {
  /** The layers, first to last. */
  layers?: (Layer | SymbolicTensor)[];
  /** The model's name. */
  name?: string;
  /** The model's own policy, the global one when left out. Layers have theirs. */
  dtype?: PolicyIdentifier;
  /** Whether training keeps only its inputs and calls it again when it goes back through it. */
  recompute?: boolean;
}

type Value = SymbolicTensor | SymbolicTensor[];

/** Layers in a row. */
export class Sequential extends Model {
  /** Name in saved models. */
  static override className = "Sequential";
  readonly #layers: Layer[] = [];
  // Once the input's shape is known: the input, then what each layer gives.
  #values: Value[] = [];

  /** Layers can also be added later. */
  constructor(args: SequentialArgs = {}) {
    super({ name: args.name, dtype: args.dtype, recompute: args.recompute });
    for (const layer of args.layers ?? []) this.add(layer);
  }

  /** Its layers, first to last. */
  override get layers(): readonly Layer[] {
    return this.#layers.filter((l) => !(l instanceof InputLayer));
  }
  /** Name of the input. */
  override get inputNames(): readonly string[] {
    const [first] = this.#layers;
    return [first instanceof InputLayer ? first.name : `${first?.name ?? this.name}_input`];
  }
  /** Name of the output: that of the last layer. */
  override get outputNames(): readonly string[] {
    return this.graph ? super.outputNames : [this.layers.at(-1)?.name ?? this.name];
  }

  /** Appends a layer. Once the input's shape is known (from the first layer's inputShape), layers are built as they come. */
  add(given: Layer | SymbolicTensor): void {
    const layer = given instanceof SymbolicTensor ? given.sourceLayer : given;
    if (!(layer instanceof Layer)) {
      throw new DinogradError(
        `Model "${this.name}" takes layers such as layers.dense({ units: 1 }), got ${typeof layer}`,
      );
    }
    if (this.#layers.some((l) => l.name === layer.name)) {
      throw new DinogradError(
        `Model "${this.name}" already has a layer named "${layer.name}": names must be unique`,
      );
    }
    if (this.#layers.length > 0 && layer instanceof InputLayer) {
      throw new DinogradError(`Model "${this.name}" takes an inputLayer as its first layer only`);
    }
    this.#layers.push(layer);
    try {
      if (this.#layers.length === 1) this.#values = startOf(layer);
      if (this.#values.length > 0 && !(layer instanceof InputLayer)) this.#connect(layer);
    } catch (error) {
      this.#layers.pop();
      if (this.#layers.length === 0) this.#values = [];
      throw error;
    }
    this.#complete();
  }

  /** Removes the last layer. */
  pop(): void {
    const layer = this.#layers.pop();
    if (!layer) throw new DinogradError(`Model "${this.name}" has no layer to remove`);
    const value = this.#values.pop();
    if (!(layer instanceof InputLayer)) [value ?? []].flat()[0]?.node.disconnect();
    if (this.#layers.length === 0) this.#values = [];
    this.#complete();
  }

  /** Builds all layers. */
  override build(inputShape: number[] | number[][]): void {
    if (this.layers.length === 0) {
      throw new DinogradError(`Model "${this.name}" has no layers: add one first`);
    }
    if (this.#values.length > 0) return;
    const shape = fromDims([NaN, ...(inputShape as number[]).slice(1)]);
    this.#values = [input({ batchShape: shape, name: this.inputNames[0] })];
    for (const layer of this.layers) this.#connect(layer);
    this.#complete();
  }

  /** Name and layers. */
  override getConfig(): Config {
    const layers = this.#layers.map((l) => serialize(l) as ClassConfig);
    // Readers learn the input's shape from the first layer, or from the model that it is.
    if (this.graph && !(this.#layers[0] instanceof Container)) {
      layers[0].config.batch_input_shape ??= this.inputs[0].shape;
    }
    const config: Config = { name: this.name, dtype: this.dtypePolicy.serialize(), layers };
    if (this.recompute) config.recompute = true;
    return config;
  }
  /** Makes a model from its config: what `getConfig` gave, or Keras's or TensorFlow.js's config of a sequential model. */
  static override fromConfig(config: Config | ClassConfig[]): Sequential {
    const { layers, build_input_shape, ...args }: Config = Array.isArray(config)
      ? { layers: config }
      : config;
    const model = new this(args);
    for (const layer of layers as ClassConfig[]) model.add(deserializeLayer(layer));
    if (build_input_shape && !model.built && model.layers.length > 0) {
      model.ensureBuilt((build_input_shape as Shape).map((d) => d ?? NaN));
    }
    return model;
  }

  #connect(layer: Layer): void {
    const value = layer.apply(this.#values.at(-1) as SymbolicTensor);
    this.#values.push(value);
  }

  #complete(): void {
    const complete = this.#values.length > 0 && this.layers.length > 0;
    this.graph = complete
      ? new Graph(this.name, [this.#values[0]].flat(), [this.#values.at(-1)!].flat())
      : undefined;
    this.built = complete;
  }
}
registerClass(Sequential);

// The input, where the first layer says its shape.
function startOf(first: Layer): Value[] {
  if (first instanceof InputLayer) return [first.output];
  const nested = first instanceof Container && first.built ? first.inputs : [];
  const batchShape = first.batchInputShape ?? nested[0]?.shape;
  if (!batchShape) return [];
  const dtype = nested[0]?.dtype;
  return [input({ batchShape, dtype, name: `${first.name}_input` })];
}

/** A new sequential model: `sequential({ layers: [...] })`, or empty, with layers added one by one. */
export function sequential(args: SequentialArgs = {}): Sequential {
  return new Sequential(args);
}

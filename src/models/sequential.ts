// What is a sequential model? Layers in a row, each fed with what the one before gives.

import { DinogradError } from "../errors.ts";
import { type CallArgs, fromDims, Layer, type Shape, toDims } from "../layers/layer.ts";
import { InputLayer } from "../layers/core.ts";
import type { PolicyIdentifier } from "../policy.ts";
import { tidy } from "../scope.ts";
import type { Config } from "../serialization.ts";
import { Tensor, track } from "../tensor.ts";
import { Model } from "./model.ts";
import type { SummaryRow } from "./summary.ts";

/** Arguments of `sequential`. */
export interface SequentialArgs {
  /** The layers, first to last. */
  layers?: Layer[];
  /** The model's name. */
  name?: string;
  /** The model's own policy, the global one when left out. Layers have theirs. */
  dtype?: PolicyIdentifier;
}

/** Layers in a row. */
export class Sequential extends Model {
  /** Name in saved models. */
  static override className = "Sequential";
  readonly #layers: Layer[] = [];
  #outputShapes: (Shape | null)[] = [];
  #inputShape: Shape | undefined;

  /** Layers can also be added later. */
  constructor(args: SequentialArgs = {}) {
    super({ name: args.name, dtype: args.dtype });
    for (const layer of args.layers ?? []) this.add(layer);
  }

  /** Its layers, first to last. */
  override get layers(): readonly Layer[] {
    return this.#layers.filter((l) => !(l instanceof InputLayer));
  }
  /** Name of the input. */
  override get inputNames(): readonly string[] {
    return [`${this.#layers[0]?.name ?? this.name}_input`];
  }
  /** Name of the output: that of the last layer. */
  override get outputNames(): readonly string[] {
    return [this.layers[this.layers.length - 1]?.name ?? this.name];
  }
  /** Shape of its input, the batch null; undefined until it is known. */
  get inputShape(): Shape | undefined {
    return this.#inputShape;
  }
  /** Shape of its output, the batch null; undefined until it is built. */
  get outputShape(): Shape | undefined {
    return this.#outputShapes[this.#outputShapes.length - 1] ?? undefined;
  }

  /** Appends a layer. Once the input's shape is known (from the first layer's inputShape), layers are built as they come. */
  add(layer: Layer): void {
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
    if (this.#layers.length === 0) {
      this.#inputShape = layer.batchInputShape ??
        (layer instanceof Sequential ? layer.inputShape : undefined);
    }
    this.#layers.push(layer);
    try {
      this.#describe();
    } catch (error) {
      this.#layers.pop();
      throw error;
    }
  }

  /** Removes the last layer. */
  pop(): void {
    if (this.#layers.length === 0) {
      throw new DinogradError(`Model "${this.name}" has no layer to remove`);
    }
    this.#layers.pop();
    if (this.#layers.length === 0) this.#inputShape = undefined;
    this.#describe();
  }

  /** Builds all layers. */
  override build(inputShape: number[] | number[][]): void {
    if (this.layers.length === 0) {
      throw new DinogradError(`Model "${this.name}" has no layers: add one first`);
    }
    if (!this.#inputShape) this.#inputShape = fromDims([NaN, ...(inputShape as number[]).slice(1)]);
    this.#describe();
  }

  /** Feeds each layer with what the one before gives. */
  override call(inputs: Tensor | Tensor[], args: CallArgs): Tensor | Tensor[] {
    let x = inputs;
    let mask = args.mask ?? null;
    for (const layer of this.layers) {
      const y = layer.apply(x, { ...args, mask });
      mask = layer.computeMask(x, mask);
      x = y;
    }
    return x;
  }

  /** Name and layers. */
  override getConfig(): Config {
    // Readers of the saved form learn the input's shape from the first layer.
    const layers = this.#layers.map((l) => ({
      class_name: l.getClassName(),
      config: l.getConfig(),
    }));
    const first = layers[0]?.config;
    if (first && this.#inputShape) first.batch_input_shape ??= this.#inputShape;
    return { name: this.name, dtype: this.dtypePolicy.serialize(), layers };
  }

  /** Rows of its summary. */
  protected override summaryRows(): SummaryRow[] {
    return this.layers.map((layer, i) => ({ layer, outputShape: this.#outputShapes[i] ?? null }));
  }

  // Walks a description of the input through the layers: builds them and notes their output shapes.
  #describe(): void {
    this.#outputShapes = [];
    if (!this.#inputShape || this.layers.length === 0) {
      this.built = false;
      return;
    }
    tidy(() => {
      let x: Tensor | Tensor[] = track(new Tensor(toDims(this.#inputShape!), "float32", null));
      for (const layer of this.layers) {
        x = layer.apply(x, {});
        this.#outputShapes.push(Array.isArray(x) ? null : fromDims(x.shape));
      }
    });
    this.built = true;
  }
}

/** A new sequential model: `sequential({ layers: [...] })`, or empty, with layers added one by one. */
export function sequential(args: SequentialArgs = {}): Sequential {
  return new Sequential(args);
}

// What is a model made of? A graph of layers from inputs to outputs, or layers among the fields of a class with a `call` of its own.

import { DinogradError } from "../errors.ts";
import { type CallArgs, Layer, type Shape, type SymbolicTensor } from "../layers/layer.ts";
import { type Node, single } from "../layers/node.ts";
import type { Tensor } from "../tensor.ts";
import type { Graph } from "./graph.ts";
import { summaryLines, type SummaryRow } from "./summary.ts";

/** Names, with a number behind those that came before. */
function unique(names: readonly string[]): string[] {
  const taken = new Set<string>();
  return names.map((name) => {
    let so = name;
    for (let i = 1; taken.has(so); i++) so = `${name}_${i}`;
    taken.add(so);
    return so;
  });
}

/** A layer made of layers. */
export abstract class Container extends Layer {
  /** The calls from inputs to outputs, where they are known beforehand. */
  protected graph: Graph | undefined;

  /** Its layers: those of its graph, in order, and those among its fields. */
  get layers(): readonly Layer[] {
    return [...new Set([...this.graph?.layers ?? [], ...super.sublayers()])];
  }
  /** Its layers. */
  override sublayers(): readonly Layer[] {
    return this.layers;
  }

  /** What it is fed, in order. */
  get inputs(): SymbolicTensor[] {
    return [...this.#known().inputs];
  }
  /** What it gives, in order. */
  get outputs(): SymbolicTensor[] {
    return [...this.#known().outputs];
  }
  /** What it is fed. */
  override get input(): SymbolicTensor | SymbolicTensor[] {
    return single(this.inputs);
  }
  /** What it gives. */
  override get output(): SymbolicTensor | SymbolicTensor[] {
    return single(this.outputs);
  }
  /** Shape of what it is fed: one, or a list for several inputs. */
  get inputShape(): Shape | Shape[] {
    return single(this.inputs.map((x) => x.shape));
  }
  /** Shape of what it gives: one, or a list for several outputs. */
  override get outputShape(): Shape | Shape[] {
    return single(this.outputs.map((x) => x.shape));
  }
  /** Names of the inputs, in order. A model without a graph takes one, unless it says otherwise here. */
  get inputNames(): readonly string[] {
    return this.graph?.inputs.map((x) => x.sourceLayer.name) ?? ["input"];
  }
  /** Names of the outputs, in order. A model without a graph gives one, unless it says otherwise here. */
  get outputNames(): readonly string[] {
    return unique(this.graph ? this.outputs.map((x) => x.sourceLayer.name) : ["output"]);
  }

  /** Runs the graph. A class without one gives a `call` that applies its layers. */
  override call(inputs: Tensor | Tensor[], args: CallArgs): Tensor | Tensor[] {
    if (this.graph) return single(this.graph.run([inputs].flat(), args));
    throw new DinogradError(
      `Model "${this.name}" has no graph of layers: its class must have a method call(inputs, args)`,
    );
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

  /** Prints a table of its layers; where they are not just in a row, it also says what each receives. */
  summary(
    lineLength?: number,
    positions?: number[],
    printFn: (text: string) => void = console.log,
  ): void {
    const lines = summaryLines(this.name, this.summaryRows(), lineLength, positions);
    for (const text of lines) printFn(text);
  }

  /** Rows of its summary. */
  protected summaryRows(): SummaryRow[] {
    const nodes = new Set(this.graph?.nodes);
    const calls = (layer: Layer) => layer.inboundNodes.filter((node) => nodes.has(node));
    const inARow = this.layers.every((layer) => {
      const own = calls(layer);
      return own.length <= 1 && own.every((node) => node.inputTensors.length <= 1);
    }) && (this.graph?.inputs.length ?? 1) === 1 && (this.graph?.outputs.length ?? 1) === 1;
    return this.layers.map((layer) => {
      const own = calls(layer);
      return {
        layer,
        outputShape: outputShapeOf(own),
        connections: inARow
          ? undefined
          : own.flatMap((node) =>
            node.inputTensors.map((x) => `${x.sourceLayer.name}[${x.nodeIndex}][${x.tensorIndex}]`)
          ),
      };
    });
  }

  #known(): Graph {
    if (this.graph) return this.graph;
    throw new DinogradError(`Model "${this.name}" does not know the shape of its inputs yet`);
  }
}

// Shape of what calls give, where they agree.
function outputShapeOf(nodes: readonly Node[]): Shape | Shape[] | "multiple" | null {
  const shapes = nodes.map((node) => single(node.outputTensors.map((y) => y.shape)));
  const all = new Set(shapes.map((s) => JSON.stringify(s)));
  return all.size === 0 ? null : all.size === 1 ? shapes[0] : "multiple";
}

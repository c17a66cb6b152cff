// How are layers connected? Each call of a layer on symbolic tensors is a node, which links the tensors it read with those it gave.

import type { DType } from "../dtype.ts";
import { DinogradError } from "../errors.ts";
import { showShape, UNKNOWN } from "../shape.ts";
import { Tensor, track } from "../tensor.ts";

/** A shape as layers show it: null where a size is not known. */
export type Shape = (number | null)[];

/** A shape with nulls as the library computes with it. */
export function toDims(shape: readonly (number | null)[]): number[] {
  return shape.map((d) => d ?? UNKNOWN);
}
/** A shape the library computed, with nulls. */
export function fromDims(dims: readonly number[]): Shape {
  return dims.map((d) => Number.isNaN(d) ? null : d);
}

/** Shape and type of a symbolic tensor. */
export interface SymbolicSpec {
  /** Its sizes; null where they are not known. */
  readonly shape: Shape;
  /** Element type. */
  readonly dtype: DType;
}

/** One for one, a list otherwise. */
export function single<T>(list: readonly T[]): T | T[] {
  return list.length === 1 ? list[0] : [...list];
}

let nextId = 1;

/** A value that a model will compute: shape, type and where it comes from, no values. `input` makes the first, layers the others. */
export class SymbolicTensor {
  /** Unique number. */
  readonly id: number = nextId++;
  /** Its sizes; null where they are not known, such as the batch's. */
  readonly shape: Shape;
  /** Element type. */
  readonly dtype: DType;
  /** Name of the layer that gives it, with a number behind it where that layer gives several. */
  readonly name: string;

  /** Made by nodes. */
  constructor(
    spec: SymbolicSpec,
    /** The call that gives it. */
    readonly node: Node,
    /** Which of the results of that call it is. */
    readonly tensorIndex: number,
  ) {
    this.shape = spec.shape;
    this.dtype = spec.dtype;
    const { name } = node.outboundLayer;
    this.name = tensorIndex === 0 ? name : `${name}_${tensorIndex}`;
  }
  /** Number of dimensions. */
  get rank(): number {
    return this.shape.length;
  }
  /** The layer that gives it. */
  get sourceLayer(): Connected {
    return this.node.outboundLayer;
  }
  /** Which of that layer's calls gives it. */
  get nodeIndex(): number {
    return this.sourceLayer.inboundNodes.indexOf(this.node);
  }
  /** A description that operations can run on. */
  describe(): Tensor {
    return track(new Tensor(toDims(this.shape), this.dtype, null));
  }
  /** Name, type and shape. */
  toString(): string {
    return `SymbolicTensor "${this.name}" ${this.dtype} ${showShape(this.shape)}`;
  }
  /** What `console.log` shows. */
  [Symbol.for("Deno.customInspect")](): string {
    return this.toString();
  }
}

/** The symbolic tensors in a value: itself, or those in its lists. */
export function symbolicIn(value: unknown): SymbolicTensor[] {
  if (value instanceof SymbolicTensor) return [value];
  return Array.isArray(value) ? value.flatMap(symbolicIn) : [];
}

/** A value with each symbolic tensor in it, or in its lists, replaced. */
export function replaceSymbolic(value: unknown, by: (x: SymbolicTensor) => unknown): unknown {
  if (value instanceof SymbolicTensor) return by(value);
  return Array.isArray(value) ? value.map((v) => replaceSymbolic(v, by)) : value;
}

/** Arguments of a layer's call with each symbolic tensor in them replaced. */
export function replaceInArgs(
  args: Readonly<Record<string, unknown>>,
  by: (x: SymbolicTensor) => unknown,
): Record<string, unknown> {
  return Object.fromEntries(Object.entries(args).map(([k, v]) => [k, replaceSymbolic(v, by)]));
}

/** One call of a layer on symbolic tensors. */
export class Node {
  /** What it reads: the inputs, then symbolic tensors among the other arguments. */
  readonly inputTensors: readonly SymbolicTensor[];
  /** What it gives. */
  readonly outputTensors: readonly SymbolicTensor[];

  /** Connects the layers involved. */
  constructor(
    /** The layer that is called. */
    readonly outboundLayer: Connected,
    /** What it was called on, as one or as a list. */
    readonly inputs: SymbolicTensor | SymbolicTensor[],
    /** The other arguments of the call. */
    readonly callArgs: Readonly<Record<string, unknown>>,
    outputs: readonly SymbolicSpec[],
  ) {
    this.inputTensors = [inputs, ...Object.values(callArgs)].flatMap(symbolicIn);
    this.outputTensors = outputs.map((spec, i) => new SymbolicTensor(spec, this, i));
    outboundLayer.inboundNodes.push(this);
    for (const layer of new Set(this.inboundLayers)) layer.outboundNodes.push(this);
  }
  /** The layers whose results it reads. */
  get inboundLayers(): Connected[] {
    return this.inputTensors.map((x) => x.sourceLayer);
  }
  /** Forgets the call. */
  disconnect(): void {
    const { inboundNodes } = this.outboundLayer;
    inboundNodes.splice(inboundNodes.indexOf(this), 1);
    for (const { outboundNodes } of new Set(this.inboundLayers)) {
      outboundNodes.splice(outboundNodes.indexOf(this), 1);
    }
  }
}

/** What can be connected: the part of a layer that nodes know. */
export abstract class Connected {
  /** Unique within a model. */
  abstract readonly name: string;
  /** The calls on symbolic tensors so far. */
  readonly inboundNodes: Node[] = [];
  /** The calls of other layers that read what this one gives. */
  readonly outboundNodes: Node[] = [];

  /** What call `nodeIndex` reads. */
  getInputAt(nodeIndex: number): SymbolicTensor | SymbolicTensor[] {
    return single(this.#node(nodeIndex).inputTensors);
  }
  /** What call `nodeIndex` gives. */
  getOutputAt(nodeIndex: number): SymbolicTensor | SymbolicTensor[] {
    return single(this.#node(nodeIndex).outputTensors);
  }
  /** What it reads, where it was called once. */
  get input(): SymbolicTensor | SymbolicTensor[] {
    return single(this.#onlyNode("input").inputTensors);
  }
  /** What it gives, where it was called once. */
  get output(): SymbolicTensor | SymbolicTensor[] {
    return single(this.#onlyNode("output").outputTensors);
  }
  /** Shape of what it gives, where all calls agree. */
  get outputShape(): Shape | Shape[] {
    const shapes = this.inboundNodes.map((n) => single(n.outputTensors.map((x) => x.shape)));
    if (new Set(shapes.map((s) => JSON.stringify(s))).size > 1) {
      throw new DinogradError(
        `Layer "${this.name}" has several output shapes: ${JSON.stringify(shapes).slice(1, -1)}`,
      );
    }
    if (shapes.length > 0) return shapes[0];
    throw new DinogradError(`Layer "${this.name}" is not connected yet: it has no output shape`);
  }

  #node(index: number): Node {
    const node = this.inboundNodes[index];
    if (node) return node;
    throw new DinogradError(
      `Layer "${this.name}" was called on symbolic tensors ${this.inboundNodes.length} times: ` +
        `there is no call ${index}`,
    );
  }

  #onlyNode(what: "input" | "output"): Node {
    const { length } = this.inboundNodes;
    if (length === 1) return this.inboundNodes[0];
    throw new DinogradError(
      length === 0
        ? `Layer "${this.name}" is not connected yet: it has no ${what}`
        : `Layer "${this.name}" was called ${length} times: ask for one with get${
          what === "input" ? "Input" : "Output"
        }At(0)`,
    );
  }
}

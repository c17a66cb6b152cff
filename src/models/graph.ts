// Which calls of layers lie between a model's inputs and outputs, in what order do they run, and what do they give for values?

import { isFloat } from "../dtype.ts";
import { DinogradError } from "../errors.ts";
import { InputLayer } from "../layers/core.ts";
import { type CallArgs, Layer, SymbolicTensor, toDims } from "../layers/layer.ts";
import { type Mask, maskOf, setMask } from "../layers/mask.ts";
import { type Node, replaceInArgs, replaceSymbolic, symbolicIn } from "../layers/node.ts";
import { asType } from "../ops/cast.ts";
import { sameShape, showShape } from "../shape.ts";
import { type Tensor, track } from "../tensor.ts";

/** The layer that a node calls. */
export function layerOf(node: Node): Layer {
  const layer = node.outboundLayer;
  if (layer instanceof Layer) return layer;
  throw new DinogradError(`"${layer.name}" is connected, but is not a layer`);
}

interface Call {
  readonly node: Node;
  readonly layer: Layer;
  /** Arguments without symbolic tensors; undefined where there are some. */
  readonly args: CallArgs | undefined;
}

/** A connected part of the calls of layers, from inputs to outputs. */
export class Graph {
  /** What is fed. */
  readonly inputs: readonly SymbolicTensor[];
  /** What is computed. */
  readonly outputs: readonly SymbolicTensor[];
  /** The calls, each after those whose results it reads. */
  readonly nodes: readonly Node[];
  /** The layers in Keras's order: those farthest from the outputs first, as they are met on the way back where that is the same. */
  readonly layers: readonly Layer[];
  // How often each value is read, by calls and as an output.
  readonly #reads = new Map<SymbolicTensor, number>();
  // The calls that are run, with what of their arguments does not depend on values.
  readonly #calls: readonly Call[];

  /** Finds the calls; throws a sentence where an output does not follow from the inputs. `name` is the model's. */
  constructor(
    readonly name: string,
    inputs: readonly SymbolicTensor[],
    outputs: readonly SymbolicTensor[],
  ) {
    checkEnds(name, inputs, outputs);
    ({ inputs: this.inputs, outputs: this.outputs } = fromInputLayers(inputs, outputs));
    const met = new Map<Layer, number>();
    const calls = new Set<Node>();
    for (const y of this.outputs) this.#visit(y, y, met, calls);
    for (const { node } of this.inputs) if (!calls.has(node)) met.set(layerOf(node), -1);
    this.nodes = [...calls];
    this.layers = inKerasOrder(this.nodes, met);
    checkNames(name, this.layers);
    this.#calls = this.nodes.filter((n) => n.inputTensors.length > 0).map((node) => ({
      node,
      layer: layerOf(node),
      args: Object.values(node.callArgs).some((v) => symbolicIn(v).length > 0)
        ? undefined
        : node.callArgs,
    }));
    for (const x of [...this.nodes.flatMap((n) => n.inputTensors), ...this.outputs]) {
      this.#reads.set(x, (this.#reads.get(x) ?? 0) + 1);
    }
  }

  /**
   * The outputs for values of the inputs. What a call gave is disposed of as soon as all that read it have run; tensors of another
   * kind than the input's (whole numbers for floats, say) are cast, unless tokens are meant.
   */
  run(xs: readonly Tensor[], { training, mask }: CallArgs): Tensor[] {
    const values = new Map<SymbolicTensor, Tensor>();
    const reads = new Map<Tensor, number>(); // still to come
    const give = (to: SymbolicTensor, y: Tensor, kept = 0) => {
      values.set(to, y);
      reads.set(y, (reads.get(y) ?? 0) + (this.#reads.get(to) ?? 0) + kept);
    };
    const release = (y: Tensor, count = 1) => {
      const left = reads.get(y)! - count;
      reads.set(y, left);
      if (left === 0 && !y.kept) y.dispose();
    };
    const take = (x: SymbolicTensor) => values.get(x)!;
    this.#fed(xs, mask ?? null).forEach((x, i) => give(this.inputs[i], x, Infinity));
    for (const { node, layer, args } of this.#calls) {
      const inputs = replaceSymbolic(node.inputs, take) as Tensor | Tensor[];
      const own: CallArgs = args ?? replaceInArgs(node.callArgs, take);
      const given = layer.apply(inputs, { ...own, training: own.training ?? training });
      const list = Array.isArray(given) ? given : [given];
      list.forEach((y, i) => give(node.outputTensors[i], y));
      for (const y of list) release(y, 0); // where nobody reads it
      for (const x of node.inputTensors) release(take(x));
    }
    return this.outputs.map(take);
  }

  // Checks values of the inputs, casts them, and attaches masks given for them.
  #fed(xs: readonly Tensor[], mask: Mask): Tensor[] {
    if (xs.length !== this.inputs.length) {
      throw new DinogradError(
        `Model "${this.name}" takes ${this.inputs.length} inputs (${
          this.inputs.map((x) => x.name).join(", ")
        }), got ${xs.length}`,
      );
    }
    const masks = Array.isArray(mask) ? mask : [mask];
    return xs.map((x, i) => {
      const { name, shape, dtype } = this.inputs[i];
      if (!sameShape(x.shape, toDims(shape))) {
        throw new DinogradError(
          `Model "${this.name}" takes ${showShape(shape)} as its input "${name}", got ${
            showShape(x.shape)
          }`,
        );
      }
      const fits = isFloat(dtype) && (isFloat(x.dtype) || this.#areTokens(this.inputs[i]));
      const cast = fits ? x : asType(x, dtype);
      const wanted = masks[i] ?? maskOf(x);
      if (!wanted || maskOf(cast) === wanted) return cast;
      const masked = cast === x ? track(x.alias()) : cast; // the caller's tensor stays as it is
      setMask(masked, wanted);
      return masked;
    });
  }

  // Whether an input is read by none but layers that want whole numbers.
  #areTokens(x: SymbolicTensor): boolean {
    return !this.outputs.includes(x) &&
      this.#calls.every(({ node, layer }) => layer.takesTokens || !node.inputTensors.includes(x));
  }

  // Walks back from a value to the inputs; calls are noted after those they read.
  #visit(x: SymbolicTensor, output: SymbolicTensor, met: Map<Layer, number>, calls: Set<Node>) {
    const { node } = x;
    if (calls.has(node)) return;
    const layer = layerOf(node);
    if (layer instanceof InputLayer && !this.inputs.includes(x)) {
      throw new DinogradError(
        `Model "${this.name}" cannot compute its output "${output.name}" ${
          showShape(output.shape)
        } from its inputs (${
          this.inputs.map((i) => i.name).join(", ")
        }): it also depends on input "${x.name}" ${showShape(x.shape)}`,
      );
    }
    if (!met.has(layer)) met.set(layer, met.size);
    for (const read of node.inputTensors) this.#visit(read, output, met, calls);
    calls.add(node);
  }
}

function checkEnds(
  name: string,
  inputs: readonly SymbolicTensor[],
  outputs: readonly SymbolicTensor[],
): void {
  for (const [what, list] of [["inputs", inputs], ["outputs", outputs]] as const) {
    const stranger = list.find((x) => !(x instanceof SymbolicTensor));
    if (list.length > 0 && stranger === undefined) continue;
    const got = list.length === 0 ? "none" : (stranger as unknown)?.constructor?.name ?? stranger;
    throw new DinogradError(
      `Model "${name}" needs ${what} to be symbolic tensors, from input(...) and layers, got ${got}`,
    );
  }
  const twice = inputs.find((x, i) => inputs.indexOf(x) !== i);
  if (twice) throw new DinogradError(`Model "${name}" has input "${twice.name}" twice`);
}

function checkNames(name: string, layers: readonly Layer[]): void {
  const taken = new Set<string>();
  for (const layer of layers) {
    if (taken.has(layer.name)) {
      throw new DinogradError(
        `Model "${name}" has two layers named "${layer.name}": names must be unique`,
      );
    }
    taken.add(layer.name);
  }
}

// Where a value in the middle of a graph is made an input, the calls behind it are repeated on a fresh input in its place.
function fromInputLayers(
  inputs: readonly SymbolicTensor[],
  outputs: readonly SymbolicTensor[],
): { inputs: readonly SymbolicTensor[]; outputs: readonly SymbolicTensor[] } {
  if (inputs.every((x) => x.sourceLayer instanceof InputLayer)) return { inputs, outputs };
  const instead = new Map<SymbolicTensor, SymbolicTensor>(inputs.map((x) => {
    if (x.sourceLayer instanceof InputLayer) return [x, x];
    const { dtype, shape: batchInputShape } = x;
    const layer = new InputLayer({ batchInputShape, dtype, name: `${x.name}_input` });
    return [x, layer.output as SymbolicTensor];
  }));
  const renewed = (x: SymbolicTensor): SymbolicTensor => {
    const { node } = x;
    if (!instead.has(x)) {
      if (node.inputTensors.length === 0) return x;
      const args = replaceInArgs(node.callArgs, renewed);
      const given = layerOf(node).apply(
        replaceSymbolic(node.inputs, renewed) as SymbolicTensor | SymbolicTensor[],
        args,
      );
      [given].flat().forEach((y, i) => instead.set(node.outputTensors[i], y));
    }
    return instead.get(x)!;
  };
  return { inputs: inputs.map(renewed), outputs: outputs.map(renewed) };
}

// Keras's order: by the longest way from a layer to an output, then by when the layer was met.
function inKerasOrder(nodes: readonly Node[], met: ReadonlyMap<Layer, number>): Layer[] {
  const depths = new Map<Node | Layer, number>();
  const atLeast = (key: Node | Layer, depth: number) => {
    const so = Math.max(depth, depths.get(key) ?? 0);
    depths.set(key, so);
    return so;
  };
  for (const node of [...nodes].reverse()) {
    const layer = layerOf(node);
    const depth = atLeast(node, atLeast(layer, depths.get(node) ?? 0));
    for (const x of node.inputTensors) atLeast(x.node, depth + 1);
  }
  const depthOf = (layer: Layer) => depths.get(layer) ?? 0;
  return [...met.keys()].sort((a, b) => depthOf(b) - depthOf(a) || met.get(a)! - met.get(b)!);
}

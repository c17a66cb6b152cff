// How does a graph of layers become a config, and a config a graph? In the layout of Keras 2, which TensorFlow.js shares; that of
// Keras 3 is read too.

import { DinogradError } from "../errors.ts";
import { deserializeLayer } from "../layers/deserialize.ts";
import type { CallArgs, Layer, SymbolicTensor } from "../layers/layer.ts";
import { replaceInArgs } from "../layers/node.ts";
import {
  argsOf,
  type ClassConfig,
  type Config,
  isClassConfig,
  toSnakeCase,
} from "../serialization.ts";
import { Tensor } from "../tensor.ts";
import { Container } from "./container.ts";
import { type Graph, layerOf } from "./graph.ts";

/** Which result of which call of which layer. */
type Reference = [layer: string, call: number, output: number];

/** A layer in a graph's config; each of the calls is a list of references in Keras 2, and args and kwargs in Keras 3. */
interface LayerEntry extends ClassConfig {
  readonly name?: string;
  readonly inbound_nodes:
    (readonly unknown[] | { readonly args: unknown; readonly kwargs: Config })[];
}

// A model's calls are counted from 1: the first is the one inside it, from its own inputs to its own outputs.
const firstCall = (layer: Layer) => layer instanceof Container ? 1 : 0;

/** Layers, calls, inputs and outputs of a graph. */
export function graphConfig(graph: Graph): Config {
  const calls = new Set(graph.nodes);
  const callsOf = (layer: Layer) => layer.inboundNodes.filter((node) => calls.has(node));
  const refer = ({ node, tensorIndex }: SymbolicTensor): Reference => {
    const layer = layerOf(node);
    return [layer.name, callsOf(layer).indexOf(node) + firstCall(layer), tensorIndex];
  };
  return {
    layers: graph.layers.map((layer) => ({
      name: layer.name,
      class_name: layer.getClassName(),
      config: layer.getConfig(),
      inbound_nodes: callsOf(layer).filter((node) => node.inputTensors.length > 0).map((node) => {
        const args = plainArgs(layer, replaceInArgs(node.callArgs, refer));
        return [node.inputs].flat().map((x) => [...refer(x), args]);
      }),
    })),
    input_layers: graph.inputs.map(refer),
    output_layers: graph.outputs.map(refer),
  };
}

// Arguments of a call as JSON holds them.
function plainArgs(layer: Layer, args: Record<string, unknown>): Config {
  const given = Object.entries(args).filter(([, v]) => v !== undefined && v !== null);
  const stranger = given.find(([, v]) => [v].flat().some((item) => item instanceof Tensor));
  if (!stranger) return Object.fromEntries(given.map(([k, v]) => [toSnakeCase(k), v]));
  throw new DinogradError(
    `A call of layer "${layer.name}" has a tensor as its argument "${
      stranger[0]
    }", which a config cannot hold`,
  );
}

const isReference = (value: unknown): value is Reference =>
  Array.isArray(value) && typeof value[0] === "string" && typeof value[1] === "number" &&
  typeof value[2] === "number";

/** The references of one call's config: what it is called on, and the other arguments with references in them. */
function readCall(call: LayerEntry["inbound_nodes"][number]): {
  inputs: Reference | Reference[];
  args: Record<string, unknown>;
} {
  if (Array.isArray(call)) {
    const list = call as (readonly [...Reference, Config?])[];
    const inputs = list.map(([layer, index, output]): Reference => [layer, index, output]);
    return { inputs: inputs.length === 1 ? inputs[0] : inputs, args: argsOf(list[0]?.[3] ?? {}) };
  }
  const { args, kwargs } = call as { args: unknown[]; kwargs: Config };
  const inputs = args.length === 1 ? fromKeras3(args[0]) : args.flatMap((a) => [fromKeras3(a)]);
  const named = Object.entries(argsOf(kwargs)).map(([k, v]) => [k, fromKeras3(v)]);
  return { inputs: inputs as Reference | Reference[], args: Object.fromEntries(named) };
}

// Keras 3 describes a tensor where Keras 2 refers to it.
function fromKeras3(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(fromKeras3);
  const described = isClassConfig(value) && value.class_name === "__keras_tensor__";
  return described ? value.config.keras_history : value;
}

// References in a value, wherever they are in its lists.
function referencesIn(value: unknown): Reference[] {
  if (isReference(value)) return [value];
  return Array.isArray(value) ? value.flatMap(referencesIn) : [];
}

/** Inputs and outputs of a graph, made from its config with all its layers. */
export function readGraphConfig(
  config: Config,
): { inputs: SymbolicTensor[]; outputs: SymbolicTensor[] } {
  const entries = config.layers as LayerEntry[];
  const layers = new Map(entries.map((entry) => {
    const layer = deserializeLayer(entry);
    return [entry.name ?? layer.name, layer];
  }));
  const pending = entries.map((entry) => ({
    name: entry.name ?? String(entry.config.name),
    calls: entry.inbound_nodes.map(readCall),
  }));
  const ends = [config.input_layers, config.output_layers].map(endsOf);
  const first = firstCalls(entries, layers, pending.flatMap((p) => p.calls), ends.flat());
  const find = (
    [name, call, output]: Reference,
    offset = first.calls,
  ): SymbolicTensor | undefined =>
    layers.get(name)?.inboundNodes[call - (offset.get(name) ?? 0)]?.outputTensors[output];
  // A layer's calls may come between those of others, so go round until all are made.
  for (let left = -1; left !== 0;) {
    const before = left;
    left = 0;
    for (const { name, calls } of pending) {
      while (
        calls.length > 0 && referencesIn([calls[0].inputs, Object.values(calls[0].args)])
          .every((r) => find(r))
      ) {
        const { inputs, args } = calls.shift()!;
        const replace = (v: unknown): unknown =>
          isReference(v) ? find(v) : Array.isArray(v) ? v.map(replace) : v;
        layers.get(name)!.apply(
          replace(inputs) as SymbolicTensor,
          Object.fromEntries(Object.entries(args).map(([k, v]) => [k, replace(v)])) as CallArgs,
        );
      }
      left += calls.length;
    }
    if (left === before) throw unreachable(config, pending.find((p) => p.calls.length > 0)!.name);
  }
  const [inputs, outputs] = ends.map((references) =>
    references.map((r) => {
      const found = find(r, first.ends);
      if (found) return found;
      throw unreachable(config, `${r[0]}" in its inputs and outputs, "${r.join(", ")}`);
    })
  );
  return { inputs, outputs };
}

// One reference, a list, or an object of them.
function endsOf(given: unknown): Reference[] {
  const isRecord = typeof given === "object" && given !== null && !Array.isArray(given);
  return referencesIn(isRecord ? Object.values(given) : given);
}

/**
 * The number of each model's first call. Every call's result is referred to, so the lowest number says it: 1 from Keras 2 and
 * TensorFlow.js where the model has a graph of its own, else 0. Keras 3 counts from 1 in the list of outputs only.
 */
function firstCalls(
  entries: readonly LayerEntry[],
  layers: ReadonlyMap<string, Layer>,
  calls: readonly { inputs: unknown; args: Record<string, unknown> }[],
  ends: readonly Reference[],
): { calls: Map<string, number>; ends: Map<string, number> } {
  const keras3 = entries.some((e) => e.inbound_nodes.some((call) => !Array.isArray(call)));
  const lowest = (references: readonly Reference[]) => {
    const found = new Map<string, number>();
    for (const [name, call] of references) {
      if (layers.get(name) instanceof Container) {
        found.set(name, Math.min(call, found.get(name) ?? Infinity));
      }
    }
    return found;
  };
  const inside = calls.flatMap((c) => referencesIn([c.inputs, Object.values(c.args)]));
  if (!keras3) {
    const all = lowest([...inside, ...ends]);
    return { calls: all, ends: all };
  }
  const models = entries.filter((e) => e.class_name === "Functional");
  return {
    calls: new Map(),
    ends: new Map(models.map((e) => [e.name ?? String(e.config.name), 1])),
  };
}

function unreachable(config: Config, name: string): DinogradError {
  return new DinogradError(
    `The config of model "${config.name}" refers to results that none of its layers gives: see "${name}"`,
  );
}

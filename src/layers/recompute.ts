// How does a layer trade time for memory? Of a call that gradients flow through only the inputs are kept; going back, it is made again
// (gradient checkpointing: Chen et al. 2016, "Training Deep Nets with Sublinear Memory Cost").
//
// The second call must be the first one over again: generators of random numbers go back to where they were, and so do variables that
// the call wrote to, such as moving averages; afterwards all are as they were before the second call.

import { logitsOf } from "../activations.ts";
import { DinogradError } from "../errors.ts";
import { pullback } from "../grad.ts";
import { gradientOrder, isWatched, report, unwatched } from "../op.ts";
import { zerosLike } from "../ops/creation.ts";
import { globalState, type RandomState } from "../ops/random.ts";
import { collect } from "../scope.ts";
import { shareTensor, Tensor } from "../tensor.ts";
import { collectWrites, type Variable } from "../variable.ts";
import { adding } from "./additions.ts";
import { maskOf, setMask } from "./mask.ts";
import type { Module } from "./module.ts";

type Inputs = Tensor | Tensor[];
type Args = Record<string, unknown>;
type Call = (inputs: Inputs, args: Args) => Inputs;

const asList = (x: Inputs) => Array.isArray(x) ? x : [x];

// A value with each tensor in it, or in its lists and plain objects, replaced.
function replace(value: unknown, by: (x: Tensor) => Tensor): unknown {
  if (value instanceof Tensor) return by(value);
  if (Array.isArray(value)) return value.map((v) => replace(v, by));
  if (typeof value !== "object" || value === null) return value;
  if (Object.getPrototypeOf(value) !== Object.prototype) return value;
  return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, replace(v, by)]));
}

// What a call gave that gradients may flow back from: results, and the scores that a loss finds behind probabilities.
function ends(outputs: Inputs): Tensor[] {
  return asList(outputs).flatMap((y) => [
    y,
    ...(["softmax", "sigmoid"] as const).flatMap((of) => logitsOf(y, of) ?? []),
  ]);
}

// Runs `fn` with generators and variables as they were then, and has them as they are now afterwards.
function back<T>(
  generators: ReadonlyMap<RandomState, Tensor>,
  variables: ReadonlyMap<Variable, Tensor>,
  fn: () => T,
): T {
  const drawn = [...generators.keys()].map((g) => [g, g.snapshot()] as const);
  const now = [...variables.keys()].map((v) => [v, v.alias()] as const);
  try {
    for (const [generator, then] of generators) generator.restore(then);
    for (const [variable, then] of variables) variable.assign(then);
    return fn();
  } finally {
    for (const [generator, snapshot] of drawn) generator.restore(snapshot);
    for (const [variable, value] of now) {
      variable.assign(value);
      value.dispose();
    }
  }
}

/** `call(inputs, args)` of a layer, kept in no more than inputs where gradients are taken of it. */
export function recomputed(layer: Module, inputs: Inputs, args: Args, call: Call): Inputs {
  const all = new Set<unknown>();
  collect([inputs, args], all);
  const tensors = [...all].filter((v) => v instanceof Tensor);
  const given = [...new Set(tensors.flatMap((x) => [x, ...(maskOf(x) ? [maskOf(x)!] : [])]))];
  const masks = given.map(maskOf);
  const variables = layer.weights.map((w) => w.variable);
  const learned = variables.filter((v) => isWatched(v));
  // Gradients of gradients need what the call went through.
  if (gradientOrder() !== 1 || !isWatched(...given, ...learned)) return call(inputs, args);
  const { device } = asList(inputs)[0];
  const generators = [...new Set([...layer.randomStates, globalState(device)])];
  const drawn = generators.map((g) => g.snapshot());
  // A write gives these copies of what the variables held.
  const held = variables.map((v) => [v, v.alias()] as const);
  try {
    const first = collectWrites(() => unwatched(() => adding("refused", () => call(inputs, args))));
    const fresh = (y: Tensor) => given.includes(y) ? shareTensor(y, y.shape) : y;
    const outputs = Array.isArray(first.result) ? first.result.map(fresh) : fresh(first.result);
    const written = held.filter(([variable]) => first.variables.has(variable));
    const lost = learned.find((v) => first.variables.has(v));
    if (lost) {
      throw new DinogradError(
        `Layer "${layer.name}" cannot recompute: its call writes to its trainable weight "${lost.name}"`,
      );
    }
    const sources = { ...named("x", given), ...named("w", learned) }, keys = Object.keys(sources);
    const kept = {
      ...named("x", given),
      ...named("g", drawn),
      ...named("v", written.map(([, v]) => v)),
    };
    // The gradients of all sources from that of a result, by name.
    const again = (saved: Record<string, Tensor>, position: number) => {
      const alias = new Map(given.map((x, i) => [x, saved[`x${i}`]]));
      given.forEach((x, i) => masks[i] && setMask(alias.get(x)!, alias.get(masks[i])!));
      const by = (x: Tensor) => alias.get(x)!;
      const [x, a] = [replace(inputs, by) as Inputs, replace(args, by) as Args];
      const at = keys.map((k) => saved[k] ?? sources[k]);
      const found = back(
        new Map(generators.map((g, i) => [g, saved[`g${i}`]])),
        new Map(written.map(([v], i) => [v, saved[`v${i}`]])),
        () => pullback(() => adding("left out", () => ends(call(x, a))[position]), at, saved.dy),
      );
      return Object.fromEntries(keys.map((k, i) => [k, found[i] ?? zerosLike(at[i])]));
    };
    ends(outputs).forEach((end, position) =>
      report(
        "recompute",
        sources,
        end,
        () => Object.fromEntries(Object.entries(kept).map(([k, x]) => [k, x.alias()])),
        (saved) => {
          let made: Record<string, Tensor> | undefined;
          const all = () => made ??= again(saved, position);
          return Object.fromEntries(keys.map((k) => [k, () => all()[k]]));
        },
      )
    );
    return outputs;
  } finally {
    for (const [, value] of held) value.dispose();
  }
}

const named = (letter: string, list: readonly Tensor[]): Record<string, Tensor> =>
  Object.fromEntries(list.map((x, i) => [`${letter}${i}`, x]));

// Do operations give TensorFlow's numbers, forward and backward? The reference cases of tests/fixtures/ops.json.

import assert from "node:assert";
import * as dg from "../src/ops/mod.ts";
import { grads } from "../src/grad.ts";
import { tidy } from "../src/scope.ts";
import { Tensor } from "../src/tensor.ts";
import { cases, close, type FixtureTensor, load, onEachDevice } from "./fixtures.ts";

interface Case {
  name: string;
  op: string;
  /** Numbers, strings, tensors, and lists of those; null stands for an argument left out. */
  args: unknown[];
  output: FixtureTensor | FixtureTensor[];
  upstream?: FixtureTensor | (FixtureTensor | null)[];
  /** One for each tensor of the arguments; null for those without. */
  grads?: (FixtureTensor | null)[];
  rtol?: number;
  atol?: number;
}

const isTensor = (x: unknown): x is FixtureTensor =>
  typeof x === "object" && x !== null && "data" in x;

/** An argument with its tensors, of which the next ones are taken from `given`, in their places. */
function fillIn(arg: unknown, given: Iterator<Tensor>): unknown {
  if (isTensor(arg)) return given.next().value;
  if (Array.isArray(arg)) return arg.map((a) => fillIn(a, given));
  return arg ?? undefined;
}

function tensorsOf(arg: unknown): FixtureTensor[] {
  return isTensor(arg) ? [arg] : Array.isArray(arg) ? arg.flatMap(tensorsOf) : [];
}

/** Results as a list: operations give a tensor, several, or an object of some. */
function listOf(result: Tensor | Tensor[] | Record<string, Tensor>): Tensor[] {
  return result instanceof Tensor ? [result] : Object.values(result);
}

function run(c: Case, tensors: Iterable<Tensor>): Tensor[] {
  const given = tensors[Symbol.iterator]();
  const fn = c.op.split(".").reduce(
    // deno-lint-ignore no-explicit-any
    (found: any, name) => found[name],
    dg,
  );
  return listOf(fn(...c.args.map((a) => fillIn(a, given))));
}

function check(c: Case): void {
  const tensors = tensorsOf(c.args).map(load);
  const results = run(c, tensors);
  [c.output].flat().forEach((want, i) => {
    assert.deepEqual(results[i].shape, want.shape, "shape");
    assert.equal(results[i].dtype, want.dtype, "dtype");
    close(results[i], want.data, c.name, c);
  });
  if (!c.grads) return;
  const upstream = [c.upstream!].flat();
  const isWanted = (_: unknown, i: number) => c.grads![i] !== null;
  const gradients = grads((...xs) => {
    let next = 0;
    const ys = run(c, tensors.map((t, i) => isWanted(t, i) ? xs[next++] : t));
    return dg.addN(ys.flatMap((y, i) => upstream[i] ? [dg.sum(dg.mul(y, load(upstream[i])))] : []));
  })(tensors.filter(isWanted));
  c.grads.filter(isWanted).forEach((want, i) => {
    assert.deepEqual(gradients[i].shape, want!.shape, "shape of gradient");
    close(gradients[i], want!.data, `gradient ${i} of ${c.name}`, c);
  });
}

const all: Case[] = cases("ops.json");
for (const op of new Set(all.map((c) => c.op))) {
  onEachDevice(`TensorFlow's numbers: ${op}`, () => {
    for (const c of all) if (c.op === op) tidy(() => check(c));
  });
}

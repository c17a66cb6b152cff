// How is an operation defined? Once: name, checks, forward call and gradient in one statement; this file runs it.

import { DinogradError } from "./errors.ts";
import type { Device } from "./native/device.ts";
import { type Spec, Tensor, track } from "./tensor.ts";

/** Named operands of an operation. */
export type Inputs = Readonly<Record<string, Tensor>>;

/** What an operation is. I: its operands; A: its other arguments; S: which of operands and result (`y`) its gradient reads. */
export interface OpSpec<I extends Inputs, A, S extends string> {
  readonly name: string;
  /** Checks shapes and types and gives those of the result; works on descriptions too, so it may not read values. */
  check(inputs: I, attrs: A): Spec;
  /** Enqueues the native calls and gives the result, or the result `y` with what else they made for the gradient. */
  forward(inputs: I, attrs: A, spec: Spec, device: Device): Tensor | Made<S>;
  /** What the gradient rule reads; only this is kept until the backward pass. Operands that a call does without are left out. */
  readonly saves?: readonly S[];
  /**
   * For each operand, how its gradient follows from the result's. Operands left out get none. `wanted` says which will be asked for,
   * so that a rule may make those together.
   */
  grad?(
    saved: { readonly dy: Tensor } & { readonly [K in S]: Tensor },
    attrs: A,
    wanted: (operand: string) => boolean,
  ): Gradients<I>;
}

/** A result, with what else was made for its gradient. */
export type Made<S extends string> = { readonly y: Tensor } & { readonly [K in S]?: Tensor };

/** A gradient rule's answer: one thunk per operand, run only when that gradient is wanted. */
export type Gradients<I> = { readonly [K in keyof I]?: () => Tensor };

/** One operation that ran while a tape was watching. */
export interface Node {
  readonly name: string;
  readonly inputs: Readonly<Record<string, number>>; // ids
  readonly output: number;
  readonly saved: Record<string, Tensor>;
  readonly grad:
    | ((saved: Record<string, Tensor>, wanted: (operand: string) => boolean) => Gradients<Inputs>)
    | undefined;
}

/** Something that watches operations go by; see grad.ts. */
export interface Watcher {
  /** Whether gradients flow through the tensor of this id. */
  wants(tensor: Tensor): boolean;
  record(node: Node): void;
}

const watchers: Watcher[] = [];
let paused = 0;

/** Lets a watcher see every operation that `fn` runs. */
export function watching<T>(watcher: Watcher, fn: () => T): T {
  watchers.push(watcher);
  const before = paused;
  paused = 0;
  try {
    return fn();
  } finally {
    paused = before;
    watchers.splice(watchers.lastIndexOf(watcher), 1);
  }
}

/** Runs `fn` unseen by any watcher. */
export function unwatched<T>(fn: () => T): T {
  paused++;
  try {
    return fn();
  } finally {
    paused--;
  }
}

/** How many gradients are being taken of what runs now: from 2 on, gradients of gradients. */
export function gradientOrder(): number {
  return paused ? 0 : watchers.length;
}

/** Whether somebody watches what follows from one of these. */
export function isWatched(...tensors: readonly Tensor[]): boolean {
  return paused === 0 && watchers.some((watcher) => tensors.some((x) => watcher.wants(x)));
}

/** Shows an operation that has run to every watcher that cares. */
export function report(
  name: string,
  inputs: Inputs,
  output: Tensor,
  save: () => Record<string, Tensor>,
  grad: Node["grad"],
): void {
  if (paused) return;
  for (const watcher of watchers) {
    let wanted = false;
    for (const key in inputs) wanted = watcher.wants(inputs[key]) || wanted;
    if (!wanted) continue;
    const ids: Record<string, number> = {};
    for (const key in inputs) ids[key] = inputs[key].id;
    watcher.record({ name, inputs: ids, output: output.id, saved: save(), grad });
  }
}

function commonDevice(name: string, inputs: Inputs): Device | undefined {
  let device: Device | undefined;
  for (const key in inputs) {
    const tensor = inputs[key];
    if (tensor.isAbstract) return undefined;
    if (device === undefined) device = tensor.device;
    else if (device !== tensor.device) {
      throw new DinogradError(
        `Cannot ${name} tensors on ${device.name} and ${tensor.device.name}: move one with x.to("${device.name}")`,
      );
    }
  }
  return device;
}

/** Defines an operation: the function takes the named operands and the other arguments. */
export function op<I extends Inputs, A = void, S extends string = never>(
  spec: OpSpec<I, A, S>,
): (inputs: I, attrs: A) => Tensor {
  const saves = (spec.saves ?? []) as readonly string[];
  return (inputs: I, attrs: A): Tensor => {
    const device = commonDevice(spec.name, inputs);
    const result = spec.check(inputs, attrs);
    if (device === undefined) return track(new Tensor(result.shape, result.dtype, null));
    const made = spec.forward(inputs, attrs, result, device);
    const y = made instanceof Tensor ? made : made.y;
    if (watchers.length && !paused) {
      const all: Readonly<Record<string, Tensor | undefined>> = made instanceof Tensor
        ? { y }
        : made;
      report(
        spec.name,
        inputs,
        y,
        () => {
          const there = saves.filter((k) => all[k] ?? inputs[k]);
          return Object.fromEntries(there.map((k) => [k, (all[k] ?? inputs[k]).alias()]));
        },
        spec.grad &&
          ((saved, wanted) => spec.grad!(saved as Parameters<typeof spec.grad>[0], attrs, wanted)),
      );
    }
    return y;
  };
}

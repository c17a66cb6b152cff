// What do layers add to the loss and to the logs while they run? Tensors that are theirs until the outermost call is over, and
// then belong to whoever made that call.

import { DinogradError } from "../errors.ts";
import { scopes } from "../scope.ts";
import type { Tensor } from "../tensor.ts";

// What was added since the outermost call began.
let open: Tensor[] | undefined;
// All that hold something: mostly none, and then there is nothing to forget.
const holding = new Set<Additions>();

// What is to become of additions instead.
let rule: "kept" | "left out" | "refused" = "kept";

/** Runs `fn`, in which additions are left out, or in which a loss cannot be added. */
export function adding<T>(now: "left out" | "refused", fn: () => T): T {
  const before = rule;
  rule = now;
  try {
    return fn();
  } finally {
    rule = before;
  }
}

/** Runs a layer's call. Before the outermost one, what was added by the last is forgotten. */
export function pass<T>(forget: () => void, call: () => T): T {
  if (open) return call();
  if (holding.size > 0) forget();
  const made: Tensor[] = open = [];
  try {
    return call();
  } finally {
    open = undefined;
    for (const tensor of made) scopes.track(tensor);
  }
}

/** A tensor that outlives the scopes inside the outermost call. */
function hold(value: Tensor): Tensor {
  const alias = value.alias();
  if (open) open.push(alias);
  else scopes.track(alias);
  return alias;
}

/** What one layer added. */
export class Additions {
  readonly #losses: Tensor[] = [];
  readonly #metrics: [name: string, value: Tensor][] = [];

  /** Losses that still have values. */
  get losses(): Tensor[] {
    return this.#losses.filter((loss) => !loss.isDisposed);
  }
  /** Metrics that still have values. */
  get metrics(): [name: string, value: Tensor][] {
    return this.#metrics.filter(([, value]) => !value.isDisposed);
  }
  /** A term of the loss. */
  addLoss(value: Tensor): void {
    if (rule === "left out") return;
    if (rule === "refused") {
      throw new DinogradError(
        "A layer that recomputes cannot add to the loss within its call, nor can a layer inside it",
      );
    }
    this.#losses.push(hold(value));
    holding.add(this);
  }
  /** A value to log. */
  addMetric(name: string, value: Tensor): void {
    if (rule === "left out") return;
    this.#metrics.push([name, hold(value)]);
    holding.add(this);
  }
  /** Gives everything back. */
  forget(): void {
    for (const loss of this.#losses.splice(0)) loss.dispose();
    for (const [, value] of this.#metrics.splice(0)) value.dispose();
    holding.delete(this);
  }
}

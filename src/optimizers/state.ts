// What does an optimizer keep on the device, and how does it move the parameters? Gradients, moments, hyper-parameters and step
// count lie in arrays that live as long as the optimizer, and a step is native calls only: it can be recorded and replayed.

import { isFloat } from "../dtype.ts";
import { DinogradError } from "../errors.ts";
import { HYPER } from "../native/symbols.ts";
import { ScatteredRows } from "../ops/scattered_rows.ts";
import { tidy } from "../scope.ts";
import { sameShape, showShape } from "../shape.ts";
import { allocate, type DeviceBuffer, type Tensor, writeHost } from "../tensor.ts";
import { Variable } from "../variable.ts";
import { FlatLayout } from "./layout.ts";

/** One state array of a rule: its name in saved optimizers, and its initial value. */
export interface Slot {
  /** Name of the state in saved optimizers. */
  readonly name: string;
  /** What it starts with; 0 when left out. */
  readonly initial?: number;
}

/** What an optimizer asks of the native library; see cuda/math/updates.h. */
export interface Rule {
  /** Native name of the rule. */
  readonly op: string;
  /** hyper[2], hyper[3], ... */
  readonly hyper: readonly number[];
  /** The state arrays s1, s2, s3; null where the rule goes without one. */
  readonly slots: readonly (Slot | null)[];
  /** Whether s1 and s2 are saved by turns, parameter by parameter, rather than one after the other. */
  readonly paired?: boolean;
}

/** A limit on gradients, by its native name. */
export interface Clipping {
  readonly kind: "clipvalue" | "clipnorm" | "globalClipnorm";
  readonly limit: number;
}

/** What turns gradients of a scaled loss into those of the loss. */
export interface Scaling {
  /** Native float32 array of one element: what the loss was multiplied by. */
  readonly scale: number;
  /** Native int32 array of one element, set to whether all gradients are finite: a step in which some are not changes nothing. */
  readonly finite?: number;
}

/** One parameter's part of a state array, under the name it is saved by. */
export interface Part {
  readonly name: string;
  /** Number of the state array. */
  readonly slot: number;
  readonly shape: readonly number[];
  read(): Tensor;
  write(value: Tensor): void;
}

/** The device side of an optimizer for a set of variables. */
export class OptimizerState {
  readonly variables: readonly Variable[];
  readonly #rule: Rule;
  readonly #layout: FlatLayout;
  readonly #known: ReadonlySet<Variable>;
  readonly #decayed: readonly number[];
  readonly #made: DeviceBuffer[] = []; // all of what follows
  readonly #gradients: DeviceBuffer;
  readonly #views: readonly number[]; // each parameter's part of the gradients
  readonly #slots: readonly (DeviceBuffer | null)[];
  readonly #hyper: DeviceBuffer; // float32 [HYPER]
  readonly #iteration: DeviceBuffer; // int32 [1]

  /** `decays` says which variables weight decay applies to. */
  constructor(rule: Rule, variables: readonly Variable[], decays: (v: Variable) => boolean) {
    if (variables.length === 0) throw new DinogradError("An optimizer needs variables to update");
    const wrong = variables.find((v) => !(v instanceof Variable) || !isFloat(v.dtype));
    if (wrong) {
      throw new DinogradError(`An optimizer updates variables of floats, got ${wrong.dtype}`);
    }
    this.variables = [...variables];
    this.#rule = rule;
    this.#layout = new FlatLayout(this.variables);
    this.#known = new Set(variables);
    this.#decayed = variables.map((v) => Number(decays(v)));
    const own = (array: DeviceBuffer) => {
      this.#made.push(array);
      return array;
    };
    try {
      this.#gradients = own(this.#layout.allocate());
      this.#slots = rule.slots.map((slot) => slot && own(this.#layout.allocate(slot.initial)));
      this.#hyper = own(allocate(this.#layout.device, "float32", HYPER, true));
      this.#iteration = own(allocate(this.#layout.device, "int32", 1, true));
    } catch (error) {
      for (const array of this.#made) array.release();
      throw error;
    }
    this.#views = variables.map((_, i) => this.#layout.view(this.#gradients, i));
  }

  /** The native array whose first value is the learning rate. */
  get hyper(): number {
    return this.#hyper.handle;
  }

  /** Steps done. Waits for the device. */
  get iterations(): number {
    const out = new Int32Array(1);
    this.#layout.device.native.download(this.#iteration.handle, 0, new Uint8Array(out.buffer));
    return out[0];
  }

  /** Sets the learning rate. */
  setRate(rate: number): void {
    writeHost(this.#hyper, Float32Array.of(rate));
  }

  /** Sets the step count and everything in `hyper`. */
  restart(iterations: number, rate: number, weightDecay: number, rest: readonly number[]): void {
    writeHost(this.#iteration, Int32Array.of(iterations));
    const values = new Float32Array(HYPER);
    values.set([rate, weightDecay, ...rest]);
    writeHost(this.#hyper, values);
  }

  /** Moves all parameters by one step. */
  update(
    gradients: ReadonlyMap<Variable, Tensor>,
    clipping: Clipping | undefined,
    scaling: Scaling | undefined,
  ): void {
    this.#check(gradients);
    // Gradients that are to be scaled, checked or clipped lie in the flat array, all of them.
    const flat = clipping !== undefined || scaling !== undefined;
    tidy(() => {
      const tables = this.#place(gradients, flat);
      this.#scale(scaling);
      this.#clip(clipping);
      this.#step(tables, scaling);
    });
  }

  // Puts gradients into the flat array, except, where that may be, those of few rows: these are listed as dg_update takes them.
  #place(gradients: ReadonlyMap<Variable, Tensor>, all: boolean): number[] {
    const { native } = this.#layout.device, { dg_copy, dg_cast } = native.calls;
    const tables: number[] = [];
    this.variables.forEach((v, i) => {
      const gradient = gradients.get(v)!;
      const few = !all && gradient instanceof ScatteredRows ? gradient.coalesce() : undefined;
      if (few) {
        tables.push(i, few.order.handle, few.sums.handle);
        return;
      }
      const { dtype, handle } = gradient;
      native.check((dtype === "float32" ? dg_copy : dg_cast)(handle, this.#views[i]));
    });
    return tables;
  }

  #scale(scaling: Scaling | undefined): void {
    if (!scaling) return;
    const { scale, finite } = scaling, { handle } = this.#gradients;
    const { native } = this.#layout.device, { dg_binary, dg_all_finite } = native.calls;
    native.check(dg_binary(native.id("binary", "div"), handle, scale, handle, 0));
    if (finite !== undefined) native.check(dg_all_finite(handle, finite));
  }

  // Pairs as dg_update and dg_clip take them.
  #segments(): number[] {
    return this.variables.flatMap((v, i) => [v.writable(), this.#decayed[i]]);
  }

  #clip(clipping: Clipping | undefined): void {
    if (!clipping) return;
    const { native } = this.#layout.device, { length } = this.variables;
    native.list(this.#segments());
    const op = native.id("clip", clipping.kind);
    native.check(native.calls.dg_clip(op, this.#gradients.handle, clipping.limit, length));
  }

  #step(tables: readonly number[], scaling: Scaling | undefined): void {
    const { native } = this.#layout.device;
    const slot = (s: number) => this.#slots[s]?.handle ?? 0;
    native.list(this.#segments(), tables);
    native.check(native.calls.dg_update(
      native.id("update", this.#rule.op),
      this.#gradients.handle,
      slot(0),
      slot(1),
      slot(2),
      this.#hyper.handle,
      this.#iteration.handle,
      scaling?.finite ?? 0,
      this.variables.length,
      tables.length / 3,
    ));
  }

  #check(gradients: ReadonlyMap<Variable, Tensor>): void {
    const only = "use one optimizer per set of variables";
    for (const [v, gradient] of gradients) {
      if (!this.#known.has(v)) {
        throw new DinogradError(
          `The optimizer was made for other variables than "${v.name}": ${only}`,
        );
      }
      if (!sameShape(v.shape, gradient.shape) || !isFloat(gradient.dtype)) {
        throw new DinogradError(
          `The gradient of "${v.name}" must be floats ${
            showShape(v.shape)
          }, got ${gradient.dtype} ${showShape(gradient.shape)}`,
        );
      }
    }
    const missing = this.variables.find((v) => !gradients.has(v));
    if (missing) {
      throw new DinogradError(
        `The optimizer wants a gradient for "${missing.name}" too: ${only}`,
      );
    }
  }

  /** The state of each parameter, in the order in which Keras saves it. */
  parts(): Part[] {
    const layout = this.#layout, { slots, paired } = this.#rule;
    const present = this.#slots.flatMap((flat, s) =>
      flat ? [{ flat, label: slots[s]!.name, slot: s, turn: paired ? s >> 1 : s }] : []
    );
    const turns = [...new Set(present.map(({ turn }) => turn))];
    return turns.flatMap((turn) =>
      this.variables.flatMap((v, i) =>
        present.filter((p) => p.turn === turn).map(({ flat, label, slot }) => ({
          slot,
          name: `${v.name.replaceAll("/", "_")}_${label}`,
          shape: v.shape,
          read: () => layout.read(flat, i),
          write: (value: Tensor) => layout.write(flat, i, value),
        }))
      )
    );
  }

  /** Gives back its memory. */
  dispose(): void {
    for (const view of this.#views) this.#layout.device.native.calls.dg_free(view);
    for (const array of this.#made) array.release();
  }
}

// How do gradients flow? A tape notes the operations between the inputs and the result, then walks them backwards.

import { DinogradError } from "./errors.ts";
import { isFloat } from "./dtype.ts";
import { type Inputs, type Node, report, unwatched, type Watcher, watching } from "./op.ts";
import { add } from "./ops/elementwise.ts";
import { onesLike, zerosLike } from "./ops/creation.ts";
import { type Operand, toTensor } from "./ops/operand.ts";
import { tidy } from "./scope.ts";
import { sameShape, showShape } from "./shape.ts";
import { constant, shareTensor, type Tensor, track, Unwritten, wantTensor } from "./tensor.ts";
import { Variable } from "./variable.ts";

class Tape implements Watcher {
  readonly nodes: Node[] = [];
  readonly variables = new Set<Variable>();
  readonly #tracked = new Set<number>();
  readonly #anyVariable: boolean;

  /** Watches what follows from `sources`, and from every trainable variable if `anyVariable` says so. */
  constructor(sources: readonly Tensor[], anyVariable: boolean) {
    for (const s of sources) this.#tracked.add(s.id);
    this.#anyVariable = anyVariable;
  }

  wants(tensor: Tensor): boolean {
    if (this.#tracked.has(tensor.id)) return true;
    if (!this.#anyVariable || !(tensor instanceof Variable) || !tensor.trainable) return false;
    this.variables.add(tensor);
    this.#tracked.add(tensor.id);
    return true;
  }

  record(node: Node): void {
    this.nodes.push(node);
    this.#tracked.add(node.output);
  }

  tracks(id: number): boolean {
    return this.#tracked.has(id);
  }

  release(): void {
    for (const node of this.nodes) for (const k in node.saved) node.saved[k].dispose();
    this.nodes.length = 0;
  }

  /**
   * Gradients of `y` with respect to the tensors of the given ids, by id. Each intermediate gradient is disposed of as soon as it
   * was used, and each saved tensor once its rule ran, so that memory falls as the walk goes back.
   */
  backward(y: Tensor, dy: Tensor, sources: ReadonlySet<number>): Map<number, Tensor> {
    const gradients = new Map<number, Tensor>([[y.id, dy.alias()]]);
    try {
      this.#walk(y, gradients, sources);
    } catch (error) {
      for (const gradient of gradients.values()) gradient.dispose();
      throw error;
    }
    for (const [id, gradient] of gradients) {
      if (!sources.has(id)) {
        gradient.dispose();
        gradients.delete(id);
      }
    }
    return gradients;
  }

  #walk(y: Tensor, gradients: Map<number, Tensor>, sources: ReadonlySet<number>): void {
    const accumulate = (id: number, gradient: Tensor) => {
      const before = gradients.get(id);
      gradients.set(id, (before ? add(before, gradient) : gradient).alias());
      before?.dispose();
    };
    const reaches = this.#reaching(y.id);
    for (let i = this.nodes.length - 1; i >= 0; i--) {
      const node = this.nodes[i];
      const upstream = gradients.get(node.output);
      if (upstream !== undefined && reaches.has(i)) {
        if (!node.grad) {
          throw new DinogradError(
            `${node.name} has no gradient, but one was asked to flow through it`,
          );
        }
        tidy(() => {
          const wanted = (key: string) => this.tracks(node.inputs[key]);
          const rules = node.grad!({ ...node.saved, dy: upstream }, wanted);
          for (const key in rules) {
            const rule = rules[key];
            if (rule && wanted(key)) accumulate(node.inputs[key], rule());
          }
        });
        if (!sources.has(node.output)) {
          upstream.dispose();
          gradients.delete(node.output);
        }
      }
      for (const k in node.saved) node.saved[k].dispose();
    }
  }

  // Positions of the nodes on a path to `output`.
  #reaching(output: number): Set<number> {
    const wanted = new Set([output]), positions = new Set<number>();
    for (let i = this.nodes.length - 1; i >= 0; i--) {
      const node = this.nodes[i];
      if (!wanted.has(node.output)) continue;
      positions.add(i);
      for (const key in node.inputs) {
        if (this.tracks(node.inputs[key])) wanted.add(node.inputs[key]);
      }
    }
    return positions;
  }
}

function checkResult(y: unknown, dy: Tensor | undefined, what: string): asserts y is Tensor {
  wantTensor(y, `${what} needs a function that returns a tensor`);
  if (!isFloat(y.dtype)) {
    throw new DinogradError(`${what} needs a floating-point result, got ${y.dtype}`);
  }
  if (dy && !sameShape(dy.shape, y.shape)) {
    throw new DinogradError(
      `${what} got dy of shape ${showShape(dy.shape)}: wanted the result's ${showShape(y.shape)}`,
    );
  }
}

function run<X extends Tensor[]>(
  f: (...xs: X) => Tensor,
  given: readonly Operand[],
  givenDy: Operand | undefined,
  what: string,
): { value: Tensor; grads: Tensor[] } {
  if (!Array.isArray(given)) throw new DinogradError(`${what} needs a list of tensors`);
  return tidy(() => {
    const xs = given.map((x) => toTensor(x));
    const dy = givenDy === undefined ? undefined : toTensor(givenDy);
    const tape = new Tape(xs, false);
    try {
      const value = watching(tape, () => f(...xs as X));
      checkResult(value, dy, what);
      const found = tape.backward(value, dy ?? onesFor(value), new Set(xs.map((x) => x.id)));
      return { value, grads: xs.map((x) => written(handOver(found, x))) };
    } finally {
      tape.release();
    }
  });
}

// A gradient of the walk, handed to the scope around it; zeros where the result does not depend on the tensor.
function handOver(found: Map<number, Tensor>, x: Tensor): Tensor {
  const gradient = found.get(x.id);
  return gradient ? track(gradient) : zerosLike(x);
}

// A gradient in memory, which does not hold what it is made of any more.
function written(gradient: Tensor): Tensor {
  if (gradient instanceof Unwritten) gradient.write();
  return gradient;
}

// What a gradient begins with: only what is made of it need be in memory.
const onesFor = (y: Tensor) => y.dtype === "float32" ? constant(1, y.shape, y.device) : onesLike(y);

/** Gradients of `sum(f() * dy)` with respect to tensors that `f` uses, variables among them; nothing for those it does not. */
export function pullback(
  f: () => Tensor,
  sources: readonly Tensor[],
  dy: Tensor,
): (Tensor | undefined)[] {
  return tidy(() => {
    const tape = new Tape(sources, false);
    try {
      const found = tape.backward(watching(tape, f), dy, new Set(sources.map((x) => x.id)));
      return sources.map((x) => found.has(x.id) ? handOver(found, x) : undefined);
    } finally {
      tape.release();
    }
  });
}

/**
 * The gradient function of `f`: `grad(f)(x, dy)` is the gradient of `sum(f(x) * dy)` at x, dy being ones when left out.
 * Differentiable itself.
 */
export function grad(f: (x: Tensor) => Tensor): (x: Operand, dy?: Operand) => Tensor {
  return (x, dy) => tidy(() => run(f, [x], dy, "grad").grads[0]);
}

/** As `grad`, for a function of several tensors: `grads(f)([x1, x2], dy)`. */
export function grads(
  f: (...xs: Tensor[]) => Tensor,
): (xs: readonly Operand[], dy?: Operand) => Tensor[] {
  return (xs, dy) => tidy(() => run(f, xs, dy, "grads").grads);
}

/** As `grad`, with the function's value as well. */
export function valueAndGrad(
  f: (x: Tensor) => Tensor,
): (x: Operand, dy?: Operand) => { value: Tensor; grad: Tensor } {
  return (x, dy) => {
    const { value, grads } = run(f, [x], dy, "valueAndGrad");
    return { value, grad: grads[0] };
  };
}

/** As `grads`, with the function's value as well. */
export function valueAndGrads(
  f: (...xs: Tensor[]) => Tensor,
): (xs: readonly Operand[], dy?: Operand) => { value: Tensor; grads: Tensor[] } {
  return (xs, dy) => run(f, xs, dy, "valueAndGrads");
}

/**
 * Gradients of the scalar `f()` with respect to variables, by name: those given, else all trainable ones that `f` uses.
 * Variables the result does not depend on get zeros when given, and are left out when not.
 */
export function variableGrads(
  f: () => Tensor,
  variables?: readonly Variable[],
): { value: Tensor; grads: Record<string, Tensor> } {
  const { value, gradients } = gradientsOf(f, variables);
  return {
    value,
    grads: Object.fromEntries([...gradients].map(([variable, g]) => [variable.name, written(g)])),
  };
}

/** `variableGrads` by variable instead of by name, of which some may not be in memory yet. */
export function gradientsOf(
  f: () => Tensor,
  variables?: readonly Variable[],
): { value: Tensor; gradients: Map<Variable, Tensor> } {
  const pairs = tidy(() => {
    const tape = new Tape(variables ?? [], variables === undefined);
    try {
      const value = watching(tape, f);
      checkResult(value, undefined, "variableGrads");
      if (value.rank !== 0) {
        throw new DinogradError(
          `variableGrads needs a function that returns a scalar, got shape ${
            showShape(value.shape)
          }`,
        );
      }
      const wanted = variables ?? [...tape.variables];
      if (wanted.length === 0) {
        throw new DinogradError("variableGrads found no trainable variable in the function");
      }
      const found = tape.backward(value, onesFor(value), new Set(wanted.map((v) => v.id)));
      if (found.size === 0) {
        throw new DinogradError(
          `variableGrads needs a function of the variables ${
            wanted.map((v) => v.name).join(", ")
          }: its result does not depend on any of them`,
        );
      }
      return {
        value,
        wanted,
        gradients: wanted.map((v) => handOver(found, v)),
      };
    } finally {
      tape.release();
    }
  });
  return {
    value: pairs.value,
    gradients: new Map(pairs.wanted.map((v, i) => [v, pairs.gradients[i]])),
  };
}

/** Keeps tensors of a custom gradient's forward function for its gradient. */
export type GradSaveFunc = (tensors: Tensor[]) => void;

/** What a custom gradient's forward function returns. */
export interface CustomResult {
  /** The result. */
  value: Tensor;
  /** Gradient of each argument (or of the only one) from `dy` and the saved tensors. */
  gradFunc(dy: Tensor, saved: Tensor[]): Tensor | Tensor[];
}

/**
 * A function with its own gradient: `f(...xs, save)` computes the value and says how gradients follow; `save([...])` keeps tensors
 * for that.
 *
 * ```ts
 * import * as dg from "../mod.ts";
 *
 * const straightThrough = dg.customGrad((x) => ({ value: dg.round(x), gradFunc: (dy) => dy }));
 * dg.grad(straightThrough)(dg.tensor([0.4, 1.6])).print(); // [1, 1]
 * ```
 */
export function customGrad<T extends Tensor[] = [Tensor]>(
  f: (...args: [...T, GradSaveFunc]) => CustomResult,
): (...xs: T) => Tensor {
  return (...xs) => {
    const inputs: Inputs = Object.fromEntries(xs.map((x, i) => [`x${i}`, x]));
    const saved: Tensor[] = [];
    return tidy(() => {
      const result = unwatched(() => f(...xs, (tensors: Tensor[]) => saved.push(...tensors)));
      wantTensor(result?.value, "customGrad needs a function that returns { value, gradFunc }");
      const { gradFunc } = result;
      const value = shareTensor(result.value, result.value.shape); // f may return an argument itself
      report(
        "customGrad",
        inputs,
        value,
        () => Object.fromEntries(saved.map((s, i) => [`s${i}`, s.alias()])),
        (kept) => {
          let answer: Tensor[] | undefined;
          const all = () => {
            if (answer) return answer;
            const given = gradFunc(kept.dy, saved.map((_, i) => kept[`s${i}`]));
            answer = Array.isArray(given) ? given : [given];
            if (answer.length !== xs.length) {
              throw new DinogradError(
                `customGrad's gradFunc must return ${xs.length} gradients, got ${answer.length}`,
              );
            }
            return answer;
          };
          return Object.fromEntries(xs.map((_, i) => [`x${i}`, () => all()[i]]));
        },
      );
      return value;
    });
  };
}

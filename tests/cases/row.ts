// What is a row of the op table? An operation, inputs of any size for it, and what it should compute.

import type { DType } from "../../src/dtype.ts";
import type { Tensor } from "../../src/tensor.ts";
import type { Plain } from "../plain.ts";

/** An input: its shape and type, and the range that its random values are drawn from. */
export interface Input {
  readonly shape: readonly number[];
  readonly dtype: DType;
  readonly range: readonly [number, number];
}

/** What may be said about a row beyond what it computes. */
export interface Options {
  /** Whether the operation reads values on the host, so that it can be neither described nor recorded. */
  readonly host?: boolean;
  /** Whether gradients flow to float32 inputs (true when left out). */
  readonly grad?: boolean;
  /** Error of the result that is allowed, relative and absolute (1e-6 each when left out). */
  readonly rtol?: number;
  readonly atol?: number;
  /** Error of gradients that is allowed, relative to their size (1e-5 when left out); of second ones ten times that. */
  readonly gtol?: number;
  /**
   * How often the result is rounded on its way, where the operation is made of others (once, at the end, when left out): so many
   * epsilons of a 16-bit type are allowed, relative to the result or, if that is below 1, to 1.
   */
  readonly roundings?: number;
  /** Whether the result is float32 for inputs of all floats. */
  readonly wide?: boolean;
}

/** One row of the op table. */
export interface Row extends Options {
  readonly name: string;
  /** Inputs of a size: 0 to 20 in tests, large in benchmarks. */
  inputs(n: number): Input[];
  run(...inputs: Tensor[]): Tensor | Tensor[];
  /** The same with plain arrays. In double precision, so finite differences of it tell what the gradients must be. */
  plain(...inputs: Plain[]): Plain | Plain[];
}

/** A float32 input with values of [low, high). */
export function float(shape: readonly number[], low = -2, high = 2): Input {
  return { shape, dtype: "float32", range: [low, high] };
}
/** An int32 input with values of [low, high). */
export function int(shape: readonly number[], low = -9, high = 10): Input {
  return { shape, dtype: "int32", range: [low, high] };
}
/** A bool input. */
export function bool(shape: readonly number[]): Input {
  return { shape, dtype: "bool", range: [0, 2] };
}

/** A row: name, inputs, operation, plain reference, and what else there is to say. */
export function row(
  name: string,
  inputs: Row["inputs"],
  run: Row["run"],
  plain: Row["plain"],
  options: Options = {},
): Row {
  return { name, inputs, run, plain, ...options };
}

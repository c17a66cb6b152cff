// How exactly, and by whom, are products computed? Settings that operations read when they run; public through `config`.

import { unknownName } from "./errors.ts";
import { MatMulFlag } from "./native/symbols.ts";

/** Who multiplies matrices on a GPU. */
export type MatMulEngine = "best" | "own" | "cublaslt";

/** How exactly float32 matrix products and convolutions are computed; see `setFloat32MatMulPrecision`. */
export type Float32Precision = keyof typeof flags;

// What each asks of the native library.
const flags = { highest: 0, high: MatMulFlag.tf32x3, medium: MatMulFlag.tf32 } as const;

let precision: Float32Precision = "medium";
let engine: MatMulEngine = "best";

/**
 * How exactly float32 matrix products and convolutions are computed on GPUs of compute capability 8.0 or newer, whose tensor cores
 * multiply TensorFloat-32 (11 bits of each factor instead of 24) much quicker:
 * - `"highest"`: float32 throughout, without tensor cores.
 * - `"high"`: each factor is taken apart into two TensorFloat-32 numbers, and three products of these are added. Nearly as exact as
 *   float32, at a third of the speed of tensor cores. Factors that are infinite, or nearly (3.4e38), give NaN.
 * - `"medium"`: factors are rounded to TensorFloat-32. At first, as in TensorFlow.
 *
 * Sums are float32 in all of them. The names are those of JAX and PyTorch, where what `"high"` and `"medium"` stand for depends on the
 * machine. Other devices always multiply in float32, and other data types are not concerned.
 *
 * ```ts
 * import { config } from "../mod.ts";
 *
 * config.setFloat32MatMulPrecision("high");
 * console.log(config.getFloat32MatMulPrecision()); // high
 * ```
 */
export function setFloat32MatMulPrecision(wanted: Float32Precision): void {
  if (!Object.hasOwn(flags, wanted)) {
    throw unknownName("float32 precision", wanted, Object.keys(flags));
  }
  precision = wanted;
}

/** How exactly float32 matrix products and convolutions are computed. */
export function getFloat32MatMulPrecision(): Float32Precision {
  return precision;
}

/**
 * TensorFlow's name for two of the precisions of `setFloat32MatMulPrecision`: true is `"medium"`, false `"highest"`.
 *
 * ```ts
 * import { config } from "../mod.ts";
 *
 * config.enableTensorFloat32Execution(false); // float32 means float32
 * console.log(config.tensorFloat32ExecutionEnabled()); // false
 * ```
 */
export function enableTensorFloat32Execution(enabled: boolean): void {
  precision = enabled ? "medium" : "highest";
}

/** Whether float32 matrix products and convolutions may round their factors to TensorFloat-32. */
export function tensorFloat32ExecutionEnabled(): boolean {
  return precision === "medium";
}

/** What a native product or convolution is told of the precision. */
export function precisionFlag(): number {
  return flags[precision];
}

/** Notes the engine that `config` has set. */
export function noteMatMulEngine(set: MatMulEngine): void {
  engine = set;
}

/** What a recorded step depends on besides its shapes: one recorded under another key would compute other numbers. */
export function precisionKey(): string {
  return `${engine} ${precision}`;
}

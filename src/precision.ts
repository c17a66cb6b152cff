// How exactly, and by whom, are products computed? Settings that operations read when they run; public through `config`.

/** Who multiplies matrices on a GPU. */
export type MatMulEngine = "best" | "own" | "cublaslt";

let tensorFloat32 = true;
let engine: MatMulEngine = "best";

/**
 * Whether float32 matrix products and convolutions may round their factors to TensorFloat-32 (10 bits of mantissa instead of 23) on GPUs
 * that multiply it much quicker: those of compute capability 8.0 or newer. Sums stay float32. True at first, as in
 * TensorFlow. Other devices multiply exactly, and so do other data types' operations.
 *
 * ```ts
 * import { config } from "../mod.ts";
 *
 * config.enableTensorFloat32Execution(false); // float32 means float32
 * console.log(config.tensorFloat32ExecutionEnabled()); // false
 * ```
 */
export function enableTensorFloat32Execution(enabled: boolean): void {
  tensorFloat32 = enabled;
}

/** Whether float32 matrix products and convolutions may use TensorFloat-32. */
export function tensorFloat32ExecutionEnabled(): boolean {
  return tensorFloat32;
}

/** Notes the engine that `config` has set. */
export function noteMatMulEngine(set: MatMulEngine): void {
  engine = set;
}

/** What a recorded step depends on besides its shapes: one recorded under another key would compute other numbers. */
export function precisionKey(): string {
  return `${engine} ${tensorFloat32}`;
}

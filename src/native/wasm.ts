// Which WebAssembly module does this engine run? The one with relaxed SIMD (fused multiply-add) where it validates, else SIMD128.

import { WasmNative } from "./native.ts";
import { relaxed } from "./wasm_relaxed.ts";
import { simd } from "./wasm_simd.ts";

// The smallest module with a relaxed instruction: (func (result v128) i32.const 1 i8x16.splat, twice more, f32x4.relaxed_madd).
const RELAXED_PROBE = new Uint8Array([
  ...[0, 97, 115, 109, 1, 0, 0, 0], // magic, version
  ...[1, 5, 1, 96, 0, 1, 123], // type: () -> v128
  ...[3, 2, 1, 0], // one function
  ...[10, 19, 1, 17, 0, 65, 1, 253, 15, 65, 1, 253, 15, 65, 1, 253, 15, 253, 133, 2, 11],
]);

function decode(base64: string): Uint8Array<ArrayBuffer> {
  const text = atob(base64);
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  return bytes;
}

/** Whether this engine fuses multiplication and addition in WebAssembly. */
function hasRelaxedSimd(): boolean {
  return WebAssembly.validate(RELAXED_PROBE);
}

/** The embedded module's bytes: relaxed SIMD where the engine has it, unless told otherwise. */
function wasmBytes(useRelaxed = hasRelaxedSimd()): Uint8Array<ArrayBuffer> {
  return decode(useRelaxed ? relaxed : simd);
}

/** Compiles and starts the embedded module. */
export function openWasm(): WasmNative {
  return new WasmNative(new WebAssembly.Module(wasmBytes()));
}

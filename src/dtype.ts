// Which element types exist, how wide are they, and which wins when two meet?

import { DinogradError } from "./errors.ts";

/** Element type of a tensor. `bool` and `uint8` take one byte, the 16-bit floats two, the others four. */
export type DType = "float32" | "float16" | "bfloat16" | "int32" | "uint8" | "bool";

/** Host-side values of a tensor: `Float32Array` for all floats, `Int32Array`, or `Uint8Array`. */
export type TypedArray = Float32Array | Int32Array | Uint8Array;

/** The contract's numbers for element types (enum dg_dtype). */
export const dtypeId: Readonly<Record<DType, number>> = {
  float32: 0,
  float16: 1,
  bfloat16: 2,
  int32: 3,
  uint8: 4,
  bool: 5,
};

/** Bytes of one element. */
export const dtypeBytes: Readonly<Record<DType, number>> = {
  float32: 4,
  float16: 2,
  bfloat16: 2,
  int32: 4,
  uint8: 1,
  bool: 1,
};

/** Whether gradients can flow through values of this type. */
export function isFloat(dtype: DType): boolean {
  return dtype === "float32" || dtype === "float16" || dtype === "bfloat16";
}

/** The type in which values pass between host and device: float32 for all floats, which the device converts. */
export function hostDType(dtype: DType): DType {
  return isFloat(dtype) ? "float32" : dtype;
}

/** Checks a name that came from outside. */
export function toDType(name: string): DType {
  if (Object.hasOwn(dtypeId, name)) return name as DType;
  throw new DinogradError(
    `Unknown dtype "${name}": wanted one of ${Object.keys(dtypeId).join(", ")}`,
  );
}

/** The type two operands are brought to: bool < uint8 < int32 < any float; float16 with bfloat16 gives float32. */
export function promote(a: DType, b: DType): DType {
  if (a === b) return a;
  const rank: Record<DType, number> = {
    bool: 0,
    uint8: 1,
    int32: 2,
    float16: 3,
    bfloat16: 3,
    float32: 4,
  };
  if (rank[a] === rank[b]) return "float32";
  return rank[a] > rank[b] ? a : b;
}

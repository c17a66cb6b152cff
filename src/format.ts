// How does a tensor look as text and as nested arrays?

import type { DType, TypedArray } from "./dtype.ts";
import { showShape } from "./shape.ts";

/** Numbers nested as deep as the rank says. */
export type NestedArray = number | NestedArray[];

/** Row-major values as nested arrays. */
export function nest(values: ArrayLike<number>, shape: readonly number[]): NestedArray {
  let at = 0;
  const level = (d: number): NestedArray =>
    d === shape.length ? values[at++] : Array.from({ length: shape[d] }, () => level(d + 1));
  return level(0);
}

const EDGE = 3; // entries shown at each end of a long dimension
const LONG = 20; // dimensions beyond this are abbreviated

// As many digits as each type holds, but whole numbers in full.
const digits: Readonly<Partial<Record<DType, number>>> = { float16: 4, bfloat16: 3 };
function formatNumber(value: number, dtype: DType): string {
  if (dtype === "bool") return value ? "true" : "false";
  if (Number.isSafeInteger(value)) return String(value);
  return String(parseFloat(value.toPrecision(digits[dtype] ?? 7)));
}

// Positions shown of a dimension; null stands for those left out.
function shown(size: number): (number | null)[] {
  if (size <= LONG) return Array.from({ length: size }, (_, i) => i);
  const end = Array.from({ length: EDGE }, (_, i) => size - EDGE + i);
  return [...Array(EDGE).keys(), null, ...end];
}

// The rows of values in brackets, each column as wide as its widest entry.
function formatRows(shape: readonly number[], dtype: DType, values: TypedArray): string {
  const last = shape.length - 1, n = shape[last], columns = shown(n);
  const rows: string[][] = [];
  const collect = (d: number, at: number): void => {
    if (d < last) {
      for (const i of shown(shape[d])) if (i !== null) collect(d + 1, at * shape[d] + i);
    } else {
      rows.push(columns.map((i) => i === null ? "..." : formatNumber(values[at * n + i], dtype)));
    }
  };
  collect(0, 0);
  const widths = columns.map((_, k) => last ? Math.max(...rows.map((r) => r[k].length)) : 0);
  let next = 0;
  const render = (d: number, indent: string): string => {
    if (d === last) return `[${rows[next++].map((t, k) => t.padEnd(widths[k])).join(", ")}]`;
    const gap = "\n".repeat(last - d) + indent;
    const parts = shown(shape[d]).map((i) => i === null ? "..." : render(d + 1, indent + " "));
    // Blocks are set apart by blank lines; the dots between them are not.
    return `[${
      parts.map((part, k) => {
        if (k === parts.length - 1) return part;
        return part === "..." && d < last - 1 ? `${part}\n${indent}` : `${part},${gap}`;
      }).join("")
    }]`;
  };
  return render(0, "     ");
}

/** The text of a tensor: its values in brackets, columns aligned, long dimensions abbreviated. */
export function formatTensor(
  shape: readonly number[],
  dtype: DType,
  values: TypedArray | null,
  verbose: boolean,
): string {
  const head = verbose
    ? `Tensor\n  dtype: ${dtype}\n  rank: ${shape.length}\n  shape: ${showShape(shape)}\n  values:`
    : "Tensor";
  if (!values) return `${head}\n    (no values)`;
  const text = shape.length ? formatRows(shape, dtype, values) : formatNumber(values[0], dtype);
  return `${head}\n    ${text}`;
}

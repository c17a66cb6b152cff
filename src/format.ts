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

function formatNumber(value: number, dtype: DType): string {
  if (dtype === "bool") return value ? "true" : "false";
  return String(parseFloat(value.toPrecision(7)));
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
  const shown = (d: number): (number | null)[] => {
    const n = shape[d];
    if (n <= LONG) return Array.from({ length: n }, (_, i) => i);
    return [0, 1, 2, null, ...Array.from({ length: EDGE }, (_, i) => n - EDGE + i)];
  };
  const texts: string[] = [];
  const visit = (d: number, at: number): void => {
    if (d === shape.length) {
      texts.push(formatNumber(values[at], dtype));
      return;
    }
    for (const i of shown(d)) if (i !== null) visit(d + 1, at * shape[d] + i);
  };
  visit(0, 0);
  const width = Math.max(0, ...texts.map((t) => t.length));
  let next = 0;
  const render = (d: number, indent: string): string => {
    if (d === shape.length) return texts[next++].padStart(shape.length ? width : 0);
    const inner = indent + " ";
    const parts = shown(d).map((i) => i === null ? "..." : render(d + 1, inner));
    const separator = d === shape.length - 1
      ? ", "
      : ",\n" + "\n".repeat(Math.max(0, shape.length - d - 3)) + inner;
    return `[${parts.join(separator)}]`;
  };
  return `${head}\n    ${render(0, "    ")}`;
}

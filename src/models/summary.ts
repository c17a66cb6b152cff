// How does a model look as a table?

import { dtypeBytes } from "../dtype.ts";
import type { Layer, Shape } from "../layers/layer.ts";
import { showShape } from "../shape.ts";
import type { Variable } from "../variable.ts";

/** One row of the table. */
export interface SummaryRow {
  /** The layer. */
  readonly layer: Layer;
  /** Shape of its output; null until it is known, "multiple" where its calls give several. */
  readonly outputShape: Shape | Shape[] | "multiple" | null;
  /** Whose results it receives, as `layer[call][output]`; undefined where layers are in a row. */
  readonly connections?: readonly string[];
}

function count(n: number): string {
  return n.toLocaleString("en-US");
}

function bytes(n: number): string {
  const units = ["B", "KB", "MB", "GB"];
  let unit = 0;
  while (n >= 1024 && unit < units.length - 1) {
    n /= 1024;
    unit++;
  }
  return `${n.toFixed(2)} ${units[unit]}`;
}

function shapeText(shape: SummaryRow["outputShape"]): string {
  if (shape === null) return "?";
  if (shape === "multiple") return shape;
  return Array.isArray(shape[0])
    ? (shape as Shape[]).map(showShape).join(", ")
    : showShape(shape as Shape);
}

// Where the columns end, in letters.
function endsOf(positions: readonly number[], lineLength: number): number[] {
  const relative = positions[positions.length - 1] <= 1;
  return positions.map((p) => relative ? Math.floor(lineLength * p) : p);
}

/**
 * The lines of `model.summary()`.
 * @param positions Where columns end, in letters or as shares of the line.
 */
export function summaryLines(
  name: string,
  rows: readonly SummaryRow[],
  lineLength?: number,
  positions?: readonly number[],
): string[] {
  const connected = rows.some((row) => row.connections !== undefined);
  const ends = endsOf(
    positions ?? (connected ? [0.33, 0.6, 0.73, 1] : [0.45, 0.8, 1]),
    lineLength ?? (connected ? 98 : 65),
  );
  const line = (cells: readonly string[]) =>
    ends.map((end, i) => {
      const width = end - (ends[i - 1] ?? 0), text = cells[i] ?? "";
      if (i === 2) return text.padStart(width);
      return i === 3 ? `  ${text}` : text.slice(0, width - 1).padEnd(width);
    }).join("").trimEnd();
  const rule = "━".repeat(ends[ends.length - 1]);
  const size = (layer: Layer) => layer.weights.reduce((n, w) => n + w.variable.size, 0);
  const seen = new Set(rows.flatMap((r) => r.layer.trainableWeights.map((w) => w.variable)));
  const still = new Set(rows.flatMap((r) => r.layer.nonTrainableWeights.map((w) => w.variable)));
  const totals = (label: string, ...variables: Variable[]) => {
    const values = variables.reduce((n, v) => n + v.size, 0);
    const size = variables.reduce((n, v) => n + v.size * dtypeBytes[v.dtype], 0);
    return ` ${label}: ${count(values)} (${bytes(size)})`;
  };
  return [
    `Model: "${name}"`,
    rule,
    line(["Layer (type)", "Output shape", "Param #", ...connected ? ["Receives inputs"] : []]),
    rule,
    ...rows.flatMap(({ layer, outputShape, connections = [] }) => [
      line([
        `${layer.name} (${layer.getClassName()})`,
        shapeText(outputShape),
        layer.built ? count(size(layer)) : "unbuilt",
        connections[0] ?? "",
      ]),
      ...connections.slice(1).map((text) => line(["", "", "", text])),
    ]),
    rule,
    totals("Total params", ...seen, ...still),
    totals("Trainable params", ...seen),
    totals("Non-trainable params", ...still),
  ];
}

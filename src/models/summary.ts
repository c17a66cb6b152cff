// How does a model look as a table?

import { dtypeBytes } from "../dtype.ts";
import type { Layer, Shape } from "../layers/layer.ts";
import { showShape } from "../shape.ts";
import type { Variable } from "../variable.ts";

/** One row of the table. */
export interface SummaryRow {
  /** The layer. */
  readonly layer: Layer;
  /** Shape of its output; null until it is known. */
  readonly outputShape: Shape | Shape[] | null;
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

/** The lines of `model.summary()`. */
export function summaryLines(
  name: string,
  rows: readonly SummaryRow[],
  lineLength = 65,
): string[] {
  const widths = [0.45, 0.35, 0.2].map((share) => Math.floor(lineLength * share));
  const line = (cells: string[]) =>
    cells.map((c, i) =>
      i === 2 ? c.padStart(widths[2]) : c.slice(0, widths[i] - 1).padEnd(widths[i])
    ).join("");
  const rule = (mark: string) => mark.repeat(widths[0] + widths[1] + widths[2]);
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
    rule("━"),
    line(["Layer (type)", "Output shape", "Param #"]),
    rule("━"),
    ...rows.map(({ layer, outputShape }) =>
      line([
        `${layer.name} (${layer.getClassName()})`,
        outputShape === null
          ? "?"
          : Array.isArray(outputShape[0])
          ? (outputShape as Shape[]).map(showShape).join(", ")
          : showShape(outputShape as Shape),
        layer.built ? count(size(layer)) : "unbuilt",
      ])
    ),
    rule("━"),
    totals("Total params", ...seen, ...still),
    totals("Trainable params", ...seen),
    totals("Non-trainable params", ...still),
  ];
}

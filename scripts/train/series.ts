// Which series is learned? A column of a CSV file, or one made up: a trend, two cycles and noise with a memory.

import * as dg from "../../mod.ts";
import { Prng } from "../../src/data/prng.ts";
import { DinogradError, unknownName } from "../../src/errors.ts";

/** Values, one after another, and what they are. */
export interface Series {
  name: string;
  values: Float64Array;
}

/** A made-up series, of hours say: days and weeks come and go. */
export function madeUpSeries(count: number, seed: number): Series {
  const random = new Prng(seed);
  let drift = 0;
  const values = Float64Array.from({ length: count }, (_, hour) => {
    drift = 0.9 * drift + 0.5 * random.bell();
    const day = 6 * Math.sin(2 * Math.PI * hour / 24),
      week = 3 * Math.sin(2 * Math.PI * hour / 168);
    return 15 + 0.002 * hour + day + week + drift;
  });
  return { name: `a series made up with seed ${seed}`, values };
}

/** A column of a CSV file with a header: the named one, or the only one that holds numbers. */
export async function readSeries(file: string, column: string | undefined): Promise<Series> {
  const table = dg.data.csv(`file://${file}`), columns = await table.columnNames();
  const records: Record<string, unknown>[] = await table.toArray();
  if (column !== undefined && !columns.includes(column)) {
    throw unknownName(`column of ${file}`, column, columns);
  }
  const isNumber = (value: unknown) => typeof value === "number" && Number.isFinite(value);
  const numeric = columns.filter((name) => records.every((record) => isNumber(record[name])));
  const name = column ?? (numeric.length === 1 ? numeric[0] : undefined);
  if (name === undefined) {
    throw new DinogradError(
      `--column must name a column of ${file} to learn: numbers are in ${
        numeric.join(", ") || "none"
      }`,
    );
  }
  const bad = records.findIndex((record) => !isNumber(record[name]));
  if (bad >= 0) {
    throw new DinogradError(
      `Column "${name}" of ${file} must hold numbers, got ${
        JSON.stringify(records[bad][name] ?? "")
      } in record ${bad + 1}`,
    );
  }
  return {
    name: `column "${name}" of ${file}`,
    values: Float64Array.from(records, (record) => record[name] as number),
  };
}

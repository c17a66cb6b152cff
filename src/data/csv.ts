// How does a CSV text become a dataset? One object per record, its fields by column, as numbers where they are some.

import { DinogradError, unknownName } from "../errors.ts";
import { CsvParser, type CsvRecord } from "./csv_parser.ts";
import { Dataset, type Stream } from "./dataset.ts";
import { nameOfSource, textParts, type TextSource } from "./text_source.ts";

/** What is known of a column. */
export interface ColumnConfig {
  /** Whether an empty field is an error. */
  required?: boolean;
  /** What its fields are: numbers where they look like some, when left out. int32 rounds down; bool gives 1 for 1 and true, else 0. */
  dtype?: "float32" | "int32" | "bool" | "string";
  /** What an empty field means. */
  default?: number | string | boolean;
  /** Whether it is a target. */
  isLabel?: boolean;
}

/** How to read a CSV text. */
export interface CSVConfig {
  /** Whether the first record names the columns (true when left out). */
  hasHeader?: boolean;
  /** Names of all columns, instead of those in the text. */
  columnNames?: readonly string[];
  /** What is known of some columns. */
  columnConfigs?: Readonly<Record<string, ColumnConfig>>;
  /** Whether only the columns in columnConfigs come out. */
  configuredColumnsOnly?: boolean;
  /** What stands between fields, "," when left out. */
  delimiter?: string;
}

/** A field: undefined where it is empty and has no default. */
export type CSVValue = number | string | boolean | undefined;

/** A record: its fields by column, or features `xs` and targets `ys` where there are columns with isLabel. */
export type CSVElement =
  // deno-lint-ignore no-explicit-any
  any;

const options: Readonly<Record<keyof CSVConfig, true>> = {
  hasHeader: true,
  columnNames: true,
  columnConfigs: true,
  configuredColumnsOnly: true,
  delimiter: true,
};
const columnOptions: Readonly<Record<keyof ColumnConfig, true>> = {
  required: true,
  dtype: true,
  default: true,
  isLabel: true,
};

function checkKeys(what: string, given: object, known: Readonly<Record<string, true>>): void {
  for (const key in given) {
    if (!Object.hasOwn(known, key)) throw unknownName(what, key, Object.keys(known));
  }
}

interface Column {
  readonly name: string;
  readonly position: number;
  readonly config: ColumnConfig;
}

/** The value of a field. */
function parseField(text: string, { name, position, config }: Column, where: string): CSVValue {
  const { dtype } = config;
  const place = () => `${where}, column ${position + 1} ("${name}")`;
  if (text === "") {
    if (config.default !== undefined) return config.default;
    if (config.required || config.isLabel) {
      throw new DinogradError(`${place()}: the field is empty, and must not be`);
    }
    return undefined;
  }
  if (dtype === "string") return text;
  if (dtype === "bool") return text === "1" || text.toLowerCase() === "true" ? 1 : 0;
  const value = text.trim() === "" ? NaN : Number(text);
  if (!Number.isNaN(value) || /^\s*nan\s*$/i.test(text)) {
    return dtype === "int32" ? Math.floor(value) : value;
  }
  if (dtype === undefined) return text;
  throw new DinogradError(`${place()}: wanted a number (${dtype}), got ${JSON.stringify(text)}`);
}

/** The records of a CSV text. */
export class CSVDataset extends Dataset<CSVElement> {
  readonly #source: TextSource;
  readonly #config: CSVConfig;
  readonly #name: string;
  #columns: readonly Column[] | undefined; // all of them, once they are known

  /** See `data.csv`. */
  constructor(source: TextSource, config: CSVConfig = {}) {
    super(() => this.#elements());
    checkKeys("option of data.csv", config, options);
    for (const column of Object.values(config.columnConfigs ?? {})) {
      checkKeys("option of a column", column, columnOptions);
    }
    this.#source = source;
    this.#config = config;
    this.#name = nameOfSource(source);
    new CsvParser(this.#name, config.delimiter); // says what is wrong with the delimiter
    if (config.columnNames) this.#columns = this.#columnsOf(config.columnNames);
    else if (config.hasHeader === false) {
      throw new DinogradError("data.csv needs columnNames for a text without a header");
    }
  }

  /** Names of the columns that come out, in order. Reads the text's header, unless it is known. */
  async columnNames(): Promise<string[]> {
    if (!this.#columns) {
      const records = this.#records();
      try {
        this.#columns = await this.#header(records);
      } finally {
        await records.return();
      }
    }
    return this.#shown(this.#columns).map(({ name }) => name);
  }

  #shown(columns: readonly Column[]): readonly Column[] {
    const { configuredColumnsOnly, columnConfigs = {} } = this.#config;
    return configuredColumnsOnly
      ? columns.filter(({ name }) => Object.hasOwn(columnConfigs, name))
      : columns;
  }

  #columnsOf(names: readonly string[]): Column[] {
    const { columnConfigs = {} } = this.#config;
    const twice = names.find((name, i) => names.indexOf(name) !== i);
    if (twice !== undefined) {
      throw new DinogradError(`${this.#name}: two columns are named ${JSON.stringify(twice)}`);
    }
    const stray = Object.keys(columnConfigs).find((name) => !names.includes(name));
    if (stray !== undefined) throw unknownName("column in columnConfigs", stray, names);
    return names.map((name, position) => ({
      name,
      position,
      config: Object.hasOwn(columnConfigs, name) ? columnConfigs[name] : {},
    }));
  }

  async *#records(): Stream<CsvRecord> {
    const parser = new CsvParser(this.#name, this.#config.delimiter);
    for await (const part of textParts(this.#source)) yield* parser.push(part);
    yield* parser.end();
  }

  // Takes the header off, where there is one.
  async #header(records: Stream<CsvRecord>): Promise<readonly Column[]> {
    const { hasHeader = true, columnNames } = this.#config;
    if (!hasHeader) return this.#columns!;
    const { value, done } = await records.next();
    if (done) throw new DinogradError(`${this.#name}: wanted a header, got an empty text`);
    const { fields } = value;
    if (!columnNames) return this.#columnsOf(fields);
    if (fields.length === columnNames.length) return this.#columns!;
    throw new DinogradError(
      `${this.#name}: columnNames has ${columnNames.length} names, the header ${fields.length}`,
    );
  }

  async *#elements(): Stream<CSVElement> {
    const records = this.#records();
    try {
      const columns = this.#columns = await this.#header(records), shown = this.#shown(columns);
      const labelled = shown.some(({ config }) => config.isLabel);
      for await (const { fields, line } of records) {
        const where = `${this.#name}, line ${line}`;
        if (fields.length !== columns.length) {
          throw new DinogradError(
            `${where}: wanted ${columns.length} fields, as there are columns, got ${fields.length}`,
          );
        }
        const take = (part: readonly Column[]) =>
          Object.fromEntries(
            part.map((c) => [c.name, parseField(fields[c.position], c, where)]),
          );
        yield labelled
          ? {
            xs: take(shown.filter(({ config }) => !config.isLabel)),
            ys: take(shown.filter(({ config }) => config.isLabel)),
          }
          : take(shown);
      }
    } finally {
      await records.return();
    }
  }
}

/**
 * The records of a CSV text (RFC 4180), read part by part: objects with a field per column, or `{ xs, ys }` where columns are
 * marked with isLabel. Fields that look like numbers are numbers, others texts; a column's dtype insists.
 *
 * ```ts
 * import * as dg from "../../mod.ts";
 * import assert from "node:assert";
 *
 * const text = 'rooms,street,price\n3,"Main St, 5",200\n2,"Elm St, 1",150\n';
 * const houses = dg.data.csv(text, { columnConfigs: { price: { isLabel: true } } });
 * const [first] = await houses.toArray();
 * assert.deepEqual(first, { xs: { rooms: 3, street: "Main St, 5" }, ys: { price: 200 } });
 * ```
 */
export function csv(source: TextSource, config: CSVConfig = {}): CSVDataset {
  return new CSVDataset(source, config);
}

// How does a script turn its command line into typed values, and explain itself?
import { parseArgs } from "node:util";
import { DinogradError, unknownName } from "../src/errors.ts";

/** One option: what it takes, what it is when not given, and a line of help. */
export type Option =
  & { help: string }
  & (
    | { type: "flag" }
    | { type: "string"; value: string; default?: string }
    | { type: "choice"; choices: readonly string[]; default: string }
    | { type: "integer" | "number"; default?: number; min?: number; max?: number }
  );

/** A script's options by name: `batchSize` is written `--batch-size`. `--help` is always there. */
export type Options = Record<string, Option>;

type Value<O extends Option> = O extends { type: "flag" } ? boolean
  : O extends { type: "choice"; choices: readonly (infer Choice)[] } ? Choice
  : O extends { type: "integer" | "number"; default: number } ? number
  : O extends { type: "integer" | "number" } ? number | undefined
  : O extends { default: string } ? string
  : string | undefined;

/** What the options of a table are worth. */
export type Values<T extends Options> = { [Name in keyof T]: Value<T[Name]> } & { help: boolean };

const helpOption: Option = { type: "flag", help: "show this help" };

const kebabCase = (name: string) => name.replace(/[A-Z]/g, (c) => `-${c.toLowerCase()}`);

/**
 * Reads a command line.
 *
 * ```ts
 * import { parseOptions } from "./options.ts";
 * import assert from "node:assert";
 *
 * const values = parseOptions({
 *   model: { type: "choice", choices: ["mlp", "cnn"], default: "mlp", help: "what to train" },
 *   batchSize: { type: "integer", default: 32, min: 1, help: "samples per step" },
 * }, ["--batch-size", "64"]);
 * assert.deepEqual(values, { model: "mlp", batchSize: 64, help: false });
 * ```
 */
export function parseOptions<const T extends Options>(table: T, args: string[]): Values<T> {
  const options = new Map(
    Object.entries({ ...table, help: helpOption }).map(([name, option]) => [
      kebabCase(name),
      { name, option },
    ]),
  );
  const values: Record<string, unknown> = {};
  for (const { name, option } of options.values()) {
    values[name] = option.type === "flag" ? false : option.default;
  }
  const { tokens } = parseArgs({
    args,
    strict: false,
    tokens: true,
    options: Object.fromEntries(
      [...options].map(([flag, { option }]) => [
        flag,
        {
          type: option.type === "flag" ? "boolean" : "string",
          ...(flag === "help" ? { short: "h" } : {}),
        },
      ]),
    ),
  });
  for (const token of tokens) {
    if (token.kind === "positional") {
      throw new DinogradError(`Wanted options only, got ${JSON.stringify(token.value)}`);
    }
    if (token.kind !== "option") continue;
    const known = options.get(token.name);
    if (known === undefined) {
      throw unknownName("option", token.rawName, [...options.keys()].map((flag) => `--${flag}`));
    }
    values[known.name] = readValue(token.rawName, known.option, token.value, token.inlineValue);
  }
  return values as Values<T>;
}

function readValue(
  flag: string,
  option: Option,
  text: string | undefined,
  inline: boolean | undefined,
): string | number | boolean {
  if (option.type === "flag") {
    if (text !== undefined) throw new DinogradError(`${flag} takes no value, got "${text}"`);
    return true;
  }
  // What follows with two dashes of its own is the next option, not a value.
  if (text === undefined || text === "" || (!inline && text.startsWith("--"))) {
    throw new DinogradError(`${flag} wants ${wanted(option)}, got nothing`);
  }
  switch (option.type) {
    case "string":
      return text;
    case "choice":
      if (!option.choices.includes(text)) throw unknownName(flag.slice(2), text, option.choices);
      return text;
    default: {
      const { type, min = -Infinity, max = Infinity } = option;
      const number = text.trim() === "" ? NaN : Number(text);
      const fits = type === "integer" ? Number.isSafeInteger(number) : Number.isFinite(number);
      if (!fits || number < min || number > max) {
        throw new DinogradError(`${flag} wants ${wanted(option)}, got "${text}"`);
      }
      return number;
    }
  }
}

/** What an option takes, in words. */
function wanted(option: Exclude<Option, { type: "flag" }>): string {
  if (option.type === "string") return option.value;
  if (option.type === "choice") return `one of ${option.choices.join(", ")}`;
  const { type, min, max } = option;
  const kind = type === "integer" ? "an integer" : "a number";
  if (min !== undefined && max !== undefined) return `${kind} from ${min} to ${max}`;
  if (min !== undefined) return `${kind} of at least ${min}`;
  if (max !== undefined) return `${kind} of at most ${max}`;
  return kind;
}

/** The text for `--help`: how to call the script, what it does, and what each option means. */
export function helpText(usage: string, about: string, table: Options): string {
  const rows = Object.entries({ ...table, help: helpOption }).map(([name, option]) => {
    const flag = `--${kebabCase(name)}`;
    if (option.type === "flag") return [flag, option.help];
    const takes = option.type === "choice" ? "NAME" : option.type === "string" ? option.value : "N";
    const choices = option.type === "choice" ? `: ${option.choices.join(", ")}` : "";
    const fallback = option.default === undefined ? "" : ` (default ${option.default})`;
    return [`${flag} ${takes}`, option.help + choices + fallback];
  });
  const indent = Math.max(...rows.map(([left]) => left.length)) + 4;
  const lines = rows.flatMap(([left, right]) =>
    wrap(right, 80 - indent).map((line, i) => (i === 0 ? `  ${left}` : "").padEnd(indent) + line)
  );
  return `Usage: ${usage}\n\n${wrap(about, 80).join("\n")}\n\nOptions:\n${lines.join("\n")}`;
}

/** Breaks text between words into lines of at most `width` characters. */
function wrap(text: string, width: number): string[] {
  const lines = [""];
  for (const word of text.split(" ")) {
    const line = lines[lines.length - 1];
    if (line === "") lines[lines.length - 1] = word;
    else if (line.length + 1 + word.length <= width) lines[lines.length - 1] += ` ${word}`;
    else lines.push(word);
  }
  return lines;
}

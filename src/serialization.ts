// How do configurable objects become Keras configs, and configs objects? Options are camelCase in programs and snake_case in
// configs; class and function names are found in either spelling.

import { DinogradError, unknownName } from "./errors.ts";
import { registeredClasses } from "./serialization/registry.ts";

/** What makes an object again: its options under Keras's keys. */
export type Config = Record<string, unknown>;

/** A config with the class it belongs to, as Keras saves objects. */
export interface ClassConfig {
  /** Name of the class. */
  readonly class_name: string;
  /** What makes the object again. */
  readonly config: Config;
}

/** An object that a saved model can describe. */
export interface Serializable {
  /** Name of its class in saved models. */
  getClassName(): string;
  /** Its options under Keras's keys. */
  getConfig(): Config;
}

/** `learning_rate` as `learningRate`, `beta_1` as `beta1`. */
export function toCamelCase(key: string): string {
  return key.replace(/_(.)/g, (_, letter: string) => letter.toUpperCase());
}

/** `learningRate` as `learning_rate`, `beta1` as `beta_1`; a number after a single letter (`l1`) stays with it. */
export function toSnakeCase(key: string): string {
  return key.replace(/([a-z]{2})(\d)/g, "$1_$2").replace(/[A-Z]/g, "_$&").toLowerCase();
}

/** What a saved model says of an object: class and config, only the name where there is nothing to configure, null for nothing. */
export function serialize(
  thing: Serializable | { readonly name: string } | null | undefined,
): ClassConfig | string | null {
  if (!thing) return null;
  return isSerializable(thing)
    ? { class_name: thing.getClassName(), config: thing.getConfig() }
    : thing.name;
}

function isSerializable(value: unknown): value is Serializable {
  return typeof value === "object" && value !== null && "getConfig" in value &&
    "getClassName" in value;
}

/** Whether a value is `{ class_name, config }`. */
export function isClassConfig(value: unknown): value is ClassConfig {
  return typeof value === "object" && value !== null && "class_name" in value && "config" in value;
}

const plain = (name: string) => name.replaceAll("_", "").toLowerCase();

/**
 * The entry of that name, whatever its spelling: `mean_squared_error`, `meanSquaredError` and `MeanSquaredError` are one.
 *
 * Throws a sentence with the nearest known name when there is none; `kind` says what was looked for.
 */
export function lookup<T>(kind: string, table: Readonly<Record<string, T>>, name: string): T {
  const wanted = plain(name);
  for (const key in table) if (plain(key) === wanted) return table[key];
  throw unknownName(kind, name, Object.keys(table));
}

/** A config as a class's arguments: keys as programs spell them (and as they stand), without nulls. */
export function argsOf(config: Config): Record<string, unknown> {
  const args: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(config)) {
    if (value !== null && value !== undefined) args[key] = args[toCamelCase(key)] = value;
  }
  return args;
}

// deno-lint-ignore no-explicit-any
type Classes<T> = Readonly<Record<string, new (options?: any) => T>>;

/** The object that `{ class_name, config }` describes, made by the class of that name. */
export function deserialize<T>(
  kind: string,
  classes: Classes<T>,
  { class_name, config }: ClassConfig,
): T {
  return new (lookupClass(kind, classes, class_name))(config);
}

/** The class of that name; `package>name` is of that package, if such a class is known, else of any. */
export function lookupClass<T>(
  kind: string,
  classes: Classes<T>,
  name: string,
): Classes<T>[string] {
  const known = Object.hasOwn(classes, name);
  return known ? classes[name] : lookup(kind, classes, name.slice(name.lastIndexOf(">") + 1));
}

/** The object that is meant: itself, a new one of the class of that name, or the one that a config describes. */
export function getObject<T>(
  kind: string,
  // deno-lint-ignore no-explicit-any
  base: abstract new (...args: any[]) => T,
  classes: Classes<T>,
  identifier: T | string | ClassConfig,
): T {
  if (identifier instanceof base) return identifier;
  const all = { ...registeredClasses(base), ...classes };
  if (typeof identifier === "string") return new (lookupClass(kind, all, identifier))();
  if (isClassConfig(identifier)) return deserialize(kind, all, identifier);
  throw new DinogradError(
    `Wanted ${/^[aeiou]/.test(kind) ? "an" : "a"} ${kind}, as an object, a name or a config: got ${
      identifier === null ? "null" : typeof identifier
    }`,
  );
}

/** As a default: the option must be given. */
export const required: never = undefined as never;

// Keys of configs from elsewhere that change nothing here.
const harmless = ["name", "dtype", "jitCompile", "emaMomentum"];

/**
 * `defaults` with the given options over them; keys may be spelled as in programs or as in configs. null and
 * undefined mean the default. Unknown options are refused unless they are switched off (null, false or 0).
 */
function optionsOf<O extends object>(what: string, defaults: O, given: object): O {
  const options = { ...defaults } as Record<string, unknown>;
  for (const [key, value] of Object.entries(given)) {
    const name = toCamelCase(key);
    if (!Object.hasOwn(defaults, name)) {
      if (!value || harmless.includes(name)) continue;
      throw unknownName(`option of ${what}`, key, Object.keys(defaults));
    }
    if (value === undefined || value === null) continue;
    checkType(what, name, options[name], value);
    options[name] = value;
  }
  for (const name in options) {
    if (options[name] === required) throw new DinogradError(`${what} needs ${name}`);
  }
  return options as O;
}

// Plain values must be of the default's type; objects are for the class to judge.
function checkType(what: string, name: string, fallback: unknown, value: unknown): void {
  if (typeof value === "number" && Number.isNaN(value)) {
    throw new DinogradError(`${what} needs ${name} to be a number, got NaN`);
  }
  const comparable = (v: unknown) => ["number", "boolean", "string"].includes(typeof v);
  if (comparable(fallback) && comparable(value) && typeof fallback !== typeof value) {
    throw new DinogradError(
      `${what} needs ${name} to be a ${typeof fallback}, got ${typeof value} ${
        JSON.stringify(value)
      }`,
    );
  }
}

/** Options as a config. */
function configOf(options: object): Config {
  return Object.fromEntries(
    Object.entries(options).map(([key, value]) => [
      toSnakeCase(key),
      isSerializable(value) ? serialize(value) : value,
    ]),
  );
}

/** The base of classes that are nothing but a formula and its options. */
export abstract class Configured<O extends object> implements Serializable {
  /** Name in saved models. */
  static className = "";

  /** The options, defaults filled in. */
  protected readonly options: O;

  /** A subclass passes its defaults and what it was given. */
  constructor(defaults: O, given: object) {
    this.options = optionsOf(this.getClassName(), defaults, given);
  }
  /** Name of its class in saved models. */
  getClassName(): string {
    return (this.constructor as typeof Configured).className;
  }
  /** Its options under Keras's keys. */
  getConfig(): Config {
    return configOf(this.options);
  }
  /** Makes an object from its config. */
  static fromConfig<T>(this: new (options: never) => T, config: Config): T {
    return new this(config as never);
  }
}

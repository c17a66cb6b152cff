// Which classes may configs name? The library's layers and models, and those that programs register.

import { DinogradError } from "../errors.ts";

/** A class that configs may name. */
export interface SerializableClass {
  /** Name in configs. */
  readonly className: string;
  /** Makes one from its config. */
  // deno-lint-ignore no-explicit-any
  new (...args: any[]): any;
  /** The same, where more is to be done. */
  // deno-lint-ignore no-explicit-any
  fromConfig?(config: any): any;
}

const registered = new Map<string, SerializableClass>();

/**
 * Lets configs name a class of a program's own: a layer, a model, an initializer, a regularizer, and so on.
 *
 * ```ts
 * import * as dg from "../../mod.ts";
 * import assert from "node:assert";
 *
 * class Twice extends dg.Layer {
 *   static override className = "Twice";
 *   override call(inputs: dg.Tensor | dg.Tensor[]): dg.Tensor {
 *     return dg.mul(inputs as dg.Tensor, 2);
 *   }
 * }
 * dg.serialization.registerClass(Twice);
 * assert.ok(dg.deserializeLayer({ class_name: "Twice", config: {} }) instanceof Twice);
 * ```
 * @param pkg A package, where several have a class of this name: configs say `pkg>name` then, as Keras writes it.
 * @param name Name in configs; the class's static `className` when left out.
 */
export function registerClass<C extends SerializableClass>(
  cls: C,
  pkg?: string,
  name?: string,
): C {
  if (typeof cls !== "function" || (name === undefined && !Object.hasOwn(cls, "className"))) {
    const got = typeof cls === "function" ? cls.name || "a class without one" : typeof cls;
    throw new DinogradError(
      `registerClass needs a class with a static className of its own, got ${got}`,
    );
  }
  const key = name ?? cls.className;
  registered.set(key, cls);
  if (pkg !== undefined) registered.set(`${pkg}>${key}`, cls);
  return cls;
}

/** The registered classes that extend `base`, by name. */
export function registeredClasses<T>(
  // deno-lint-ignore no-explicit-any
  base: abstract new (...args: any[]) => T,
  // deno-lint-ignore no-explicit-any
): Record<string, new (options?: any) => T> {
  return Object.fromEntries(
    [...registered].filter(([, cls]) => cls === base || cls.prototype instanceof base),
  );
}

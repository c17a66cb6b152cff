// How does a layer say of a weight what it begins with, what penalty is on it and what bounds hold it? In three options under the
// weight's name: kernelInitializer, kernelRegularizer, kernelConstraint.

import { type Constraint, getConstraint } from "../constraints.ts";
import { getInitializer, type Initializer, type InitializerIdentifier } from "../initializers.ts";
import { getRegularizer, type Regularizer } from "../regularizers.ts";
import { type Config, serialize } from "../serialization.ts";

/** The options of one weight. */
export class WeightOptions {
  /** What it begins with. */
  readonly initializer: Initializer;
  /** The penalty on it. */
  readonly regularizer: Regularizer | null;
  /** The bounds it is held to. */
  readonly constraint: Constraint | null;

  /** Finds them among a layer's arguments. */
  constructor(readonly name: string, args: object, initializer: InitializerIdentifier) {
    // deno-lint-ignore no-explicit-any
    const given = (what: string) => (args as Record<string, any>)[name + what];
    this.initializer = getInitializer(given("Initializer") ?? initializer);
    this.regularizer = getRegularizer(given("Regularizer"));
    this.constraint = getConstraint(given("Constraint"));
  }
  /** Those of several weights as Keras's configs list them. */
  static config(all: readonly WeightOptions[]): Config {
    const entries = (["initializer", "regularizer", "constraint"] as const).flatMap((what) =>
      all.map((o) => [`${o.name}_${what}`, serialize(o[what])])
    );
    return Object.fromEntries(entries);
  }
}

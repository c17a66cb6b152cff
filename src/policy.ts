// In which type does a layer compute, and in which does it keep its weights? Keras's dtype policies, and the one in force.

import type { DType } from "./dtype.ts";
import { DinogradError } from "./errors.ts";
import {
  type ClassConfig,
  type Config,
  isClassConfig,
  lookup,
  type Serializable,
} from "./serialization.ts";

/** Name of a policy: a type for computing and weights alike, or a 16-bit type to compute in with float32 weights. */
export type PolicyName = DType | "mixed_float16" | "mixed_bfloat16";

/** What may be passed where a policy is wanted: one, its name in either spelling, or its config. */
export type PolicyIdentifier = Policy | PolicyName | ClassConfig;

const names: Readonly<Record<PolicyName, PolicyName>> = {
  float32: "float32",
  float16: "float16",
  bfloat16: "bfloat16",
  mixed_float16: "mixed_float16",
  mixed_bfloat16: "mixed_bfloat16",
  int32: "int32",
  uint8: "uint8",
  bool: "bool",
};

/**
 * In which type layers compute and in which they keep their weights.
 *
 * ```ts
 * import { Policy } from "./policy.ts";
 * import assert from "node:assert";
 *
 * const policy = new Policy("mixed_float16");
 * assert.deepEqual([policy.computeDtype, policy.variableDtype], ["float16", "float32"]);
 * ```
 */
export class Policy implements Serializable {
  /** Its name. */
  readonly name: PolicyName;

  /** The policy of that name, of the global one when left out. */
  constructor(name: PolicyName = globalPolicy().name) {
    if (typeof name !== "string") {
      throw new DinogradError(`A dtype policy has a name such as "mixed_float16", got ${name}`);
    }
    this.name = lookup("dtype policy", names, name);
  }

  /** Type of computations: inputs of floats and weights are cast to it, and outputs have it. */
  get computeDtype(): DType {
    if (this.name === "mixed_float16") return "float16";
    return this.name === "mixed_bfloat16" ? "bfloat16" : this.name;
  }
  /** Type of weights. */
  get variableDtype(): DType {
    return this.computeDtype === this.name ? this.name : "float32";
  }
  /** Name of its class in saved models. */
  getClassName(): string {
    return "DTypePolicy";
  }
  /** Its name under Keras's key. */
  getConfig(): Config {
    return { name: this.name };
  }
  /** What configs of layers say: the name alone where it is that of a type, which TensorFlow.js reads too, else Keras's object. */
  serialize(): string | ClassConfig {
    if (this.name === this.variableDtype) return this.name;
    const [class_name, config] = [this.getClassName(), this.getConfig()];
    return { module: "keras", class_name, config, registered_name: null } as ClassConfig;
  }
}

let inForce: Policy | undefined;

/** The policy of layers that are not given one: float32 unless `setGlobalPolicy` says otherwise. */
export function globalPolicy(): Policy {
  return inForce ??= new Policy("float32");
}

/**
 * Sets the policy of the layers and models made from now on that are not given one.
 *
 * ```ts
 * import { setGlobalPolicy } from "./policy.ts";
 *
 * setGlobalPolicy("mixed_bfloat16"); // compute in bfloat16, keep weights in float32
 * setGlobalPolicy("float32");
 * ```
 */
export function setGlobalPolicy(policy: Policy | PolicyName): void {
  inForce = getPolicy(policy);
}

/** The policy that is meant: itself, by name, from its config, or the global one. */
export function getPolicy(identifier?: PolicyIdentifier | null): Policy {
  if (identifier === undefined || identifier === null) return globalPolicy();
  if (identifier instanceof Policy) return identifier;
  if (!isClassConfig(identifier)) return new Policy(identifier);
  const { class_name, config } = identifier;
  lookup("class of dtype policies", { DTypePolicy: 0, FloatDTypePolicy: 0, Policy: 0 }, class_name);
  return new Policy(config.name as PolicyName);
}

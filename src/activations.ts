// Which activation does a name, a function or a layer stand for, and can a matrix product apply it in passing?

import { type DType, isFloat } from "./dtype.ts";
import { DinogradError } from "./errors.ts";
import {
  celu,
  elu,
  hardSigmoid,
  leakyRelu,
  relu,
  relu6,
  selu,
  sigmoid,
  tanh,
} from "./ops/activations.ts";
import { asType } from "./ops/cast.ts";
import { add, mul } from "./ops/elementwise.ts";
import { clipByValue, exp } from "./ops/math.ts";
import {
  gelu,
  geluApprox,
  hardSwish,
  logSigmoid,
  mish,
  softplus,
  softsign,
  swish,
} from "./ops/smooth_activations.ts";
import { logSoftmax, softmax } from "./ops/softmax.ts";
import { type ClassConfig, isClassConfig, lookup, lookupClass } from "./serialization.ts";
import { registeredClasses, type SerializableClass } from "./serialization/registry.ts";
import type { Tensor } from "./tensor.ts";

/** A function that a layer puts over its result. */
export interface Activation {
  /** Keras's name, as saved in configs. */
  readonly name: string;
  /** The function. */
  apply(x: Tensor): Tensor;
  /** Name of the native operation by which a matrix product can do the same in passing; undefined where it cannot. */
  readonly fused?: string;
}

// What softmax and sigmoid were applied to, kept with their results so that a cross-entropy can be computed from it.
const logits = new WeakMap<Tensor, { of: string; x: Tensor }>();

/** The scores behind probabilities that the activation `of` made. */
export function logitsOf(probabilities: Tensor, of: "softmax" | "sigmoid"): Tensor | undefined {
  const origin = logits.get(probabilities);
  return origin?.of === of && !origin.x.isDisposed ? origin.x : undefined;
}

/** Floats as floats of another type, the scores behind probabilities still known; anything else stays as it is. */
export function castFloats(x: Tensor, dtype: DType): Tensor {
  if (!isFloat(x.dtype) || !isFloat(dtype) || x.dtype === dtype) return x;
  const y = asType(x, dtype), origin = logits.get(x);
  if (origin) logits.set(y, { ...origin, x: y.attach(origin.x) });
  return y;
}

/** 16-bit floats as float32, in which losses and metrics compute. */
export function widened(x: Tensor): Tensor {
  return castFloats(x, "float32");
}

function remembering(of: string, fn: (x: Tensor) => Tensor): (x: Tensor) => Tensor {
  return (x) => {
    const y = fn(x);
    logits.set(y, { of, x: y.attach(x) });
    return y;
  };
}

type Entry = [fn: (x: Tensor) => Tensor, fused?: string];

// By Keras's names. Sigmoid is not fused because the product would not leave the logits.
const table: Readonly<Record<string, Entry>> = {
  linear: [(x) => x],
  relu: [relu, "relu"],
  relu6: [relu6, "relu6"],
  leaky_relu: [(x) => leakyRelu(x, 0.2)],
  elu: [elu, "elu"],
  selu: [selu, "selu"],
  celu: [(x) => celu(x)],
  sigmoid: [remembering("sigmoid", sigmoid)],
  hard_sigmoid: [hardSigmoid, "hardSigmoid"],
  keras2_hard_sigmoid: [(x) => clipByValue(add(mul(x, 0.2), 0.5), 0, 1)], // TensorFlow.js's too
  log_sigmoid: [logSigmoid],
  tanh: [tanh, "tanh"],
  softplus: [softplus],
  softsign: [softsign],
  exponential: [exp],
  silu: [swish],
  hard_silu: [hardSwish],
  gelu: [gelu],
  gelu_new: [geluApprox],
  mish: [mish],
  softmax: [remembering("softmax", (x) => softmax(x))],
  log_softmax: [(x) => logSoftmax(x)],
};

const named: Readonly<Record<string, Activation>> = Object.fromEntries(
  Object.entries(table).map(([name, [apply, fused]]) => [name, { name, apply, fused }]),
);
const byName: Readonly<Record<string, Activation>> = {
  ...named,
  swish: named.silu,
  hard_swish: named.hard_silu,
};
const byFunction = new Map<unknown, Activation>([
  ...Object.values(named).map((a) => [a.apply, a] as const),
  [sigmoid, named.sigmoid],
  [softmax, named.softmax],
  [logSoftmax, named.log_softmax],
]);

/**
 * What may be passed where an activation is wanted: a name in either spelling, a function, an object with `apply` such as a layer, the
 * config of one, or nothing.
 */
export type ActivationIdentifier =
  | string
  | ClassConfig
  | ((x: Tensor) => Tensor)
  | Activation
  | { readonly name: string; apply(x: Tensor): Tensor | Tensor[] }
  | null;

/** The activation that is meant; linear where none is given. */
export function getActivation(identifier: ActivationIdentifier | undefined): Activation {
  if (identifier === null || identifier === undefined) return named.linear;
  if (typeof identifier === "string") return lookup("activation", byName, identifier);
  if (typeof identifier === "function") {
    return byFunction.get(identifier) ??
      { name: identifier.name || "custom", apply: (x) => identifier(x) };
  }
  if (isClassConfig(identifier)) {
    const classes = registeredClasses<object>(Object);
    const cls = lookupClass("activation", classes, identifier.class_name) as SerializableClass;
    return getActivation(cls.fromConfig?.(identifier.config) ?? new cls(identifier.config));
  }
  if (typeof identifier === "object" && typeof identifier.apply === "function") {
    return identifier as Activation;
  }
  throw new DinogradError(
    `An activation must be a name, a function or a layer, got ${typeof identifier}`,
  );
}

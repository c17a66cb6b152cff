// What does TensorFlow.js call the things in a config? Most go by Keras's names; the few that do not are translated both ways.

import { DinogradError } from "../errors.ts";
import { type Config, isClassConfig } from "../serialization.ts";

// What TensorFlow.js spells in its own way, or knows only as a case of something else.
const classNames: Readonly<Record<string, string>> = {
  LecunNormal: "LeCunNormal",
  LecunUniform: "LeCunUniform",
  L1: "L1L2",
  L2: "L1L2",
};

const optionNames: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  LeakyReLU: { negative_slope: "alpha" },
};

/**
 * Activations by our names and by those of a file. `hard_sigmoid` is relu6(x + 3) / 6 in Keras 3 and here, and clip(0.2 x + 0.5, 0, 1)
 * in Keras 2 and TensorFlow.js, which has the first under no name: it says so where it meets this one.
 */
const activations: readonly (readonly [ours: string, theirs: string])[] = [
  ["silu", "swish"],
  ["hard_sigmoid", "keras3_hard_sigmoid"],
  ["keras2_hard_sigmoid", "hard_sigmoid"],
];

const isActivation = (key: string) => /activation$/i.test(key);

// TensorFlow.js's ReLU passes over these options: under a name that it does not know, it says so instead.
const isOurs = (class_name: string, options: Config) =>
  class_name === "ReLU" && Boolean(options.negative_slope || options.threshold);

/** A config as TensorFlow.js says it; Keras's names are read back from it too. */
export function inTensorflowJsTerms<T>(config: T): T {
  if (Array.isArray(config)) return config.map(inTensorflowJsTerms) as T;
  if (typeof config !== "object" || config === null) return config;
  const out: Config = {};
  for (const [key, value] of Object.entries(config)) {
    const name = isActivation(key) && activations.find(([ours]) => ours === value)?.[1];
    out[key] = name || inTensorflowJsTerms(value);
  }
  if (!isClassConfig(out)) return out as T;
  const { class_name, config: options } = out;
  const penalty = classNames[class_name] === "L1L2" ? { l1: 0, l2: 0 } : {};
  const renamed = Object.entries(options)
    .map(([key, value]) => [optionNames[class_name]?.[key] ?? key, value]);
  return {
    ...out,
    class_name: isOurs(class_name, options)
      ? `dinograd>${class_name}`
      : classNames[class_name] ?? class_name,
    config: { ...penalty, ...Object.fromEntries(renamed) },
  } as T;
}

/** Most levels of lists and objects that a config may have: several for each model inside a model. */
const MAX_DEPTH = 256;

/**
 * A topology in our terms. Files of Keras 3 name activations as we do; all others, our own among them, as TensorFlow.js does. Classes
 * and options are found by either name.
 */
export function fromTensorflowJsTerms(config: unknown, keras3: boolean, depth = 0): unknown {
  if (depth > MAX_DEPTH) {
    throw new DinogradError(`A config may be ${MAX_DEPTH} levels deep, this one goes deeper`);
  }
  const inside = (value: unknown) => fromTensorflowJsTerms(value, keras3, depth + 1);
  if (Array.isArray(config)) return config.map(inside);
  if (typeof config !== "object" || config === null) return config;
  const plain = (name: unknown) => String(name).replaceAll("_", "").toLowerCase();
  return Object.fromEntries(
    Object.entries(config).map(([key, value]) => {
      const named = !keras3 && isActivation(key) && typeof value === "string" &&
        activations.find(([, theirs]) => plain(theirs) === plain(value));
      return [key, named ? named[0] : inside(value)];
    }),
  );
}

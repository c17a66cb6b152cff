// How does a saved model come back? First everything is checked that a file says, then the model is made, then it gets its weights and,
// where they were saved, its optimizer and that one's state.

import { isRecord } from "../data/elements.ts";
import { DinogradError } from "../errors.ts";
import type { LoadHandler } from "../io/artifacts.ts";
import { checkSpecs, cutWeights, type StoredWeight } from "../io/decode.ts";
import { fileSystem, http } from "../io/handlers.ts";
import { unique, uniqueNames } from "../io/weights.ts";
import { isFloat } from "../dtype.ts";
import type { Weight } from "../layers/weight.ts";
import { tidy } from "../scope.ts";
import { sameShape, showShape } from "../shape.ts";
import { fromHost } from "../tensor.ts";
import { makeModel, withSentence } from "./from_json.ts";
import type { Model } from "./model.ts";
import { compileArgsFrom, restoreOptimizer } from "./saved_training.ts";

/** How a model is loaded. */
export interface LoadOptions {
  /** Whether file and model must have the same weights (true when left out); else those that both have are taken over. */
  strict?: boolean;
  /** What the names of the files of weights are put behind, instead of the folder of model.json. */
  weightPathPrefix?: string;
  /** Headers and the like, where the model comes from the web. */
  requestInit?: RequestInit;
  /** Whether to compile the model as the file says it was (true when left out). */
  compile?: boolean;
}

// The bytes of artifacts: one run, or several.
function bytesFrom(data: unknown, file: string): Uint8Array<ArrayBuffer> {
  const parts = (Array.isArray(data) ? data : [data ?? new ArrayBuffer(0)]).map((part) => {
    if (part instanceof ArrayBuffer) return new Uint8Array(part);
    if (part instanceof Uint8Array) return part as Uint8Array<ArrayBuffer>;
    throw new DinogradError(`${file} must give weightData as an ArrayBuffer, got ${typeof part}`);
  });
  if (parts.length === 1) return parts[0];
  const all = new Uint8Array(parts.reduce((n, part) => n + part.length, 0));
  parts.reduce((at, part) => (all.set(part, at), at + part.length), 0);
  return all;
}

// TensorFlow.js's second try: a name without its last part but one.
const shortened = (name: string) => name.replace(/[^/]+\/(?=[^/]*$)/, "");

/**
 * Which weight of the model gets which of the file: by name, by TensorFlow.js's short form of it, or, where no name of the file is
 * known, all in their order.
 */
function match(
  weights: readonly Weight[],
  stored: readonly StoredWeight[],
  strict: boolean,
  file: string,
): [Weight, StoredWeight][] {
  const own = new Map(uniqueNames(weights));
  const names = unique(stored.map(({ name }) => name));
  const find = (name: string) =>
    own.has(name) ? name : own.has(shortened(name)) ? shortened(name) : undefined;
  const found = new Map<string, StoredWeight>();
  let stray: string | undefined;
  names.forEach((name, i) => {
    const known = find(name);
    if (known === undefined || found.has(known)) stray ??= name;
    else found.set(known, stored[i]);
  });
  const inOrder = found.size === 0 && stored.length === own.size;
  const pairs = inOrder
    ? [...own.values()].map((w, i): [Weight, StoredWeight] => [w, stored[i]])
    : [...found].map(([name, s]): [Weight, StoredWeight] => [own.get(name)!, s]);
  const missing = [...own.keys()].find((name) => !found.has(name));
  if (strict && !inOrder && stray !== undefined) {
    throw new DinogradError(
      `${file} holds the weight "${stray}", which the model has not; it has ${
        [...own.keys()].slice(0, 20).join(", ")
      }`,
    );
  }
  if (strict && !inOrder && missing !== undefined) {
    throw new DinogradError(`${file} holds no values for the model's weight "${missing}"`);
  }
  for (const [{ name, shape, dtype }, s] of pairs) {
    const kind = isFloat(dtype) ? isFloat(s.dtype) : s.dtype === dtype;
    if (kind && sameShape(shape, s.shape)) continue;
    throw new DinogradError(
      `${file} must hold ${dtype} ${showShape(shape)} for the weight "${name}", got ${s.dtype} ${
        showShape(s.shape)
      } "${s.name}"`,
    );
  }
  return pairs;
}

function handlerFor(source: string | LoadHandler, options: LoadOptions): LoadHandler {
  if (typeof source !== "string") {
    if (typeof source?.load === "function") return source;
    throw new DinogradError(
      `loadLayersModel needs an address or a handler with a method load, got ${typeof source}`,
    );
  }
  return /^https?:/i.test(source)
    ? http(source, options)
    : fileSystem(source, options.weightPathPrefix);
}

/**
 * A model in TensorFlow.js's layers format: one that `model.save` or TensorFlow.js saved, or that was converted from Keras. It is
 * compiled where the file says how, and its optimizer goes on where it stopped.
 *
 * Weights are found by name, or by their order where the file knows none of the model's names. A file is checked before anything is
 * made of it; one that is broken, or that is meant to do harm, gives an error that says what is wrong, and leaves nothing in memory.
 *
 * ```ts
 * import * as dg from "../../mod.ts";
 * import assert from "node:assert";
 *
 * const model = dg.sequential({ layers: [dg.layers.dense({ units: 3, inputShape: [2] })] });
 * const folder = await Deno.makeTempDir();
 * await model.save(`file://${folder}`);
 * const again = await dg.loadLayersModel(`file://${folder}/model.json`);
 * const [x, y] = [model, again].map((m) => m.predict(dg.ones([1, 2])) as dg.Tensor);
 * assert.deepEqual(x.arraySync(), y.arraySync());
 * await Deno.remove(folder, { recursive: true });
 * ```
 * @param source `file://` and the path of a model.json or its folder, such a path alone, an http(s) address, or a handler with a
 * `load` method. Files need `--allow-read`, addresses `--allow-net`; nobody is prompted.
 */
export async function loadLayersModel(
  source: string | LoadHandler,
  options: LoadOptions = {},
): Promise<Model> {
  const { strict = true } = options;
  const file = typeof source === "string" ? source : "The handler's model";
  const artifacts = await handlerFor(source, options).load();
  if (!isRecord(artifacts) || !isRecord(artifacts.modelTopology)) {
    throw new DinogradError(`${file} holds no modelTopology`);
  }
  const { modelTopology, weightSpecs, weightData, format } = artifacts;
  const { trainingConfig, userDefinedMetadata: metadata } = artifacts;
  if (format !== undefined && format !== null && format !== "layers-model") {
    throw new DinogradError(`${file} must be a layers-model, got ${JSON.stringify(format)}`);
  }
  const specs = weightSpecs === undefined ? [] : checkSpecs(weightSpecs, file);
  const all = cutWeights(specs, bytesFrom(weightData, file), file);
  const [own, state] = ["model", "optimizer"].map((g) => all.filter(({ group }) => group === g));
  const fresh = specs.length === 0 && weightSpecs === undefined;
  const room = fresh || !strict ? Infinity : own.reduce((n, { size }) => n + size, 0);
  const args = options.compile !== false && trainingConfig
    ? compileArgsFrom(trainingConfig, file)
    : undefined;
  const model = makeModel(modelTopology, room, file);
  try {
    if (metadata) model.setUserDefinedMetadata(metadata as Record<string, unknown>);
    if (!model.built && !fresh) {
      throw new DinogradError(`${file} does not say what shape its model's inputs have`);
    }
    if (!fresh) {
      for (const [weight, s] of match(model.weights, own, strict, file)) {
        const { device } = weight.variable;
        tidy(() => weight.write(fromHost(s.values(), s.shape, s.dtype, device)));
      }
    }
    if (args) {
      withSentence(
        `Cannot compile the model of ${file} as it says ({ compile: false } leaves that out)`,
        () => model.compile(args),
      );
      if (state.length > 0) {
        model.optimizer.build(model.trainableWeights.map((w) => w.variable));
        restoreOptimizer(model.optimizer, state, trainingConfig, file);
      }
    }
    return model;
  } catch (error) {
    model.dispose();
    throw error;
  }
}

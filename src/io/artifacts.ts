// What does a saved model consist of, in TensorFlow.js's layers format? A topology in JSON and the weights as one run of bytes.

import { type DType, hostDType } from "../dtype.ts";
import { DinogradError } from "../errors.ts";
import type { Weight } from "../layers/weight.ts";
import { type Config, isClassConfig } from "../serialization.ts";

/** One weight in the manifest. */
export interface WeightSpec {
  /** Path of the weight. */
  name: string;
  /** Its shape. */
  shape: number[];
  /** Its type. */
  dtype: DType;
}

/** Everything that is saved of a model. */
export interface ModelArtifacts {
  /** Class and config of the model. */
  modelTopology: unknown;
  /** Kind of model. */
  format: "layers-model";
  /** Program that made it. */
  generatedBy: string;
  /** Program that converted it. */
  convertedBy: string | null;
  /** The weights, in the order of their values. */
  weightSpecs: WeightSpec[];
  /** All values, little-endian, without gaps. */
  weightData: ArrayBuffer;
}

/** Where a model is saved to; TensorFlow.js's own handlers have this form too. */
export interface SaveHandler {
  /** Takes what is to be saved. */
  save(artifacts: ModelArtifacts): Promise<unknown>;
}

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

/** A config as TensorFlow.js says it; Keras's names are read back from it too. */
export function inTensorflowJsTerms<T>(config: T): T {
  if (Array.isArray(config)) return config.map(inTensorflowJsTerms) as T;
  if (typeof config !== "object" || config === null) return config;
  const out: Config = {};
  for (const [key, value] of Object.entries(config)) {
    out[key] = key === "activation" && value === "silu" ? "swish" : inTensorflowJsTerms(value);
  }
  if (!isClassConfig(out)) return out as T;
  const { class_name, config: options } = out;
  const penalty = classNames[class_name] === "L1L2" ? { l1: 0, l2: 0 } : {};
  const renamed = Object.entries(options)
    .map(([key, value]) => [optionNames[class_name]?.[key] ?? key, value]);
  return {
    ...out,
    class_name: classNames[class_name] ?? class_name,
    config: { ...penalty, ...Object.fromEntries(renamed) },
  } as T;
}

/** The values of weights, one after another. The format has no 16-bit floats, so these are float32. */
export function encodeWeights(
  weights: readonly Weight[],
): { specs: WeightSpec[]; data: ArrayBuffer } {
  const values = weights.map((w) => w.variable.dataSync());
  const data = new Uint8Array(values.reduce((n, v) => n + v.byteLength, 0));
  let at = 0;
  const specs = weights.map((w, i) => {
    const v = values[i];
    data.set(new Uint8Array(v.buffer, v.byteOffset, v.byteLength), at);
    at += v.byteLength;
    return { name: w.name, shape: w.shape, dtype: hostDType(w.dtype) };
  });
  return { specs, data: data.buffer };
}

/** The model.json that describes artifacts whose weights lie in `weights.bin` beside it. */
function modelJson(artifacts: ModelArtifacts): string {
  const { modelTopology, format, generatedBy, convertedBy, weightSpecs } = artifacts;
  return JSON.stringify({
    format,
    generatedBy,
    convertedBy,
    modelTopology,
    weightsManifest: [{ paths: ["weights.bin"], weights: weightSpecs }],
  });
}

/** The handler behind a `file://` address: a folder with model.json and weights.bin, each written in one go. */
export function fileHandler(address: string): SaveHandler {
  if (!address.startsWith("file://")) {
    throw new DinogradError(
      `Cannot save to "${address}": wanted an address that begins with file://, or a handler`,
    );
  }
  const folder = address.slice("file://".length);
  return {
    async save(artifacts) {
      await Deno.mkdir(folder, { recursive: true });
      // Under another name first: a crash never leaves half a file that looks whole.
      const write = async (name: string, bytes: Uint8Array) => {
        await Deno.writeFile(`${folder}/.${name}.part`, bytes);
        await Deno.rename(`${folder}/.${name}.part`, `${folder}/${name}`);
      };
      await write("weights.bin", new Uint8Array(artifacts.weightData));
      await write("model.json", new TextEncoder().encode(modelJson(artifacts)));
      return { modelArtifactsInfo: { dateSaved: new Date(), modelTopologyType: "JSON" } };
    },
  };
}

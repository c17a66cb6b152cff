// What does a saved model consist of, in TensorFlow.js's layers format? A topology in JSON and the weights as one run of bytes.

import { type DType, hostDType } from "../dtype.ts";
import type { Tensor } from "../tensor.ts";

/** One weight in the manifest. */
export interface WeightSpec {
  /** Path of the weight. */
  name: string;
  /** Its shape. */
  shape: number[];
  /** Its type. */
  dtype: DType;
  /** Whether it is the model's (when left out) or the optimizer's. */
  group?: "model" | "optimizer";
  /** How its values are stored, where not as they are. */
  quantization?: Quantization;
}

/** Values in a smaller type: floats of two bytes, or whole numbers q that stand for `q * scale + min`. */
export interface Quantization {
  /** Type of what is stored. */
  dtype: "float16" | "uint8" | "uint16";
  /** Difference between neighbouring values. */
  scale?: number;
  /** The value that 0 stands for. */
  min?: number;
}

/** How a saved model was trained, in TensorFlow.js's terms. */
export interface TrainingConfig {
  /** Class and config of the optimizer. */
  optimizer_config: unknown;
  /** The loss, or one per output. */
  loss: unknown;
  /** The metrics, or those of each output. */
  metrics?: unknown;
  /** As metrics, with sample weights counted in; TensorFlow.js reads no model that has any. */
  weighted_metrics?: unknown;
  /** Weight of each output's loss; TensorFlow.js reads no model that has any. */
  loss_weights?: unknown;
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
  /** How it was trained, where that was to be saved. */
  trainingConfig?: TrainingConfig;
  /** What the program wanted to have with it. */
  userDefinedMetadata?: Record<string, unknown>;
}

/** Arguments of `model.save`. */
export interface SaveArgs {
  /** Whether to save how the model was compiled, and the state of its optimizer; false when left out. */
  includeOptimizer?: boolean;
  /** Whether to leave out the weights that training does not change; false when left out. */
  trainableOnly?: boolean;
}

/** Where a model is saved to; TensorFlow.js's own handlers have this form too. */
export interface SaveHandler {
  /** Takes what is to be saved. */
  save(artifacts: ModelArtifacts): Promise<unknown>;
}

/** Where a model is loaded from; TensorFlow.js's own handlers have this form too. */
export interface LoadHandler {
  /** Gives what `save` was given; all of it is checked. */
  load(): unknown;
}

/** The values of named tensors, one after another. The format has no 16-bit floats of its own, so these are float32. */
export function encodeWeights(
  named: readonly (readonly [name: string, values: Tensor])[],
  group?: "optimizer",
): { specs: WeightSpec[]; data: Uint8Array<ArrayBuffer> } {
  const values = named.map(([, t]) => t.dataSync());
  const data = new Uint8Array(values.reduce((n, v) => n + v.byteLength, 0));
  let at = 0;
  const specs = named.map(([name, { shape, dtype }], i): WeightSpec => {
    const v = values[i];
    data.set(new Uint8Array(v.buffer, v.byteOffset, v.byteLength), at);
    at += v.byteLength;
    return { name, shape: [...shape], dtype: hostDType(dtype), ...(group && { group }) };
  });
  return { specs, data };
}

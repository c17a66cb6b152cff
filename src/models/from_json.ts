// How does a topology in JSON become a model? Whatever is wrong with it becomes a sentence, and nothing of it stays in memory.

import { isRecord } from "../data/elements.ts";
import { DinogradError } from "../errors.ts";
import { fromTensorflowJsTerms } from "../io/terms.ts";
import { deserializeLayer } from "../layers/deserialize.ts";
import { makeWithin } from "../layers/weight.ts";
import { tidy } from "../scope.ts";
import { type ClassConfig, isClassConfig } from "../serialization.ts";
import { Model } from "./model.ts";
import "./functional.ts";
import "./sequential.ts";

/** Runs `make`; errors of any kind come out as sentences that begin with `what`. */
export function withSentence<T>(what: string, make: () => T): T {
  try {
    return make();
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new DinogradError(`${what}: ${reason}`, { cause: error });
  }
}

/** Whether names are Keras 3's: not in the files of TensorFlow.js, of Keras 2, and those written here. */
function isKeras3(topology: Record<string, unknown>): boolean {
  const { keras_version: version, backend } = topology;
  return backend !== "dinograd" && typeof version === "string" && parseInt(version) >= 3;
}

/** The model that a topology describes, whose weights may have `room` values in all. */
export function makeModel(topology: unknown, room: number, file: string): Model {
  if (!isRecord(topology)) {
    throw new DinogradError(
      `${file} must hold a model's topology, got ${JSON.stringify(topology)?.slice(0, 80)}`,
    );
  }
  const keras3 = isKeras3(topology);
  const config = topology.model_config ?? topology;
  return withSentence(`Cannot make the model that ${file} describes`, () => {
    const described = fromTensorflowJsTerms(config, keras3) as ClassConfig;
    if (!isClassConfig(described) || typeof described.class_name !== "string") {
      throw new DinogradError("wanted { class_name, config }");
    }
    return makeWithin(room, () => {
      const made = tidy(() => deserializeLayer(described));
      if (made instanceof Model) return made;
      throw new DinogradError(`${described.class_name} is no model, but a layer`);
    });
  });
}

/**
 * The model that a topology describes, with fresh weights: what `model.toJSON()` gave, or TensorFlow.js's or Keras's `to_json`, as text
 * or as an object.
 *
 * ```ts
 * import * as dg from "../../mod.ts";
 * import assert from "node:assert";
 *
 * const model = dg.sequential({ layers: [dg.layers.dense({ units: 3, inputShape: [2] })] });
 * const again = await dg.models.modelFromJSON(model.toJSON());
 * assert.deepEqual(again.outputShape, [null, 3]);
 * ```
 */
export function modelFromJSON(json: string | object): Promise<Model> {
  return Promise.resolve().then(() => {
    const what = "The JSON";
    const given: unknown = typeof json === "string"
      ? withSentence("modelFromJSON cannot read its text", () => JSON.parse(json))
      : json;
    const topology = isRecord(given) ? given.modelTopology ?? given : given;
    return makeModel(topology, Infinity, what);
  });
}

// How does a config become a layer? Through the class that it names.

import { DinogradError } from "../errors.ts";
import { type ClassConfig, isClassConfig, lookupClass } from "../serialization.ts";
import { registeredClasses } from "../serialization/registry.ts";
import { Layer } from "./layer.ts";

/**
 * The layer or model that `{ class_name, config }` describes, as Keras and TensorFlow.js save them. Classes of a program's own must
 * be registered first, with `serialization.registerClass`.
 *
 * ```ts
 * import * as dg from "../../mod.ts";
 * import assert from "node:assert";
 *
 * const config = { units: 3, activation: "relu" };
 * const layer = dg.deserializeLayer({ class_name: "Dense", config });
 * assert.equal(layer.getConfig().units, 3);
 * ```
 */
export function deserializeLayer(config: ClassConfig): Layer {
  if (!isClassConfig(config)) {
    throw new DinogradError(
      `deserializeLayer needs { class_name, config }, got ${JSON.stringify(config)}`,
    );
  }
  const classes = registeredClasses<Layer>(Layer);
  const cls = lookupClass("layer", classes, config.class_name) as unknown as typeof Layer;
  return cls.fromConfig(config.config);
}

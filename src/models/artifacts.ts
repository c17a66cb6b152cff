// What is saved of a model? Its topology and weights and, where wanted, how it was compiled and its optimizer's state.

import { encodeWeights, type ModelArtifacts, type SaveArgs } from "../io/artifacts.ts";
import { unique, uniqueNames } from "../io/weights.ts";
import type { Layer } from "../layers/layer.ts";
import type { Optimizer } from "../optimizers/optimizer.ts";
import { tidy } from "../scope.ts";
import { version } from "../version.ts";
import type { CompileArgs } from "./outputs.ts";
import { optimizerWeights, trainingConfigOf } from "./saved_training.ts";

/** Everything that `save` hands on; `compiled` only where the optimizer is to be saved. */
export function artifactsOf(
  model: Layer,
  modelTopology: unknown,
  { trainableOnly = false }: SaveArgs,
  compiled?: { readonly args: CompileArgs; readonly optimizer: Optimizer },
  metadata?: Record<string, unknown>,
): ModelArtifacts {
  const trained = new Set(model.trainableWeights);
  const weights = uniqueNames(model.weights).filter(([, w]) => !trainableOnly || trained.has(w));
  const own = encodeWeights(weights.map(([name, { variable }]) => [name, variable]));
  const state = tidy(() => {
    const all = compiled ? optimizerWeights(compiled.optimizer) : [];
    const names = unique(all.map(({ name }) => name));
    return encodeWeights(all.map(({ tensor }, i) => [names[i], tensor]), "optimizer");
  });
  const data = new Uint8Array(own.data.length + state.data.length);
  data.set(own.data);
  data.set(state.data, own.data.length);
  return {
    modelTopology,
    format: "layers-model",
    generatedBy: `dinograd ${version}`,
    convertedBy: null,
    weightSpecs: [...own.specs, ...state.specs],
    weightData: data.buffer,
    ...(compiled && { trainingConfig: trainingConfigOf(compiled.args, compiled.optimizer) }),
    ...(metadata && { userDefinedMetadata: metadata }),
  };
}

// Which models do tests save, how do they get at what was saved, and compare what comes back?

import * as dg from "../mod.ts";

/** What `save` gives to a handler. */
export type Saved = dg.ModelArtifacts & Record<string, unknown>;

/** What `save` gives to a handler, as a file would hold it. */
export async function saved(model: dg.Model, args?: dg.SaveArgs): Promise<Saved> {
  let all: dg.ModelArtifacts | undefined;
  await model.save(dg.io.withSaveHandler((a) => Promise.resolve(all = a)), args);
  const { weightData, ...rest } = all!;
  return { ...JSON.parse(JSON.stringify(rest)), weightData };
}
/** A model from what `saved` gave. */
export const fromMemory = (artifacts: object, options?: dg.LoadOptions) =>
  dg.loadLayersModel(dg.io.fromMemory(artifacts as Saved), options);

/** Types, shapes and values of all weights. */
export const values = (m: dg.Model) =>
  dg.tidy(() => m.getWeights().map((w) => [w.dtype, w.shape, [...w.dataSync()]]));

/** A layer's output for symbolic inputs. */
export const on = (layer: dg.Layer, x: dg.SymbolicTensor | dg.SymbolicTensor[]) =>
  layer.apply(x) as dg.SymbolicTensor;

/** A few layers in a row. */
export function row(dtype?: dg.PolicyName): dg.Model {
  return dg.sequential({
    layers: [
      dg.layers.dense({ units: 5, inputShape: [3], activation: "silu", name: "a", dtype }),
      dg.layers.dense({ units: 4, activation: "hardSigmoid", name: "b", dtype }),
      dg.layers.dense({ units: 2, name: "c", dtype }),
    ],
    dtype,
  });
}

/** Two inputs, two outputs, a layer that is called twice, and a model inside. */
export function graph(): dg.Model {
  const a = dg.input({ shape: [3], name: "one" }), b = dg.input({ shape: [3], name: "two" });
  const shared = dg.layers.dense({ units: 4, activation: "tanh", name: "shared" });
  const inner = dg.sequential({
    layers: [dg.layers.dense({ units: 4, inputShape: [8], name: "shared" })],
    name: "inner",
  });
  const joined = on(inner, on(dg.layers.concatenate(), [on(shared, a), on(shared, b)]));
  const y = on(dg.layers.dense({ units: 2, name: "y" }), joined);
  const z = on(dg.layers.dense({ units: 2, activation: "sigmoid", name: "z" }), joined);
  return dg.model({ inputs: [a, b], outputs: [y, z] });
}

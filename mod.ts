/**
 * Deep learning for Deno: Keras-style models, trained on an NVIDIA GPU, a CPU library or WebAssembly, from one import.
 *
 * ```ts
 * import * as dg from "./mod.ts";
 *
 * const x = dg.randomNormal([64, 4]);
 * const y = x.sum(1, true);
 * const model = dg.sequential({
 *   layers: [
 *     dg.layers.dense({ units: 16, activation: "relu", inputShape: [4] }),
 *     dg.layers.dense({ units: 1 }),
 *   ],
 * });
 * model.compile({ optimizer: "adam", loss: "meanSquaredError" });
 * await model.fit(x, y, { epochs: 2, verbose: 0 });
 * ```
 *
 * @module
 */

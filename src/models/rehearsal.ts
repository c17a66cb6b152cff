// How is a model trained as if nothing had happened? With an optimizer of the same kind but no history, its weights and random
// generators kept on the host meanwhile.

import type { SavedState } from "../callbacks/callback.ts";
import { within } from "../native/device.ts";
import { getOptimizer } from "../optimizers/registry.ts";
import { Arena } from "../record.ts";
import { tidy } from "../scope.ts";
import { type ClassConfig, serialize } from "../serialization.ts";
import { fromHost } from "../tensor.ts";
import { Compiled } from "./compiled.ts";
import type { Container } from "./container.ts";
import { type FitTarget, restoreModel, saveModel } from "./fit_state.ts";
import { deviceOf } from "./predict.ts";

/** A saved state whose arrays are on the host. */
function onHost({ values, arrays }: SavedState) {
  const copies = Object.entries(arrays).map(([name, tensor]) => {
    const { shape, dtype } = tensor, copy = tensor.dataSync();
    tensor.dispose();
    return { name, shape, dtype, copy };
  });
  return { values, copies };
}

/** Runs `work` with the model as something to train, by what `compiled` was told but for the metrics, and then undoes what that did. */
export async function rehearse<T>(
  model: Container & FitTarget["model"],
  compiled: Compiled,
  work: (target: FitTarget) => Promise<T>,
): Promise<T> {
  const device = deviceOf(model), arena = new Arena(device);
  const trial = new Compiled(model, {
    ...compiled.args,
    optimizer: getOptimizer(serialize(compiled.optimizer) as ClassConfig),
    metrics: undefined,
    weightedMetrics: undefined,
  });
  const target = { name: model.name, compiled: trial, arena, model };
  const { values, copies } = onHost(within(device, () => saveModel(target)));
  try {
    return await work(target);
  } finally {
    trial.dispose();
    arena.dispose();
    within(device, () =>
      tidy(() => {
        const back = copies.map(({ name, shape, dtype, copy }) =>
          [name, fromHost(copy, shape, dtype, device)] as const
        );
        restoreModel(target, { values, arrays: Object.fromEntries(back) });
      }));
  }
}

// How does a model that may not be built yet come to outputs? Its weights are made from what the data look like, and batches go through
// one after another.

import { toDims } from "../layers/layer.ts";
import { single } from "../layers/node.ts";
import { currentDevice, type Device, within } from "../native/device.ts";
import { concat } from "../ops/join.ts";
import { slice } from "../ops/movement.ts";
import { tidy } from "../scope.ts";
import { Tensor, track } from "../tensor.ts";
import type { Container } from "./container.ts";
import { checkCount, rowsOf, type TensorData, toList } from "./data.ts";
import type { PredictArgs } from "./fit_args.ts";
import { bringRows, hostFor } from "./transfer.ts";

/** Where a model's weights were made, which is where everything is computed. */
export function deviceOf(model: Container): Device {
  return model.weights[0]?.variable.device ?? currentDevice();
}

/**
 * Makes all weights, from descriptions of the data, or from a few rows of it for layers that descriptions did not reach: `batch` of them
 * where batches have a fixed size.
 */
export function buildFor(
  model: Container,
  xs: readonly Tensor[],
  batch: number | null | undefined,
): void {
  tidy(() => {
    if (!model.built) {
      const describe = ({ shape, dtype }: Tensor) =>
        track(new Tensor(toDims([null, ...shape.slice(1)]), dtype, null));
      model.apply(single(xs.map(describe)));
    }
    if (model.withSublayers().every((layer) => layer.built)) return;
    const rows = Math.min(batch ?? 1, xs[0].shape[0]);
    const device = deviceOf(model);
    const here = (x: Tensor) =>
      x.device === device ? slice(x, [0], [rows]) : bringRows(x, 0, rows, device);
    within(device, () => model.apply(single(xs.map(here))));
  });
}

function outputsOf(model: Container, xs: Tensor[]): Tensor[] {
  return [model.apply(single(xs), { training: false })].flat().map((y) => {
    if (xs.includes(y)) return y.clone();
    y.detach(); // nobody asks for its mask or logits any more
    return y;
  });
}

/** Outputs for `x`, computed batch by batch, on the model's device, after `build` has seen to the weights. */
export function predict(
  model: Container,
  x: TensorData,
  args: PredictArgs,
  build: (xs: readonly Tensor[]) => void,
): Tensor | Tensor[] {
  checkCount("predict", "batchSize", args.batchSize);
  const xs = toList(x, model.inputNames, "predict's x");
  const rows = rowsOf(xs, "predict"), batchSize = args.batchSize ?? 32;
  build(xs);
  const device = deviceOf(model);
  const host = hostFor(xs.filter((t) => t.device !== device), Math.min(batchSize, rows));
  const run = () => {
    const parts: Tensor[][] = [];
    for (let at = 0; at === 0 || at < rows; at += batchSize) {
      const size = Math.min(batchSize, rows - at);
      const batch = (t: Tensor) =>
        t.device === device ? slice(t, [at], [size]) : bringRows(t, at, size, device, host);
      parts.push(tidy(() => outputsOf(model, xs.map(batch))));
    }
    const outputs = parts[0].map((_, i) =>
      parts.length === 1 ? parts[0][i] : concat(parts.map((p) => p[i]), 0)
    );
    return outputs.length === 1 ? outputs[0] : outputs;
  };
  return within(device, () => tidy(run));
}

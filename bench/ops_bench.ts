// How long does one operation take, called by itself, on every device?

import * as dg from "../mod.ts";
import { benchOperation, type Work } from "./devices.ts";

/** An operation on normally distributed tensors of these shapes. */
function on(
  shapes: readonly number[][],
  run: (...x: dg.Tensor[]) => dg.Tensor,
): () => Work<dg.Tensor> {
  return () => {
    const holds = shapes.map((shape) => dg.randomNormal(shape));
    return { holds, run: () => run(...holds) };
  };
}

for (const [size, count] of [["4 KiB", 2 ** 10], ["64 MiB", 2 ** 24]] as const) {
  benchOperation(`add, ${size} and ${size}`, on([[count], [count]], (a, b) => dg.add(a, b)));
  benchOperation(`relu, ${size}`, on([[count]], (x) => dg.relu(x)));
}

for (const n of [64, 128, 256, 512, 1024]) {
  benchOperation(
    `matMul, ${n} x ${n} by ${n} x ${n}`,
    on([[n, n], [n, n]], (a, b) => dg.matMul(a, b)),
  );
}

benchOperation("softmax, 1024 rows of 1000", on([[1024, 1000]], (x) => dg.softmax(x)));
benchOperation("sum of all, 4096 x 4096", on([[4096, 4096]], (x) => dg.sum(x)));
benchOperation("sum over rows, 4096 x 4096", on([[4096, 4096]], (x) => dg.sum(x, 0)));
benchOperation("sum over columns, 4096 x 4096", on([[4096, 4096]], (x) => dg.sum(x, 1)));

benchOperation("gather, 8192 of 65536 rows of 64", () => {
  const table = dg.randomNormal([65536, 64]);
  const rows = dg.randomUniform([8192], 0, 65536, "int32");
  return { holds: [table, rows], run: () => dg.gather(table, rows) };
});

benchOperation("Adam update, 101770 weights of 4 variables", () => {
  const shapes = [[784, 128], [128], [128, 10], [10]];
  const weights = shapes.map((shape) => dg.variable(dg.randomNormal(shape)));
  const gradients = shapes.map((shape) => dg.randomNormal(shape));
  const pairs = new Map(weights.map((w, i) => [w, gradients[i]]));
  const adam = dg.train.adam();
  return {
    holds: [...weights, ...gradients, adam],
    run: () => adam.applyGradients(pairs),
  };
});

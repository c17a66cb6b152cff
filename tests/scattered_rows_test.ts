// Is the gradient of a table of which few rows were used taken as these rows, with the bits that a written gradient gives, and an
// ordinary tensor to everybody else?

import assert from "node:assert";
import * as dg from "../mod.ts";
import { gradientsOf } from "../src/grad.ts";
import { currentDevice } from "../src/native/device.ts";
import { ScatteredRows } from "../src/ops/scattered_rows.ts";
import { getOptimizer } from "../src/optimizers/registry.ts";
import { Adagrad, SGD } from "../src/optimizers/rules.ts";
import { Arena, record } from "../src/record.ts";
import type { ClassConfig } from "../src/serialization.ts";
import { cases, close, onEachDevice } from "./fixtures.ts";

const rows = 9, width = 6;
const tokens = [[4, 0, 4], [8, 4, 0]]; // six places, three rows

/** A table, a kernel behind it, and the loss of what they make of the tokens. */
function small(table = dg.randomNormal([rows, width], 0, 1, "float32", 1)) {
  const w = table.variable(true, "table");
  const k = dg.randomNormal([width, 2], 0, 1, "float32", 2).variable(true, "kernel");
  const index = dg.tensor(tokens, [2, 3], "int32");
  const loss = () => dg.sum(dg.square(dg.gather(w, index).reshape([6, width]).matMul(k)));
  return { w, k, loss };
}
type Small = ReturnType<typeof small>;

/** Gradients as optimizers take them, or all written to memory first. */
function gradients({ loss, w, k }: Small, written: boolean): Map<dg.Variable, dg.Tensor> {
  if (!written) return gradientsOf(loss, [w, k]).gradients;
  const { grads } = dg.variableGrads(loss, [w, k]);
  return new Map([[w, grads.table], [k, grads.kernel]]);
}

const namesOf = async (fn: () => void) => (await dg.profile(fn)).kernelNames.toSorted();

onEachDevice("each optimizer moves a table bit for bit as by a written gradient", () => {
  const all: (ClassConfig & { name: string })[] = cases("optimizers.json");
  const arena = new Arena(currentDevice());
  for (const c of all) {
    dg.tidy(() => {
      const [few, written, recorded] = [small(), small(), small()];
      const [a, b, r] = [c, c, c].map((config) => getOptimizer(config));
      for (let s = 0; s < 4; s++) {
        dg.tidy(() => a.applyGradients(gradients(few, false)));
        dg.tidy(() => b.applyGradients(gradients(written, true)));
      }
      dg.tidy(() => r.applyGradients(gradients(recorded, false)));
      const { program } = record(arena, () => r.update(gradients(recorded, false)));
      const values = r.prepareSteps(3, [recorded.w, recorded.k]);
      program.replay(3, values && { ...values, rows: dg.tensor(values.values) });
      program.dispose();
      for (const [what, got, by] of [["eager", few, a], ["recorded", recorded, r]] as const) {
        assert.deepEqual(got.w.dataSync(), written.w.dataSync(), `${c.name}, ${what}`);
        assert.deepEqual(got.k.dataSync(), written.k.dataSync(), `${c.name}, ${what}`);
        const states = [by, b].map((o) => o.getWeights().map(({ tensor }) => tensor.dataSync()));
        assert.deepEqual(states[0], states[1], `${c.name}, ${what}: state`);
      }
      dg.dispose([a, b, r]);
      for (const { w, k } of [few, written, recorded]) dg.dispose([w, k]);
    });
  }
  arena.dispose();
});

onEachDevice("the rows are taken as they are, and written where they must be", async () => {
  const model = small();
  const [plain, decaying, clipping] = [{}, { weightDecay: 0.1 }, { clipvalue: 1 }].map((options) =>
    new SGD(options)
  );
  const scaling = dg.train.lossScaleOptimizer(new SGD());
  const step = (optimizer: dg.Optimizer) =>
    namesOf(() => void optimizer.minimize(model.loss, false, [model.w, model.k]));
  for (const optimizer of [plain, decaying]) {
    const names = await step(optimizer);
    assert.ok(names.includes("coalesce"), String(names));
    assert.ok(!names.includes("scatter_add"), String(names));
  }
  for (const optimizer of [clipping, scaling]) {
    const names = await step(optimizer);
    assert.ok(names.includes("scatter_add") && !names.includes("coalesce"), String(names));
  }
  dg.dispose([plain, decaying, clipping, scaling, model.w, model.k]);
});

onEachDevice("a step of SGD or Adagrad costs the same however many rows there are", async () => {
  for (const make of [() => new SGD(), () => new Adagrad()]) {
    const costs: unknown[] = [];
    for (const count of [100, 10000]) {
      const table = dg.zeros([count, width]), model = small(table), optimizer = make();
      optimizer.build([model.w, model.k]);
      const { kernels } = await dg.profile(() => optimizer.minimize(model.loss));
      costs.push(kernels.map(({ name, calls, bytes }) => `${name} ${calls} ${bytes}`).toSorted());
      dg.dispose([table, optimizer, model.w, model.k]);
    }
    assert.deepEqual(costs[0], costs[1]);
  }
});

onEachDevice("indices that outnumber the rows, or of other types, change nothing either", () => {
  dg.tidy(() => {
    for (const [dtype, count] of [["float32", 2], ["float16", 9], ["bfloat16", 9]] as const) {
      const index = dg.tensor([1, 0, 1], [3], "int32");
      const [w, v] = [0, 1].map(() =>
        dg.randomNormal([count, 4], 0, 1, "float32", 3).cast(dtype).variable()
      );
      const loss = (x: dg.Variable) => () => dg.sum(dg.square(dg.gather(x, index)).cast("float32"));
      const a = dg.train.adagrad(0.1), b = dg.train.adagrad(0.1);
      a.minimize(loss(w));
      const { grads } = dg.variableGrads(loss(v), [v]);
      b.applyGradients(new Map([[v, grads[v.name]]]));
      assert.deepEqual(w.dataSync(), v.dataSync(), dtype);
      dg.dispose([a, b, w, v]);
    }
  });
});

onEachDevice("a table may be used several times, and otherwise too", () => {
  dg.tidy(() => {
    const { w, k } = small();
    const index = dg.tensor(tokens.flat(), [6], "int32"), other = dg.tensor([3, 4], [2], "int32");
    const { grads } = dg.variableGrads(() => {
      const used = dg.sum(dg.mul(dg.gather(w, index), 2)).add(dg.sum(dg.gather(w, other)));
      return used.add(dg.sum(w.matMul(k)));
    }, [w]);
    const uses = Array(rows).fill(0);
    for (const row of tokens.flat()) uses[row] += 2;
    for (const row of [3, 4]) uses[row] += 1;
    const ofKernel = dg.sum(k, 1).dataSync();
    const expected = uses.flatMap((n) => Array.from(ofKernel, (v) => n + v));
    close(grads.table, expected, "gradient");
    dg.dispose([w, k]);
  });
});

onEachDevice("anybody else finds an ordinary tensor", () => {
  dg.tidy(() => {
    const { w, k, loss } = small();
    const before = dg.memory();
    const { value, grads } = dg.variableGrads(loss, [w]);
    assert.equal(dg.memory().numTensors, before.numTensors + 2);
    assert.equal(dg.memory().numBytes, before.numBytes + 4 + 4 * rows * width);
    dg.dispose([value, grads.table]);
    assert.deepEqual(dg.memory(), before);

    const few = gradientsOf(loss, [w]).gradients.get(w)!;
    assert.ok(few instanceof ScatteredRows && few.isUnwritten && !few.isAbstract);
    const again = few.alias(), flat = few.reshape([rows * width]);
    assert.deepEqual(flat.dataSync(), few.dataSync());
    assert.ok(!few.isUnwritten && few.coalesce() === undefined);
    assert.ok(again instanceof ScatteredRows && again.isUnwritten);
    assert.deepEqual(again.mul(2).dataSync(), few.mul(2).dataSync());
    again.dispose();
    again.dispose();
    assert.throws(() => again.dataSync(), /was disposed of/);

    // Second derivatives: of the sum of (gradient of sum of cubes)², 2 (3 n x²) (6 n x) where n is how often a row was used.
    const index = dg.tensor(tokens.flat(), [6], "int32");
    const first = dg.grad((x) => dg.sum(dg.gather(x, index).pow(3)));
    const second = dg.grad((x) => dg.sum(dg.square(first(x))))(w);
    const x = w.dataSync(), n = (i: number) => tokens.flat().filter((t) => t === i).length;
    const expected = Array.from(x, (v, i) => 36 * n(Math.floor(i / width)) ** 2 * v ** 3);
    close(second, expected, "second derivative");
    dg.dispose([w, k]);
  });
});

onEachDevice(
  "a model trains alike eagerly and recorded, with a last batch of another size",
  async () => {
    const x = dg.randomUniform([44, 5], 0, 300, "int32", 7), y = dg.randomUniform([44, 1], 0, 1);
    const start = dg.randomNormal([300, 8], 0, 1, "float32", 8);
    const trained: unknown[] = [];
    for (const runEagerly of [true, false]) {
      for (const optimizer of ["sgd", "adam"]) {
        const { embedding, globalAveragePooling1d, dense } = dg.layers;
        const model = dg.sequential({
          layers: [
            embedding({ inputDim: 300, outputDim: 8, inputLength: 5, weights: start }),
            globalAveragePooling1d(),
            dense({ units: 1, kernelInitializer: "ones" }),
          ],
        });
        model.compile({ optimizer, loss: "meanSquaredError", runEagerly });
        await model.fit(x, y, { batchSize: 8, epochs: 3, shuffle: false, verbose: 0 });
        trained.push(model.getWeights().map((w) => w.dataSync()));
        model.dispose();
      }
    }
    assert.deepEqual(trained.slice(0, 2), trained.slice(2));
    dg.dispose([x, y, start]);
  },
);

// Does a profile say what was called, how often and how large, in recorded steps too?
import assert from "node:assert";
import * as dg from "../mod.ts";
import { onEachDevice } from "./fixtures.ts";
import { root } from "./imports.ts";
import { runProgram } from "./programs.ts";

const find = (info: { kernels: dg.KernelProfile[] }, name: string) =>
  info.kernels.filter((k) => k.name === name);

onEachDevice("a profile counts what calls do", async () => {
  const a = dg.ones([3, 4]), b = dg.ones([4, 5]);
  const info = await dg.profile(() => {
    const made = [a.matMul(b), a.matMul(b), b.matMul(a, true, true), dg.exp(a)];
    return made;
  });
  const products = find(info, "matmul");
  assert.deepEqual(
    products.map(({ sizes, calls, operations, bytes }) => [sizes, calls, operations, bytes]).sort(),
    [
      ["3x4 by 4x5", 2, 120, 4 * (12 + 20 + 15)],
      ["5x4T by 4x3T", 1, 120, 4 * (20 + 12 + 15)],
    ],
  );
  const [exp] = find(info, "unary");
  assert.deepEqual([exp.sizes, exp.calls, exp.operations, exp.bytes], ["exp 12", 1, 12, 96]);
  assert.ok(info.kernels.every((k) => k.kernelTimeMs >= 0));
  assert.equal(info.newTensors, 4);
  assert.equal(info.newBytes, 4 * (15 + 15 + 15 + 12));
  assert.ok(info.peakBytes >= info.newBytes);
  assert.deepEqual(info.kernelNames.toSorted(), ["matmul", "unary"]);
  const table = dg.profileTable(info.kernels, { operations: 1e12 });
  assert.match(table, /kernel +sizes +calls +ms +share +us\/call +GFLOP\/s +GB\/s +of limit\n/);
  assert.match(table, /\nmatmul +3x4 by 4x5 +2 /);
  assert.match(table, / in 4 calls$/);
  dg.dispose([...info.result, a, b]);
  const after = await dg.profile(() => {});
  assert.deepEqual(after.kernels, [], "a profile begins with nothing");
});

onEachDevice("a profile sees the calls of recorded steps", async () => {
  const x = dg.randomNormal([64, 6]), y = dg.randomNormal([64, 1]);
  const model = dg.sequential({ layers: [dg.layers.dense({ units: 1, inputShape: [6] })] });
  model.compile({ optimizer: "sgd", loss: "meanSquaredError" });
  const train = () => model.fit(x, y, { batchSize: 16, epochs: 2, verbose: 0, shuffle: false });
  const before = model.getWeights().map((w) => w.clone());
  await train();
  const plain = model.getWeights().map((w) => w.dataSync());
  model.setWeights(before);
  const info = await dg.profile(train);
  const updates = find(info, "update");
  assert.deepEqual(updates.map((k) => [k.sizes, k.calls]), [["7 of 2 parameters", 8]]);
  const again = model.getWeights().map((w) => w.dataSync());
  assert.deepEqual(again, plain, "profiling changes no number");
  dg.dispose([x, y, ...before]);
  model.dispose();
});

Deno.test("a profile within a profile is refused, and one that fails ends", async () => {
  await assert.rejects(
    dg.profile(() => dg.profile(() => {})),
    /Cannot profile inside of profile\(\): one at a time/,
  );
  await assert.rejects(
    dg.profile(() => {
      throw new Error("on purpose");
    }),
    /on purpose/,
  );
  assert.deepEqual((await dg.profile(() => 7)).result, 7);
});

onEachDevice("what a device can do at most is measured", () => {
  const before = dg.memory().numTensors, { operations, bytes } = dg.measureLimits();
  assert.ok(operations > 1e6 && operations < 1e15, `${operations} operations per second`);
  assert.ok(bytes > 1e6 && bytes < 1e14, `${bytes} bytes per second`);
  assert.equal(dg.memory().numTensors, before);
});

Deno.test("time tells the clock's milliseconds and the kernels'", async () => {
  const x = dg.ones([50, 50]);
  const { kernelMs, wallMs } = await dg.time(() => dg.tidy(() => x.matMul(x).dataSync()));
  assert.ok(kernelMs > 0 && kernelMs <= wallMs, `${kernelMs} of ${wallMs}`);
  x.dispose();
});

Deno.test("DINOGRAD_PROFILE=1 prints a table after training", async () => {
  const program = `
    import * as dg from "${new URL("mod.ts", root).href}";
    const model = dg.sequential({ layers: [dg.layers.dense({ units: 1, inputShape: [2] })] });
    model.compile({ optimizer: "sgd", loss: "meanSquaredError" });
    await model.fit(dg.ones([8, 2]), dg.ones([8, 1]), { batchSize: 4, verbose: 0 });
  `;
  const { out, err } = await runProgram(program, ["--allow-env"], { DINOGRAD_PROFILE: "1" });
  assert.equal(err, "");
  assert.match(out, /^kernel +sizes/);
  assert.match(out, /\nupdate +3 of 2 parameters +2 /);
});

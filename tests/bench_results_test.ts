// Are a benchmark's figures counted, compared and shown right? The parts that measure nothing.
import assert from "node:assert";
import * as dg from "../mod.ts";
import { compare, comparisonText } from "../bench/comparison.ts";
import { crossover } from "../bench/crossover.ts";
import { isNoisy, spreadOf, summarize } from "../bench/measure.ts";
import { stepsOf, tutorials } from "../bench/models.ts";
import { at, isEmulated, type Place, placesOn } from "../bench/places.ts";
import { rooflineChart, speedupChart, sweepChart } from "../bench/charts.ts";
import { page } from "../bench/report_page.ts";
import { crossovers, gpuSentence, markdown } from "../bench/report_text.ts";
import type { Entry, Results } from "../bench/results.ts";
import { powersOfTwo, type Sweep, sweep } from "../bench/sweep.ts";
import { onEachDevice } from "./fixtures.ts";
import { currentDevice } from "../src/native/device.ts";

const entry = (work: string, place: string, seconds: number, spread = 0.02): Entry => ({
  group: "operation",
  work,
  size: "64 x 64",
  place,
  flops: 1e6,
  bytes: 1e4,
  seconds,
  low: seconds * (1 - spread / 2),
  high: seconds * (1 + spread / 2),
  rounds: 5,
});

function found(
  place: string,
  seconds: number[],
  end = "batch 4 was the last one asked for",
): Sweep {
  const points = seconds.map((s, i) => ({
    batch: 2 ** i,
    bytes: 2 ** (20 + i),
    seconds: s,
    low: s,
    high: s,
    rounds: 3,
  }));
  return { work: "mlp", place, points, end };
}

const results = (entries: Entry[], kinds: ("cpu" | "gpu")[] = ["cpu"]): Results => ({
  format: 1,
  date: "2026-01-01 00:00",
  commit: "abc",
  quick: true,
  machine: { CPU: "some <CPU>", GPU: "none" },
  places: kinds.map((kind) => ({
    name: kind,
    kind,
    hardware: "",
    limits: { operations: 1e11, bytes: 1e10 },
  })),
  entries,
  sweeps: kinds.map((kind) => found(kind, kind === "cpu" ? [1, 2, 4] : [2, 2, 2])),
  kernels: kinds.map((place) => ({
    work: "mlp",
    place,
    name: "matmul",
    sizes: "8x8 by 8x8",
    calls: 2,
    kernelTimeMs: 1,
    operations: 1024,
    bytes: 768,
  })),
  absent: ["cnn in TensorFlow.js, wasm: no kernel"],
});

Deno.test("rounds are summed up by median and quartiles, and noise is named", () => {
  const timing = summarize([5, 1, 2, 4, 3]);
  assert.deepEqual(timing, { seconds: 3, low: 2, high: 4, rounds: 5 });
  assert.equal(spreadOf(timing), 2 / 3);
  assert.ok(isNoisy(timing));
  assert.ok(!isNoisy(summarize([1.01, 1, 1.02])));
  assert.ok(!isNoisy(summarize([5e-6, 1e-6, 9e-6])), "below 100 us nothing is said");
});

Deno.test("two runs differ only beyond their noise", () => {
  const before = results([entry("a", "cpu", 1), entry("b", "cpu", 1), entry("c", "cpu", 1, 0.5)]);
  const after = results([entry("a", "cpu", 0.5), entry("b", "cpu", 1.2), entry("c", "cpu", 1.2)]);
  const verdicts = compare(before, after).map(({ verdict }) => verdict);
  assert.deepEqual(verdicts, ["faster", "slower", "within noise"]);
  const [{ ratio, low, high }] = compare(before, after);
  assert.ok(low < ratio && ratio < high && ratio === 0.5);
  after.entries.push(entry("d", "cpu", 1));
  const text = comparisonText(before, after);
  assert.match(text, /1 faster, 1 slower, 1 within noise; 0 only before, 1 only after\.$/);
  assert.match(text, /Peaks before and after, GFLOP\/s: .*cpu \S+ and \S+/);
  assert.match(text, /\| operation, c, 64 x 64, cpu \| 1\.00 s \(50 % noisy\) \|/);
  after.machine = { CPU: "another", GPU: "none" };
  assert.match(comparisonText(before, after), /different machines/);
});

Deno.test("a crossover is where one place stays ahead", () => {
  const cpu = found("cpu", [1, 2, 4, 8]);
  const at = (seconds: number[]) => crossover(cpu, found("gpu", seconds));
  assert.equal(at([2, 3, 3, 3]), "For mlp, cpu wins below batch 4, and gpu from there on.");
  assert.equal(at([2, 1, 5, 3]), "For mlp, cpu mostly wins below batch 8, and gpu from there on.");
  assert.equal(at([0, 0, 0, 0]), "For mlp, gpu beats cpu at every batch size from 1 to 8.");
  assert.equal(at([9, 9, 9, 9]), "For mlp, cpu beats gpu at every batch size from 1 to 8.");
  assert.equal(at([0, 9, 9, 9]), "For mlp, neither of cpu and gpu stays ahead up to batch 8.");
  assert.equal(at([]), "For mlp, cpu and gpu share no batch size.");
});

Deno.test("a report says what there is, and what there is not", () => {
  const cpu = results([entry("matMul", "cpu", 1e-3)]);
  assert.match(markdown(cpu), /## No GPU\n\nThis machine has no GPU/);
  assert.match(markdown(cpu), /\| matMul, 64 x 64 \| 1\.00 ms \|/);
  assert.match(markdown(cpu), /## Not measured\n\n- cnn in TensorFlow\.js, wasm: no kernel\n/);
  const gpu = results([entry("matMul", "cpu", 1e-3), entry("matMul", "gpu", 1e-4)], ["cpu", "gpu"]);
  assert.equal(gpuSentence(gpu), undefined);
  assert.deepEqual(crossovers(gpu), ["For mlp, cpu wins below batch 4, and gpu from there on."]);
  const rows = JSON.stringify(speedupChart(gpu, "cpu"));
  assert.ok(rows.includes('"place":"gpu","times":10'), rows);
});

Deno.test("a report's page holds its charts, and neither scripts nor anything from elsewhere", () => {
  const svg = '<svg xmlns="http://www.w3.org/2000/svg"><text fill="var(--ink)">t</text></svg>';
  const made = page(results([entry("matMul", "cpu", 1)]), [
    { section: "Operations", caption: "c", svg },
    { section: "Batch sizes", caption: "c", svg },
  ]);
  assert.equal(made.match(/<svg /g)?.length, 2);
  assert.ok(!/<script|<link|src=|url\(|\son\w+=/i.test(made));
  assert.deepEqual(made.match(/https?:[^"]*/g), Array(2).fill("http://www.w3.org/2000/svg"));
  assert.ok(made.includes("some &lt;CPU&gt;") && !made.includes("some <CPU>"));
  assert.match(made, /prefers-color-scheme: dark/);
  const undrawn = page(results([]), [], "npm could not be reached");
  assert.match(undrawn, /Charts are absent: npm could not be reached/);
});

Deno.test("charts have a row per figure and name their units", () => {
  const gpu = results([entry("matMul", "cpu", 1), entry("matMul", "gpu", 1)], ["cpu", "gpu"]);
  const roof = JSON.stringify(rooflineChart(gpu, "gpu"));
  assert.ok(roof.includes("Operations per byte (FLOP/B)") && roof.includes("Achieved (GFLOP/s)"));
  assert.ok(roof.includes('"rate":0.002048')); // 2 * 1024 operations in a millisecond
  const sweeps = JSON.stringify(sweepChart(gpu, "MiB"));
  assert.ok(sweeps.includes("Batch size (samples)") && sweeps.includes("Memory (MiB"));
  assert.equal(sweeps.match(/"batch":\d/g)?.length, 6);
});

Deno.test("batch sizes double", () => {
  assert.deepEqual(powersOfTwo(1, 20), [1, 2, 4, 8, 16]);
});

Deno.test("operations of a model's step are those that its kernels do", async () => {
  for (const { name, flops, prepare } of tutorials) {
    if (name === "gan") continue; // its models take turns; flops() says how
    const batch = 2;
    const { holds } = prepare(batch, 1);
    const [x, , model] = holds as [dg.Tensor, dg.Tensor, dg.Sequential];
    const { kernels, result } = await dg.profile(() => model.predict(x) as dg.Tensor);
    const products = kernels.filter((k) => ["matmul", "conv", "recurrent"].includes(k.name));
    const operations = products.reduce((sum, k) => sum + k.calls * k.operations, 0);
    assert.equal(flops(batch), 3 * operations, name);
    dg.dispose([result, x, holds[1] as dg.Tensor]);
    model.dispose();
  }
});

Deno.test("long steps make short epochs", () => {
  const tutorial = { ...tutorials[0], flops: (batch: number) => batch * 1e8, mostSteps: 100 };
  assert.deepEqual([stepsOf(tutorial, 1), stepsOf(tutorial, 100)], [10, 2]);
  assert.equal(stepsOf({ ...tutorial, flops: () => 1 }, 1), 100);
});

const effort = { rounds: 1, roundSeconds: 0 };

onEachDevice("a sweep ends at its cap of memory, and leaves everything as it was", async () => {
  const device = currentDevice(), place: Place = { name: "here", device };
  const before = dg.memory().numTensors, { limit } = dg.config.getMemoryInfo(device.name);
  const small = { ...tutorials[0], mostSteps: 2 };
  const bytes = 2 ** 22;
  const batches = isEmulated(device) ? [1, 2 ** 20] : [1, 64, 2 ** 20];
  const { points, end } = await sweep(small, place, { batches, bytes, stepSeconds: 1e3 }, effort);
  assert.deepEqual(points.map(({ batch }) => batch), batches.slice(0, -1));
  assert.equal(end, "batch 1048576 wants more than the 4.00 MiB allowed");
  assert.ok(points.every((p) => p.seconds > 0 && p.bytes > 0 && p.bytes <= bytes));
  assert.equal(dg.memory().numTensors, before);
  assert.equal(dg.config.getMemoryInfo(device.name).limit, limit);
  const slow = await sweep(small, place, { batches: [1, 2], bytes, stepSeconds: 0 }, effort);
  assert.match(slow.end, /^a step of batch 1 takes .*, more than 0\.00 us$/);
});

onEachDevice("each place is a device with settings of its own", () => {
  const device = currentDevice(), tf32 = dg.config.tensorFloat32ExecutionEnabled();
  const all = placesOn(device), threads = device.native.calls.dg_threads(0);
  assert.equal(new Set(all.map(({ name }) => name)).size, all.length);
  for (const place of all) {
    assert.equal(at(place, () => dg.ones([2]).sum().dataSync()[0]), 2);
    if (place.threads) assert.equal(device.native.calls.dg_threads(0), place.threads);
    if (place.tf32 !== undefined) {
      assert.equal(dg.config.tensorFloat32ExecutionEnabled(), place.tf32);
    }
  }
  if (device.kind === "cpu") device.native.calls.dg_threads(threads);
  dg.config.enableTensorFloat32Execution(tf32);
});

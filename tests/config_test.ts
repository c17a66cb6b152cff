// Does the device API list, hide and limit devices as it says?
import assert from "node:assert";
import * as dg from "../mod.ts";
import { config } from "../mod.ts";
import { onEachDevice } from "./fixtures.ts";
import { root } from "./imports.ts";
import { runProgram } from "./programs.ts";

const MiB = 2 ** 20;

const physical = (d: dg.Device): config.PhysicalDevice => {
  const deviceType = d.kind.toUpperCase() as config.DeviceType;
  return { name: `/physical_device:${deviceType}:${d.index}`, deviceType };
};

Deno.test("physical and logical devices are listed, the best first", () => {
  assert.deepEqual(config.listPhysicalDevices(), dg.devices().map(physical));
  assert.deepEqual(config.getVisibleDevices(), config.listPhysicalDevices());
  assert.deepEqual(config.listPhysicalDevices("WASM"), [
    { name: "/physical_device:WASM:0", deviceType: "WASM" },
  ]);
  const logical = config.listLogicalDevices();
  assert.deepEqual(
    logical.map(({ name }) => dg.device(name, () => dg.getBackend())),
    dg.devices().map((d) => d.kind),
  );
  assert.deepEqual(
    config.listLogicalDevices("GPU"),
    logical.filter(({ deviceType }) => deviceType === "GPU"),
  );
});

Deno.test("a GPU is available where one is listed, and only with the CUDA library", () => {
  assert.equal(dg.test.isGpuAvailable(), config.listPhysicalDevices("GPU").length > 0);
  assert.ok(dg.test.isBuiltWithCuda() || !dg.test.isGpuAvailable());
});

onEachDevice("details say what a device is", (d) => {
  const details = config.getDeviceDetails(physical(d));
  assert.equal(details.device_name, d.description);
  assert.equal(details.memory !== undefined && details.memory > MiB, d.kind !== "wasm");
  assert.equal(details.threads !== undefined, d.kind === "cpu");
  if (d.kind !== "gpu") return assert.equal(details.compute_capability, undefined);
  const [major, minor] = details.compute_capability!;
  assert.equal(major * 10 + minor, d.number("computeCapability"));
  assert.ok(major * 10 + minor >= 75 && minor < 10 && details.multiprocessors! > 0);
  assert.ok(details.driver_version![0] >= 13 && details.runtime_version![0] === 13);
  assert.equal(typeof details.ecc, "boolean");
});

onEachDevice("memory is counted, and its peak starts again when told", (d) => {
  config.resetMemoryStats();
  const before = config.getMemoryInfo();
  assert.deepEqual(Object.keys(before), ["current", "peak", "cached", "limit", "arena"]);
  assert.deepEqual([before.peak, before.limit], [before.current, 0]);
  dg.zeros([MiB]).dispose();
  const after = config.getMemoryInfo(d.name);
  assert.equal(after.current, before.current);
  assert.equal(after.peak, before.current + 4 * MiB);
  assert.ok(after.cached >= 4 * MiB);
  config.resetMemoryStats(d.name);
  assert.equal(config.getMemoryInfo().peak, before.current);
});

onEachDevice("what exceeds the limit is an error, after which training works", async (d) => {
  config.setMemoryLimit(config.getMemoryInfo().current + 4 * MiB);
  try {
    const x = dg.randomNormal([64, 8]);
    const y = dg.tidy(() => x.sum(1, true));
    assert.throws(() => dg.zeros([2 * MiB]), dg.OutOfMemoryError);
    assert.throws(() => dg.tidy(() => x.matMul(dg.zeros([8, MiB]))), dg.OutOfMemoryError);
    assert.throws(() => config.setMemoryLimit(1), /Cannot limit memory to 1 bytes: \d+ are in use/);
    const model = dg.sequential({ layers: [dg.layers.dense({ units: 1, inputShape: [8] })] });
    model.compile({ optimizer: "adam", loss: "meanSquaredError" });
    const { history } = await model.fit(x, y, { epochs: 5, verbose: 0 });
    assert.ok(history.loss[4] < history.loss[0]);
    const { current, cached, limit, arena } = config.getMemoryInfo();
    assert.ok(current + cached <= limit && arena > 0 && arena < current);
    model.dispose();
    dg.dispose([x, y]);
  } finally {
    config.setMemoryLimit(0, d.name);
  }
  dg.zeros([2 * MiB]).dispose();
});

onEachDevice("a logical device's configuration is its memory limit in MiB", (d) => {
  config.setLogicalDeviceConfiguration(physical(d), [{ memoryLimit: 256 }]);
  assert.equal(config.getMemoryInfo().limit, 256 * MiB);
  config.setLogicalDeviceConfiguration(physical(d), [{}]);
  assert.equal(config.getMemoryInfo().limit, 0);
  assert.throws(
    () => config.setLogicalDeviceConfiguration(physical(d), [{}, {}]),
    /is one logical device: wanted one configuration, got 2/,
  );
});

onEachDevice("memory always grows", (d) => {
  config.setMemoryGrowth(physical(d), true);
  assert.equal(config.getMemoryGrowth(physical(d)), true);
  assert.throws(
    () => config.setMemoryGrowth(physical(d), false),
    /always taken as it is needed: setMemoryGrowth wants true, got false/,
  );
});

Deno.test("devices that are not there and limits that are no sizes are refused", () => {
  const nowhere = { name: "/physical_device:WASM:1", deviceType: "WASM" } as const;
  const refused = /Unknown physical device "\/physical_device:WASM:1": did you mean/;
  assert.throws(() => config.getDeviceDetails(nowhere), refused);
  assert.throws(() => config.setVisibleDevices(nowhere), refused);
  assert.throws(() => config.getMemoryGrowth(nowhere), refused);
  assert.throws(() => config.getMemoryInfo("tpu"), /Unknown device "tpu"/);
  assert.throws(() => config.setMemoryLimit(-1), /whole number of bytes, got -1/);
  assert.throws(() => config.setMemoryLimit(NaN), /whole number of bytes, got nan/i);
  const wasm = config.listPhysicalDevices("WASM");
  assert.throws(() => config.setVisibleDevices(wasm, "GPU"), /of type GPU, got .*WASM:0/);
  assert.throws(() => config.setVisibleDevices([]), /At least one device must stay visible/);
});

const emulated = new URL("cuda/build/libdinograd_emu.so", root).pathname;
const withEmulator = {
  ignore: !await Deno.stat(emulated).then(() => true, () => false),
};

/** Runs statements in a process of its own, with so many emulated GPUs, and reads the JSON that they log. */
async function alone(statements: string, gpus = 0): Promise<unknown> {
  const program = `
    import * as dg from "${new URL("mod.ts", root).href}";
    const { config } = dg;
    const names = () => dg.devices().map((d) => d.name);
    const message = (fn) => { try { fn(); return "nothing thrown"; } catch (e) { return e.message; } };
    ${statements}
  `;
  const { code, out, err } = await runProgram(
    program,
    gpus ? [`--allow-ffi=${emulated}`, "--allow-env"] : [],
    { DINOGRAD_CUDA_LIB: emulated, DINOGRAD_EMU_DEVICES: String(gpus) },
  );
  assert.deepEqual({ code, err }, { code: 0, err: "" });
  return JSON.parse(out);
}

Deno.test("without a GPU none is available, and hiding all of them is allowed", async () => {
  const got = await alone(`
    config.setVisibleDevices([], "GPU");
    console.log(JSON.stringify([dg.test.isGpuAvailable(), dg.test.isBuiltWithCuda(), names()]));
  `);
  assert.deepEqual(got, [false, false, ["wasm"]]);
});

Deno.test("a hidden GPU is neither used nor counted", withEmulator, async () => {
  const got = await alone(
    `
    const [first, second] = config.listPhysicalDevices("GPU");
    config.setVisibleDevices(second, "GPU");
    const visible = [config.getVisibleDevices("GPU"), config.listLogicalDevices("GPU")];
    const x = dg.zeros([4]);
    const used = [x.device.name, x.device.index, names().filter((n) => n.startsWith("gpu"))];
    x.dispose();
    const missing = message(() => dg.device("gpu:1", () => 0));
    config.setVisibleDevices(first, "GPU");
    const other = dg.zeros([4]).device.index;
    console.log(JSON.stringify({ visible, used, missing, other }));
  `,
    2,
  );
  assert.deepEqual(got, {
    visible: [
      [{ name: "/physical_device:GPU:1", deviceType: "GPU" }],
      [{ name: "/device:GPU:0", deviceType: "GPU" }],
    ],
    used: ["gpu:0", 1, ["gpu:0"]],
    missing: (got as { missing: string }).missing,
    other: 0,
  });
  assert.match(
    (got as { missing: string }).missing,
    /no device "gpu:1" here.*config.setVisibleDevices hides 1 of kind gpu/,
  );
});

Deno.test("a GPU in use cannot be hidden or renamed", withEmulator, async () => {
  const got = await alone(
    `
    const [first, second] = config.listPhysicalDevices("GPU");
    const x = dg.device("gpu:1", () => dg.zeros([4]));
    const said = [[], first, second].map((d) => message(() => config.setVisibleDevices(d, "GPU")));
    config.setVisibleDevices([first, second], "GPU");
    const inside = dg.device("gpu:0", () => message(() => config.setVisibleDevices(second, "GPU")));
    x.dispose();
    config.setVisibleDevices([], "GPU");
    console.log(JSON.stringify({ said, inside, after: names(), gpu: dg.test.isGpuAvailable() }));
  `,
    2,
  );
  const refused = (name: string) =>
    `Visible devices must be chosen before they are used: ${name} is in use already`;
  const { said, inside, after, gpu } = got as Record<string, string[]>;
  assert.deepEqual(said, ["gpu:1", "gpu:1", "gpu:1"].map(refused));
  assert.equal(inside, refused("gpu:0"));
  assert.ok(!after.some((name) => name.startsWith("gpu")));
  assert.equal(gpu, false);
});

Deno.test("the CUDA library without a GPU is there, and says no GPU is", withEmulator, async () => {
  const program = `
    import { test } from "${new URL("mod.ts", root).href}";
    console.log(test.isBuiltWithCuda(), test.isGpuAvailable());
  `;
  const env = { DINOGRAD_CUDA_LIB: emulated, DINOGRAD_EMU_DEVICES: "0" };
  const { out } = await runProgram(program, [`--allow-ffi=${emulated}`, "--allow-env"], env);
  assert.equal(out, "true false\n");
});

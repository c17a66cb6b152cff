// Do the examples run, and do they show what they say?

import assert from "node:assert";
import { isEmulated } from "../bench/places.ts";
import * as dg from "../mod.ts";

// An emulated GPU is the CPU in disguise, and a slow one.
const { name: device } = dg.devices().find((d) => !isEmulated(d))!;

async function run(file: string, ...args: string[]): Promise<string> {
  const example = new URL(`../examples/${file}`, import.meta.url).pathname;
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-lock", "--quiet", example, ...args],
    env: { DINOGRAD_DEVICE: device },
  }).output();
  const [out, err] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
  assert.ok(success, err);
  return out;
}

Deno.test("every example is tried here", () => {
  const there = [...Deno.readDirSync(new URL("../examples", import.meta.url))].map((f) => f.name);
  assert.deepEqual(there.sort(), [
    "batch_size.ts",
    "cnn.ts",
    "dense.ts",
    "devices.ts",
    "gan.ts",
    "gradients.ts",
    "memory.ts",
    "operations.ts",
    "pairs.ts",
    "rnn.ts",
    "sentiment.ts",
    "text.ts",
  ]);
});

Deno.test("devices.ts lists devices and works on each", async () => {
  assert.match(await run("devices.ts"), /wasm: .+[^]+on wasm: \d+, \d/);
});

Deno.test("gradients.ts finds the curve", async () => {
  const out = await run("gradients.ts");
  const [, ...found] = /y = (\S+) x\^2 \+ (\S+) x \+ (\S+)/.exec(out)!;
  [0.8, -0.4, 0.3].forEach((v, i) => assert.ok(Math.abs(Number(found[i]) - v) < 0.03, out));
  assert.match(out, /slope 12, curvature 12/);
  assert.match(out, /^0 tensors left$/m);
});

Deno.test("dense.ts learns to read", async () => {
  const out = await run("dense.ts", "1500");
  assert.ok(Number(/accuracy ([\d.]+)\n/.exec(out)![1]) > 0.7, out);
  assert.match(out, /read as \d, is \d/);
});

Deno.test("cnn.ts learns to read, and shows what it looks at", async () => {
  const out = await run("cnn.ts", "1500");
  assert.ok(Number(/accuracy ([\d.]+)\n/.exec(out)![1]) > 0.7, out);
  assert.match(out, /\n(?:[ .oO@]{25}\n){39}0 tensors left\n$/);
});

Deno.test("pairs.ts learns from two inputs for two outputs", async () => {
  const out = await run("pairs.ts", "2000");
  assert.match(out, /encoder \(Sequential\) .* a\[0\]\[0\]\n +b\[0\]\[0\]\n/);
  assert.ok(Number(/accuracy ([\d.]+)\n/.exec(out)![1]) > 0.7, out);
  assert.ok(Number(/sum, off by ([\d.]+)\n/.exec(out)![1]) < 2.5, out);
  assert.match(out, /^0 tensors left$/m);
});

Deno.test("operations.ts computes on every device", async () => {
  for (const { name } of dg.devices()) {
    const out = await run("operations.ts", name);
    assert.match(out, /\[\[22, 28\],\s+\[49, 64\]\]/);
    assert.ok(
      out.includes(`computed on ${name}\ncopied to wasm: 22,28,49,64\n0 tensors left`),
      out,
    );
  }
});

Deno.test("rnn.ts foretells a wave", async () => {
  const out = await run("rnn.ts", "600");
  // The noise alone has a mean absolute value of 0.08.
  assert.ok(Number(/off by ([\d.]+) on average/.exec(out)![1]) < 0.2, out);
  assert.equal(/^ten values on: (.*)$/m.exec(out)![1].split(" ").length, 10);
});

Deno.test("text.ts learns a rhyme", async () => {
  const out = await run("text.ts");
  const perplexities = [...out.matchAll(/perplexity ([\d.]+): the /g)].map((m) => Number(m[1]));
  assert.equal(perplexities.length, 3);
  assert.ok(perplexities[2] < 1.5, out);
});

Deno.test("sentiment.ts learns what praise is, and what a not makes of it", async () => {
  const out = await run("sentiment.ts");
  assert.ok(Number(/^accuracy ([\d.]+)$/m.exec(out)![1]) > 0.95, out);
  assert.match(out, /gripping! good\nThe film is not a delight. bad\n0 tensors left\n$/);
});

Deno.test("gan.ts shows the tutorial's mistake, and trains two models in turns", async () => {
  const out = await run("gan.ts", "100");
  assert.match(out, /^refused: Cannot reshape .* \[128\] \(128 elements\) to \[7,7,1\]$/m);
  assert.match(out, /^step 100: loss of the discriminator [\d.]+, of the generator [\d.]+\n/m);
});

Deno.test("memory.ts meets a limit, and saves memory with 16 bits", async () => {
  const out = await run("memory.ts");
  assert.match(out, /^refused: Out of memory: cannot allocate 67108864 bytes; .*limit/m);
  assert.ok(Number(/^mixed_float16 takes (\d+) % of it$/m.exec(out)![1]) < 85, out);
});

Deno.test("batch_size.ts finds batch sizes", async () => {
  const out = await run("batch_size.ts", "16");
  assert.equal(out.match(/^batch \d+: \d+ samples per second, [\d.]+ MiB$/gm)?.length, 5);
  assert.match(out, /^largest that fits: 16, where max ended the search\nfastest: \d+$/m);
});

// Do the examples run, and do they show what they say?

import assert from "node:assert";

async function run(file: string, ...args: string[]): Promise<string> {
  const example = new URL(`../examples/${file}`, import.meta.url).pathname;
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-lock", "--quiet", example, ...args],
  }).output();
  const [out, err] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
  assert.ok(success, err);
  return out;
}

Deno.test("every example is tried here", () => {
  const there = [...Deno.readDirSync(new URL("../examples", import.meta.url))].map((f) => f.name);
  assert.deepEqual(there.sort(), [
    "devices.ts",
    "digits.ts",
    "gradients.ts",
    "images.ts",
    "pairs.ts",
    "reviews.ts",
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

Deno.test("digits.ts learns to read", async () => {
  const out = await run("digits.ts", "1500");
  assert.ok(Number(/accuracy ([\d.]+)\n/.exec(out)![1]) > 0.7, out);
  assert.match(out, /read as \d, is \d/);
});

Deno.test("images.ts learns to read, and shows what it looks at", async () => {
  const out = await run("images.ts", "1500");
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

Deno.test("reviews.ts learns from a file of reviews", async () => {
  const out = await run("reviews.ts");
  assert.ok(Number(/^accuracy ([\d.]+)$/m.exec(out)![1]) > 0.95, out);
  assert.match(out, /gripping! good\nA dull, clumsy plot. bad\n0 tensors left\n$/);
});

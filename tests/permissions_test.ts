// Does the library load synchronously, touch nothing of Deno's while it loads, and train without any permission?
import assert from "node:assert";
import { root, sources } from "./imports.ts";
import { runProgram } from "./programs.ts";

const library = ["mod.ts", ...sources("src")].map((path) => new URL(path, root).href);

Deno.test("no module awaits at its top level: require() loads them all", async () => {
  const program = `
    import { createRequire } from "node:module";
    import { fileURLToPath } from "node:url";
    const require = createRequire(import.meta.url);
    for (const url of ${JSON.stringify(library)}) require(fileURLToPath(url));
    console.log("all loaded");
  `;
  const { code, out, err } = await runProgram(program, ["--allow-read"]);
  assert.deepEqual({ code, out, err }, { code: 0, out: "all loaded\n", err: "" });
});

Deno.test("no module touches Deno while it loads", async () => {
  const program = `
    const complain = (_, name) => { throw new Error("Deno." + String(name) + " was touched"); };
    Object.defineProperty(globalThis, "Deno", { value: new Proxy({}, { get: complain, has: complain }) });
    for (const url of ${JSON.stringify(library)}) await import(url);
    console.log("all loaded");
  `;
  const { code, out, err } = await runProgram(program, ["--allow-read"]);
  assert.deepEqual({ code, out, err }, { code: 0, out: "all loaded\n", err: "" });
});

Deno.test("a program without permissions trains on WebAssembly", async () => {
  const program = `
    import * as dg from "${new URL("mod.ts", root).href}";
    import { trainSmall } from "${new URL("tests/small_training.ts", root).href}";
    const first = dg.getBackend();
    console.log(JSON.stringify({ first, ...await trainSmall(dg, "wasm") }));
  `;
  const { code, out, err } = await runProgram(program, []);
  assert.deepEqual({ code, err }, { code: 0, err: "" });
  const { first, device, loss } = JSON.parse(out);
  assert.deepEqual({ first, device }, { first: "wasm", device: "wasm" });
  assert.ok(loss.at(-1) < loss[0], `losses ${loss} do not fall`);
});

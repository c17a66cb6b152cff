// Do the project's files agree where they must?
import assert from "node:assert";
import config from "../deno.json" with { type: "json" };
import { relaxed } from "../src/native/wasm_relaxed.ts";
import { simd } from "../src/native/wasm_simd.ts";
import { version } from "../src/version.ts";
import { root } from "./imports.ts";

const exists = (path: string) =>
  Deno.stat(new URL(path, root)).then(() => true, (error) => {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  });

Deno.test("version.ts and deno.json name the same release", () => {
  assert.equal(version, config.version);
});

Deno.test("nothing declares packages to install", async () => {
  assert.deepEqual(Object.keys(config).filter((key) => /imports|importMap|links/i.test(key)), []);
  for (const file of ["package.json", "deno.lock", "jsr.json", "import_map.json"]) {
    assert.equal(await exists(file), false, `${file} exists`);
  }
});

Deno.test("the embedded WebAssembly modules are two, and valid", () => {
  assert.notEqual(relaxed, simd);
  for (const module of [relaxed, simd]) {
    assert.ok(WebAssembly.validate(Uint8Array.from(atob(module), (c) => c.charCodeAt(0))));
  }
});

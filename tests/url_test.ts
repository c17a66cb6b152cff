// Does a program that imports the library from a URL train, with no permission but that import?
import assert from "node:assert";
import { runProgram } from "./programs.ts";
import { serve } from "./server.ts";

Deno.test("a program importing the library from a URL trains on WebAssembly", async () => {
  await using server = serve();
  const { host, asked } = server;
  const program = `
    import * as dg from "http://${host}/mod.ts";
    import { trainSmall } from "http://${host}/tests/small_training.ts";
    const first = dg.getBackend();
    console.log(JSON.stringify({ first, ...await trainSmall(dg, "wasm") }));
  `;
  const { code, out, err } = await runProgram(program, [`--allow-import=${host}`]);
  assert.deepEqual({ code, err }, { code: 0, err: "" });
  const { first, loss } = JSON.parse(out);
  assert.equal(first, "wasm");
  assert.ok(loss.at(-1) < loss[0], `losses ${loss} do not fall`);
  assert.ok(asked.includes("mod.ts"));
  const library = /^((mod|src|tests)\b.*\.ts|native\.json)$/;
  assert.deepEqual(asked.filter((path) => !library.test(path)), []);
});

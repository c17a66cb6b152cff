// Does a program that imports the library from a URL train, with no permission but that import?
import assert from "node:assert";
import { root } from "./imports.ts";
import { runProgram } from "./programs.ts";

/** Serves this checkout's TypeScript files on a port of this machine. */
function serve(asked: string[]): { host: string; stop: () => Promise<void> } {
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, async (request) => {
    const path = new URL(request.url).pathname.slice(1);
    asked.push(path);
    try {
      return new Response(await Deno.readTextFile(new URL(path, root)), {
        headers: { "content-type": "application/typescript" },
      });
    } catch {
      return new Response(`no ${path}`, { status: 404 });
    }
  });
  return { host: `127.0.0.1:${server.addr.port}`, stop: () => server.shutdown() };
}

Deno.test("a program importing the library from a URL trains on WebAssembly", async () => {
  const asked: string[] = [];
  const { host, stop } = serve(asked);
  try {
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
  } finally {
    await stop();
  }
  assert.ok(
    asked.includes("mod.ts") && asked.every((path) => /^(mod|src|tests)\b.*\.ts$/.test(path)),
  );
});

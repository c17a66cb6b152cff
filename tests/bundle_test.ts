// Does a browser's bundle of the library train where there is no Deno?
import assert from "node:assert";
import * as dg from "../mod.ts";
import { root } from "./imports.ts";
import { trainSmall } from "./small_training.ts";
import { trainInWorker } from "./workers.ts";

const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
  args: ["run", "-A", "--quiet", "--no-lock", new URL("scripts/bundle.ts", root).href],
}).output();
const said = new TextDecoder().decode(stderr);
if (!success) {
  if (!said.includes("could not be fetched from npm")) throw new Error(said);
  console.log(`skipping the test of the browser's bundle: ${said.trim()}`);
}

Deno.test({
  name: "a bundle trains in a worker without Deno, as the sources do with it",
  ignore: !success,
  fn: async () => {
    const bundle = URL.createObjectURL(new Blob([stdout], { type: "text/javascript" }));
    const run = await trainInWorker(`
      for (const name of ["Deno", "process", "Buffer", "global"]) delete globalThis[name];
      const dg = await import("${bundle}");
      if (typeof Deno !== "undefined") throw new Error("Deno is still there");
      self.postMessage(await (${trainSmall})(dg, "wasm"));
    `);
    URL.revokeObjectURL(bundle);
    assert.deepEqual(run, await trainSmall(dg, "wasm"));
  },
});

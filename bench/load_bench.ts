// How long does a fresh process take until it has its first result, on each device?

import * as dg from "../mod.ts";
import { loadPrograms } from "./load.ts";

if (Deno.permissions.querySync({ name: "run" }).state === "granted") {
  const { programs, remove } = await loadPrograms(dg.devices().map(({ name }) => name));
  globalThis.addEventListener("unload", remove);
  const group = "from start to first result";
  for (const { device, run } of programs) {
    Deno.bench({
      name: `${group}, ${device}`,
      group,
      baseline: device === "Deno alone",
      n: 5,
      warmup: 1,
      fn: async () => await run(),
    });
  }
}

// How long does TensorFlow.js take for what this library trains? The same models on its backends, in a process of its own.

import { benchCall } from "./entries.ts";
import { stepsOf, tutorials, usualBatch } from "./models.ts";
import { backends, Peer } from "./peers.ts";
import { places } from "./places.ts";

const batch = usualBatch;

if (Deno.permissions.querySync({ name: "run" }).state === "granted") {
  const peer = new Peer(5);
  globalThis.addEventListener("unload", () => void peer.close());
  for (const tutorial of tutorials) {
    // Few steps at once, so that TensorFlow.js gets through them.
    const { name } = tutorial, steps = Math.min(8, stepsOf(tutorial, batch));
    const group = `${name}, batch ${batch}, ${steps} steps`, work = tutorial.peer();
    benchCall(group, 5, () => tutorial.prepare(batch, steps), places());
    for (const backend of backends) {
      const request = { backend, work, batch, steps };
      const tried = await peer.train(request);
      if ("error" in tried) {
        console.error(`${name} in TensorFlow.js on ${backend}: ${tried.error}`);
        continue;
      }
      Deno.bench({
        name: `${group} in TensorFlow.js on ${backend}`,
        group,
        n: 3,
        warmup: 1,
        fn: async () => void await peer.train(request),
      });
    }
  }
}

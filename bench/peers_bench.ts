// How long does TensorFlow.js take for what this library trains? The same models on its backends, in a process of its own.

import { benchCall } from "./entries.ts";
import { tutorials, usualBatch } from "./models.ts";
import { backends, Peer } from "./peers.ts";
import { places } from "./places.ts";

const steps = 2, batch = usualBatch;

if (Deno.permissions.querySync({ name: "run" }).state === "granted") {
  const peer = new Peer();
  globalThis.addEventListener("unload", () => void peer.close());
  for (const tutorial of tutorials) {
    const { name } = tutorial, group = `${name}, batch ${batch}, ${steps} steps`;
    const work = tutorial.peer?.();
    if (!work) {
      console.error(`${name}: TensorFlow.js does not train it: it is more than one model.`);
      continue;
    }
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

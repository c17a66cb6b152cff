// Do two workers that train at the same time get the numbers that one gets alone?
import assert from "node:assert";
import { devices } from "../src/native/device.ts";
import { root } from "./imports.ts";
import { trainInWorker } from "./workers.ts";

const train = (device: string) =>
  trainInWorker(`
    import * as dg from "${new URL("mod.ts", root).href}";
    import { trainSmall } from "${new URL("tests/small_training.ts", root).href}";
    self.postMessage(await trainSmall(dg, "${device}"));
  `);

for (const { name, kind } of devices()) {
  Deno.test(`two workers train at once on ${name}`, async () => {
    const alone = await train(name);
    assert.equal(alone.device, kind);
    assert.ok(alone.loss.at(-1)! < alone.loss[0], `losses ${alone.loss} do not fall`);
    const together = await Promise.all([train(name), train(name)]);
    assert.deepEqual(together, [alone, alone]);
  });
}

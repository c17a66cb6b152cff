// Do models come from the web as they were, in several files and round corners, and is nothing read or written without permission?

import assert from "node:assert";
import * as dg from "../mod.ts";
import { root } from "./imports.ts";
import { runProgram } from "./programs.ts";
import { graph, row, saved, values } from "./saved_models.ts";
import { serve } from "./server.ts";

Deno.test("models come over HTTP, in several files, with metadata", async () => {
  const model = graph();
  model.setUserDefinedMetadata({ classes: ["cat", "dog"] });
  const { weightData, weightSpecs, ...rest } = await saved(model);
  const bytes = new Uint8Array(weightData);
  // The second group begins behind the first weight, and its two files meet within a value.
  const first = 3 * 4 * 4, cut = first + 5;
  const weightsManifest = [
    { paths: ["g1"], weights: weightSpecs.slice(0, 1) },
    { paths: ["sub/g2", "g3"], weights: weightSpecs.slice(1) },
  ];
  const json = JSON.stringify({ ...rest, weightsManifest });
  const files = new Map<string, Uint8Array<ArrayBuffer> | string>([
    ["m/model.json", json],
    ["m/g1", bytes.slice(0, first)],
    ["m/sub/g2", bytes.slice(first, cut)],
    ["m/g3", bytes.slice(cut)],
    ["else/g1", bytes.slice(0, first)],
    ["else/sub/g2", bytes.slice(first, cut)],
    ["else/g3", bytes.slice(cut)],
    ["long/model.json", json],
    ["long/g1", bytes.slice(0, first + 1)],
    ["none/model.json", json],
  ]);
  await using server = serve(files);
  const at = `http://${server.host}`;
  const again = await dg.loadLayersModel(`${at}/m/model.json?v=1`);
  assert.deepEqual(server.asked, ["m/model.json", "m/g1", "m/sub/g2", "m/g3"]);
  assert.deepEqual(values(again), values(model));
  assert.deepEqual(again.getUserDefinedMetadata(), { classes: ["cat", "dog"] });
  const moved = await dg.loadLayersModel(`${at}/m/model.json`, {
    weightPathPrefix: `${at}/else/`,
  });
  assert.deepEqual(server.asked.slice(-3), ["else/g1", "else/sub/g2", "else/g3"]);
  assert.deepEqual(values(moved), values(model));
  await assert.rejects(
    dg.loadLayersModel(`${at}/long/model.json`),
    /long\/g1 must have 48 bytes at most, got more/,
  );
  await assert.rejects(
    dg.loadLayersModel(`${at}/none/model.json`),
    /Cannot read http.*none\/g1: the server answers 404 Not Found/,
  );
  for (const m of [model, again, moved]) m.dispose();
});

Deno.test("a server may point elsewhere, but to no host without permission", async () => {
  const model = row(), { weightData, weightSpecs, ...rest } = await saved(model);
  const weightsManifest = [{ paths: ["w"], weights: weightSpecs }];
  await using there = serve(
    new Map<string, Uint8Array<ArrayBuffer> | string>([
      ["model.json", JSON.stringify({ ...rest, weightsManifest })],
      ["w", new Uint8Array(weightData)],
    ]),
  );
  const tokens: (string | null)[] = [];
  await using here = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, (request) => {
    tokens.push(request.headers.get("authorization"));
    const { pathname } = new URL(request.url);
    const to = pathname === "/round" ? "/round" : `http://${there.host}${pathname}`;
    return new Response(null, { status: 302, headers: { location: to } });
  });
  const at = `http://127.0.0.1:${here.addr.port}`;
  const again = await dg.loadLayersModel(
    dg.io.http(`${at}/model.json`, { requestInit: { headers: { authorization: "secret" } } }),
  );
  assert.deepEqual(values(again), values(model));
  assert.deepEqual(tokens, ["secret", "secret"]);
  await assert.rejects(dg.loadLayersModel(`${at}/round`), /points to http.*\/round after all/);
  const program = `
    import * as dg from "${new URL("mod.ts", root).href}";
    await dg.loadLayersModel("${at}/model.json").catch((error) => console.log(error.message));
  `;
  const { out, err } = await runProgram(program, [`--allow-net=127.0.0.1:${here.addr.port}`]);
  const host = there.host;
  assert.equal(
    out.trim(),
    `Reading http://${host}/model.json needs the permission --allow-net=${host}`,
    err,
  );
  model.dispose();
  again.dispose();
});

Deno.test("loading without permission is a sentence, and no prompt", async () => {
  const program = `
    import * as dg from "${new URL("mod.ts", root).href}";
    for (const from of ["/tmp/m", "file:///tmp/m/model.json", "http://127.0.0.1:9/model.json"]) {
      await dg.loadLayersModel(from).catch((error) => console.log(error.message));
    }
    const model = dg.sequential({ layers: [dg.layers.dense({ units: 1, inputShape: [1] })] });
    await model.save("file:///tmp/m").catch((error) => console.log(error.message));
  `;
  const { code, out, err } = await runProgram(program, []);
  assert.deepEqual([code, out.trim().split("\n")], [0, [
    "Reading /tmp/m/model.json needs the permission --allow-read=/tmp/m/model.json",
    "Reading /tmp/m/model.json needs the permission --allow-read=/tmp/m/model.json",
    "Reading http://127.0.0.1:9/model.json needs the permission --allow-net=127.0.0.1:9",
    "Writing /tmp/m needs the permission --allow-write=/tmp/m",
  ]], err);
});

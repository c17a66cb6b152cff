// Is everything that a saved model may lie about found out, in one sentence, with nothing left in memory?

import assert from "node:assert";
import * as dg from "../mod.ts";
import { type Device, devices } from "../src/native/device.ts";
import { MemoryKind } from "../src/native/symbols.ts";

// deno-lint-ignore no-explicit-any
type Json = any;

/** A saved model: its model.json, its bytes. */
async function good(): Promise<{ json: Json; bytes: Uint8Array<ArrayBuffer> }> {
  const model = dg.sequential({
    layers: [
      dg.layers.dense({ units: 2, inputShape: [3], name: "a" }),
      dg.layers.dropout({ rate: 0.5 }),
      dg.layers.dense({ units: 1, name: "b" }),
    ],
  });
  model.compile({ optimizer: "adam", loss: "meanSquaredError" });
  const x = dg.ones([2, 3]), y = dg.ones([2, 1]);
  await model.trainOnBatch(x, y);
  const folder = await Deno.makeTempDir();
  try {
    await model.save(folder, { includeOptimizer: true });
    return {
      json: JSON.parse(await Deno.readTextFile(`${folder}/model.json`)),
      bytes: await Deno.readFile(`${folder}/weights.bin`),
    };
  } finally {
    await Deno.remove(folder, { recursive: true });
    model.dispose();
    dg.dispose([x, y]);
  }
}

const specs = (json: Json): Json[] => json.weightsManifest[0].weights;
const layers = (json: Json): Json[] => json.modelTopology.config.layers;
const optimizer = (json: Json): Json => json.trainingConfig.optimizer_config;

/** What is done to a model.json, and what is said about it then. */
const lies: [what: string, change: (json: Json) => unknown, sentence: RegExp][] = [
  ["no topology", (j) => delete j.modelTopology, /holds no modelTopology/],
  ["a topology of text", (j) => j.modelTopology = "Dense", /holds no modelTopology/],
  ["another format", (j) => j.format = "graph-model", /must be a layers-model, got "graph-model"/],
  ["no class", (j) => delete j.modelTopology.class_name, /wanted \{ class_name, config \}/],
  ["a class of a number", (j) => j.modelTopology.class_name = 3, /wanted \{ class_name, config \}/],
  ["an unknown model", (j) => j.modelTopology.class_name = "Evil", /Unknown layer "Evil"/],
  ["the prototype", (j) => j.modelTopology.class_name = "__proto__", /Unknown layer "__proto__"/],
  ["a constructor", (j) => j.modelTopology.class_name = "constructor", /Unknown layer/],
  ["a layer", (j) => j.modelTopology = layers(j)[0], /Dense is no model, but a layer/],
  ["a config of null", (j) => j.modelTopology.config = null, /Cannot make the model/],
  ["layers of text", (j) => j.modelTopology.config.layers = "abc", /Cannot make the model/],
  ["a layer of null", (j) => layers(j)[1] = null, /needs \{ class_name, config \}, got null/],
  ["an unknown layer", (j) => layers(j)[1].class_name = "Densse", /did you mean "Dense"/],
  ["a layer without config", (j) => layers(j)[1].config = null, /Cannot make the model/],
  ["a class that is a list", (j) => layers(j)[1].class_name = ["Dense"], /Cannot make the model/],
  ["units of text", (j) => layers(j)[0].config.units = "many", /dense needs units/],
  ["negative units", (j) => layers(j)[0].config.units = -2, /dense needs units/],
  ["an activation of a number", (j) => layers(j)[0].config.activation = 3, /Cannot make the model/],
  [
    "an unknown activation",
    (j) => layers(j)[0].config.activation = "boom",
    /Unknown activation "boom"/,
  ],
  [
    "an unknown initializer",
    (j) => layers(j)[2].config.kernel_initializer = { class_name: "X", config: {} },
    /Unknown initializer "X"/,
  ],
  [
    "units without end",
    (j) => layers(j)[0].config.units = 2 ** 40,
    /Weight "a\/kernel" \[3,1099511627776\] is larger than what is left/,
  ],
  [
    "an input without end",
    (j) => layers(j)[0].config.batch_input_shape = [null, 2 ** 53],
    /is larger than what is left/,
  ],
  [
    "a negative input",
    (j) => layers(j)[0].config.batch_input_shape = [null, -3],
    /Cannot make the model/,
  ],
  [
    "an input of text",
    (j) => layers(j)[0].config.batch_input_shape = [null, "3"],
    /Cannot make the model/,
  ],
  [
    "an input that is none",
    (j) => layers(j)[0].config.batch_input_shape = 7,
    /Cannot make the model/,
  ],
  ["a second layer too large", (j) => layers(j)[2].config.units = 500, /Weight "b\/kernel"/],
  ["twice the same name", (j) => layers(j)[2].config.name = "a", /names must be unique/],
  [
    "no input's shape",
    (j) => delete layers(j)[0].config.batch_input_shape,
    /does not say what shape its model's inputs have/,
  ],
  [
    "depth",
    (j) => {
      let deep: Json = {};
      for (let i = 0; i < 1000; i++) deep = [deep];
      layers(j)[0].config.kernel_initializer = deep;
    },
    /may be 256 levels deep/,
  ],

  ["a manifest of text", (j) => j.weightsManifest = "x", /must list groups of weights/],
  ["a group of null", (j) => j.weightsManifest = [null], /group of weights without a list/],
  ["paths of text", (j) => j.weightsManifest[0].paths = "x", /group of weights without a list/],
  ...[
    "../weights.bin",
    "a/../../weights.bin",
    "/etc/passwd",
    "./weights.bin",
    "a//b",
    "..\\x",
    "file:///etc/passwd",
    "http://127.0.0.1/x",
    "%2e%2e/x",
    "weights.bin\u0000",
    "",
    7,
    null,
  ].map((path): [string, (json: Json) => unknown, RegExp] => [
    `the path ${JSON.stringify(path)}`,
    (j) => j.weightsManifest[0].paths = [path],
    /as a file of weights: wanted a path inside its own folder/,
  ]),
  [
    "a file that is not there",
    (j) => j.weightsManifest[0].paths = ["none"],
    /Cannot read .*none/,
  ],
  ["the same file twice", (j) => j.weightsManifest[0].paths.push("weights.bin"), /0 bytes at most/],
  ["no file", (j) => j.weightsManifest[0].paths = [], /describes weights of \d+ bytes in , got 0/],
  ["weights of null", (j) => j.weightsManifest[0].weights = null, /must list its weights/],
  ["a weight of null", (j) => specs(j)[0] = null, /weight without a name/],
  ["no name", (j) => delete specs(j)[0].name, /weight without a name/],
  ["a name of a number", (j) => specs(j)[0].name = 4, /weight without a name/],
  ["no type", (j) => delete specs(j)[0].dtype, /"a\/kernel" of type undefined/],
  ["texts", (j) => specs(j)[0].dtype = "string", /of type "string": wanted float32/],
  ["complex numbers", (j) => specs(j)[0].dtype = "complex64", /of type "complex64"/],
  ["the prototype as a type", (j) => specs(j)[0].dtype = "constructor", /of type "constructor"/],
  ["no shape", (j) => delete specs(j)[0].shape, /of a shape that is none: undefined/],
  ["a negative size", (j) => specs(j)[0].shape = [-3, 2], /of a shape that is none: \[-3,2\]/],
  ["a broken size", (j) => specs(j)[0].shape = [1.5, 4], /of a shape that is none/],
  ["a size of text", (j) => specs(j)[0].shape = ["3", 2], /of a shape that is none/],
  ["no list of sizes", (j) => specs(j)[0].shape = { length: 2 }, /of a shape that is none/],
  [
    "sizes that overflow",
    (j) => specs(j)[0].shape = [2 ** 31, 2 ** 31, 4],
    /describes weights of 7\d+ bytes in weights.bin, got \d+/,
  ],
  [
    "sizes beyond all numbers",
    (j) => specs(j)[0].shape = Array(30).fill(2 ** 52),
    /describes weights of (Infinity|\d\.\d+e\+\d+) bytes/,
  ],
  ["too large", (j) => specs(j)[0].shape = [3, 3], /describes weights of \d+ bytes/],
  ["too small", (j) => specs(j)[0].shape = [3, 1], /weights.bin must have \d+ bytes at most/],
  ["turned", (j) => specs(j)[0].shape = [2, 3], /must hold float32 \[3,2\].*got float32 \[2,3\]/],
  ["another type", (j) => specs(j)[0].dtype = "int32", /must hold float32.*got int32/],
  ["another group", (j) => specs(j)[0].group = "evil", /of group "evil"/],
  ["the model's as the optimizer's", (j) => specs(j)[0].group = "optimizer", /Weight|no values/],
  ["the optimizer's as the model's", (j) => specs(j)[4].group = "model", /holds the weight "iter"/],
  ["a name twice", (j) => specs(j)[2].name = "a/kernel", /holds the weight "a\/kernel_1"/],
  ["a weight left out", (j) => specs(j).splice(0, 1), /bytes at most/],
  [
    "a weight too many",
    (j) => specs(j).push({ name: "x", shape: [0], dtype: "float32" }),
    /holds the weight "x", which the model has not/,
  ],
  [
    "a weight missing",
    (j) => specs(j).splice(2, 2, { name: "a/kernel_1", shape: [3], dtype: "float32" }),
    /Weight "b\/bias"|holds the weight|no values/,
  ],
  ["quantization of text", (j) => specs(j)[0].quantization = "uint8", /quantization that is none/],
  [
    "quantization of another type",
    (j) => specs(j)[0].quantization = { dtype: "uint4", scale: 1, min: 0 },
    /float32 stored as uint4/,
  ],
  [
    "quantization without scale",
    (j) => specs(j)[0].quantization = { dtype: "uint8", min: 0 },
    /quantised with scale undefined and min 0/,
  ],
  [
    "quantization of a scale of text",
    (j) => specs(j)[0].quantization = { dtype: "uint8", scale: "1", min: 0 },
    /quantised with scale "1"/,
  ],
  [
    "quantization of bools",
    (j) => Object.assign(specs(j)[0], { dtype: "bool", quantization: { dtype: "uint8" } }),
    /bool stored as uint8/,
  ],

  ["a training of text", (j) => j.trainingConfig = "x", /trainingConfig that is none/],
  ["no optimizer", (j) => delete j.trainingConfig.optimizer_config, /must describe its optimizer/],
  ["an unknown optimizer", (j) => optimizer(j).class_name = "Adamm", /Unknown optimizer "Adamm"/],
  [
    "an optimizer's config of null",
    (j) => optimizer(j).config = null,
    /must describe its optimizer/,
  ],
  ["a rate of text", (j) => optimizer(j).config.learning_rate = "x", /Cannot compile/],
  ["a rate of null's kin", (j) => optimizer(j).config.learning_rate = [], /Cannot compile/],
  ["an unknown option", (j) => optimizer(j).config.evil = 1, /Unknown option of Adam "evil"/],
  ["an unknown loss", (j) => j.trainingConfig.loss = "boom", /Unknown loss "boom"/],
  ["a loss of a number", (j) => j.trainingConfig.loss = 7, /must give loss as a string, a list/],
  ["metrics of a number", (j) => j.trainingConfig.metrics = 7, /must give metrics as/],
  ["an unknown metric", (j) => j.trainingConfig.metrics = ["boom"], /Unknown metric "boom"/],
  [
    "an optimizer without state",
    (j) => optimizer(j).class_name = "SGD",
    /option|must hold 1 arrays/,
  ],
  [
    "a count that is no number of steps",
    (j) => {
      const all = specs(j);
      [all[4], all[5]] = [all[5], all[4]];
    },
    /must begin its optimizer's state with the number of steps/,
  ],
  [
    "state turned",
    (j) => specs(j)[5].shape = [2, 3],
    /Optimizer weight "a_kernel_momentum" must be float32 \[3,2\], got float32 \[2,3\]/,
  ],
  [
    "a scalar of shape [1] as the count, and state too few",
    (j) => specs(j).splice(-1, 1, { ...specs(j).at(-1), group: "model" }),
    /holds the weight/,
  ],
  ["metadata of text", (j) => j.userDefinedMetadata = "x", /must be a plain object/],
];

/** What is alive on a device. */
function alive({ native, index }: Device) {
  const held = (what: number) => native.calls.dg_memory(index, what);
  return { ...dg.memory(), live: held(MemoryKind.live), arrays: held(MemoryKind.arrays) };
}

Deno.test("lies of a model.json are found out, and leave nothing in memory", async () => {
  const { json, bytes } = await good();
  const folder = await Deno.makeTempDir();
  try {
    await Deno.writeFile(`${folder}/weights.bin`, bytes);
    const load = async (content: string | Uint8Array) => {
      if (typeof content === "string") await Deno.writeTextFile(`${folder}/model.json`, content);
      else await Deno.writeFile(`${folder}/model.json`, content);
      return await dg.loadLayersModel(folder);
    };
    (await load(JSON.stringify(json))).dispose();
    const [device] = devices(), before = alive(device);
    const refused = async (what: string, content: string | Uint8Array, sentence: RegExp) => {
      await assert.rejects(load(content), (error: Error) => {
        assert.ok(error instanceof dg.DinogradError, `${what}: ${error.stack}`);
        assert.match(error.message, sentence, what);
        assert.ok(error.message.length < 1000 && !error.message.includes("\n"), what);
        return true;
      }, what);
      assert.deepEqual(alive(device), before, what);
    };
    for (const [what, change, sentence] of lies) {
      const copy = structuredClone(json);
      change(copy);
      await refused(what, JSON.stringify(copy), sentence);
    }
    const text = JSON.stringify(json);
    await refused("nothing", "", /is no JSON/);
    await refused("half of it", text.slice(0, text.length / 2), /is no JSON/);
    await refused("no UTF-8", Uint8Array.of(0x22, 0xff, 0x22), /is no JSON/);
    await refused("a list", "[1]", /must hold an object, got \[1\]/);
    await refused("null", "null", /must hold an object, got null/);
    const depth = 200_000;
    await refused(
      "a bottomless pit",
      `{"modelTopology":{"class_name":"Sequential","config":${"[".repeat(depth)}${
        "]".repeat(depth)
      }}}`,
      /levels deep|is no JSON/,
    );
    await Deno.writeFile(`${folder}/weights.bin`, bytes.subarray(0, 30));
    await refused("weights cut off", text, /describes weights of \d+ bytes in weights.bin, got 30/);
    await Deno.remove(`${folder}/weights.bin`);
    await Deno.mkdir(`${folder}/weights.bin`);
    await refused("a folder of weights", text, /Cannot read .*weights.bin/);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("a model.json with any value replaced is refused or read, and leaves nothing in memory", async () => {
  const { json, bytes } = await good();
  const { weightsManifest, ...rest } = json;
  const artifacts = { ...rest, weightSpecs: weightsManifest[0].weights };
  const paths: (string | number)[][] = [];
  const walk = (value: Json, path: (string | number)[]) => {
    if (path.length > 0) paths.push(path);
    if (typeof value !== "object" || value === null) return;
    for (const key of Object.keys(value)) walk(value[key], [...path, key]);
  };
  walk(artifacts, []);
  const [device] = devices(), before = alive(device);
  let read = 0;
  for (const path of paths) {
    for (const value of [null, -1, 1e300, "", "x", true, [], {}, [null], [[]], { a: [{}] }]) {
      const copy = structuredClone(artifacts);
      const holder = path.slice(0, -1).reduce((at: Json, key) => at[key], copy);
      holder[path.at(-1)!] = value;
      const what = `${path.join(".")} = ${JSON.stringify(value)}`;
      try {
        const model = await dg.loadLayersModel({
          load: () => ({ ...copy, weightData: bytes.buffer }),
        });
        read++;
        model.dispose();
      } catch (error) {
        assert.ok(error instanceof dg.DinogradError, `${what}: ${(error as Error).stack}`);
      }
      assert.deepEqual(alive(device), before, what);
    }
  }
  assert.ok(paths.length > 100 && read > 0, `${paths.length} places, ${read} read`);
});

Deno.test("handlers may give anything", async () => {
  for (const given of [null, undefined, 3, "x", [], {}, { modelTopology: {} }, new Map()]) {
    await assert.rejects(dg.loadLayersModel({ load: () => given }), dg.DinogradError);
  }
  const { json } = await good();
  for (const weightData of [3, "x", [3], {}]) {
    const { modelTopology } = json;
    await assert.rejects(
      dg.loadLayersModel({ load: () => ({ modelTopology, weightSpecs: [], weightData }) }),
      /must give weightData as an ArrayBuffer/,
    );
  }
  for (const source of [3, null, {}, { load: 3 }]) {
    await assert.rejects(dg.loadLayersModel(source as never), /needs an address or a handler/);
  }
  await assert.rejects(dg.loadLayersModel("ftp://x/model.json"), /is no folder/);
  await assert.rejects(dg.loadLayersModel("http://"), /is no address of a model.json/);
  await assert.rejects(dg.models.modelFromJSON("{"), /modelFromJSON cannot read its text/);
  await assert.rejects(dg.models.modelFromJSON("[]"), /must hold a model's topology/);
});

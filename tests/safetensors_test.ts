// Do weights survive a safetensors file bit for bit, and is every lie in one found out?

import assert from "node:assert";
import * as dg from "../mod.ts";
import { decodeSafetensors, encodeSafetensors, type RawArray } from "../src/io/safetensors.ts";
import { onEachDevice } from "./fixtures.ts";
import { runProgram } from "./programs.ts";
import { root } from "./imports.ts";

/** A file with this header and so many bytes of values. */
function file(header: unknown, bytes = 0, length?: number): Uint8Array<ArrayBuffer> {
  const json = new TextEncoder().encode(
    typeof header === "string" ? header : JSON.stringify(header),
  );
  const all = new Uint8Array(8 + json.length + bytes);
  new DataView(all.buffer).setBigUint64(0, BigInt(length ?? json.length), true);
  all.set(json, 8);
  return all;
}
const entry = (dtype: string, shape: unknown, ...offsets: unknown[]) => ({
  dtype,
  shape,
  data_offsets: offsets,
});

Deno.test("a file by hand is read as it was meant", () => {
  const header = {
    __metadata__: { format: "pt", note: "ä" },
    b: entry("F32", [2], 3, 11),
    "layer.0/kernel": entry("U8", [1, 3], 0, 3),
    none: entry("BF16", [0, 5], 11, 11),
    one: entry("BOOL", [], 11, 12),
  };
  const bytes = file(header, 12);
  bytes.set([1, 2, 3, 0, 0, 128, 63, 0, 0, 0, 64, 1], bytes.length - 12);
  const { arrays, metadata } = decodeSafetensors(bytes);
  assert.deepEqual([...metadata], [["format", "pt"], ["note", "ä"]]);
  const { dtype, shape, bytes: values } = arrays.get("b")!;
  assert.deepEqual([dtype, shape], ["float32", [2]]);
  assert.deepEqual([...new Float32Array(values.slice().buffer)], [1, 2]);
  assert.deepEqual([...arrays.get("layer.0/kernel")!.bytes], [1, 2, 3]);
  assert.deepEqual([arrays.get("none")!.dtype, arrays.get("none")!.bytes.length], ["bfloat16", 0]);
  assert.deepEqual([arrays.get("one")!.dtype, [...arrays.get("one")!.bytes]], ["bool", [1]]);
  assert.equal(decodeSafetensors(file({})).arrays.size, 0);
});

Deno.test("what was written comes back, aligned", () => {
  const bytes = (n: number) => Uint8Array.from({ length: n }, (_, i) => i * 7 + n);
  const arrays = new Map<string, RawArray>([
    ["u", { dtype: "uint8", shape: [3], bytes: bytes(3) }],
    ["h", { dtype: "float16", shape: [1], bytes: bytes(2) }],
    ["f", { dtype: "float32", shape: [2, 1], bytes: bytes(8) }],
    ["__proto__", { dtype: "bool", shape: [], bytes: bytes(1) }],
    ["i", { dtype: "int32", shape: [0], bytes: bytes(0) }],
    ["e", { dtype: "bfloat16", shape: [2], bytes: bytes(4) }],
  ]);
  const encoded = encodeSafetensors(arrays, new Map([["a", "b"]]));
  const length = Number(new DataView(encoded.buffer).getBigUint64(0, true));
  assert.equal(length % 8, 0);
  const back = decodeSafetensors(encoded);
  assert.deepEqual([...back.metadata], [["a", "b"]]);
  assert.equal(back.arrays.size, arrays.size);
  for (const [name, { dtype, shape, bytes }] of back.arrays) {
    assert.deepEqual({ dtype, shape, bytes: [...bytes] }, {
      ...arrays.get(name)!,
      bytes: [...arrays.get(name)!.bytes],
    });
    assert.equal(
      bytes.byteOffset %
          ({ float32: 4, int32: 4, float16: 2, bfloat16: 2 } as Record<string, number>)[dtype] || 0,
      0,
    );
  }
  for (
    const name of ["", "../a", "a/../b", "/etc/passwd", "a\\b", "a\u0000", ".", "__metadata__"]
  ) {
    assert.throws(
      () => encodeSafetensors(new Map([[name, { dtype: "bool", shape: [0], bytes: bytes(0) }]])),
      /cannot be the name of an array/,
    );
  }
});

Deno.test("lies are found out", () => {
  const f = (...offsets: unknown[]) => entry("F32", [2], ...offsets);
  const bad: [what: string, bytes: Uint8Array<ArrayBuffer>, sentence: RegExp][] = [
    ["empty", new Uint8Array(0), /must have 8 bytes at least, got 0/],
    ["short", new Uint8Array(7), /must have 8 bytes at least, got 7/],
    ["header beyond the end", file({}, 0, 3), /says that its header has 3 bytes: wanted 2 at most/],
    ["huge header", file({}, 0, 2 ** 53), /header has 9007199254740992 bytes/],
    ["no JSON", file("{x}"), /a header that is no JSON/],
    ["a list", file("[]"), /does not begin with/],
    ["leading blank", file(" {}"), /does not begin with/],
    ["no UTF-8", file("{}\u00ff").map((v) => v === 0xc3 ? 0xff : v), /no JSON/],
    ["no entry", file({ a: 3 }), /no object under "a"/],
    ["metadata", file({ __metadata__: { a: 1 } }), /metadata that is no text: a/],
    ["type", file({ a: entry("F64", [1], 0, 8) }, 8), /"a" of type F64: wanted one of F32, F16/],
    [
      "type of the prototype",
      file({ a: entry("constructor", [], 0, 1) }, 1),
      /of type constructor/,
    ],
    ["shape", file({ a: entry("F32", [-2], 0, 8) }, 8), /a shape that is none: \[-2\]/],
    ["no shape", file({ a: entry("F32", "2", 0, 8) }, 8), /a shape that is none: "2"/],
    ["broken shape", file({ a: entry("F32", [1.5], 0, 6) }, 6), /a shape that is none/],
    ["size", file({ a: entry("F32", [3], 0, 8) }, 8), /F32 \[3\] needs 12 bytes, got 8/],
    [
      "size that overflows",
      file({ a: entry("F32", [2 ** 31, 2 ** 31, 4], 0, 0) }),
      /needs 73786976294838210000 bytes, got 0/,
    ],
    ["places", file({ a: f(0) }, 8), /at a place that is none: \[0\]/],
    ["negative place", file({ a: f(-8, 0) }, 8), /at a place that is none/],
    ["backwards", file({ a: f(8, 0) }, 8), /at \[8,0\], outside of its 8 bytes/],
    ["beyond the end", file({ a: f(4, 12) }, 8), /at \[4,12\], outside of its 8 bytes/],
    ["overlap", file({ a: f(0, 8), b: f(4, 12) }, 12), /"b" at byte 4, over another's values/],
    ["same place", file({ a: f(0, 8), b: f(0, 8) }, 8), /"b" at byte 0, over another's values/],
    ["hole", file({ a: f(0, 8), b: f(12, 20) }, 20), /"b" at byte 12, behind a hole: wanted 8/],
    ["rest", file({ a: f(0, 8) }, 9), /has 1 bytes that belong to no array/],
    [
      "twice",
      file(
        '{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"a":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}}',
        2,
      ),
      /behind a hole/,
    ],
    ["climbing", file({ "../../etc/passwd": f(0, 8) }, 8), /names an array "..\/..\/etc\/passwd"/],
    ["absolute", file({ "/etc/passwd": f(0, 8) }, 8), /which is no name/],
  ];
  for (const [what, bytes, sentence] of bad) {
    assert.throws(() => decodeSafetensors(bytes, "f"), sentence, what);
    assert.throws(() => decodeSafetensors(bytes, "f"), /^DinogradError: f /, what);
  }
});

Deno.test("a file with any byte changed is refused or read, and never crashes", () => {
  const good = encodeSafetensors(
    new Map([
      ["a", { dtype: "float32", shape: [2], bytes: new Uint8Array(8) }],
      ["b", { dtype: "uint8", shape: [3], bytes: new Uint8Array(3) }],
    ]),
  );
  for (let at = 0; at < good.length; at++) {
    for (const value of [0, 1, 0x22, 0x30, 0x39, 0x7d, 0xff]) {
      const bytes = good.slice();
      bytes[at] = value;
      try {
        for (const { shape, bytes: part } of decodeSafetensors(bytes).arrays.values()) {
          assert.ok(shape.every((d) => d >= 0) && part.length <= 11);
        }
      } catch (error) {
        assert.ok(error instanceof dg.DinogradError, String(error));
      }
    }
    assert.throws(() => decodeSafetensors(good.slice(0, at)), dg.DinogradError);
  }
});

const model = (dtype: dg.PolicyName = "float32", units = 4) =>
  dg.sequential({
    layers: [
      dg.layers.dense({ units, inputShape: [3], name: "same", dtype }),
      dg.sequential({
        layers: [dg.layers.dense({ units: 2, name: "same", dtype })],
        name: "inner",
      }),
    ],
  });
const values = (m: dg.Model) =>
  dg.tidy(() => m.getWeights().map((w) => [w.dtype, w.shape, w.dataSync()]));

onEachDevice("weights are saved and loaded, in every type", async () => {
  const folder = await Deno.makeTempDir();
  const before = dg.memory();
  try {
    for (const dtype of ["float32", "float16", "bfloat16", "mixed_float16"] as const) {
      const [a, b] = [model(dtype), model(dtype)];
      const path = `${folder}/new/${dtype}.safetensors`;
      await a.saveWeights(dtype === "float16" ? `file://${path}` : path);
      assert.deepEqual(
        [...Deno.readDirSync(`${folder}/new`)].map((f) => f.name).filter((n) => n.startsWith(".")),
        [],
      );
      assert.notDeepEqual(values(b), values(a));
      await b.loadWeights(path);
      assert.deepEqual(values(b), values(a));
      const { arrays } = decodeSafetensors(await Deno.readFile(path));
      const wanted = dtype === "mixed_float16" ? "float32" : dtype;
      assert.deepEqual([...arrays].map(([name, { dtype }]) => [name, dtype]), [
        ["same/kernel", wanted],
        ["same/bias", wanted],
        ["same/kernel_1", wanted],
        ["same/bias_1", wanted],
      ]);
      a.dispose();
      b.dispose();
    }
    // Floats of another type are taken over as near as may be.
    const [wide, narrow] = [model(), model("bfloat16")];
    await narrow.loadWeights(`${folder}/new/float32.safetensors`);
    await wide.loadWeights(`${folder}/new/float32.safetensors`);
    const [kernel, rounded] = [wide, narrow].map((m) => m.weights[0].variable.dataSync());
    kernel.forEach((v, i) => assert.ok(Math.abs(v - rounded[i]) <= Math.abs(v) / 256));
    // What does not fit changes nothing.
    const other = model("float32", 5), kept = values(other);
    await assert.rejects(
      other.loadWeights(`${folder}/new/float32.safetensors`),
      /must hold float32 \[3,5\] for the weight "same\/kernel", got float32 \[3,4\]/,
    );
    const small = dg.sequential({
      layers: [dg.layers.dense({ units: 4, inputShape: [3], name: "same" })],
    });
    await assert.rejects(
      small.loadWeights(`${folder}/new/float32.safetensors`),
      /holds "same\/kernel_1", which the model has not/,
    );
    await small.saveWeights(`${folder}/small`);
    await assert.rejects(wide.loadWeights(`${folder}/small`), /"same\/kernel_1", got nothing/);
    await assert.rejects(wide.loadWeights(`${folder}/none`), /Cannot read .*none/);
    assert.deepEqual(values(other), kept);
    const unbuilt = dg.sequential({ layers: [dg.layers.dense({ units: 1 })] });
    await assert.rejects(unbuilt.saveWeights(`${folder}/x`), /not built yet/);
    for (const m of [wide, narrow, other, small]) m.dispose();
    assert.deepEqual(dg.memory(), before);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("without permission there is a sentence, and no prompt", async () => {
  const program = `
    import * as dg from "${new URL("mod.ts", root).href}";
    const model = dg.sequential({ layers: [dg.layers.dense({ units: 1, inputShape: [1] })] });
    model.compile({ optimizer: "sgd", loss: "mse" });
    const say = (error) => console.log(error.constructor.name, error.message);
    await model.saveWeights("/none/w").catch(say);
    await model.loadWeights("/none/w").catch(say);
    const { modelCheckpoint, csvLogger, backupAndRestore, tensorBoard } = dg.callbacks;
    for (const callbacks of [
      modelCheckpoint({ filepath: "/none/a/m" }),
      modelCheckpoint({ filepath: "/none/a/m", saveWeightsOnly: true }),
      csvLogger({ filename: "/none/a/log.csv" }),
      backupAndRestore({ backupDir: "/none/b" }),
      tensorBoard("/none/logs"),
    ]) await model.fit(dg.ones([1, 1]), dg.ones([1, 1]), { callbacks, verbose: 0 }).catch(say);
  `;
  const lines = async (...flags: string[]) =>
    (await runProgram(program, flags)).out.trim().split("\n");
  const sentences = [
    "Writing /none/w needs the permission --allow-write=/none",
    "Reading /none/w needs the permission --allow-read=/none/w",
    "Writing /none/a/m needs the permission --allow-write=/none/a",
    "Writing /none/a/m needs the permission --allow-write=/none/a",
    "Writing /none/a/log.csv needs the permission --allow-write=/none/a/log.csv",
    "Backing up to /none/b needs the permission --allow-read=/none/b",
    "Writing to /none/logs needs the permission --allow-write=/none/logs",
  ].map((text) => `DinogradError ${text}`);
  assert.deepEqual(await lines(), sentences);
  // A file alone is not enough where another is written beside it first.
  const file = await lines("--allow-write=/none/w,/none/a/m", "--allow-read=/none");
  assert.deepEqual(file[0], sentences[0]);
  assert.deepEqual([file[2], file[3]], [sentences[2], sentences[3]]);
});

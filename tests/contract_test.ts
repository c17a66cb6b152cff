// Does src/native/symbols.ts say what cuda/dinograd.h says?
import assert from "node:assert";
import { dtypeId } from "../src/dtype.ts";
import * as transcription from "../src/native/symbols.ts";

const header = Deno.readTextFileSync(new URL("../cuda/dinograd.h", import.meta.url))
  .replace(/\/\/[^\n]*/g, "");

const camelCase = (name: string) =>
  name.toLowerCase().replace(/_(\w)/g, (_, letter) => letter.toUpperCase());

/** The C type of a parameter or result as Deno names it. */
function ffiType(c: string): string {
  if (c.includes("*")) return "buffer";
  const type = /^(int|double|float|void)\b/.exec(c)?.[1] ?? c;
  return { int: "i32", double: "f64", float: "f32" }[type] ?? type;
}

interface Signature {
  parameters: readonly string[];
  result: string;
}

const prototypes = new Map<string, Signature>();
for (const [, result, name, list] of header.matchAll(/DG_API ([\w ]+?[ *])(dg_\w+)\(([^)]*)\);/g)) {
  const parameters = list.split(",").map((p) => p.trim()).filter((p) => p !== "void");
  prototypes.set(name, { parameters: parameters.map(ffiType), result: ffiType(result) });
}

Deno.test("every function of the header is there, in order, with its types", () => {
  assert.equal(prototypes.size, header.match(/^DG_API /gm)?.length);
  // WebAssembly's way to reach memory; over FFI, dg_open and pointers take their place.
  assert.ok(prototypes.delete("dg_scratch") && prototypes.delete("dg_address"));
  assert.deepEqual(Object.keys(transcription.symbols), [...prototypes.keys()]);
  for (const [name, { parameters, result }] of Object.entries(transcription.symbols)) {
    assert.deepEqual({ parameters, result }, prototypes.get(name), name);
  }
});

Deno.test("the constants agree", () => {
  const defined = (name: string) => Number(new RegExp(`#define ${name} (\\d+)`).exec(header)?.[1]);
  assert.equal(transcription.VERSION, defined("DG_VERSION"));
  assert.equal(transcription.SCRATCH, defined("DG_SCRATCH"));
  assert.equal(transcription.HYPER, defined("DG_HYPER"));
});

/** Members of a C enumeration with their values. */
function enumeration(name: string): Record<string, number> {
  const body = new RegExp(`enum ${name} \\{([^}]*)\\}`).exec(header)?.[1];
  assert.ok(body, `the header has no enum ${name}`);
  const members: Record<string, number> = {};
  let next = 0;
  for (const item of body.split(",").map((text) => text.trim()).filter(Boolean)) {
    const [key, value] = item.split("=").map((text) => text.trim());
    if (value !== undefined) next = Number(value);
    members[key] = next++;
  }
  return members;
}

Deno.test("the enumerations agree", () => {
  const pairs: [string, RegExp, Readonly<Record<string, number>>][] = [
    ["dg_dtype", /^DG_/, dtypeId],
    ["dg_error", /^DG_E_/, transcription.ErrorCode],
    ["dg_family", /^DG_NAMES_/, transcription.Family],
    ["dg_text", /^DG_DEVICE_/, transcription.DeviceText],
    ["dg_number", /^DG_/, transcription.DeviceNumber],
    ["dg_memory_kind", /^DG_(BYTES_)?/, transcription.MemoryKind],
    ["dg_matmul_flag", /^DG_/, transcription.MatMulFlag],
    ["dg_engine", /^DG_ENGINE_/, transcription.Engine],
    ["dg_conv_kind", /^DG_CONV_/, transcription.ConvKind],
    ["dg_pool_kind", /^DG_POOL_/, transcription.PoolKind],
    ["dg_loss_kind", /^DG_LOSS_/, transcription.LossKind],
    ["dg_cell", /^DG_CELL_/, transcription.Cell],
    ["dg_resize_grid", /^DG_GRID_/, transcription.ResizeGrid],
    ["dg_resize_kind", /^DG_RESIZE_/, transcription.ResizeKind],
  ];
  for (const [name, prefix, transcribed] of pairs) {
    const members = Object.entries(enumeration(name)).map((
      [key, value],
    ) => [key === "DG_ARRAY_COUNT" ? "arrays" : camelCase(key.replace(prefix, "")), value]);
    assert.deepEqual(transcribed, Object.fromEntries(members), name);
  }
  const enums = header.match(/\benum \w+/g)?.length;
  assert.equal(enums, pairs.length, "the header has an enumeration that nothing compares");
});

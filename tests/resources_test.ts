// Does the check of the kernels' registers read what the assembler says, and tell what is worse?
import assert from "node:assert";
import {
  compare,
  readLogs,
  readTable,
  shortName,
  type Table,
  writeTable,
} from "../scripts/resources.ts";
import { root } from "./imports.ts";

const log = (name: string, arch: string, registers: number, spills: number) =>
  `ptxas info    : Compiling entry function '${name}' for 'sm_${arch}'
ptxas info    : Function properties for ${name}
    40 bytes stack frame, ${spills} bytes spill stores, ${spills} bytes spill loads
ptxas info    : Used ${registers} registers, used 1 barriers, 40 bytes cumulative stack size, 512 bytes smem
ptxas info    : Compile time = 289.140 ms
ptxas info    : Function properties for helper
    0 bytes stack frame, 0 bytes spill stores, 0 bytes spill loads
`;
const readable = (names: string[]) => names.map((n) => n.replace("_", "<").replace(/$/, ">(int)"));

Deno.test("kernels of one name are one line, and products one for each type and tile", () => {
  assert.equal(shortName("dg::gpu::plain(float*)"), "plain");
  assert.equal(
    shortName("void dg::gpu::(anonymous namespace)::unary<dg::unary_op::abs, float>(float const*)"),
    "unary",
  );
  assert.equal(
    shortName(
      "void dg::gpu::simt_gemm<float, dg::gpu::Tile<128, 128, 8, 8>>(dg::gpu::Gemm<float>)",
    ),
    "simt_gemm<float, Tile<128, 128, 8, 8>>",
  );
  const product = (layout: number) => `void dg::gpu::mma_gemm<dg::gpu::F16, ${layout}>(int)`;
  assert.equal(shortName(product(0)), "mma_gemm<F16>");
  assert.equal(shortName(product(7)), "mma_gemm<F16>");
});

Deno.test("the most that each takes on each architecture is read", () => {
  const table = readLogs(
    [
      "ptxas info    : 0 bytes gmem\n" + log("a_1", "80", 30, 0) + log("a_2", "80", 20, 4),
      log("a_1", "90a", 9, 0),
    ],
    readable,
  );
  assert.deepEqual([...table], [
    ["a\t80", { registers: 30, spills: 8, shared: 512 }],
    ["a\t90a", { registers: 9, spills: 0, shared: 512 }],
  ]);
  assert.deepEqual(readTable(writeTable(table)), table);
});

Deno.test("spills that are not listed are faults, growth is noted, other architectures are left out", () => {
  const table = (rows: [string, number, number][]): Table =>
    new Map(rows.map(([key, registers, spills]) => [key, { registers, spills, shared: 0 }]));
  const before = table([["a\t80", 30, 8], ["b\t80", 30, 0], ["c\t80", 30, 0], ["d\t80", 9, 0], [
    "a\t75",
    9,
    0,
  ]]);
  const now = table([["a\t80", 34, 8], ["b\t80", 30, 4], ["c\t80", 35, 0], ["e\t80", 9, 2]]);
  assert.deepEqual(compare(before, before), { faults: [], notes: [] });
  assert.deepEqual(compare(now, before), {
    faults: [
      "b on sm_80 spills 4 bytes, wanted 0 at most",
      "e on sm_80 spills 2 bytes, wanted 0 at most",
    ],
    notes: [
      "c on sm_80 takes 35 registers, 30 before",
      "e on sm_80 is new: 9 registers",
      "d on sm_80 is gone",
    ],
  });
});

Deno.test("the table is one that this reads and writes", async () => {
  const text = await Deno.readTextFile(new URL("cuda/gpu/resources.tsv", root));
  const table = readTable(text);
  assert.equal(writeTable(table), text);
  assert.ok([...table.values()].every((u) => u.registers > 0 && u.registers <= 255));
});

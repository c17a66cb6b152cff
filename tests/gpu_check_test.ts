// What does the check of a GPU say where there is none, or where it is asked for what it does not do?
import assert from "node:assert";
import { compare, markdown } from "../scripts/gpu/report.ts";
import { root } from "./imports.ts";

/** Runs the check where neither nvidia-smi nor a library finds a GPU. */
async function check(...options: string[]) {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-lock", "--quiet", "scripts/gpu_check.ts", ...options],
    cwd: root,
    env: { PATH: "", DINOGRAD_CUDA_LIB: "/nowhere/libdinograd_cuda.so" },
  }).output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return { code, out: text(stdout), err: text(stderr) };
}

Deno.test("without a GPU the check says so and is content", async () => {
  assert.deepEqual(await check("--parts", "tests bench"), {
    code: 0,
    out: "There is no GPU to check here (there is no /nowhere/libdinograd_cuda.so).\n",
    err: "",
  });
});

Deno.test("a part that the check does not have is named", async () => {
  assert.deepEqual(await check("--parts", "tests, branch"), {
    code: 1,
    out: "",
    err:
      'error: Unknown part "branch": did you mean "bench"? Known: build, tests, sanitizer, bench.\n',
  });
});

Deno.test("the report compares rates and times with PyTorch's", () => {
  const figures = compare([
    { id: "add", work: "add, 256 MiB", unit: "GB/s", value: 3000, spread: 0.01, ofCopy: 0.75 },
    { id: "call", work: "add, called", unit: "us", value: 2, spread: 0.5 },
    { id: "other", work: "other", unit: "us", value: 0.12345, spread: 0 },
  ], { add: 2000, call: 5 });
  const text = markdown({
    date: "2026-01-02T03:04",
    commit: "abc",
    gpu: "Card",
    emulated: false,
    machine: { driver: "580" },
    parts: {
      sanitizer: { status: "skipped", summary: "not installed", seconds: 0 },
      bench: { status: "passed", summary: "3 figures", seconds: 12.3, figures, torch: "2.0" },
    },
  });
  assert.equal(
    text,
    `\
# Card, 2026-01-02T03:04

- driver: 580
- PyTorch: 2.0
- commit: abc

| part | status | seconds | what was found |
| --- | --- | --- | --- |
| sanitizer | skipped | 0 | not installed |
| bench | passed | 12.3 | 3 figures |

| work | dinograd | spread | of the copy | PyTorch | times its speed |
| --- | --- | --- | --- | --- | --- |
| add, 256 MiB | 3000 GB/s | 1 % | 0.75 | 2000 GB/s | 1.50 |
| add, called | 2.00 us | 50 % |  | 5.00 us | 2.50 |
| other | 0.123 us | 0 % |  |  |  |
`,
  );
});

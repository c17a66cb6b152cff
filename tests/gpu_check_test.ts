// What does the check of a GPU say where there is none, where it is emulated, or where its commands are played by others?
import assert from "node:assert";
import type { Finished } from "../scripts/commands.ts";
import { determinism, probed, processes } from "../scripts/gpu/checks.ts";
import { bench, type Runner, sanitizer } from "../scripts/gpu/parts.ts";
import { compare, markdown, type Part } from "../scripts/gpu/report.ts";
import { type Device, devices } from "../src/native/device.ts";
import { root } from "./imports.ts";

async function checkWith(env: Record<string, string>, ...options: string[]) {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-lock", "--quiet", "scripts/gpu_check.ts", ...options],
    cwd: root,
    env: { NO_COLOR: "1", ...env },
  }).output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return { code, out: text(stdout), err: text(stderr) };
}

/** Runs the check where neither nvidia-smi nor a library finds a GPU. */
const check = (...options: string[]) =>
  checkWith({ PATH: "", DINOGRAD_CUDA_LIB: "/nowhere/libdinograd_cuda.so" }, ...options);

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
      'error: Unknown part "branch": did you mean "bench"? Known: build, tests, recorded, determinism, leak, memory, processes, ' +
      "sanitizer, bench.\n",
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

const emulated = devices().some((d) => d.description === "emulated");

Deno.test({
  name: "the emulated GPU passes what is done with it, part by part",
  ignore: !emulated,
  fn: async () => {
    const { code, out } = await checkWith({}, "--parts", "recorded,processes");
    assert.equal(code, 0, out);
    assert.match(
      out,
      /^\| recorded \| passed \| [\d.]+ \| the same bits with sgd, adam, rmsprop \|$/m,
    );
    assert.match(out, /^\| processes \| passed \| .* one alone: the same bits \|$/m);
  },
});

Deno.test({
  name: "a part that fails is told of and does not stop the others",
  ignore: !emulated,
  fn: async () => {
    const env = { DINOGRAD_EMU_FAULT: "30" };
    const { code, out } = await checkWith(env, "--parts", "recorded determinism");
    assert.equal(code, 1);
    for (const part of ["recorded", "determinism"]) {
      assert.match(out, new RegExp(`^\\| ${part} \\| failed \\|`, "m"));
      assert.match(
        out,
        new RegExp(
          `^- ${part}: .*The GPU failed while (running|replaying) .*: an illegal memory access`,
          "m",
        ),
      );
    }
  },
});

const card = { name: "gpu:0", description: "Card" } as Device;

/** Plays all commands: answers each with what the first key says that occurs in it. */
function played(answers: Record<string, Partial<Finished> | (() => Partial<Finished>)>) {
  const commands: string[] = [];
  const run: Runner = (command) => {
    const line = command.join(" ");
    commands.push(line);
    const found = Object.keys(answers).find((key) => line.includes(key));
    const answer = found === undefined ? { code: 127 } : answers[found];
    return Promise.resolve({
      ...{ code: 0, out: "", err: "" },
      ...(typeof answer === "function" ? answer() : answer),
    });
  };
  return { run, commands };
}

Deno.test("the sanitizer sees every array apart, and what it finds is reported", async () => {
  const { run, commands } = played({
    "--version": {},
    memcheck: { out: "========= ERROR SUMMARY: 0 errors\n" },
    racecheck: {
      code: 1,
      out: "========= Race reported between Write access\n========= RACECHECK SUMMARY: 1 hazard\n",
    },
  });
  const part = await sanitizer(run, card);
  assert.equal(part.status, "failed");
  assert.equal(part.summary, "memcheck, 0 errors; racecheck, 1 hazard, exit status 1");
  assert.deepEqual(part.failures, ["========= Race reported between Write access"]);
  assert.ok(
    commands.slice(1).every((line) => line.startsWith("env DINOGRAD_POOL=off make check-gpu ")),
  );
  assert.equal((await sanitizer(played({}).run, card)).status, "skipped");
});

Deno.test("figures stand beside PyTorch's, and what was refused is named", async () => {
  const ours = {
    sizes: {},
    figures: [{ id: "gemm_tf32_4096", work: "product", unit: "GFLOP/s", value: 500, spread: 0 }],
    absent: ["matrix products, cuBLASLt: not installed"],
  };
  const theirs = { version: "2.0", figures: { gemm_tf32_4096: 250 } };
  const { run } = played({
    "bench/gpu_dinograd.ts": { out: JSON.stringify(ours) },
    "bench/gpu_torch.py": { out: JSON.stringify(theirs) },
  });
  const part = await bench(run, card);
  assert.deepEqual(part.figures, [{ ...ours.figures[0], torch: 250, speedup: 2 }]);
  const text = markdown({
    ...{ date: "", commit: "", gpu: "", emulated: false, machine: {} },
    parts: { bench: { ...part, seconds: 1 } },
  });
  assert.match(text, /\nNot measured:\n\n- matrix products, cuBLASLt: not installed\n$/);
});

Deno.test("trainings that differ are failures, and so are those that do not end", async () => {
  let runs = 0;
  const differ = played({ "probe.ts train": () => ({ out: `digest ${runs++ >> 1}` }) }).run;
  const same = played({ "probe.ts train": { out: "digest" } }).run;
  const stopped = played({ "probe.ts": { code: 124, err: "said before" } }).run;
  const status = async (part: Promise<Part>) => (await part).status;
  assert.equal(await status(determinism(same, card)), "passed");
  assert.equal(await status(processes(same, card)), "passed");
  assert.equal(await status(processes(differ, card)), "failed");
  assert.deepEqual(await probed("leak")(stopped, card), {
    status: "failed",
    summary: "its time ran out",
    failures: ["said before"],
  });
});

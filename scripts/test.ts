// How are the tests run? The CPU library is built first where a compiler is found, then every test file runs on every device
// present. The last line counts what passed.

import { absences, devices } from "../src/native/device.ts";

const root = new URL("..", import.meta.url).pathname;

async function found(command: string): Promise<boolean> {
  try {
    await new Deno.Command(command, { args: ["--version"], stdout: "null", stderr: "null" })
      .output();
    return true;
  } catch {
    return false;
  }
}

async function buildCpuLibrary(): Promise<void> {
  const compiler = Deno.env.get("CXX") ?? "g++";
  if (!(await found("make") && await found(compiler))) {
    console.log(`No ${compiler} and make here: testing without the CPU library.`);
    return;
  }
  console.log("Building the CPU library (make cpu) ...");
  const { success } = await new Deno.Command("make", {
    args: ["-s", `-j${navigator.hardwareConcurrency}`, "cpu"],
    cwd: root,
  }).output().then((r) => {
    if (!r.success) console.log(new TextDecoder().decode(r.stderr));
    return r;
  });
  if (!success) console.log("The CPU library could not be built: testing without it.");
}

await buildCpuLibrary();
for (const d of devices()) console.log(`Testing on ${d.name}: ${d.description} (${d.details})`);
for (const [kind, { reason }] of Object.entries(absences())) {
  console.log(`Not on ${kind}: ${reason}`);
}

const child = new Deno.Command(Deno.execPath(), {
  args: ["test", "-A", "--no-lock", "--quiet", ...Deno.args],
  cwd: root,
  stdout: "piped",
  stderr: "inherit",
}).spawn();
let tail = "";
const decoder = new TextDecoder();
for await (const chunk of child.stdout) {
  await Deno.stdout.write(chunk);
  tail = (tail + decoder.decode(chunk, { stream: true })).slice(-2000);
}
const { success } = await child.status;
// deno-lint-ignore no-control-regex
const counts = /(\d+) passed.*\| (\d+) failed/.exec(tail.replace(/\x1b\[[0-9;]*m/g, ""));
const [passed, failed] = counts ? [Number(counts[1]), Number(counts[2])] : [0, 1];
console.log(`${passed} passed, ${failed || Number(!success)} failed`);
Deno.exit(success ? 0 : 1);

// Does dinograd hold on this machine's GPU, and how fast is it there? Builds for the card, tests, trains in ways that must agree, runs
// out of memory, looks for bad memory accesses, measures, and writes what it found as JSON and as Markdown.
//
//   make gpu-check PARTS="tests bench"
//
// It needs no network and keeps to its time. A part that fails does not stop the others. Without a GPU it builds and says so.

import { DinogradError, unknownName } from "../src/errors.ts";
import { absences } from "../src/native/device.ts";
import { run } from "./commands.ts";
import { determinism, probed, processes } from "./gpu/checks.ts";
import { describe, describeSources, findCards, findGpu, isEmulated } from "./gpu/machine.ts";
import { bench, build, type Runner, sanitizer, tests } from "./gpu/parts.ts";
import { markdown, type Part, type Report } from "./gpu/report.ts";
import { helpText, parseOptions } from "./options.ts";

/** The parts after `build` in their order, each with the seconds that those before leave to it. */
const checks = {
  tests: { seconds: 110, work: tests },
  recorded: { seconds: 15, work: probed("recorded") },
  determinism: { seconds: 15, work: determinism },
  leak: { seconds: 30, work: probed("leak") },
  memory: { seconds: 20, work: probed("memory") },
  processes: { seconds: 20, work: processes },
  sanitizer: { seconds: 60, work: sanitizer },
  bench: { seconds: 150, work: bench },
};
type CheckName = keyof typeof checks;
type PartName = "build" | CheckName;
const checkNames = Object.keys(checks) as CheckName[];
const partNames: readonly PartName[] = ["build", ...checkNames];

const options = {
  parts: { type: "string", value: "NAMES", default: partNames.join(" "), help: "what to do" },
  minutes: { type: "number", default: 8, min: 5, help: "how long it may take" },
} as const;

function readOptions(): { parts: PartName[]; minutes: number } {
  const { help, parts, minutes } = parseOptions(options, Deno.args);
  if (help) {
    const about = "Builds, tests and measures dinograd on this machine's GPU.";
    console.log(helpText("scripts/gpu_check.ts [options]", about, options));
    Deno.exit();
  }
  const wanted = parts.split(/[ ,]+/).filter(Boolean);
  for (const name of wanted) {
    if (!partNames.includes(name as PartName)) throw unknownName("part", name, partNames);
  }
  return { parts: partNames.filter((name) => wanted.includes(name)), minutes };
}

/** Does what parts are wanted, and notes what came of each. */
class Check {
  readonly done: Report["parts"] = {};
  readonly #parts: readonly PartName[];
  readonly #end: number;

  constructor(parts: readonly PartName[], minutes: number) {
    this.#parts = parts;
    this.#end = performance.now() + 1000 * (60 * minutes - 10); // ten seconds for what is not in a part
  }

  async part(name: PartName, work: (run: Runner) => Promise<Part>): Promise<void> {
    if (!this.#parts.includes(name)) return;
    console.log(`== ${name}`);
    const start = performance.now();
    const later = checkNames.filter((other) =>
      this.#parts.indexOf(other) > this.#parts.indexOf(name)
    );
    const deadline = this.#end - 1000 * later.reduce((sum, part) => sum + checks[part].seconds, 0);
    const runner: Runner = (command, show) =>
      run(command, { seconds: (deadline - performance.now()) / 1000, show });
    const part = await work(runner)
      .catch((error): Part => ({ status: "failed", summary: String(error) }));
    const seconds = Math.round((performance.now() - start) / 100) / 10;
    this.done[name] = { ...part, seconds };
    console.log(`-- ${name} ${part.status} in ${seconds} s: ${part.summary}`);
  }

  get failed(): boolean {
    return Object.values(this.done).some(({ status }) => status === "failed");
  }
}

/** Into bench/results, named by card and date; what an emulated GPU gave is no result, and stays with what was built. */
async function write(report: Report): Promise<void> {
  const folder = report.emulated ? "../cuda/build/gpu_check/" : "../bench/results/";
  const path = new URL(folder, import.meta.url).pathname;
  const card = report.gpu.toLowerCase().replace(/[^a-z0-9]+/g, "-");
  const name = `${path}${card}_${report.date.replace(":", "-")}`;
  const text = markdown(report);
  await Deno.mkdir(path, { recursive: true });
  await Deno.writeTextFile(`${name}.json`, JSON.stringify(report, null, 2) + "\n");
  await Deno.writeTextFile(`${name}.md`, text);
  console.log(`\n${text}\nWrote ${name}.json and .md`);
}

/** Whether all is well. */
async function main(): Promise<boolean> {
  const { parts, minutes } = readOptions();
  const check = new Check(parts, minutes);
  const cards = await findCards();
  await check.part("build", (run) => build(run, cards));
  const gpu = findGpu();
  if (!gpu) {
    const why = absences().gpu?.reason;
    console.log(
      cards.length
        ? `nvidia-smi names a GPU, but the library finds none (${why}).`
        : `There is no GPU to check here (${why}).`,
    );
    return !check.failed && !cards.length;
  }
  for (const name of checkNames) await check.part(name, (run) => checks[name].work(run, gpu));
  await write({
    date: new Date().toISOString().slice(0, 16),
    commit: await describeSources(),
    gpu: gpu.description,
    emulated: isEmulated(gpu),
    machine: await describe(gpu, cards),
    parts: check.done,
  });
  return !check.failed;
}

try {
  Deno.exitCode = await main() ? 0 : 1;
} catch (error) {
  console.error(error instanceof DinogradError ? `error: ${error.message}` : error);
  Deno.exitCode = 1;
}

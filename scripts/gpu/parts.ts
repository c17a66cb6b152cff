// What is done to check a GPU? Building, testing, sanitizing, measuring: each a function that runs commands and says in a record what
// came of them. The other parts are in checks.ts.

import type { Figures } from "../../bench/gpu_figures.ts";
import { type Device, devices } from "../../src/native/device.ts";
import type { Finished } from "../commands.ts";
import { capabilityOf, type Card, findGpu, isEmulated } from "./machine.ts";
import { compare, type Part } from "./report.ts";

/** Runs a command for a part, within what time the part has left. */
export type Runner = (command: readonly string[], show?: boolean) => Promise<Finished>;

const libraryGiven = Deno.env.get("DINOGRAD_CUDA_LIB");
const library = libraryGiven ??
  new URL("../../cuda/build/libdinograd_cuda.so", import.meta.url).pathname;

/** What came of a part that was done. */
export const judged = (ok: boolean, summary: string, failures: readonly string[] = []): Part => ({
  status: ok ? "passed" : "failed",
  summary,
  failures: failures.slice(0, 20),
});
const skipped = (summary: string): Part => ({ status: "skipped", summary });

const ending = (code: number) => code === 124 ? "its time ran out" : `exit status ${code}`;
/** What came of a part whose command failed: the end of what it said. */
export const broken = ({ code, err }: Finished): Part =>
  judged(false, ending(code), err.trim().split("\n").slice(-20));

/** The compiler's name for a compute capability; 9.0 has instructions of its own. */
const architecture = (capability: string) =>
  capability === "9.0" ? "90a" : capability.replace(".", "");

/** Builds the CPU library, and the CUDA library for the cards that are there. */
export async function build(run: Runner, cards: readonly Card[]): Promise<Part> {
  const make = (...goals: string[]) =>
    run(["make", `-j${navigator.hardwareConcurrency}`, ...goals]);
  const cpu = await make("cpu");
  if (cpu.code) return broken(cpu);
  if (libraryGiven) return judged(true, `CPU library; the GPU's is ${library}`);
  let capabilities = cards.map(({ capability }) => capability);
  if (!capabilities.length) {
    // Nothing names the card, but a library built for any other can.
    const any = await make("cuda");
    if (any.code) return broken(any);
    const gpu = findGpu();
    if (!gpu) return judged(true, "CPU library, CUDA library");
    capabilities = [capabilityOf(gpu)];
  }
  const archs = [...new Set(capabilities.map(architecture))].join(" ");
  const cuda = await make("cuda", `ARCHS=${archs}`);
  return cuda.code ? broken(cuda) : judged(true, `CPU library, CUDA library for sm_${archs}`);
}

/** Runs the contract's native tests on the GPU's library, then all tests on every device. */
export async function tests(run: Runner): Promise<Part> {
  const native = await run(["make", "check-gpu", `GPU_LIBRARY=${library}`]);
  const all = await run([Deno.execPath(), "run", "-A", "--no-lock", "scripts/test.ts"]);
  const contract = native.out.match(/^\w+: .* checks hold$/gm) ?? [];
  const suite = /^\d+ passed, \d+ failed$/m.exec(all.out)?.[0] ?? ending(all.code);
  const lines = [native, all].flatMap(({ out, err }) => `${out}\n${err}`.split("\n"));
  return judged(
    contract.length > 0 && native.code === 0 && all.code === 0,
    [
      ...contract,
      ...(native.code ? [`contract: ${ending(native.code)}`] : []),
      `on ${devices().map((d) => d.name).join(", ")}: ${suite}`,
    ].join("; "),
    lines.filter((line) => /\.\.\. FAILED| is false\./.test(line)),
  );
}

/**
 * Runs the contract's native tests under NVIDIA's sanitizer, where it is installed, with every array an allocation of its own, so
 * that an overrun meets memory of nobody. core_test makes too many calls for it.
 */
export async function sanitizer(run: Runner, gpu: Device): Promise<Part> {
  if (isEmulated(gpu)) return skipped("emulated; make check runs it under AddressSanitizer");
  if ((await run(["compute-sanitizer", "--version"], false)).code) {
    return skipped("compute-sanitizer is not installed");
  }
  const findings: string[] = [], failures: string[] = [];
  let clean = true;
  for (const tool of ["memcheck", "racecheck"]) {
    // Calls that the tests mean to fail (too much memory) are no findings.
    const under = `compute-sanitizer --tool ${tool} --report-api-errors no --error-exitcode 1`;
    const { code, out, err } = await run([
      "env",
      "DINOGRAD_POOL=off",
      "make",
      "check-gpu",
      `GPU_LIBRARY=${library}`,
      `UNDER=${under}`,
      "SKIP=core_test",
    ]);
    if (/device not supported/i.test(out + err)) {
      return skipped("compute-sanitizer does not support this machine's device");
    }
    const summaries = [...out.matchAll(/SUMMARY: (.*)/g)].map(([, summary]) => summary);
    findings.push([tool, ...summaries, ...(code ? [ending(code)] : [])].join(", "));
    failures.push(...out.split("\n").filter((line) => /^=+ (Invalid|Error|Race)/.test(line)));
    clean &&= code === 0;
  }
  return judged(clean, findings.join("; "), failures);
}

/** Measures dinograd and, where it sees the GPU, PyTorch. */
export async function bench(run: Runner, gpu: Device): Promise<Part> {
  const program = [Deno.execPath(), "run", "-A", "--no-lock", "bench/gpu_dinograd.ts"];
  const ours = await run(["env", `DINOGRAD_DEVICE=${gpu.name}`, ...program], false);
  if (ours.code) return broken(ours);
  const { sizes, figures, absent }: Figures = JSON.parse(ours.out);
  if (isEmulated(gpu)) {
    return { ...judged(true, "emulated, no speed is claimed"), figures, absent };
  }
  const theirs = await run(["python3", "bench/gpu_torch.py", JSON.stringify(sizes)], false);
  const torch: TorchFigures = theirs.code
    ? { absent: `${ending(theirs.code)}, ${theirs.err.trim().split("\n").at(-1)}` }
    : JSON.parse(theirs.out);
  return {
    ...judged(true, `${figures.length} figures`),
    absent,
    figures: compare(figures, torch.figures ?? {}),
    torch: torch.version
      ? `${torch.version}, replayed: as a CUDA graph`
      : `not measured (${torch.absent})`,
  };
}

/** What bench/gpu_torch.py prints: figures, or why there are none. */
interface TorchFigures {
  version?: string;
  figures?: Record<string, number>;
  absent?: string;
}

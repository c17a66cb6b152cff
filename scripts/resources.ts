// What do the CUDA library's kernels take of a multiprocessor? Reads what the assembler said of each while it was built (`make
// resources`) and holds it to a table that is kept with the sources: no kernel may come to spill registers to memory unseen.

import { DinogradError } from "../src/errors.ts";
import { helpText, parseOptions } from "./options.ts";

/** The most that kernels of one name take on one architecture. */
export interface Usage {
  /** Of a thread. */
  registers: number;
  /** Bytes that a thread writes to memory because registers are short, plus those it reads back. */
  spills: number;
  /** Bytes of shared memory that a block takes by itself; what a launch adds is not known here. */
  shared: number;
}

/** By kernel and architecture: `unary 90a`. */
export type Table = Map<string, Usage>;

/** Registers by which a kernel may grow without a word. */
const margin = 4;

/**
 * One name for all instantiations of a kernel, because elementwise ones are hundreds. Matrix products keep their types and
 * tiles, which decide how many blocks share a multiprocessor, but not the layouts of their operands.
 *
 * ```ts
 * import assert from "node:assert";
 * import { shortName } from "./resources.ts";
 *
 * assert.equal(shortName("void dg::gpu::(anonymous namespace)::cast<float, int>(float const*, int*)"), "cast");
 * assert.equal(
 *   shortName("void dg::gpu::mma_gemm<dg::gpu::F16, dg::gpu::MmaTile<64, 64, 2, 2, 4, 4>, 3>(dg::gpu::Gemm<dg::Half>)"),
 *   "mma_gemm<F16, MmaTile<64, 64, 2, 2, 4, 4>>",
 * );
 * ```
 */
export function shortName(demangled: string): string {
  const plain = demangled.replace(/\(anonymous namespace\)::|_INTERNAL_\w+::|\bdg::(gpu::)?/g, "");
  const name = plain.replace(/^void /, "").replaceAll("> >", ">>");
  let depth = 0, end = 0;
  while (end < name.length && (depth > 0 || name[end] !== "(")) {
    if (name[end] === "<") depth++;
    if (name[end] === ">") depth--;
    end++;
  }
  const full = name.slice(0, end), open = full.indexOf("<");
  if (open < 0) return full;
  return /gemm|conv/.test(full.slice(0, open))
    ? full.replace(/(, (\d+|true|false))+>$/, ">")
    : full.slice(0, open);
}

/** What logs of the assembler (`-Xptxas -v`) say, with names made readable. */
export function readLogs(logs: readonly string[], demangle: (names: string[]) => string[]): Table {
  const found: { name: string; arch: string; usage: Usage }[] = [];
  for (const line of logs.flatMap((log) => log.split("\n"))) {
    const [, name, arch] = /Compiling entry function '(\w+)' for 'sm_(\w+)'/.exec(line) ?? [];
    if (name) found.push({ name, arch, usage: { registers: 0, spills: 0, shared: 0 } });
    const usage = found.at(-1)?.usage;
    if (!usage) continue;
    // Functions that a kernel calls have lines of their own, and count with it.
    const [, stores, loads] = /(\d+) bytes spill stores, (\d+) bytes spill loads/.exec(line) ?? [];
    if (stores) usage.spills += Number(stores) + Number(loads);
    usage.registers += Number(/Used (\d+) registers/.exec(line)?.[1] ?? 0);
    usage.shared += Number(/(\d+) bytes smem/.exec(line)?.[1] ?? 0);
  }
  const names = demangle(found.map(({ name }) => name));
  const table: Table = new Map();
  found.forEach(({ arch, usage }, i) => {
    const key = `${shortName(names[i])}\t${arch}`, most = table.get(key) ?? usage;
    table.set(key, {
      registers: Math.max(most.registers, usage.registers),
      spills: Math.max(most.spills, usage.spills),
      shared: Math.max(most.shared, usage.shared),
    });
  });
  return new Map([...table].sort(([a], [b]) => a < b ? -1 : 1));
}

const header = "# kernel\tsm\tregisters\tspilled bytes\tshared bytes (make resources UPDATE=1)";

/** A table as the text of a file. */
export function writeTable(table: Table): string {
  const lines = [...table].map(([key, u]) => [key, u.registers, u.spills, u.shared].join("\t"));
  return [header, ...lines, ""].join("\n");
}

/** The table in a file's text. */
export function readTable(text: string): Table {
  const rows = text.split("\n").filter((line) => line && !line.startsWith("#"));
  return new Map(rows.map((line) => {
    const [kernel, arch, registers, spills, shared] = line.split("\t");
    return [`${kernel}\t${arch}`, {
      registers: Number(registers),
      spills: Number(spills),
      shared: Number(shared),
    }];
  }));
}

/** What is wrong with a build, and what is only worth knowing. Architectures that were not built are left out. */
export function compare(built: Table, table: Table): { faults: string[]; notes: string[] } {
  const faults: string[] = [], notes: string[] = [];
  const archOf = (key: string) => key.split("\t")[1];
  const archs = new Set([...built.keys()].map(archOf));
  for (const [key, now] of built) {
    const before = table.get(key), what = key.replace("\t", " on sm_");
    if (now.spills > (before?.spills ?? 0)) {
      faults.push(`${what} spills ${now.spills} bytes, wanted ${before?.spills ?? 0} at most`);
    }
    if (!before) notes.push(`${what} is new: ${now.registers} registers`);
    else if (now.registers > before.registers + margin) {
      notes.push(`${what} takes ${now.registers} registers, ${before.registers} before`);
    }
  }
  for (const key of table.keys()) {
    if (archs.has(archOf(key)) && !built.has(key)) {
      notes.push(`${key.replace("\t", " on sm_")} is gone`);
    }
  }
  return { faults, notes };
}

/** Readable names, by binutils. */
function demangle(names: string[]): string[] {
  const folder = Deno.makeTempDirSync();
  try {
    Deno.writeTextFileSync(`${folder}/names`, names.join("\n"));
    const { success, stdout } = new Deno.Command("c++filt", { args: [`@${folder}/names`] })
      .outputSync();
    if (!success) throw new DinogradError("c++filt failed");
    return new TextDecoder().decode(stdout).trimEnd().split("\n");
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
}

const options = {
  build: { type: "string", value: "FOLDER", help: "where the CUDA objects and their logs are" },
  update: { type: "flag", help: "write the table instead of comparing with it" },
} as const;

if (import.meta.main) {
  const { help, build, update } = parseOptions(options, Deno.args);
  if (help || !build) {
    console.log(helpText(
      "resources.ts --build FOLDER [--update]",
      "Compares registers and spills of the CUDA library's kernels with cuda/gpu/resources.tsv.",
      options,
    ));
    Deno.exit(help ? 0 : 1);
  }
  const file = new URL("../cuda/gpu/resources.tsv", import.meta.url);
  const logs = [...Deno.readDirSync(`${build}/gpu`)]
    .filter(({ name }) => name.endsWith(".ptxas"))
    .map(({ name }) => Deno.readTextFileSync(`${build}/gpu/${name}`));
  const built = readLogs(logs, demangle);
  if (update) {
    Deno.writeTextFileSync(file, writeTable(built));
    Deno.exit();
  }
  console.log(writeTable(built).trimEnd());
  const { faults, notes } = compare(built, readTable(Deno.readTextFileSync(file)));
  for (const note of notes) console.log(`note: ${note}`);
  for (const fault of faults) console.error(`error: ${fault}`);
  console.log(`${built.size} kernels, ${faults.length} with spills that the table does not list`);
  Deno.exit(faults.length ? 1 : 0);
}

// How long does a program take from its start to its first result? A fresh process, at one device.

/** A program that imports the library, multiplies two matrices and reads the product; or nothing, for Deno's own share. */
function program(device: string | undefined): string {
  if (!device) return "";
  const mod = new URL("../mod.ts", import.meta.url).href;
  return `import * as dg from ${JSON.stringify(mod)};
    dg.setBackend(${JSON.stringify(device)});
    const x = dg.ones([8, 8]);
    if (x.matMul(x).dataSync()[63] !== 8) Deno.exit(1);`;
}

/** Writes the programs for these devices into a folder of their own. */
export async function loadPrograms(devices: readonly string[]) {
  const folder = await Deno.makeTempDir();
  const names = [undefined, ...devices];
  const programs = await Promise.all(names.map(async (device) => {
    const path = `${folder}/${(device ?? "nothing").replace(":", "_")}.ts`;
    await Deno.writeTextFile(path, program(device));
    return { device: device ?? "Deno alone", run: () => runOnce(path) };
  }));
  return { programs, remove: () => Deno.removeSync(folder, { recursive: true }) };
}

async function runOnce(path: string): Promise<void> {
  const { success, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--quiet", "--no-lock", "--no-check", path],
    stdout: "null",
    stderr: "piped",
  }).output();
  if (!success) throw new Error(new TextDecoder().decode(stderr));
}

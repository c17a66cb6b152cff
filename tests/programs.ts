// How do tests run a program in a Deno process of its own?

/** What a process said and how it ended. */
export interface Outcome {
  code: number;
  out: string;
  err: string;
}

/**
 * Runs `deno run` on a program's text with these permission flags only: nothing is prompted for, and neither this project's
 * configuration, environment nor module cache reaches the program, but what `env` names.
 */
export async function runProgram(
  program: string,
  flags: readonly string[],
  env: Record<string, string> = {},
): Promise<Outcome> {
  const folder = await Deno.makeTempDir();
  try {
    const path = `${folder}/program.ts`;
    await Deno.writeTextFile(path, program);
    const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "--quiet", "--no-prompt", "--no-config", "--no-lock", ...flags, path],
      clearEnv: true,
      env: { DENO_DIR: `${folder}/cache`, NO_COLOR: "1", ...env },
    }).output();
    const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
    return { code, out: text(stdout), err: text(stderr) };
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

// How does a script run a command within a time limit, showing and keeping what it prints?

/** How a command ended. */
export interface Finished {
  /** 0 for success; 127 where there is no such command; 124 where its time ran out. */
  code: number;
  out: string;
  err: string;
}

const root = new URL("..", import.meta.url).pathname;

/** Runs a command in the project's folder. What it started ends with it. */
export async function run(
  command: readonly string[],
  { seconds, env, show = true }: {
    seconds: number;
    env?: Record<string, string>;
    /** Whether what it prints goes to the terminal, too. */
    show?: boolean;
  },
): Promise<Finished> {
  const limit = String(Math.max(1, Math.floor(seconds)));
  let child;
  try {
    child = new Deno.Command("timeout", {
      args: ["--kill-after=5", limit, ...command],
      cwd: root,
      env: { NO_COLOR: "1", ...env },
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return { code: 127, out: "", err: "" };
    throw error;
  }
  const [out, err, { code }] = await Promise.all([
    keep(child.stdout, show ? Deno.stdout : undefined),
    keep(child.stderr, show ? Deno.stderr : undefined),
    child.status,
  ]);
  return { code, out, err };
}

async function keep(
  from: ReadableStream<Uint8Array>,
  to: { write(bytes: Uint8Array): Promise<number> } | undefined,
): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  for await (const bytes of from) {
    await to?.write(bytes);
    text += decoder.decode(bytes, { stream: true });
  }
  return text;
}

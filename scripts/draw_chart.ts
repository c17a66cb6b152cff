// How does a script get a chart drawn, npm or not?

/**
 * Draws a Vega-Lite chart as SVG, in a Deno process of its own (see chart.ts). Where that fails,
 * for one because npm is out of reach, the error's message is that process's own sentence.
 */
export async function drawChart(spec: object): Promise<string> {
  const script = new URL("chart.ts", import.meta.url).href;
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "--quiet", "--no-lock", "--no-prompt", script],
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const input = new Blob([JSON.stringify(spec)]).stream().pipeTo(child.stdin);
  const [{ success, stdout, stderr }] = await Promise.all([
    child.output(),
    // A process that ended early has a better explanation than the pipe it broke.
    input.catch(() => {}),
  ]);
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes).trim();
  if (!success) throw new Error(text(stderr));
  return text(stdout) + "\n";
}

// How is TensorFlow.js asked to train a model, in its own process?

import { TextLineStream } from "./lines.ts";
import type { PeerWork } from "./models.ts";

/** Backends of TensorFlow.js that work in Deno with nothing installed. */
export const backends = ["cpu", "wasm"] as const;

/** Train for so many steps. */
export interface PeerRequest {
  backend: typeof backends[number];
  work: PeerWork;
  batch: number;
  steps: number;
}

/** How long that took, or why it cannot be done. */
export type PeerAnswer = { seconds: number } | { error: string };

function start() {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--quiet", "--no-lock", new URL("tfjs.ts", import.meta.url).href],
    stdin: "piped",
    stdout: "piped",
    stderr: "null",
  }).spawn();
  const lines = child.stdout.pipeThrough(new TextDecoderStream())
    .pipeThrough(new TextLineStream()).getReader();
  return { child, lines, requests: child.stdin.getWriter() };
}

/** A running TensorFlow.js. The first request of a kind is trained twice, of which the second time counts. */
export class Peer {
  #running = start();
  readonly #patience: number;

  /** `patience`: seconds that an answer may take. */
  constructor(patience = 10) {
    this.#patience = patience;
  }

  /** Asks for one training. One that takes too long is ended. */
  async train(request: PeerRequest): Promise<PeerAnswer> {
    const { child, lines, requests } = this.#running;
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      child.kill("SIGKILL");
    }, this.#patience * 1000);
    // A process that ended early says why in its last line.
    const line = JSON.stringify(request) + "\n";
    await requests.write(new TextEncoder().encode(line)).catch(() => {});
    const { value } = await lines.read();
    clearTimeout(timer);
    if (value !== undefined) return JSON.parse(value);
    await child.status;
    this.#running = start();
    const { steps, batch } = request;
    return {
      error: late
        ? `${steps} ${steps === 1 ? "step" : "steps"} of batch ${batch} and as many before them ` +
          `take more than ${this.#patience} s`
        : "its process ended",
    };
  }

  /** Ends the process. */
  async close(): Promise<void> {
    const { child, lines, requests } = this.#running;
    await requests.close().catch(() => {});
    await lines.cancel();
    await child.status;
  }
}

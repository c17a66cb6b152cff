// How is TensorFlow.js asked to train a model, in its own process?

import { TextLineStream } from "./lines.ts";
import type { AdversarialWork, FittedWork } from "./models.ts";

/** Backends of TensorFlow.js that work in Deno with nothing installed. */
export const backends = ["cpu", "wasm"] as const;

/** Train for so many steps. */
export interface PeerRequest {
  backend: typeof backends[number];
  work: FittedWork | AdversarialWork;
  batch: number;
  steps: number;
}

/** How long a step took, or why it cannot be done. */
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
  // The first line says that TensorFlow.js was loaded, which is not a part of any answer.
  return { child, lines, requests: child.stdin.getWriter(), loaded: lines.read() };
}

/** A running TensorFlow.js. What it does once for a model is done before a step counts, unless one was asked for that takes seconds. */
export class Peer {
  #running = start();
  readonly #patience: number;

  /** `patience`: seconds that an answer may take. */
  constructor(patience = 10) {
    this.#patience = patience;
  }

  /** Asks for one training. One that takes too long is ended. */
  async train(request: PeerRequest): Promise<PeerAnswer> {
    const { child, lines, requests, loaded } = this.#running;
    await loaded;
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
    return {
      error: late
        ? `steps of batch ${request.batch} take more than ${this.#patience} s`
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

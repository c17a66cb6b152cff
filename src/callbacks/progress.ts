// What does one see while a model trains? On a terminal a bar that moves, elsewhere a line per epoch, as Keras draws them.

import type { Logs } from "./callback.ts";

/** Where progress is written. */
export interface Screen {
  readonly isTerminal: boolean;
  write(text: string): void;
}

const BAR = 20; // cells of the bar
const REDRAW_MS = 100;

const encoder = new TextEncoder();

/** Standard output where there is one, else the console, which takes whole lines only. */
function standardScreen(): Screen {
  if (typeof Deno === "undefined") {
    return { isTerminal: false, write: (text) => console.log(text.replace(/\n$/, "")) };
  }
  return {
    isTerminal: Deno.stdout.isTerminal(),
    write: (text) => void Deno.stdout.writeSync(encoder.encode(text)),
  };
}

/** `0.0123`, or `1.23e-5` where that says more. */
function showNumber(value: number): string {
  return Math.abs(value) >= 1e-3 || value === 0 || !Number.isFinite(value)
    ? value.toFixed(4)
    : value.toExponential(4);
}

/** `3s`, `1:05`, `2:00:07`. */
function showSeconds(seconds: number): string {
  const s = Math.round(seconds);
  if (s < 60) return `${s}s`;
  const two = (n: number) => String(n).padStart(2, "0");
  const minutes = `${two(Math.floor(s / 60) % 60)}:${two(s % 60)}`;
  return s < 3600 ? minutes.replace(/^0/, "") : `${Math.floor(s / 3600)}:${minutes}`;
}

/** `4us/step`, `12ms/step`, `2s/step`. */
function showStep(ms: number): string {
  if (ms < 1) return `${Math.round(ms * 1000)}us/step`;
  return ms < 1000 ? `${Math.round(ms)}ms/step` : `${Math.round(ms / 1000)}s/step`;
}

/** Draws the progress of fit. */
export class ProgressBar {
  readonly #screen: Screen;
  readonly #bar: boolean;
  #steps: number | null = 0; // null: nobody knows
  #start = 0;
  #drawn = 0;
  #width = 0;

  /** @param verbose 1: a bar on a terminal; 2: a line per epoch. */
  constructor(verbose: 1 | 2, screen: Screen = standardScreen()) {
    this.#screen = screen;
    this.#bar = verbose === 1 && screen.isTerminal;
  }

  /** An epoch of `steps` steps begins. */
  epochBegin(epoch: number, epochs: number, steps: number | null): void {
    this.#steps = steps;
    this.#start = this.#drawn = performance.now();
    this.#width = 0;
    this.#screen.write(`Epoch ${epoch + 1}/${epochs}\n`);
  }

  /** Whether enough time has passed since the bar was drawn. */
  isDue(done: number): boolean {
    return this.#bar && done < (this.#steps ?? Infinity) &&
      performance.now() - this.#drawn >= REDRAW_MS;
  }

  /** Draws the bar after `done` steps, with the time that is left, or has passed where nobody knows how many steps come. */
  update(done: number, logs: Logs): void {
    const elapsed = performance.now() - this.#start;
    const left = this.#steps === null ? elapsed : (elapsed / done) * (this.#steps - done);
    this.#draw(this.#line(done, showSeconds(left / 1000), elapsed, logs));
    this.#drawn = performance.now();
  }

  /** The epoch's last line. */
  epochEnd(done: number, logs: Logs): void {
    this.#steps ??= done;
    const elapsed = performance.now() - this.#start;
    const text = this.#line(done, showSeconds(elapsed / 1000), elapsed, logs);
    if (this.#bar) this.#draw(text);
    this.#screen.write(this.#bar ? "\n" : `${text}\n`);
  }

  #line(done: number, time: string, elapsed: number, logs: Logs): string {
    const steps = this.#steps ?? "unknown";
    const filled = Math.floor(BAR * done / (this.#steps ?? Infinity));
    const bar = "━".repeat(filled) + " ".repeat(BAR - filled);
    const numbers = Object.entries(logs).map(([key, value]) => `${key}: ${showNumber(value)}`);
    const count = `${String(done).padStart(String(this.#steps ?? done).length)}/${steps}`;
    return [
      `${count} ${this.#bar ? `${bar} ` : ""}${time} ${showStep(elapsed / done)}`,
      ...numbers,
    ].join(" - ");
  }

  // Over the line before; what is left of a longer one is blanked.
  #draw(text: string): void {
    this.#screen.write(`\r${text.padEnd(this.#width)}`);
    this.#width = text.length;
  }
}

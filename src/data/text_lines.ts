// How does a text become a dataset of its lines?

import { Dataset, type Stream } from "./dataset.ts";
import { textParts, type TextSource } from "./text_source.ts";

async function* linesOf(source: TextSource): Stream<string> {
  const bare = (line: string) => line.endsWith("\r") ? line.slice(0, -1) : line;
  let rest = "";
  for await (const part of textParts(source)) {
    const lines = part.split("\n");
    lines[0] = rest + lines[0];
    rest = lines.pop()!;
    for (const line of lines) yield bare(line);
  }
  if (rest) yield bare(rest);
}

/**
 * The lines of a text, without what ends them (a line feed, or a carriage return and one).
 *
 * ```ts
 * import * as dg from "../../mod.ts";
 * import assert from "node:assert";
 *
 * const lines = dg.data.textLine("to be\nor not to be\n");
 * assert.deepEqual(await lines.toArray(), ["to be", "or not to be"]);
 * ```
 */
export function textLine(source: TextSource): Dataset<string> {
  return new Dataset(() => linesOf(source));
}

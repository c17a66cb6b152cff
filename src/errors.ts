// What does dinograd throw when a caller asks for something impossible?
// Messages are sentences: what was wanted, then what was given, values inline.

/** An error in what the caller asked for: a shape, a name, a file, a value. */
export class DinogradError extends Error {
  /** What `toString` puts before the message. */
  override name = "DinogradError";
}

/**
 * How many letters must be inserted, deleted, replaced or swapped with their neighbour to turn
 * `a` into `b` (optimal string alignment distance).
 */
function editDistance(a: string, b: string): number {
  const rows = [Array.from({ length: b.length + 1 }, (_, j) => j)];
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = rows[i - 1][j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1);
      row[j] = Math.min(replaced, row[j - 1] + 1, rows[i - 1][j] + 1);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        row[j] = Math.min(row[j], rows[i - 2][j - 2] + 1);
      }
    }
    rows.push(row);
  }
  return rows[a.length][b.length];
}

/**
 * The candidate that `name` was probably meant to be, or undefined where none is close.
 * Case does not count; about one letter in three may be wrong.
 *
 * ```ts
 * import { nearest } from "./errors.ts";
 * import assert from "node:assert";
 *
 * assert.equal(nearest("mpl", ["mlp", "cnn"]), "mlp");
 * assert.equal(nearest("transformer", ["mlp", "cnn"]), undefined);
 * ```
 */
export function nearest(name: string, candidates: readonly string[]): string | undefined {
  const wanted = name.toLowerCase();
  let best: string | undefined;
  let bestDistance = Math.ceil(wanted.length / 3) + 1;
  for (const candidate of candidates) {
    // The difference in length is a lower bound, and keeps absurdly long names cheap.
    if (Math.abs(candidate.length - wanted.length) >= bestDistance) continue;
    const distance = editDistance(wanted, candidate.toLowerCase());
    if (distance < bestDistance) [best, bestDistance] = [candidate, distance];
  }
  return best;
}

// Candidates that a sentence lists.
const most = 40;

/**
 * The error for a name that is not among `candidates`:
 * `Unknown model "mpl": did you mean "mlp"? Known: mlp, cnn.`
 */
export function unknownName(
  kind: string,
  got: string,
  candidates: readonly string[],
): DinogradError {
  const guess = nearest(got, candidates);
  const hint = guess === undefined ? "." : `: did you mean ${JSON.stringify(guess)}?`;
  const listed = candidates.slice(0, most).join(", "), more = candidates.length - most;
  const known = more > 0 ? `${listed} and ${more} more` : listed || "none";
  return new DinogradError(`Unknown ${kind} ${JSON.stringify(got)}${hint} Known: ${known}.`);
}

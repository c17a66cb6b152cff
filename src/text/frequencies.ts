// How often does what occur? Counts by text, in the order of first appearance.

/** Adds one for each text. */
export function countInto(counts: Map<string, number>, texts: Iterable<string>): void {
  for (const text of texts) counts.set(text, (counts.get(text) ?? 0) + 1);
}

/** The order of code points, which is that of UTF-8 bytes. */
export function compareCodePoints(a: string, b: string): number {
  const [x, y] = [a, b].map((text) => [...text]);
  for (let i = 0; i < Math.min(x.length, y.length); i++) {
    if (x[i] !== y[i]) return x[i].codePointAt(0)! - y[i].codePointAt(0)!;
  }
  return x.length - y.length;
}

/** Logarithm of (1 + documents / (1 + documents with the text)). */
export function inverseDocumentFrequency(documents: number, withText: number): number {
  return Math.log(1 + documents / (1 + withText));
}

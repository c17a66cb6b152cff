// How do tests make IDX files, good and bad, by hand?

/** An IDX file made by hand: type code, dimensions, then raw bytes. */
export function idx(
  code: number,
  shape: number[],
  body: Iterable<number>,
): Uint8Array<ArrayBuffer> {
  const dims = shape.flatMap((n) => [n >>> 24, n >> 16 & 255, n >> 8 & 255, n & 255]);
  return new Uint8Array([0, 0, code, shape.length, ...dims, ...body]);
}

export async function gzip(bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>> {
  const stream = new Blob([bytes]).stream().pipeThrough(new CompressionStream("gzip"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

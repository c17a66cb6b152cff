// How do images become a picture in a file (PNG) or in the terminal?

/** The checksum of PNG's chunks (CRC-32, as in ISO 3309). */
function crc32(bytes: Uint8Array): number {
  let crc = ~0;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = crc >>> 1 ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return ~crc;
}

function chunk(type: string, content: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(content.length + 12), view = new DataView(bytes.buffer);
  view.setUint32(0, content.length);
  bytes.set(new TextEncoder().encode(type), 4);
  bytes.set(content, 8);
  view.setUint32(bytes.length - 4, crc32(bytes.subarray(4, -4)));
  return bytes;
}

/** Gray pixels, one byte each, row by row, as a PNG file. */
export async function encodePng(
  pixels: Uint8Array,
  width: number,
  height: number,
): Promise<Uint8Array> {
  const header = new Uint8Array(13), view = new DataView(header.buffer);
  view.setUint32(0, width);
  view.setUint32(4, height);
  header[8] = 8; // bits; what follows says gray, deflated, not interlaced
  const rows = new Uint8Array(height * (width + 1)); // each row begins with its filter: none
  for (let y = 0; y < height; y++) {
    rows.set(pixels.subarray(y * width, (y + 1) * width), y * (width + 1) + 1);
  }
  const deflated = new Blob([rows]).stream().pipeThrough(new CompressionStream("deflate"));
  const content = new Uint8Array(await new Response(deflated).arrayBuffer());
  const parts = [
    Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a),
    chunk("IHDR", header),
    chunk("IDAT", content),
    chunk("IEND", new Uint8Array()),
  ];
  return new Uint8Array(await new Blob(parts as BlobPart[]).arrayBuffer());
}

/** Images [count, height, width] side by side, `columns` in a row, with a pixel between them. */
export function mosaic(
  images: ArrayLike<number>,
  height: number,
  width: number,
  columns: number,
): { pixels: Uint8Array; width: number; height: number } {
  const count = images.length / height / width, rows = Math.ceil(count / columns);
  const total = { width: columns * (width + 1) - 1, height: rows * (height + 1) - 1 };
  const pixels = new Uint8Array(total.width * total.height).fill(64);
  for (let i = 0; i < images.length; i++) {
    const image = Math.floor(i / height / width), row = Math.floor(image / columns);
    const y = row * (height + 1) + Math.floor(i / width) % height;
    const x = image % columns * (width + 1) + i % width;
    pixels[y * total.width + x] = images[i];
  }
  return { pixels, ...total };
}

/** Gray pixels as text, every second row of them: the brighter, the more ink. */
export function asText(pixels: Uint8Array, width: number): string {
  const lines = [];
  for (let from = 0; from < pixels.length; from += 2 * width) {
    const line = [...pixels.subarray(from, from + width)].map((v) =>
      " .:oO@"[Math.floor(v * 6 / 256)]
    );
    lines.push(line.join("").trimEnd());
  }
  return lines.join("\n");
}

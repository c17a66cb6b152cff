// Do images become a PNG file that others can read, and a picture in letters?

import assert from "node:assert";
import { asText, encodePng, mosaic } from "../scripts/train/picture.ts";

Deno.test("images are put side by side, with lines between them", () => {
  const images = [[1, 2, 3, 4], [5, 6, 7, 8], [9, 9, 9, 9]].flat(); // three of 2 x 2
  const { pixels, width, height } = mosaic(images, 2, 2, 2);
  assert.deepEqual([width, height], [5, 5]);
  assert.deepEqual(
    Array.from({ length: height }, (_, y) => [...pixels.subarray(y * width, (y + 1) * width)]),
    [
      [1, 2, 64, 5, 6],
      [3, 4, 64, 7, 8],
      [64, 64, 64, 64, 64],
      [9, 9, 64, 64, 64],
      [9, 9, 64, 64, 64],
    ],
  );
});

Deno.test("a PNG file holds its pixels", async () => {
  const pixels = Uint8Array.of(0, 128, 255, 7, 8, 9);
  const png = await encodePng(pixels, 3, 2), view = new DataView(png.buffer);
  const chunks = new Map<string, Uint8Array<ArrayBuffer>>();
  for (let at = 8; at < png.length;) {
    const length = view.getUint32(at),
      type = new TextDecoder().decode(png.subarray(at + 4, at + 8));
    chunks.set(type, png.slice(at + 8, at + 8 + length));
    at += length + 12;
  }
  assert.deepEqual([...chunks.keys()], ["IHDR", "IDAT", "IEND"]);
  assert.equal(view.getUint32(png.length - 4), 0xae426082); // the checksum that every PNG ends with
  assert.deepEqual([...chunks.get("IHDR")!], [0, 0, 0, 3, 0, 0, 0, 2, 8, 0, 0, 0, 0]);
  const rows = new Blob([chunks.get("IDAT")!]).stream()
    .pipeThrough(new DecompressionStream("deflate"));
  const bytes = new Uint8Array(await new Response(rows).arrayBuffer());
  assert.deepEqual([...bytes], [0, 0, 128, 255, 0, 7, 8, 9]);
});

Deno.test("pixels become letters, every second row of them", () => {
  assert.equal(asText(Uint8Array.of(0, 255, 0, 9, 9, 9, 128, 60, 0), 3), " @\no.");
});

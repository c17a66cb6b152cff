// Are IDX files parsed exactly, and is every kind of bad one refused with a sentence?
import assert from "node:assert";
import { decodeIdx, parseIdx } from "../src/data/idx.ts";
import { DinogradError } from "../src/errors.ts";
import { gzip, idx } from "./idx_files.ts";

function refuses(bytes: Uint8Array, message: string) {
  assert.throws(() => parseIdx(bytes, "f"), new DinogradError(message));
}

Deno.test("parseIdx reads every element type, big-endian", () => {
  const read = (code: number, body: number[], count: number) => {
    const { dtype, shape, data } = parseIdx(idx(code, [count], body));
    assert.deepEqual(shape, [count]);
    return [dtype, ...data];
  };
  assert.deepEqual(read(0x08, [0, 7, 255], 3), ["uint8", 0, 7, 255]);
  assert.deepEqual(read(0x09, [0, 127, 128, 255], 4), ["int8", 0, 127, -128, -1]);
  assert.deepEqual(read(0x0b, [1, 2, 0xff, 0xfe], 2), ["int16", 258, -2]);
  assert.deepEqual(read(0x0c, [1, 2, 3, 4, 255, 255, 255, 255], 2), ["int32", 16909060, -1]);
  assert.deepEqual(read(0x0d, [0x3f, 0xc0, 0, 0, 0xff, 0x80, 0, 0], 2), [
    "float32",
    1.5,
    -Infinity,
  ]);
  assert.deepEqual(read(0x0e, [0xc0, 4, 0, 0, 0, 0, 0, 0], 1), ["float64", -2.5]);
});

Deno.test("parseIdx keeps the shape, reads inside a larger buffer and leaves its input alone", () => {
  const file = idx(0x0b, [2, 1, 3], [0, 1, 0, 2, 0, 3, 0, 4, 0, 5, 0, 6]);
  const around = new Uint8Array([9, 9, 9, ...file, 9]);
  const { shape, data } = parseIdx(around.subarray(3, 3 + file.length));
  assert.deepEqual(shape, [2, 1, 3]);
  assert.deepEqual([...data], [1, 2, 3, 4, 5, 6]);
  assert.deepEqual(around, new Uint8Array([9, 9, 9, ...file, 9]));
  assert.deepEqual(parseIdx(idx(0x08, [0, 28, 28], [])).shape, [0, 28, 28]);
});

Deno.test("a wrong magic number, type or rank is refused", () => {
  refuses(
    new TextEncoder().encode("PNG image"),
    "f is no IDX file: it must begin with 00 00, got 50 4e 47 20",
  );
  refuses(
    idx(0x0a, [1], [0]),
    "f has an unsupported element type: wanted 8 (uint8), 9 (int8), 11 (int16), 12 (int32), " +
      "13 (float32), 14 (float64), got 10",
  );
  refuses(idx(0x08, [], [1]), "f must have 1 dimension or more, got 0");
});

Deno.test("a file shorter or longer than its header says is refused", () => {
  refuses(new Uint8Array(), "f is truncated: an IDX header has 4 bytes, got 0");
  refuses(new Uint8Array([0, 0, 8]), "f is truncated: an IDX header has 4 bytes, got 3");
  refuses(
    idx(0x08, [2, 2], []).slice(0, 9),
    "f is truncated: a header of 2 dimensions has 12 bytes, got 9",
  );
  refuses(
    idx(0x0c, [2], [0, 0, 0, 1, 0, 0, 0]),
    "f is truncated: int32 of shape [2] makes a file of 16 bytes, got 15",
  );
  refuses(
    idx(0x08, [2], [1, 2, 3]),
    "f has trailing bytes: uint8 of shape [2] makes a file of 10 bytes, got more",
  );
  refuses(
    idx(0x08, [0, 4_000_000_000], [1]),
    "f has trailing bytes: uint8 of shape [0,4000000000] makes a file of 12 bytes, got more",
  );
});

Deno.test("sizes that lie are refused before anything is allocated", () => {
  const most = 2 ** 32 - 1;
  refuses(
    idx(0x08, [2_000_000_000], [1]),
    "f is truncated: uint8 of shape [2000000000] makes a file of 2000000008 bytes, got 9",
  );
  refuses(
    idx(0x0e, [65536, 65536, 65536, 65536], []),
    "f claims float64 of shape [65536,65536,65536,65536], more than the limit of 2147483648 bytes",
  );
  assert.throws(
    () => parseIdx(idx(0x0e, new Array(255).fill(most), []), "f"),
    /^DinogradError: f claims float64 of shape .* more than the limit of 2147483648 bytes$/,
  );
});

Deno.test("decodeIdx reads plain and gzip files alike", async () => {
  const file = idx(0x08, [300, 1000], new Uint8Array(300_000).map((_, i) => i * i >> 3));
  const plain = await decodeIdx(file);
  assert.deepEqual(await decodeIdx(await gzip(file)), plain);
  assert.deepEqual(plain.data, file.subarray(12));
  const packed = await gzip(file);
  refuses(packed, "f is gzip-compressed: use decodeIdx");
});

Deno.test("damaged and dishonest gzip files are refused", async () => {
  const rejects = (bytes: Uint8Array<ArrayBuffer>, message: RegExp) =>
    assert.rejects(
      decodeIdx(bytes, "f"),
      (error) => error instanceof DinogradError && message.test(error.message),
    );
  const packed = await gzip(idx(0x08, [50], new Array(50).fill(3)));
  await rejects(packed.slice(0, -12), /^f is no intact gzip file: /);
  await rejects(packed.slice(0, 5), /^f is no intact gzip file: /);
  const flipped = packed.slice();
  flipped[flipped.length - 6] ^= 1;
  await rejects(flipped, /^f is no intact gzip file: /);
  await rejects(await gzip(new Uint8Array([1, 2, 3, 4])), /^f is no IDX file/);
  await rejects(await gzip(new Uint8Array()), /^f is truncated/);
  await rejects(await gzip(idx(0x08, [9], [1])), /^f is truncated: .* 17 bytes, got 9$/);
});

Deno.test("a decompression bomb is stopped at the size its header states", async () => {
  const bomb = new Uint8Array(64 * 2 ** 20);
  bomb.set(idx(0x08, [1000], []));
  const packed = await gzip(bomb);
  assert.ok(packed.length < 2 ** 20, `${packed.length} bytes`);
  const started = performance.now();
  await assert.rejects(
    decodeIdx(packed, "f"),
    new DinogradError(
      "f has trailing bytes: uint8 of shape [1000] makes a file of 1008 bytes, got more",
    ),
  );
  const stopped = performance.now() - started;
  await new Response(new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip")))
    .arrayBuffer();
  const whole = performance.now() - started - stopped;
  assert.ok(stopped < whole / 2, `refused after ${stopped} ms, unpacked in ${whole} ms`);
});

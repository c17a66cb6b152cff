// Are the generated digits the same every time, well-formed, and learnable?
import assert from "node:assert";
import { generateDigits } from "../src/data/digits.ts";
import { Prng } from "../src/data/prng.ts";
import { DinogradError } from "../src/errors.ts";

/** 32-bit FNV-1a. */
function hash(bytes: Uint8Array): string {
  let h = 0x811c9dc5;
  for (const byte of bytes) h = Math.imul(h ^ byte, 0x01000193);
  return (h >>> 0).toString(16);
}

Deno.test("a seed gives the same bytes on every machine", () => {
  const { images, labels } = generateDigits({ count: 200, seed: 42 });
  assert.equal(hash(images), "4ceca827");
  assert.equal(hash(labels), "98fbd50f");
});

Deno.test("a longer run begins with the shorter one, another seed with other digits", () => {
  const short = generateDigits({ count: 20, seed: 5 });
  const long = generateDigits({ count: 50, seed: 5 });
  const other = generateDigits({ count: 20, seed: 6 });
  const farOther = generateDigits({ count: 20, seed: 5 + 2 ** 40 });
  assert.deepEqual(long.images.subarray(0, short.images.length), short.images);
  assert.deepEqual(long.labels.subarray(0, 20), short.labels);
  assert.notDeepEqual(other.images, short.images);
  assert.notDeepEqual(farOther.images, short.images);
});

Deno.test("every image has ink and background, every class its share, every size its place", () => {
  for (const size of [16, 28, 40]) {
    const { images, labels, count, height, width } = generateDigits({ count: 500, seed: 3, size });
    assert.deepEqual([count, height, width, labels.length], [500, size, size, 500]);
    assert.equal(images.length, 500 * size * size);
    const shares = new Array(10).fill(0);
    for (let i = 0; i < count; i++) {
      shares[labels[i]]++;
      const image = images.subarray(i * size * size, (i + 1) * size * size);
      const inked = image.filter((shade) => shade > 100).length / image.length;
      assert.ok(inked > 0.01 && inked < 0.5, `image ${i}: ${inked} of the pixels are inked`);
    }
    assert.ok(Math.min(...shares) >= 25 && Math.max(...shares) <= 80, `classes: ${shares}`);
  }
});

Deno.test("labels fit the images: the nearest mean image recognises most, not all", () => {
  const train = generateDigits({ count: 2000, seed: 1 });
  const test = generateDigits({ count: 500, seed: 2 });
  const pixels = train.height * train.width;
  const sums = Array.from({ length: 10 }, () => new Float64Array(pixels));
  const counts = new Array(10).fill(0);
  train.labels.forEach((label, i) => {
    counts[label]++;
    for (let p = 0; p < pixels; p++) sums[label][p] += train.images[i * pixels + p];
  });
  const distance = (i: number, label: number) =>
    sums[label].reduce((sum, s, p) => sum + (s / counts[label] - test.images[i * pixels + p]) ** 2);
  let right = 0;
  test.labels.forEach((label, i) => {
    const distances = counts.map((_, candidate) => distance(i, candidate));
    if (distances.indexOf(Math.min(...distances)) === label) right++;
  });
  assert.ok(right > 0.6 * 500 && right < 0.9 * 500, `${right} of 500 recognised`);
});

Deno.test("no digits are no error; bad arguments are answered with a sentence", () => {
  assert.equal(generateDigits({ count: 0, seed: 1 }).images.length, 0);
  const refuses = (args: Parameters<typeof generateDigits>[0], message: string) =>
    assert.throws(() => generateDigits(args), new DinogradError(message));
  refuses({ count: -1, seed: 1 }, "count must be an integer from 0, got -1");
  refuses({ count: 1.5, seed: 1 }, "count must be an integer from 0, got 1.5");
  refuses({ count: 1, seed: NaN }, "seed must be an integer, got NaN");
  refuses({ count: 1, seed: 1, size: 4 }, "size must be an integer from 8 to 256, got 4");
});

Deno.test("Prng: ranges and moments", () => {
  const random = new Prng(9);
  const n = 100_000;
  let [mean, square] = [0, 0];
  const seen = new Array(7).fill(0);
  for (let i = 0; i < n; i++) {
    const bell = random.bell();
    mean += bell / n;
    square += bell * bell / n;
    assert.ok(Math.abs(bell) <= 3);
    const u = random.uniform(2, 5);
    assert.ok(u >= 2 && u < 5);
    seen[random.below(7)]++;
  }
  // Four standard errors each.
  assert.ok(Math.abs(mean) < 0.013 && Math.abs(square - 1) < 0.018, `${mean}, ${square}`);
  for (const count of seen) assert.ok(Math.abs(count - n / 7) < 450, `${seen}`);
});

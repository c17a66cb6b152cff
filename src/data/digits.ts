// Where do digits to learn from come from when nothing was downloaded?
// They are drawn: a digit's strokes are bent, slanted and moved as hands do, then inked.
import { DinogradError } from "../errors.ts";
import { digitStrokes, type Stroke } from "./digit_strokes.ts";
import type { LabelledImages } from "./images.ts";
import { Sheet } from "./ink.ts";
import { Prng } from "./prng.ts";

/**
 * How far a hand strays from the model letters; each is a standard deviation or a range. With
 * these, five epochs over 8,000 digits bring softmax regression to about 0.88 of unseen digits
 * and a hidden layer of 128 to about 0.955 (on as much of MNIST: 0.905 and 0.945).
 */
const hand = {
  /** Of each point on its own, in hundredths of the glyph. */
  tremor: 2.8,
  /** Of the whole glyph's bending. */
  bend: 0.1,
  /** Tangent of half the angle. */
  turn: 0.055,
  slant: 0.22,
  height: [17, 21.5],
  /** Of the width to the height. */
  aspect: [0.6, 1.04],
  /** In pixels of a 28 by 28 image. */
  shift: 1.05,
  thickness: [0.8, 1.75],
  /** The share of strokes that lose a piece, and the most they lose. */
  faded: 0.12,
  fade: 0.18,
} as const;

const uniform = (random: Prng, [low, high]: readonly [number, number]) => random.uniform(low, high);

/**
 * Draws `count` grayscale images of handwritten-like digits, white on black as in MNIST.
 * The same seed gives the same bytes on every machine; a longer run begins with the shorter one.
 *
 * ```ts
 * import { generateDigits } from "./digits.ts";
 * import assert from "node:assert";
 *
 * const { images, labels, height, width } = generateDigits({ count: 100, seed: 1 });
 * assert.equal(images.length, 100 * height * width);
 * assert.ok(labels.every((label) => label <= 9));
 * ```
 */
export function generateDigits(
  { count, seed, size = 28 }: { count: number; seed: number; size?: number },
): LabelledImages {
  if (!Number.isInteger(count) || count < 0) {
    throw new DinogradError(`count must be an integer from 0, got ${count}`);
  }
  if (!Number.isSafeInteger(seed)) throw new DinogradError(`seed must be an integer, got ${seed}`);
  if (!Number.isInteger(size) || size < 8 || size > 256) {
    throw new DinogradError(`size must be an integer from 8 to 256, got ${size}`);
  }
  const random = new Prng(seed);
  const images = new Uint8Array(count * size * size);
  const labels = new Uint8Array(count);
  const sheet = new Sheet(size);
  for (let i = 0; i < count; i++) {
    labels[i] = random.below(10);
    const variants = digitStrokes[labels[i]];
    drawGlyph(variants[random.below(variants.length)], sheet, random);
    develop(sheet, random, images.subarray(i * size * size, (i + 1) * size * size));
  }
  return { images, labels, count, height: size, width: size };
}

function drawGlyph(strokes: Stroke[], sheet: Sheet, random: Prng): void {
  const place = placement(sheet.size, random);
  const radius = uniform(random, hand.thickness) * (sheet.size / 28);
  sheet.ink.fill(0);
  for (const stroke of strokes) {
    const path = smoothPath(stroke, place);
    let [first, last] = [0, path.length - 4];
    if (random.uniform() < hand.faded) {
      const lost = 2 * Math.floor(random.uniform(0, hand.fade) * (path.length / 2));
      if (random.below(2) === 0) first += lost;
      else last -= lost;
    }
    // The pen is pressed harder at one end than at the other.
    const pressure = 0.15 * random.bell();
    for (let i = first; i <= last; i += 2) {
      const along = i / path.length - 0.5;
      const [x0, y0, x1, y1] = path.slice(i, i + 4);
      sheet.line(x0, y0, x1, y1, radius * (1 + pressure * along));
    }
  }
}

/** A random map from the glyph's box to pixels: bent, then scaled, slanted, turned and moved. */
function placement(size: number, random: Prng): (x: number, y: number) => [number, number] {
  const unit = size / 28;
  const height = uniform(random, hand.height) * unit;
  const width = height * uniform(random, hand.aspect);
  const slant = hand.slant * random.bell();
  const half = hand.turn * random.bell();
  const cos = (1 - half * half) / (1 + half * half);
  const sin = 2 * half / (1 + half * half);
  const [left, top] = [hand.shift * unit * random.bell(), hand.shift * unit * random.bell()];
  const bend = Array.from({ length: 6 }, () => hand.bend * random.bell());
  const middle = (size - 1) / 2;
  return (x, y) => {
    const u = (x + hand.tremor * random.bell()) / 50 - 1;
    const v = (y + hand.tremor * random.bell()) / 50 - 1;
    const bentU = u + bend[0] * v * v + bend[1] * u * v + bend[2] * u * u;
    const bentV = v + bend[3] * u * u + bend[4] * u * v + bend[5] * v * v;
    const px = (bentU - slant * bentV) * width / 2;
    const py = bentV * height / 2;
    return [middle + left + cos * px - sin * py, middle + top + sin * px + cos * py];
  };
}

/** Points `[x, y, x, y, ...]` along a smooth curve through a stroke's points (Catmull-Rom). */
function smoothPath(stroke: Stroke, place: (x: number, y: number) => [number, number]): number[] {
  const points = stroke.map(({ x, y }) => place(x, y));
  const steps = 6;
  const path = [...points[0]];
  for (let i = 0; i + 1 < points.length; i++) {
    const [from, to] = [points[i], points[i + 1]];
    // A neighbour across a corner or an end has no say in the direction.
    const before = i === 0 || stroke[i].corner ? from : points[i - 1];
    const after = i + 2 === points.length || stroke[i + 1].corner ? to : points[i + 2];
    for (let step = 1; step <= steps; step++) {
      const t = step / steps;
      for (const axis of [0, 1]) {
        const leave = (to[axis] - before[axis]) / 2;
        const arrive = (after[axis] - from[axis]) / 2;
        const way = to[axis] - from[axis];
        path.push(
          from[axis] +
            t * (leave + t * (3 * way - 2 * leave - arrive + t * (leave + arrive - 2 * way))),
        );
      }
    }
  }
  return path;
}

/** Blurs the ink and adds noise on the way to bytes. */
function develop(sheet: Sheet, random: Prng, image: Uint8Array): void {
  sheet.blur(random.uniform(0, 0.2));
  const exposure = 255 * random.uniform(0.85, 1.15);
  const grain = random.uniform(0, 0.1) * exposure / 295.6;
  for (let i = 0; i < image.length; i++) {
    // The sum of a random word's four bytes is bell-shaped: mean 510, standard deviation 147.8.
    const word = random.uint32();
    const bell = (word & 255) + (word >> 8 & 255) + (word >> 16 & 255) + (word >>> 24) - 510;
    const shade = sheet.ink[i] * exposure + grain * bell;
    image[i] = Math.max(0, Math.min(255, Math.round(shade)));
  }
}

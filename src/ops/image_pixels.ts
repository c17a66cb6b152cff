// What happens to images pixel by pixel? Mirroring, turning, colours to grey and back, black and white.

import { isFloat } from "../dtype.ts";
import { DinogradError } from "../errors.ts";
import { showShape } from "../shape.ts";
import { fromHost, type Tensor } from "../tensor.ts";
import { sum } from "./broadcast.ts";
import { asType } from "./cast.ts";
import { bincount } from "./counting.ts";
import { mul, sub } from "./elementwise.ts";
import { gather } from "./gather.ts";
import { range } from "./grids.ts";
import { tile } from "./join.ts";
import { greater, lessEqual, where } from "./logical.ts";
import { round, square } from "./math.ts";
import { reverse, slice } from "./movement.ts";
import { composite, type Operand, toTensor } from "./operand.ts";
import { divNoNan } from "./power.ts";
import { argMax, max } from "./reduce.ts";
import { reshape } from "./reshape.ts";
import { cumsum } from "./scan.ts";

// How bright red, green and blue are (CCIR 601).
const luma = [0.2989, 0.587, 0.114];

function need(name: string, x: Tensor, good: boolean, wanted: string): void {
  if (good) return;
  throw new DinogradError(`${name} wants ${wanted}, got ${showShape(x.shape)}`);
}

/** Images [batch, height, width, channels] with their columns in reverse. */
export function flipLeftRight(image: Operand): Tensor {
  return composite(image, (t) => {
    need("image.flipLeftRight", t, t.rank === 4, "images [batch, height, width, channels]");
    return reverse(t, 2);
  });
}

/** Grey images [..., 1] as [..., 3]. */
export function grayscaleToRGB(image: Operand): Tensor {
  return composite(image, (t) => {
    const good = t.rank >= 2 && t.shape[t.rank - 1] === 1;
    need("image.grayscaleToRGB", t, good, "images with one channel");
    return tile(t, t.shape.map((_, i) => i === t.rank - 1 ? 3 : 1));
  });
}

/** Images [..., 3] as grey ones [..., 1] of their type: 0.2989 red + 0.587 green + 0.114 blue. */
export function rgbToGrayscale(image: Operand): Tensor {
  return composite(image, (t) => {
    const good = t.rank >= 2 && t.shape[t.rank - 1] === 3;
    need("image.rgbToGrayscale", t, good, "images with three channels");
    return asType(sum(mul(asType(t, "float32"), toTensor(luma)), -1, true), t.dtype);
  });
}

/**
 * Images [batch, height, width, channels] turned clockwise by an angle about `center` ([x, y], or one number for both, as shares of
 * width and height); pixels are the nearest ones. What comes from outside is `fillValue`, which may be [red, green, blue] (a fourth
 * channel is then 255).
 */
export function rotateWithOffset(
  image: Operand,
  radians: number,
  fillValue: number | readonly [number, number, number] = 0,
  center: number | readonly [number, number] = 0.5,
): Tensor {
  const name = "image.rotateWithOffset";
  return composite(image, (t) => {
    need(name, t, t.rank === 4, "images [batch, height, width, channels]");
    const [n, height, width, channels] = t.shape, plain = typeof fillValue === "number";
    if (!plain && (fillValue.length !== 3 || channels > 4)) {
      throw new DinogradError(
        `${name} wants a fillValue or one for each of three colours, got ${
          JSON.stringify(fillValue)
        } for ${channels} channels`,
      );
    }
    const [cx, cy] = typeof center === "number" ? [center, center] : center;
    const middleX = cx * width, middleY = cy * height;
    const sin = Math.sin(radians), cos = Math.cos(radians);
    const index = new Int32Array(height * width).fill(-1);
    for (let i = 0; i < index.length; i++) {
      const x = i % width - middleX, y = Math.floor(i / width) - middleY;
      const column = Math.round(x * cos - y * sin + middleX);
      const row = Math.round(x * sin + y * cos + middleY);
      if (column >= 0 && column < width && row >= 0 && row < height) {
        index[i] = row * width + column;
      }
    }
    const from = fromHost(index.map((at) => Math.max(at, 0)), [index.length], "int32");
    const inside = fromHost(
      Uint8Array.from(index, (at) => at < 0 ? 0 : 1),
      [index.length, 1],
      "bool",
    );
    const fill = plain ? fillValue : toTensor([...fillValue, 255].slice(0, channels));
    const picked = gather(reshape(t, [n, height * width, channels]), from, 1);
    return reshape(asType(where(inside, picked, fill), t.dtype), t.shape);
  });
}

// The first threshold (0 to 254) that sets two classes of brightness furthest apart; -1 where there is only one.
function otsu(gray: Tensor): Tensor {
  const histogram = bincount(asType(round(reshape(gray, [gray.size])), "int32"), [], 256);
  const counts = asType(histogram, "float32"), weighted = mul(counts, range(0, 256));
  const below = cumsum(counts), above = sub(sum(counts), below);
  const first = cumsum(weighted), second = sub(sum(weighted), first);
  const distance = square(sub(divNoNan(first, below), divNoNan(second, above)));
  const variance = slice(mul(mul(below, above), distance), 0, 255);
  return where(greater(max(variance), 0), asType(argMax(variance), "float32"), -1);
}

/**
 * An image [height, width, 1 or 3] of values from 0 to 255 in black (0) and white (255), int32: white above a threshold, or below it
 * where `inverted`. The threshold is threshValue * 255 ("binary"), or what tells dark from bright best ("otsu").
 */
export function threshold(
  image: Operand,
  method: "binary" | "otsu" = "binary",
  inverted = false,
  threshValue = 0.5,
): Tensor {
  const name = "image.threshold";
  if (method !== "binary" && method !== "otsu") {
    throw new DinogradError(`${name} wants the method "binary" or "otsu", got "${method}"`);
  }
  return composite(image, (t) => {
    need(name, t, t.rank === 3, "an image [height, width, channels]");
    const x = isFloat(t.dtype) ? t : asType(t, "float32");
    const gray = t.shape[2] === 3 ? rgbToGrayscale(x) : x;
    const limit = method === "otsu" ? otsu(gray) : threshValue * 255;
    return mul(asType((inverted ? lessEqual : greater)(gray, limit), "int32"), 255);
  });
}

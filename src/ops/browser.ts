// How do pixels of a web page become tensors, and tensors pixels? `ImageData`, canvases, and anything with the same fields.

import { isFloat } from "../dtype.ts";
import { DinogradError } from "../errors.ts";
import { showShape } from "../shape.ts";
import { fromHost, Tensor } from "../tensor.ts";
import { asType } from "./cast.ts";
import { tidy } from "../scope.ts";
import { type Operand, toTensor } from "./operand.ts";

/** Pixels as `ImageData` holds them: four bytes each (red, green, blue, opacity), row by row. */
export interface PixelData {
  /** The bytes. */
  readonly data: ArrayLike<number>;
  /** Pixels in a row. */
  readonly width: number;
  /** Rows. */
  readonly height: number;
}

/** What can be drawn on: an HTML or an offscreen canvas. */
export interface CanvasLike {
  /** Pixels in a row. */
  width: number;
  /** Rows. */
  height: number;
  /** Its drawing context. */
  // deno-lint-ignore no-explicit-any
  getContext(kind: "2d"): any;
}

/**
 * Pixels as an int32 tensor [height, width, numChannels] of values from 0 to 255; of the four channels, the first `numChannels`.
 *
 * ```ts
 * import * as dg from "../../mod.ts";
 * import assert from "node:assert";
 *
 * const pixel = { data: new Uint8Array([100, 150, 200, 255]), width: 1, height: 1 };
 * assert.deepEqual(dg.browser.fromPixels(pixel).arraySync(), [[[100, 150, 200]]]);
 * ```
 */
export function fromPixels(pixels: PixelData | CanvasLike, numChannels = 3): Tensor {
  const { width, height } = pixels;
  const { data } = "getContext" in pixels
    ? pixels.getContext("2d").getImageData(0, 0, width, height) as PixelData
    : pixels;
  if (!(numChannels >= 1 && numChannels <= 4) || data?.length !== width * height * 4) {
    throw new DinogradError(
      `browser.fromPixels wants 1 to 4 channels and 4 bytes for each of ${width} x ${height} pixels, got ${numChannels} and ${data?.length} bytes`,
    );
  }
  const values = new Int32Array(width * height * numChannels);
  for (let i = 0; i < values.length; i++) {
    values[i] = data[Math.floor(i / numChannels) * 4 + i % numChannels];
  }
  return fromHost(values, [height, width, numChannels], "int32");
}

/** `fromPixels`, as a promise. */
export function fromPixelsAsync(
  ...args: Parameters<typeof fromPixels>
): Promise<Tensor> {
  return Promise.resolve().then(() => fromPixels(...args));
}

/**
 * An image as bytes of red, green, blue and opacity, drawn on `canvas` where one is given. img: [height, width], or [height, width, 1,
 * 3 or 4]; floats from 0 to 1, whole numbers from 0 to 255 (plain numbers count as those).
 */
export async function toPixels(img: Operand, canvas?: CanvasLike): Promise<Uint8ClampedArray> {
  const t = img instanceof Tensor ? img : tidy(() => asType(toTensor(img), "int32"));
  const [height, width, depth = 1] = t.shape, most = isFloat(t.dtype) ? 1 : 255;
  try {
    if ((t.rank !== 2 && t.rank !== 3) || ![1, 3, 4].includes(depth)) {
      throw new DinogradError(
        `browser.toPixels wants an image with 1, 3 or 4 channels, got ${showShape(t.shape)}`,
      );
    }
    const values = await t.data();
    const bytes = new Uint8ClampedArray(width * height * 4).fill(255);
    for (let i = 0; i < values.length; i++) {
      const value = values[i], at = Math.floor(i / depth) * 4 + i % depth;
      if (!(value >= 0 && value <= most)) {
        throw new DinogradError(
          `browser.toPixels wants ${t.dtype} values from 0 to ${most}, got ${value}`,
        );
      }
      bytes.fill(Math.round(value * (255 / most)), at, depth === 1 ? at + 3 : at + 1);
    }
    if (canvas) {
      Object.assign(canvas, { width, height });
      const context = canvas.getContext("2d"), image = context.createImageData(width, height);
      image.data.set(bytes);
      context.putImageData(image, 0, 0);
    }
    return bytes;
  } finally {
    if (t !== img) t.dispose();
  }
}

// What does a set of labelled images look like before it becomes tensors?

/** Grayscale images, one byte per pixel (0 is background), with one class number each. */
export interface LabelledImages {
  /** Pixels in row-major order: `[count, height, width]`. */
  images: Uint8Array;
  /** `[count]` class numbers, from 0. */
  labels: Uint8Array;
  /** The number of images. */
  count: number;
  /** Rows per image. */
  height: number;
  /** Columns per image. */
  width: number;
}

// What is done to images? TensorFlow.js's `tf.image`: all of these.

export { cropAndResize, type CropMethod } from "./image_crop.ts";
export {
  flipLeftRight,
  grayscaleToRGB,
  rgbToGrayscale,
  rotateWithOffset,
  threshold,
} from "./image_pixels.ts";
export {
  nonMaxSuppression,
  nonMaxSuppressionAsync,
  nonMaxSuppressionPadded,
  nonMaxSuppressionPaddedAsync,
  nonMaxSuppressionWithScore,
  nonMaxSuppressionWithScoreAsync,
} from "./suppression.ts";
export { resizeBilinear, resizeNearestNeighbor } from "./resize.ts";
export { type FillMode, type Interpolation, transform } from "./image_transform.ts";

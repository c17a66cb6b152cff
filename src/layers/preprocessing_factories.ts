// How does a user make a layer that prepares data? As every layer (factories.ts): one function per class.

import {
  RandomFlip,
  type RandomFlipArgs,
  RandomRotation,
  type RandomRotationArgs,
  RandomTranslation,
  type RandomTranslationArgs,
  RandomZoom,
  type RandomZoomArgs,
} from "./augmentation.ts";
import {
  CategoryEncoding,
  type CategoryEncodingArgs,
  Normalization,
  type NormalizationArgs,
  Rescaling,
  type RescalingArgs,
} from "./preprocessing.ts";
import {
  CenterCrop,
  type CenterCropArgs,
  RandomWidth,
  type RandomWidthArgs,
  Resizing,
  type ResizingArgs,
} from "./resizing.ts";

/** Images at another size: `layers.resizing({ height: 32, width: 32 })`. */
export function resizing(args: ResizingArgs): Resizing {
  return new Resizing(args);
}
/** The middle of images: `layers.centerCrop({ height: 24, width: 24 })`. */
export function centerCrop(args: CenterCropArgs): CenterCrop {
  return new CenterCrop(args);
}
/** Values times a scale: `layers.rescaling({ scale: 1 / 255 })`. */
export function rescaling(args: RescalingArgs): Rescaling {
  return new Rescaling(args);
}
/** Categories as vectors: `layers.categoryEncoding({ numTokens: 10, outputMode: "oneHot" })`. */
export function categoryEncoding(args: CategoryEncodingArgs): CategoryEncoding {
  return new CategoryEncoding(args);
}
/** Values less their mean, over their deviation: `layers.normalization()`, then `adapt(data)`. */
export function normalization(args?: NormalizationArgs): Normalization {
  return new Normalization(args);
}
/** Images of another width at each step of training: `layers.randomWidth({ factor: 0.2 })`. */
export function randomWidth(args: RandomWidthArgs): RandomWidth {
  return new RandomWidth(args);
}
/** Images mirrored at random while training: `layers.randomFlip({ mode: "horizontal" })`. */
export function randomFlip(args?: RandomFlipArgs): RandomFlip {
  return new RandomFlip(args);
}
/** Images turned at random while training: `layers.randomRotation({ factor: 0.1 })`. */
export function randomRotation(args: RandomRotationArgs): RandomRotation {
  return new RandomRotation(args);
}
/** Images nearer or further away while training: `layers.randomZoom({ heightFactor: 0.2 })`. */
export function randomZoom(args: RandomZoomArgs): RandomZoom {
  return new RandomZoom(args);
}
/** Images moved at random while training: `layers.randomTranslation({ heightFactor: 0.1, widthFactor: 0.1 })`. */
export function randomTranslation(args: RandomTranslationArgs): RandomTranslation {
  return new RandomTranslation(args);
}

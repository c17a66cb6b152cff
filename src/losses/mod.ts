// Which losses are public? TensorFlow.js's core functions, and Keras's classes.

export {
  absoluteDifference,
  computeWeightedLoss,
  cosineDistance,
  hingeLoss,
  huberLoss,
  logLoss,
  meanSquaredError,
  Reduction,
  type ReductionId,
  sigmoidCrossEntropy,
  softmaxCrossEntropy,
} from "./core.ts";
export * from "./classes.ts";

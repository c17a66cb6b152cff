// Which operations are public? All of these; what is not listed here serves other operations.

export {
  celu,
  elu,
  hardSigmoid,
  leakyRelu,
  prelu,
  relu,
  relu6,
  selu,
  sigmoid,
  tanh,
} from "./activations.ts";
export {
  type BatchNorm,
  batchNorm,
  batchNorm2d,
  batchNorm3d,
  batchNorm4d,
  localResponseNormalization,
} from "./batch_norm.ts";
export { type AttentionArgs, dotProductAttention } from "./attention.ts";
export { broadcastArgs, broadcastTo, sum } from "./broadcast.ts";
export { buffer, TensorBuffer } from "./buffer.ts";
/** Pixels of web pages. */
export * as browser from "./browser.ts";
export {
  type Concat,
  concat1d,
  concat2d,
  concat3d,
  concat4d,
  type Extent,
  type Pad,
  pad1d,
  pad2d,
  pad3d,
  pad4d,
  type Pair,
  type Reverse,
  reverse1d,
  reverse2d,
  reverse3d,
  reverse4d,
  type Slice,
  slice1d,
  slice2d,
  slice3d,
  slice4d,
} from "./by_rank.ts";
export { cast } from "./cast.ts";
export type { Binary, Unary } from "./define.ts";
export type { Pairs } from "./space.ts";
export {
  conv1d,
  conv1dTranspose,
  conv2d,
  conv2dTranspose,
  conv3d,
  conv3dTranspose,
  type ConvTranspose,
  type FusedConv2dArgs,
} from "./conv.ts";
export type { FilterArgs, Following } from "./conv_images.ts";
export { bincount, confusionMatrix, denseBincount, oneHot } from "./counting.ts";
export { basicLSTMCell, type LSTMCellFunc, multiRNNCell } from "./lstm_cell.ts";
export {
  fill,
  ones,
  onesLike,
  scalar,
  tensor,
  tensor1d,
  tensor2d,
  tensor3d,
  tensor4d,
  tensor5d,
  tensor6d,
  type TensorLike,
  zeros,
  zerosLike,
} from "./creation.ts";
export { depthwiseConv2d, dilation2d, separableConv2d } from "./depthwise.ts";
export { einsum } from "./einsum.ts";
export {
  add,
  addN,
  div,
  floorDiv,
  maximum,
  minimum,
  mul,
  neg,
  squaredDifference,
  sub,
} from "./elementwise.ts";
export { gather, unsortedSegmentSum } from "./gather.ts";
export { diag, eye, linspace, meshgrid, range } from "./grids.ts";
export { concat, mirrorPad, split, stack, tile, unstack } from "./join.ts";
/** What is done to images. */
export * as image from "./image.ts";
/** Linear algebra. */
export * as linalg from "./linalg.ts";
export {
  bitwiseAnd,
  equal,
  greater,
  greaterEqual,
  isFinite,
  isInf,
  isNaN,
  less,
  lessEqual,
  logicalAnd,
  logicalNot,
  logicalOr,
  logicalXor,
  notEqual,
  where,
} from "./logical.ts";
/** Operations that do several things in one native call. */
export * as fused from "./fused.ts";
export { dot, type FusedMatMulArgs, matMul, outerProduct } from "./matmul.ts";
export {
  abs,
  acos,
  acosh,
  asin,
  asinh,
  atan,
  atanh,
  ceil,
  clipByValue,
  cos,
  cosh,
  erf,
  exp,
  expm1,
  floor,
  log,
  log1p,
  reciprocal,
  round,
  rsqrt,
  sign,
  sin,
  sinh,
  sqrt,
  square,
  step,
  tan,
} from "./math.ts";
export { pad, reverse, slice, transpose } from "./movement.ts";
export { euclideanNorm, logSumExp, moments, movingAverage, norm } from "./norm.ts";
export type { Operand } from "./operand.ts";
export { avgPool, avgPool3d, maxPool, maxPool3d, maxPoolWithArgmax, pool } from "./pool.ts";
export { atan2, divNoNan, mod, pow } from "./power.ts";
export {
  bernoulli,
  newRandomState,
  randomNormal,
  randomStandardNormal,
  RandomState,
  randomUniform,
  randomUniformInt,
  setRandomSeed,
  type Source,
  truncatedNormal,
} from "./random.ts";
export { all, any, argMax, argMin, type Axes, max, mean, min, prod } from "./reduce.ts";
export { clone, ensureShape, expandDims, flatten, reshape, squeeze } from "./reshape.ts";
export { dropout, multinomial, rand, randomGamma } from "./sampling.ts";
export { cumprod, cumsum } from "./scan.ts";
/** Windows over signals. */
export * as signal from "./signal.ts";
export { gatherND, scatterND, sparseToDense, tensorScatterUpdate } from "./scatter_nd.ts";
export { lowerBound, searchSorted, upperBound } from "./search.ts";
export {
  booleanMaskAsync,
  inTopKAsync,
  setdiff1dAsync,
  topk,
  unique,
  whereAsync,
} from "./selection.ts";
export {
  gelu,
  geluApprox,
  hardSwish,
  logSigmoid,
  mish,
  softplus,
  softsign,
  swish,
} from "./smooth_activations.ts";
export { crossEntropy, logSoftmax, softmax } from "./softmax.ts";
export { batchToSpaceND, depthToSpace, spaceToBatchND } from "./space.ts";
export { stridedSlice } from "./strided_slice.ts";
export { to } from "./transfer.ts";
export type { Padding, Rounding, WindowArgs } from "./windows.ts";

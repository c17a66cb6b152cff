// How does a user make a layer? `layers.dense({ units: 10 })`: one function per class, named as in TensorFlow.js.

import {
  ELU,
  type ELULayerArgs,
  LeakyReLU,
  type LeakyReLULayerArgs,
  PReLU,
  type PReLULayerArgs,
  ReLU,
  type ReLULayerArgs,
  Softmax,
  type SoftmaxLayerArgs,
  ThresholdedReLU,
  type ThresholdedReLULayerArgs,
} from "./activations.ts";
import {
  Activation,
  type ActivationLayerArgs,
  Dense,
  type DenseLayerArgs,
  InputLayer,
  type InputLayerArgs,
} from "./core.ts";
import { Dot, type DotLayerArgs } from "./dot.ts";
import { Lambda, type LambdaArgs } from "./lambda.ts";
import type { LayerArgs } from "./layer.ts";
import { Masking, type MaskingArgs } from "./masking.ts";
import {
  Add,
  Average,
  Concatenate,
  type ConcatenateLayerArgs,
  Maximum,
  Minimum,
  Multiply,
  Subtract,
} from "./merge.ts";
import {
  ActivityRegularization,
  type ActivityRegularizationArgs,
  AlphaDropout,
  type AlphaDropoutArgs,
  Dropout,
  type DropoutLayerArgs,
  GaussianDropout,
  type GaussianDropoutArgs,
  GaussianNoise,
  type GaussianNoiseArgs,
  SpatialDropout1D,
  SpatialDropout2D,
  SpatialDropout3D,
  type SpatialDropoutLayerArgs,
} from "./regularization.ts";
import {
  Flatten,
  type FlattenLayerArgs,
  Permute,
  type PermuteLayerArgs,
  RepeatVector,
  type RepeatVectorLayerArgs,
  Reshape,
  type ReshapeLayerArgs,
} from "./reshaping.ts";

export * from "./attention_factories.ts";
export { input } from "./core.ts";
export * from "./image_factories.ts";
export { Layer } from "./layer.ts";
export * from "./normalization_factories.ts";
export * from "./recurrent_factories.ts";
export * from "./preprocessing_factories.ts";

/** What a sequential model is fed: `layers.inputLayer({ inputShape: [28, 28] })`. */
export function inputLayer(args: InputLayerArgs): InputLayer {
  return new InputLayer(args);
}
/** `activation(x . kernel + bias)`: `layers.dense({ units: 10, activation: "softmax" })`. */
export function dense(args: DenseLayerArgs): Dense {
  return new Dense(args);
}
/** An activation by itself: `layers.activation({ activation: "relu" })`. */
export function activation(args: ActivationLayerArgs): Activation {
  return new Activation(args);
}
/** Random zeros while training: `layers.dropout({ rate: 0.5 })`. */
export function dropout(args: DropoutLayerArgs): Dropout {
  return new Dropout(args);
}
/** Random zeros for whole features of sequences: `layers.spatialDropout1d({ rate: 0.2 })`. */
export function spatialDropout1d(args: SpatialDropoutLayerArgs): SpatialDropout1D {
  return new SpatialDropout1D(args);
}
/** Random zeros for whole channels of images: `layers.spatialDropout2d({ rate: 0.2 })`. */
export function spatialDropout2d(args: SpatialDropoutLayerArgs): SpatialDropout2D {
  return new SpatialDropout2D(args);
}
/** Random zeros for whole channels of volumes: `layers.spatialDropout3d({ rate: 0.2 })`. */
export function spatialDropout3d(args: SpatialDropoutLayerArgs): SpatialDropout3D {
  return new SpatialDropout3D(args);
}
/** Noise added while training: `layers.gaussianNoise({ stddev: 0.1 })`. */
export function gaussianNoise(args: GaussianNoiseArgs): GaussianNoise {
  return new GaussianNoise(args);
}
/** Noise of mean 1 multiplied in while training: `layers.gaussianDropout({ rate: 0.2 })`. */
export function gaussianDropout(args: GaussianDropoutArgs): GaussianDropout {
  return new GaussianDropout(args);
}
/** Dropout that goes with selu: `layers.alphaDropout({ rate: 0.1 })`. */
export function alphaDropout(args: AlphaDropoutArgs): AlphaDropout {
  return new AlphaDropout(args);
}
/** A penalty on what passes through: `layers.activityRegularization({ l2: 0.01 })`. */
export function activityRegularization(args?: ActivityRegularizationArgs): ActivityRegularization {
  return new ActivityRegularization(args);
}
/** All dimensions but the batch in one. */
export function flatten(args?: FlattenLayerArgs): Flatten {
  return new Flatten(args);
}
/** Another shape per sample: `layers.reshape({ targetShape: [7, 7, 1] })`. */
export function reshape(args: ReshapeLayerArgs): Reshape {
  return new Reshape(args);
}
/** The dimensions of each sample in another order: `layers.permute({ dims: [2, 1] })`. */
export function permute(args: PermuteLayerArgs): Permute {
  return new Permute(args);
}
/** Each sample several times, as a sequence: `layers.repeatVector({ n: 3 })`. */
export function repeatVector(args: RepeatVectorLayerArgs): RepeatVector {
  return new RepeatVector(args);
}
/**
 * Leaves out entries filled with a value: later layers, the loss and the metrics do not count them.
 *
 * ```ts
 * import * as dg from "../../mod.ts";
 * import assert from "node:assert";
 *
 * const model = dg.sequential({ layers: [dg.layers.masking({ maskValue: -1, inputShape: [3, 1] })] });
 * model.compile({ optimizer: "sgd", loss: "meanAbsoluteError" });
 * const x = dg.tensor([[[4], [2], [-1]]]); // two steps, and one that is missing
 * const loss = model.evaluate(x, dg.zeros([1, 3, 1])) as dg.Tensor;
 * assert.equal(loss.arraySync(), 3);
 * ```
 */
export function masking(args?: MaskingArgs): Masking {
  return new Masking(args);
}
/** A function as a layer: `layers.lambda({ function: (x) => x.square() })`. */
export function lambda(args: LambdaArgs): Lambda {
  return new Lambda(args);
}

/** x where positive, else 0, or what the options say: `layers.reLU({ maxValue: 6 })`. */
export function reLU(args?: ReLULayerArgs): ReLU {
  return new ReLU(args);
}
/** x where positive, else `alpha * x`: `layers.leakyReLU({ alpha: 0.1 })`. */
export function leakyReLU(args?: LeakyReLULayerArgs): LeakyReLU {
  return new LeakyReLU(args);
}
/** x where positive, else `alpha * x` with learned slopes: `layers.prelu()`. */
export function prelu(args?: PReLULayerArgs): PReLU {
  return new PReLU(args);
}
/** x where positive, else `alpha * (e^x - 1)`: `layers.elu()`. */
export function elu(args?: ELULayerArgs): ELU {
  return new ELU(args);
}
/** x where greater than theta, else 0: `layers.thresholdedReLU({ theta: 0.5 })`. */
export function thresholdedReLU(args?: ThresholdedReLULayerArgs): ThresholdedReLU {
  return new ThresholdedReLU(args);
}
/** Probabilities from scores: `layers.softmax({ axis: -1 })`. */
export function softmax(args?: SoftmaxLayerArgs): Softmax {
  return new Softmax(args);
}

/** The sum of several inputs: `layers.add().apply([a, b])`. */
export function add(args?: LayerArgs): Add {
  return new Add(args);
}
/** The first of two inputs less the second. */
export function subtract(args?: LayerArgs): Subtract {
  return new Subtract(args);
}
/** The product of several inputs. */
export function multiply(args?: LayerArgs): Multiply {
  return new Multiply(args);
}
/** The mean of several inputs. */
export function average(args?: LayerArgs): Average {
  return new Average(args);
}
/** The largest entries of several inputs. */
export function maximum(args?: LayerArgs): Maximum {
  return new Maximum(args);
}
/** The smallest entries of several inputs. */
export function minimum(args?: LayerArgs): Minimum {
  return new Minimum(args);
}
/** Several inputs one after another: `layers.concatenate({ axis: -1 })`. */
export function concatenate(args?: ConcatenateLayerArgs): Concatenate {
  return new Concatenate(args);
}
/** Products of two inputs, summed along an axis of each: `layers.dot({ axes: 1 })`. */
export function dot(args: DotLayerArgs): Dot {
  return new Dot(args);
}

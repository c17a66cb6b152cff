// How does a user make a layer? `layers.dense({ units: 10 })`: one function per class, named as in TensorFlow.js.

import {
  Activation,
  type ActivationLayerArgs,
  Dense,
  type DenseLayerArgs,
  Dropout,
  type DropoutLayerArgs,
  Flatten,
  InputLayer,
  type InputLayerArgs,
  Reshape,
  type ReshapeLayerArgs,
} from "./core.ts";
import type { LayerArgs } from "./layer.ts";

export { Layer } from "./layer.ts";

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
/** All dimensions but the batch in one. */
export function flatten(args?: LayerArgs): Flatten {
  return new Flatten(args);
}
/** Another shape per sample: `layers.reshape({ targetShape: [7, 7, 1] })`. */
export function reshape(args: ReshapeLayerArgs): Reshape {
  return new Reshape(args);
}

// How does a user make a layer that brings values to a common scale? As every layer (factories.ts): one function per class.

import { BatchNormalization, type BatchNormalizationLayerArgs } from "./batch_normalization.ts";
import {
  GroupNormalization,
  type GroupNormalizationLayerArgs,
  LayerNormalization,
  type LayerNormalizationLayerArgs,
  RMSNormalization,
  type RMSNormalizationLayerArgs,
  UnitNormalization,
  type UnitNormalizationLayerArgs,
} from "./normalization.ts";

/**
 * Channels brought to a mean of 0 and a variance of 1, then times gamma, plus beta, which are learned: [batch, ..., channels] to the
 * same shape.
 *
 * While training, mean and variance are those of the batch, and moving averages of them are kept; these stand for them otherwise, and
 * where the layer is frozen (`trainable: false`). Entries that are masked do not count. Statistics are float32 in mixed precision too.
 *
 * ```ts
 * import * as dg from "../../mod.ts";
 * import assert from "node:assert";
 *
 * const layer = dg.layers.batchNormalization({ epsilon: 0, momentum: 0.5 });
 * const x = dg.tensor([[1, 10], [3, 30]]);
 * const y = layer.apply(x, { training: true }) as dg.Tensor;
 * assert.deepEqual(y.arraySync(), [[-1, -1], [1, 1]]);
 * assert.deepEqual(layer.getWeights()[2].arraySync(), [1, 10]); // half of the way from 0 to the means
 * ```
 */
export function batchNormalization(args?: BatchNormalizationLayerArgs): BatchNormalization {
  return new BatchNormalization(args);
}
/**
 * Values of each sample brought to a mean of 0 and a variance of 1 along one or more dimensions, then times gamma, plus beta, which are
 * learned for each place along these.
 *
 * ```ts
 * import * as dg from "../../mod.ts";
 * import assert from "node:assert";
 *
 * const layer = dg.layers.layerNormalization({ epsilon: 0 });
 * const y = layer.apply(dg.tensor([[1, 3], [20, 10]])) as dg.Tensor;
 * assert.deepEqual(y.arraySync(), [[-1, 1], [1, -1]]);
 * ```
 */
export function layerNormalization(args?: LayerNormalizationLayerArgs): LayerNormalization {
  return new LayerNormalization(args);
}
/**
 * Groups of channels of each sample brought to a mean of 0 and a variance of 1 over all positions, then times gamma, plus beta, which
 * are learned for each channel.
 *
 * ```ts
 * import * as dg from "../../mod.ts";
 * import assert from "node:assert";
 *
 * const layer = dg.layers.groupNormalization({ groups: 2, epsilon: 0 });
 * const y = layer.apply(dg.tensor([[1, 3, 20, 10]])) as dg.Tensor;
 * assert.deepEqual(y.arraySync(), [[-1, 1, 1, -1]]);
 * ```
 */
export function groupNormalization(args?: GroupNormalizationLayerArgs): GroupNormalization {
  return new GroupNormalization(args);
}
/**
 * Values of each sample over the root of the mean of their squares, then times a scale that is learned.
 *
 * ```ts
 * import * as dg from "../../mod.ts";
 * import assert from "node:assert";
 *
 * const layer = dg.layers.rmsNormalization({ epsilon: 0 });
 * const y = layer.apply(dg.tensor([[2, -2]])) as dg.Tensor;
 * assert.deepEqual(y.arraySync(), [[1, -1]]);
 * ```
 */
export function rmsNormalization(args?: RMSNormalizationLayerArgs): RMSNormalization {
  return new RMSNormalization(args);
}
/** Vectors brought to length 1: `layers.unitNormalization({ axis: -1 })`. */
export function unitNormalization(args?: UnitNormalizationLayerArgs): UnitNormalization {
  return new UnitNormalization(args);
}

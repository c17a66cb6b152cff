// What is drawn with the help of other operations? Classes, gamma variates, values of a host function, dropout.

import { type DType, isFloat } from "../dtype.ts";
import { DinogradError } from "../errors.ts";
import { tidy } from "../scope.ts";
import { broadcastShapes, checkShape, padRank, sameShape, showShape, sizeOf } from "../shape.ts";
import { fromHost, type Tensor } from "../tensor.ts";
import { asType } from "./cast.ts";
import { toTyped } from "./creation.ts";
import { mul, neg, sub } from "./elementwise.ts";
import { log } from "./math.ts";
import { composite, type Operand } from "./operand.ts";
import { bernoulli, newRandomState, randomNormal, randomUniform, type Source } from "./random.ts";
import { argMax } from "./reduce.ts";
import { clone, expandDims } from "./reshape.ts";
import { currentDevice } from "../native/device.ts";

/** A tensor whose values a host function gives, one call each. */
export function rand(
  shape: readonly number[],
  randFunction: () => number,
  dtype: DType = "float32",
): Tensor {
  checkShape(shape, "rand");
  const values = Float64Array.from({ length: sizeOf(shape) }, randFunction);
  return fromHost(toTyped(values, dtype), [...shape], dtype);
}

/**
 * `numSamples` classes (int32) drawn for each row of logits [classes] or [rows, classes], by the Gumbel-max rule:
 * argMax(logits - log(-log(u))). `normalized`: the rows hold probabilities.
 */
export function multinomial(
  logits: Operand,
  numSamples: number,
  seed?: Source,
  normalized = false,
): Tensor {
  checkShape([numSamples], "multinomial");
  return composite(logits, (t) => {
    if ((t.rank !== 1 && t.rank !== 2) || t.shape[t.rank - 1] < 2) {
      throw new DinogradError(
        `multinomial wants logits [rows, classes] with at least 2 classes, got ${
          showShape(t.shape)
        }`,
      );
    }
    const scores = normalized ? log(t) : t;
    const classes = t.shape[t.rank - 1];
    const rows = t.rank === 2 ? t.shape.slice(0, 1) : [];
    const u = randomUniform([...rows, numSamples, classes], 0, 1, "float32", seed);
    return argMax(sub(expandDims(scores, -2), log(neg(log(u)))), -1);
  });
}

/**
 * Gamma variates of shape `alpha` and rate `beta`, by Marsaglia and Tsang's rejection rule (A simple method for generating gamma
 * variables, 2000). Which draws are accepted is decided on the host, so a step that uses it runs eagerly.
 */
export function randomGamma(
  shape: readonly number[],
  alpha: number,
  beta = 1,
  dtype: "float32" | "int32" = "float32",
  seed?: number,
): Tensor {
  checkShape(shape, "randomGamma");
  if (!(alpha > 0 && beta > 0)) {
    throw new DinogradError(
      `randomGamma wants a shape and a rate above 0, got ${alpha} and ${beta}`,
    );
  }
  const state = seed === undefined ? undefined : newRandomState(currentDevice(), seed);
  const values = new Float64Array(sizeOf(shape));
  // Below 1, a variate of shape alpha + 1 times u^(1 / alpha).
  const boost = alpha < 1 ? 1 / alpha : 0;
  const d = (alpha < 1 ? alpha + 1 : alpha) - 1 / 3, c = 1 / Math.sqrt(9 * d);
  let made = 0;
  while (made < values.length) {
    const n = Math.ceil((values.length - made) * 1.1) + 8; // at least 95 of 100 are accepted
    const [normals, uniforms, boosts] = tidy(() => [
      randomNormal([n], 0, 1, "float32", state).dataSync(),
      randomUniform([n], 0, 1, "float32", state).dataSync(),
      boost ? randomUniform([n], 0, 1, "float32", state).dataSync() : [],
    ]);
    for (let i = 0; i < n && made < values.length; i++) {
      const x = normals[i], v = (1 + c * x) ** 3;
      if (v <= 0 || Math.log(uniforms[i]) >= x * x / 2 + d - d * v + d * Math.log(v)) continue;
      values[made++] = d * v * (boost ? boosts[i] ** boost : 1) / beta;
    }
  }
  state?.dispose();
  return fromHost(toTyped(values, dtype), [...shape], dtype);
}

/**
 * x with each element set to 0 with probability `rate` and the others scaled by 1 / (1 - rate). `noiseShape`, broadcast to x, says
 * which elements share a draw.
 */
export function dropout(
  x: Operand,
  rate: number,
  noiseShape?: readonly number[],
  seed?: Source,
): Tensor {
  if (!(rate >= 0 && rate < 1)) {
    throw new DinogradError(`dropout wants a rate from 0 to below 1, got ${rate}`);
  }
  return composite(x, (given) => {
    const t = isFloat(given.dtype) ? given : asType(given, "float32");
    if (rate === 0) return clone(t);
    const shape = noiseShape ?? t.shape;
    if (!sameShape(broadcastShapes(t.shape, shape, "dropout"), t.shape)) {
      throw new DinogradError(
        `dropout of ${showShape(t.shape)} got noise of shape ${showShape(shape)}`,
      );
    }
    const mask = bernoulli(padRank(shape, t.rank), 1 - rate, seed, t.dtype);
    return mul(t, mul(mask, 1 / (1 - rate)));
  });
}

// What do a layer's weights start as? Keras's initializers by name, by config and by factory.

import { Constant, Identity, Ones, Zeros } from "./initializers/constant.ts";
import { Initializer, type Seeded } from "./initializers/initializer.ts";
import { Orthogonal, type OrthogonalOptions } from "./initializers/orthogonal.ts";
import {
  type NormalOptions,
  RandomNormal,
  RandomUniform,
  TruncatedNormal,
  type UniformOptions,
} from "./initializers/random.ts";
import {
  GlorotNormal,
  GlorotUniform,
  HeNormal,
  HeUniform,
  LecunNormal,
  LecunUniform,
  VarianceScaling,
  type VarianceScalingOptions,
} from "./initializers/scaling.ts";
import { type ClassConfig, getObject } from "./serialization.ts";

export { Initializer };

const classes = {
  Zeros,
  Ones,
  Constant,
  Identity,
  RandomNormal,
  RandomUniform,
  TruncatedNormal,
  VarianceScaling,
  GlorotNormal,
  GlorotUniform,
  HeNormal,
  HeUniform,
  LecunNormal,
  LecunUniform,
  Orthogonal,
  Uniform: RandomUniform, // Keras's short names
  Normal: RandomNormal,
};

/** What may be passed where an initializer is wanted: one, its name in either spelling, or its config. */
export type InitializerIdentifier = Initializer | string | ClassConfig;

/** The initializer that is meant: itself, by name with Keras's defaults, or from its config. */
export function getInitializer(identifier: InitializerIdentifier): Initializer {
  return getObject<Initializer>("initializer", Initializer, classes, identifier);
}

/** The initializers by TensorFlow.js's names. */
export const initializers = {
  /** All zeros. */
  zeros: (): Initializer => new Zeros(),
  /** All ones. */
  ones: (): Initializer => new Ones(),
  /** All `value`. */
  constant: (options: { value: number }): Initializer => new Constant(options),
  /** `gain` on the diagonal of a matrix. */
  identity: (options?: { gain?: number }): Initializer => new Identity(options),
  /** Normally distributed. */
  randomNormal: (options?: Partial<NormalOptions>): Initializer => new RandomNormal(options),
  /** Evenly spread. */
  randomUniform: (options?: Partial<UniformOptions>): Initializer => new RandomUniform(options),
  /** Normally distributed, without outliers. */
  truncatedNormal: (options?: Partial<NormalOptions>): Initializer => new TruncatedNormal(options),
  /** Of a variance that follows from the shape. */
  varianceScaling: (options?: Partial<VarianceScalingOptions>): Initializer =>
    new VarianceScaling(options),
  /** Truncated normal of variance 2 / (fan in + fan out). */
  glorotNormal: (options?: Partial<Seeded>): Initializer => new GlorotNormal(options),
  /** Uniform of variance 2 / (fan in + fan out). */
  glorotUniform: (options?: Partial<Seeded>): Initializer => new GlorotUniform(options),
  /** Truncated normal of variance 2 / fan in. */
  heNormal: (options?: Partial<Seeded>): Initializer => new HeNormal(options),
  /** Uniform of variance 2 / fan in. */
  heUniform: (options?: Partial<Seeded>): Initializer => new HeUniform(options),
  /** Truncated normal of variance 1 / fan in. */
  leCunNormal: (options?: Partial<Seeded>): Initializer => new LecunNormal(options),
  /** Uniform of variance 1 / fan in. */
  leCunUniform: (options?: Partial<Seeded>): Initializer => new LecunUniform(options),
  /** A random orthogonal matrix. */
  orthogonal: (options?: Partial<OrthogonalOptions>): Initializer => new Orthogonal(options),
};

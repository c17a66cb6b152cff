// Which operations are methods of tensors? Those that TensorFlow.js chains: `x.add(y).relu()`. Importing this file attaches them.

import type { DType } from "./dtype.ts";
import * as ops from "./ops/mod.ts";
import { Tensor } from "./tensor.ts";

// Operations whose first argument is the tensor, and whose other arguments are the method's.
// deno-fmt-ignore
const names = [
  "abs", "acos", "acosh", "add", "all", "any", "argMax", "argMin", "asin", "asinh", "atan", "atan2", "atanh", "avgPool",
  "batchNorm", "batchToSpaceND", "broadcastTo", "cast", "ceil", "clipByValue", "clone", "conv1d", "conv2d", "conv2dTranspose",
  "cos", "cosh", "cumprod", "cumsum", "depthToSpace", "depthwiseConv2d", "dilation2d", "div", "divNoNan", "dot", "elu",
  "equal", "erf", "euclideanNorm", "exp", "expandDims", "expm1", "flatten", "floor", "floorDiv", "gather", "greater",
  "greaterEqual", "isFinite", "isInf", "isNaN", "leakyRelu", "less", "lessEqual", "localResponseNormalization", "log", "log1p",
  "logicalAnd", "logicalNot", "logicalOr", "logicalXor", "logSigmoid", "logSoftmax", "logSumExp", "matMul", "max", "maximum",
  "maxPool", "mean", "min", "minimum", "mirrorPad", "mod", "mul", "neg", "norm", "notEqual", "oneHot", "onesLike", "pad",
  "pool", "pow", "prelu", "prod", "reciprocal", "relu", "relu6", "reshape", "reverse", "round", "rsqrt", "selu",
  "separableConv2d", "sigmoid", "sign", "sin", "sinh", "slice", "softmax", "softplus", "spaceToBatchND", "split", "sqrt",
  "square", "squaredDifference", "squeeze", "step", "stridedSlice", "sub", "sum", "tan", "tanh", "tile", "to", "topk",
  "transpose", "unique", "unsortedSegmentSum", "unstack", "zerosLike",
] as const;

type Method<F> = F extends (x: Tensor, ...rest: infer R) => infer Y ? (...rest: R) => Y : never;
export type NamedMethods = { [K in (typeof names)[number]]: Method<(typeof ops)[K]> };

const list = (x: ops.Operand | ops.Operand[]): ops.Operand[] =>
  Array.isArray(x) && x.some((item) => item instanceof Tensor) ? x : [x as ops.Operand];

// Methods that say it in another way.
export const others = {
  /** This tensor and others one after another along an axis. */
  concat(this: Tensor, x: ops.Operand | ops.Operand[], axis?: number): Tensor {
    return ops.concat([this, ...list(x)], axis);
  },
  /** This tensor and others along a new axis. */
  stack(this: Tensor, x: ops.Operand | ops.Operand[], axis?: number): Tensor {
    return ops.stack([this, ...list(x)], axis);
  },
  /** This tensor's values where the condition is true, else those of x. */
  where(this: Tensor, condition: ops.Operand, x: ops.Operand): Tensor {
    return ops.where(condition, this, x);
  },
  /** Images at another size: image.resizeBilinear. */
  resizeBilinear(
    this: Tensor,
    size: readonly number[],
    alignCorners?: boolean,
    halfPixelCenters?: boolean,
  ): Tensor {
    return ops.image.resizeBilinear(this, size, alignCorners, halfPixelCenters);
  },
  /** Images at another size: image.resizeNearestNeighbor. */
  resizeNearestNeighbor(
    this: Tensor,
    size: readonly number[],
    alignCorners?: boolean,
    halfPixelCenters?: boolean,
  ): Tensor {
    return ops.image.resizeNearestNeighbor(this, size, alignCorners, halfPixelCenters);
  },
  /** The same values in the shape of x. */
  reshapeAs(this: Tensor, x: Tensor): Tensor {
    return ops.reshape(this, x.shape);
  },
  /** The only value, as a tensor of rank 0. */
  asScalar(this: Tensor): Tensor {
    return ops.reshape(this, []);
  },
  /** All values in one dimension. */
  as1D(this: Tensor): Tensor {
    return ops.flatten(this);
  },
  /** The same values in a shape of rank 2. */
  as2D(this: Tensor, ...shape: [number, number]): Tensor {
    return ops.reshape(this, shape);
  },
  /** The same values in a shape of rank 3. */
  as3D(this: Tensor, ...shape: [number, number, number]): Tensor {
    return ops.reshape(this, shape);
  },
  /** The same values in a shape of rank 4. */
  as4D(this: Tensor, ...shape: [number, number, number, number]): Tensor {
    return ops.reshape(this, shape);
  },
  /** The same values in a shape of rank 5. */
  as5D(this: Tensor, ...shape: [number, number, number, number, number]): Tensor {
    return ops.reshape(this, shape);
  },
  /** The values as another type. */
  asType(this: Tensor, dtype: DType): Tensor {
    return ops.cast(this, dtype);
  },
  /** The values as float32. */
  toFloat(this: Tensor): Tensor {
    return ops.cast(this, "float32");
  },
  /** The values as int32. */
  toInt(this: Tensor): Tensor {
    return ops.cast(this, "int32");
  },
  /** The values as bool: which of them are not 0. */
  toBool(this: Tensor): Tensor {
    return ops.cast(this, "bool");
  },
  /** The values on the host, to be changed one by one. */
  bufferSync(this: Tensor): ops.TensorBuffer {
    return ops.buffer(this.shape, this.dtype, this.dataSync());
  },
  /** The values on the host, to be changed one by one. */
  async buffer(this: Tensor): Promise<ops.TensorBuffer> {
    return ops.buffer(this.shape, this.dtype, await this.data());
  },
};

/** The methods that operations become. */
export type ChainedMethods = NamedMethods & typeof others;

declare module "./tensor.ts" {
  // Disposable again, because a class that is being added to may lose members with computed names: which file is checked first decides.
  interface Tensor extends ChainedMethods, globalThis.Disposable {}
}

function attach(name: string, value: unknown): void {
  Object.defineProperty(Tensor.prototype, name, { value, writable: true, configurable: true });
}
for (const name of names) {
  const fn = ops[name] as (x: Tensor, ...rest: unknown[]) => unknown;
  attach(name, function (this: Tensor, ...rest: unknown[]) {
    return fn(this, ...rest);
  });
}
for (const [name, fn] of Object.entries(others)) attach(name, fn);

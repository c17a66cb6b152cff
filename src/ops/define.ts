// How does an elementwise formula of the native library become an operation? By its name, the types it takes and its gradient.

import { type DType, promote } from "../dtype.ts";
import { DinogradError } from "../errors.ts";
import { op } from "../op.ts";
import { broadcastShapes, padRank, sameShape } from "../shape.ts";
import { makeTensor, type Tensor } from "../tensor.ts";
import { sumTo } from "./broadcast.ts";
import { cast } from "./cast.ts";
import { type Operand, toTensor, toTensors } from "./operand.ts";

/** The two parameters that a unary formula may have. */
export interface UnaryAttrs {
  readonly a: number;
  readonly b: number;
}

/**
 * Which operand types a formula takes: floats only (others are cast to float32), numbers (bool is cast to int32), integers only, or bool.
 */
export type Domain = "float" | "number" | "integer" | "bool";

function bring(x: Tensor, domain: Domain, name: string): Tensor {
  const isFloating = x.dtype === "float32" || x.dtype === "float16" || x.dtype === "bfloat16";
  switch (domain) {
    case "float":
      return isFloating ? x : cast(x, "float32");
    case "number":
      return x.dtype === "bool" ? cast(x, "int32") : x;
    case "integer":
      if (isFloating) throw new DinogradError(`${name} takes integers, got ${x.dtype}`);
      return x.dtype === "bool" ? cast(x, "int32") : x;
    case "bool":
      return cast(x, "bool");
  }
}

interface UnaryOptions<S extends "x" | "y"> {
  domain?: Domain;
  /** Type of the result, where it is not the operand's. */
  result?: DType;
  saves?: readonly S[];
  grad?(saved: { dy: Tensor } & { [K in S]: Tensor }, attrs: UnaryAttrs): Tensor;
}

/** Defines a unary operation: `unary("exp", { saves: ["y"], grad: ({ dy, y }) => mul(dy, y) })`. */
export function unary<S extends "x" | "y" = never>(
  name: string,
  options: UnaryOptions<S>,
): (x: Operand, a?: number, b?: number) => Tensor {
  const { domain = "float", result, saves, grad } = options;
  const run = op<{ x: Tensor }, UnaryAttrs, S>({
    name,
    check: ({ x }) => ({ shape: x.shape, dtype: result ?? x.dtype }),
    forward: ({ x }, { a, b }, { shape, dtype }, device) => {
      const { native } = device;
      const y = makeTensor(shape, dtype, device);
      native.check(
        native.calls.dg_unary(native.id("unary", name), x.handle, y.handle, a, b),
      );
      return y;
    },
    saves,
    grad: grad && ((saved, attrs) => ({ x: () => grad(saved, attrs) })),
  });
  return (x, a = 0, b = 0) => run({ x: bring(toTensor(x), domain, name) }, { a, b });
}

interface BinaryOptions<S extends "a" | "b" | "y"> {
  domain?: Domain;
  result?: DType;
  saves?: readonly S[];
  grad?(saved: { dy: Tensor } & { [K in S]: Tensor }): {
    readonly a?: () => Tensor;
    readonly b?: () => Tensor;
  };
}

/** Runs a binary formula of the native library, broadcasting its operands. */
function runBinary(name: string, a: Tensor, b: Tensor, y: Tensor): Tensor {
  const { native } = a.device;
  const simple = (a.size === y.size || a.size === 1) && (b.size === y.size || b.size === 1);
  let rank = 0;
  if (!simple) {
    rank = y.rank;
    native.list(padRank(a.shape, rank), padRank(b.shape, rank));
  }
  native.check(
    native.calls.dg_binary(native.id("binary", name), a.handle, b.handle, y.handle, rank),
  );
  return y;
}

/** Defines a binary operation with broadcasting; the gradient rules need not know of it. */
export function binary<S extends "a" | "b" | "y" = never>(
  name: string,
  options: BinaryOptions<S>,
): (a: Operand, b: Operand) => Tensor {
  const { domain = "number", result, saves, grad } = options;
  interface Shapes {
    a: number[];
    b: number[];
  }
  const run = op<{ a: Tensor; b: Tensor }, Shapes, S>({
    name,
    check: ({ a, b }) => ({
      shape: sameShape(a.shape, b.shape) ? a.shape : broadcastShapes(a.shape, b.shape, name),
      dtype: result ?? a.dtype,
    }),
    forward: ({ a, b }, _, { shape, dtype }, device) =>
      runBinary(name, a, b, makeTensor(shape, dtype, device)),
    saves,
    grad: grad && ((saved, shapes) => {
      const rules = grad(saved);
      return {
        a: rules.a && (() => sumTo(rules.a!(), shapes.a)),
        b: rules.b && (() => sumTo(rules.b!(), shapes.b)),
      };
    }),
  });
  return (x, y) => {
    let [a, b] = toTensors(x, y);
    const type = promote(a.dtype, b.dtype);
    a = bring(cast(a, type), domain, name);
    b = bring(cast(b, type), domain, name);
    return run({ a, b }, { a: a.shape, b: b.shape });
  };
}

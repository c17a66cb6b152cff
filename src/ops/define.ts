// How does an elementwise formula of the native library become an operation? By its name, the types it takes and its gradient.

import { type DType, isFloat, promote } from "../dtype.ts";
import { DinogradError } from "../errors.ts";
import { op } from "../op.ts";
import { tidy } from "../scope.ts";
import { broadcastShapes, padRank, sameShape } from "../shape.ts";
import { makeTensor, Tensor } from "../tensor.ts";
import { sumTo } from "./broadcast.ts";
import { asType } from "./cast.ts";
import { type Operand, toTensor, toTensors } from "./operand.ts";

/** The two parameters that a unary formula may have. */
export interface UnaryAttrs {
  readonly a: number;
  readonly b: number;
}

/**
 * Which operand types a formula takes: floats only (others are cast to float32), numbers (bool is cast to int32), integers only
 * (likewise), bool (others must be cast), or any.
 */
export type Domain = "float" | "number" | "integer" | "bool" | "any";

// The type that an operand is brought to.
function accepted(domain: Domain, dtype: DType, name: string): DType {
  switch (domain) {
    case "float":
      return isFloat(dtype) ? dtype : "float32";
    case "integer":
      if (isFloat(dtype)) throw new DinogradError(`${name} wants integers, got ${dtype}`);
      return dtype === "bool" ? "int32" : dtype;
    case "number":
      return dtype === "bool" ? "int32" : dtype;
    case "bool":
      if (dtype !== "bool") throw new DinogradError(`${name} wants bool tensors, got ${dtype}`);
      return dtype;
    case "any":
      return dtype;
  }
}

/** An operation on one operand. */
export type Unary = (x: Operand) => Tensor;
/** An operation on two operands, which broadcast. */
export type Binary = (a: Operand, b: Operand) => Tensor;

/** A gradient rule; "zero" where the result is flat, so that nothing flows back. */
export type Rule<Saved, Answer, Attrs = void> =
  | "zero"
  | ((saved: { dy: Tensor } & Saved, attrs: Attrs) => Answer);

interface UnaryOptions<S extends "x" | "y"> {
  domain?: Domain;
  /** Type of the result, where it is not the operand's. */
  result?: DType;
  saves?: readonly S[];
  grad?: Rule<{ [K in S]: Tensor }, Tensor, UnaryAttrs>;
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
    grad: grad && ((saved, attrs) => grad === "zero" ? {} : { x: () => grad(saved, attrs) }),
  });
  return (x, a = 0, b = 0) => {
    if (x instanceof Tensor && x.dtype === accepted(domain, x.dtype, name)) {
      return run({ x }, { a, b });
    }
    return tidy(() => {
      const t = toTensor(x);
      return run({ x: asType(t, accepted(domain, t.dtype, name)) }, { a, b });
    });
  };
}

interface BinaryOptions<S extends "a" | "b" | "y"> {
  domain?: Domain;
  result?: DType;
  saves?: readonly S[];
  grad?: Rule<{ [K in S]: Tensor }, { readonly a?: () => Tensor; readonly b?: () => Tensor }>;
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
      if (grad === "zero") return {};
      const rules = grad(saved);
      return {
        a: rules.a && (() => sumTo(rules.a!(), shapes.a)),
        b: rules.b && (() => sumTo(rules.b!(), shapes.b)),
      };
    }),
  });
  return (x, y) => {
    if (
      x instanceof Tensor && y instanceof Tensor && x.dtype === y.dtype &&
      x.dtype === accepted(domain, x.dtype, name)
    ) {
      return run({ a: x, b: y }, { a: x.shape, b: y.shape });
    }
    return tidy(() => {
      const [a, b] = toTensors(x, y);
      const type = accepted(domain, promote(a.dtype, b.dtype), name);
      return run({ a: asType(a, type), b: asType(b, type) }, { a: a.shape, b: b.shape });
    });
  };
}

// How are matrices multiplied? One native product: batches, transposed operands, and a bias and an activation in passing.

import { promote } from "../dtype.ts";
import { DinogradError } from "../errors.ts";
import { MatMulFlag } from "../native/symbols.ts";
import { type Inputs, isWatched, op } from "../op.ts";
import { precisionFlag } from "../precision.ts";
import { tidy } from "../scope.ts";
import { broadcastShapes, sameDim, sameShape, showShape, sizeOf } from "../shape.ts";
import { makeTensor, type Tensor } from "../tensor.ts";
import { asSummand, stretch, sum } from "./broadcast.ts";
import { asType } from "./cast.ts";
import { mul } from "./elementwise.ts";
import { epilogue, unfinish } from "./epilogue.ts";
import { type Operand, toTensor } from "./operand.ts";
import { reshape } from "./reshape.ts";

interface Product {
  readonly transposeA: boolean;
  readonly transposeB: boolean;
  /** Name of an activation put over the result. */
  readonly activation?: string;
}

// Sizes of a product. The operands have the same leading dimensions, or one of them none: then the whole batch shares it.
function sizesOf({ a, b }: Inputs, { transposeA, transposeB }: Product) {
  const [rowsA, columnsA] = a.shape.slice(-2), [rowsB, columnsB] = b.shape.slice(-2);
  return {
    batch: (a.rank > 2 ? a : b).shape.slice(0, -2),
    m: transposeA ? columnsA : rowsA,
    k: transposeA ? rowsA : columnsA,
    n: transposeB ? rowsB : columnsB,
  };
}

type Saved = "a" | "b" | "bias" | "y";

// The product of a, b and, where there is one, bias [n].
const define = (name: string, saves: readonly Saved[]) =>
  op<Inputs, Product, Saved>({
    name,
    check: (inputs, attrs) => {
      const { batch, m, n } = sizesOf(inputs, attrs);
      return { shape: [...batch, m, n], dtype: inputs.a.dtype };
    },
    forward: (inputs, attrs, { shape, dtype }, device) => {
      const { native } = device;
      const { a, b, bias } = inputs;
      const { batch, m, n, k } = sizesOf(inputs, attrs);
      const y = makeTensor(shape, dtype, device);
      const flags = (attrs.transposeA ? MatMulFlag.transposeA : 0) +
        (attrs.transposeB ? MatMulFlag.transposeB : 0) +
        (a.rank === 2 ? MatMulFlag.shareA : 0) + (b.rank === 2 ? MatMulFlag.shareB : 0) +
        precisionFlag();
      native.check(native.calls.dg_matmul(
        a.handle,
        b.handle,
        bias ? bias.handle : 0,
        y.handle,
        sizeOf(batch),
        m,
        n,
        k,
        flags,
        attrs.activation === undefined ? -1 : native.id("unary", attrs.activation),
        0,
      ));
      return y;
    },
    saves,
    grad: ({ a, b, ...saved }, attrs, wanted) => {
      const { transposeA: ta, transposeB: tb, activation } = attrs;
      const all = together({ a, b, ...saved }, attrs, wanted);
      if (all) return { a: () => all().a!, b: () => all().b!, bias: () => all().bias! };
      // The gradient before the activation is made once for all operands. A shared operand collects from the whole batch.
      let made: ReturnType<typeof unfinish> | undefined;
      const before = () => made ??= unfinish(saved, activation);
      const dz = () => before().dz;
      const collect = (x: Tensor, like: Tensor) =>
        x.rank > like.rank ? sum(x, x.shape.slice(2).map((_, i) => i)) : x;
      return {
        a: () => collect(ta ? multiply(b, dz(), tb, true) : multiply(dz(), b, false, !tb), a),
        b: () => collect(tb ? multiply(dz(), a, true, ta) : multiply(a, dz(), !ta, false), b),
        bias: () => before().dbias!,
      };
    },
  });

interface ProductGradients {
  readonly a?: Tensor;
  readonly b?: Tensor;
  readonly bias?: Tensor;
}

// The gradients of a product of two matrices and what it ended in, made by one native call when the first of them is asked for.
// Nothing where only one is wanted, or where somebody takes gradients of them.
function together(
  { dy, a, b, bias, y }: { dy: Tensor; a: Tensor; b: Tensor; bias?: Tensor; y?: Tensor },
  { transposeA, transposeB, activation }: Product,
  wanted: (operand: string) => boolean,
): (() => ProductGradients) | undefined {
  const active = activation !== undefined;
  const asked = [wanted("a"), wanted("b"), active || wanted("bias")].filter(Boolean).length;
  const matrices = a.rank === 2 && b.rank === 2 && !transposeA && !transposeB;
  const [m, k] = a.shape, n = b.shape[1];
  if (!matrices || asked < 2 || (active && !bias) || m * n * k === 0) return undefined;
  if (isWatched(dy, a, b, ...(y ? [y] : []))) return undefined;
  let made: ProductGradients | undefined;
  return () => {
    if (made) return made;
    const { device, dtype } = dy, { native } = device;
    const like = (key: string, x: Tensor | undefined) =>
      x && wanted(key) ? makeTensor(x.shape, dtype, device) : undefined;
    const dbias = active ? makeTensor([n], dtype, device) : like("bias", bias);
    made = { a: like("a", a), b: like("b", b), bias: dbias };
    native.check(native.calls.dg_matmul_grad(
      a.handle,
      b.handle,
      active ? y!.handle : 0,
      dy.handle,
      active ? makeTensor(dy.shape, dtype, device).handle : 0,
      made.a?.handle ?? 0,
      made.b?.handle ?? 0,
      made.bias?.handle ?? 0,
      m,
      n,
      k,
      precisionFlag(),
      active ? native.id("unary", activation) : -1,
    ));
    return made;
  };
}

const plain = define("matMul", ["a", "b", "bias"]);
const activated = define("fusedMatMul", ["a", "b", "bias", "y"]);
const multiply = (a: Tensor, b: Tensor, transposeA: boolean, transposeB: boolean): Tensor =>
  plain({ a, b }, { transposeA, transposeB });

// Brings operands to one type and one batch shape, runs `product`, and gives its result the full shape.
function batched(
  a: Tensor,
  b: Tensor,
  { transposeA, transposeB }: Product,
  product: (a: Tensor, b: Tensor) => Tensor,
): Tensor {
  if (a.rank < 2 || b.rank < 2) {
    throw new DinogradError(
      `matMul wants operands of rank 2 or more, got ${showShape(a.shape)} and ${
        showShape(b.shape)
      }`,
    );
  }
  const attrs = { transposeA, transposeB };
  const inner = [a.shape[a.rank - (transposeA ? 2 : 1)], b.shape[b.rank - (transposeB ? 1 : 2)]];
  if (!sameDim(inner[0], inner[1])) {
    const flag = (t: boolean) => t ? " transposed" : "";
    throw new DinogradError(
      `Cannot matMul ${showShape(a.shape)}${flag(transposeA)} by ${showShape(b.shape)}${
        flag(transposeB)
      }: inner sizes must match, got ${inner[0]} and ${inner[1]}`,
    );
  }
  const dtype = promote(a.dtype, b.dtype);
  const x = asType(asSummand(a), dtype === "bool" || dtype === "uint8" ? "int32" : dtype);
  const y = asType(asSummand(b), x.dtype);
  if (x.rank === 2 && y.rank === 2) return product(x, y);
  const batch = broadcastShapes(x.shape.slice(0, -2), y.shape.slice(0, -2), "matMul");
  const bring = (t: Tensor) => {
    const own = t.shape.slice(0, -2), matrix = t.shape.slice(-2);
    if (sameShape(own, batch)) return t;
    return sizeOf(own) === 1 ? reshape(t, matrix) : stretch(t, [...batch, ...matrix]);
  };
  const [p, q] = [bring(x), bring(y)];
  const { m, n, k } = sizesOf({ a: p, b: q }, attrs);
  // Rows of all matrices by one shared matrix are one large product, forward and backward.
  if (q.rank === 2 && !transposeA) {
    return reshape(product(reshape(p, [sizeOf(batch) * m, k]), q), [...batch, m, n]);
  }
  return reshape(product(p, q), [...batch, m, n]);
}

/** The matrix product over the last two dimensions, leading ones broadcasting; either operand's matrices may be transposed. */
export function matMul(
  a: Operand,
  b: Operand,
  transposeA = false,
  transposeB = false,
): Tensor {
  return tidy(() =>
    batched(
      toTensor(a),
      toTensor(b),
      { transposeA, transposeB },
      (p, q) => multiply(p, q, transposeA, transposeB),
    )
  );
}

/** Arguments of `fusedMatMul`. */
export interface FusedMatMulArgs {
  /** First matrix, or a batch of them. */
  a: Operand;
  /** Second matrix, or a batch of them. */
  b: Operand;
  /** Whether a's matrices are transposed. */
  transposeA?: boolean;
  /** Whether b's matrices are transposed. */
  transposeB?: boolean;
  /** Added to every row: shape [n]. */
  bias?: Operand;
  /** Name of an activation, such as "relu"; none when left out or "linear". */
  activation?: string;
  /** Slope of the activation "leakyRelu" below 0. */
  leakyreluAlpha?: number;
}

/**
 * `activation(matMul(a, b) + bias)`: one native call where the activation's derivative follows from its result (relu, relu6, elu,
 * selu, sigmoid, tanh, hardSigmoid), else two.
 */
export function fusedMatMul(
  { a, b, transposeA = false, transposeB = false, bias, activation = "linear", leakyreluAlpha }:
    FusedMatMulArgs,
): Tensor {
  return tidy(() => {
    const last = activation === "linear" ? undefined : epilogue(activation);
    const attrs = { transposeA, transposeB, activation: last?.grad && activation };
    const product = attrs.activation === undefined ? plain : activated;
    const y = batched(toTensor(a), toTensor(b), attrs, (p, q) => {
      if (bias === undefined) return product({ a: p, b: q }, attrs);
      const c = toTensor(bias);
      const { n } = sizesOf({ a: p, b: q }, attrs);
      if (!sameShape(c.shape, [n]) || c.dtype !== p.dtype) {
        throw new DinogradError(
          `fused.matMul wants a ${p.dtype} bias of shape [${n}], got ${c.dtype} ${
            showShape(c.shape)
          }`,
        );
      }
      return product({ a: p, b: q, bias: c }, attrs);
    });
    return last && !last.grad ? last.apply(y, leakyreluAlpha) : y;
  });
}

/** The product of vectors or matrices: sums of products over the last dimension of a and the first of b. */
export function dot(a: Operand, b: Operand): Tensor {
  return tidy(() => {
    const x = toTensor(a), y = toTensor(b);
    if (![1, 2].includes(x.rank) || ![1, 2].includes(y.rank)) {
      throw new DinogradError(
        `dot wants operands of rank 1 or 2, got ${showShape(x.shape)} and ${showShape(y.shape)}`,
      );
    }
    const left = x.rank === 1 ? reshape(x, [1, x.size]) : x;
    const right = y.rank === 1 ? reshape(y, [y.size, 1]) : y;
    return reshape(matMul(left, right), [...x.shape.slice(0, -1), ...y.shape.slice(1)]);
  });
}

/** All products of the elements of two vectors: [n] and [m] give [n, m]. */
export function outerProduct(a: Operand, b: Operand): Tensor {
  return tidy(() => {
    const x = toTensor(a), y = toTensor(b);
    if (x.rank !== 1 || y.rank !== 1) {
      throw new DinogradError(
        `outerProduct wants two vectors, got ${showShape(x.shape)} and ${showShape(y.shape)}`,
      );
    }
    return mul(reshape(x, [x.size, 1]), reshape(y, [1, y.size]));
  });
}

// How do scores become probabilities, and what do wrong ones cost? softmax, logSoftmax, and cross-entropy straight from scores.

import { isFloat, promote } from "../dtype.ts";
import { DinogradError } from "../errors.ts";
import { op } from "../op.ts";
import { tidy } from "../scope.ts";
import { normalizeAxis, sameShape, showShape, sizeOf } from "../shape.ts";
import { makeTensor, type Tensor } from "../tensor.ts";
import { sigmoid, slopes } from "./activations.ts";
import { sum } from "./broadcast.ts";
import { asType } from "./cast.ts";
import { onesLike } from "./creation.ts";
import { type Binary, binary } from "./define.ts";
import { mul, neg, sub } from "./elementwise.ts";
import { exp } from "./math.ts";
import { transpose } from "./movement.ts";
import { type Operand, toTensor } from "./operand.ts";
import { expandDims } from "./reshape.ts";

interface SoftmaxAttrs {
  readonly log: boolean;
}

const lastOf = (x: Tensor) => x.shape[x.rank - 1];
const rowsOf = (x: Tensor) => sizeOf(x.shape.slice(0, -1));
const sumLast = (x: Tensor) => sum(x, -1, true);

const softmaxOp: (inputs: { x: Tensor }, attrs: SoftmaxAttrs) => Tensor = op<
  { x: Tensor },
  SoftmaxAttrs,
  "y"
>({
  name: "softmax",
  check: ({ x }) => ({ shape: x.shape, dtype: x.dtype }),
  forward: ({ x }, { log }, { shape, dtype }, device) => {
    const { native } = device;
    const y = makeTensor(shape, dtype, device);
    native.check(
      native.calls.dg_softmax(x.handle, y.handle, rowsOf(x), lastOf(x), log ? 1 : 0),
    );
    return y;
  },
  saves: ["y"],
  grad: ({ dy, y }, attrs) => ({ x: () => softmaxGrad({ g: dy, p: y }, attrs) }),
});

// softmax p: p (g - sum(g p)); log-softmax p: g - e^p sum(g).
const softmaxGrad: (inputs: { g: Tensor; p: Tensor }, attrs: SoftmaxAttrs) => Tensor = op<
  { g: Tensor; p: Tensor },
  SoftmaxAttrs,
  "g" | "p"
>({
  name: "softmaxGrad",
  check: ({ p }) => ({ shape: p.shape, dtype: p.dtype }),
  forward: ({ g, p }, { log }, { shape, dtype }, device) => {
    const { native } = device;
    const dx = makeTensor(shape, dtype, device);
    native.check(native.calls.dg_softmax_grad(
      g.handle,
      p.handle,
      dx.handle,
      rowsOf(p),
      lastOf(p),
      log ? 1 : 0,
    ));
    return dx;
  },
  saves: ["g", "p"],
  grad: ({ dy, g, p }, { log }) =>
    log
      ? {
        g: () => sub(dy, sumLast(mul(dy, exp(p)))),
        p: () => neg(mul(mul(dy, exp(p)), sumLast(g))),
      }
      : {
        g: () => softmaxGrad({ g: dy, p }, { log }),
        p: () => sub(mul(dy, sub(g, sumLast(mul(g, p)))), mul(g, sumLast(mul(dy, p)))),
      },
});

// Softmax kernels work along the last axis; another one is moved there and back.
function alongAxis(x: Operand, axis: number, name: string, attrs: SoftmaxAttrs): Tensor {
  return tidy(() => {
    const given = toTensor(x);
    const t = isFloat(given.dtype) ? given : asType(given, "float32");
    const at = normalizeAxis(axis, t.rank, name), last = t.rank - 1;
    if (at === last) return softmaxOp({ x: t }, attrs);
    const swap = t.shape.map((_, i) => i === at ? last : i === last ? at : i);
    return transpose(softmaxOp({ x: transpose(t, swap) }, attrs), swap);
  });
}

/**
 * `exp(x) / sum(exp(x))` along an axis.
 *
 * ```ts
 * import * as dg from "../../mod.ts";
 * import assert from "node:assert";
 *
 * assert.deepEqual(dg.softmax([7, 7]).arraySync(), [0.5, 0.5]);
 * ```
 */
export function softmax(logits: Operand, axis = -1): Tensor {
  return alongAxis(logits, axis, "softmax", { log: false });
}

/** `x - log(sum(exp(x)))` along an axis. */
export function logSoftmax(logits: Operand, axis = -1): Tensor {
  return alongAxis(logits, axis, "logSoftmax", { log: true });
}

// Losses and their slopes are float32 whatever the logits are, and so is what is computed from them.
const widened = (x: Tensor) => isFloat(x.dtype) ? asType(x, "float32") : x;

const crossEntropyOp: (inputs: { logits: Tensor; labels: Tensor }) => Tensor = op<
  { logits: Tensor; labels: Tensor },
  void,
  "logits" | "labels"
>({
  name: "crossEntropy",
  check: ({ logits }) => ({ shape: logits.shape.slice(0, -1), dtype: "float32" }),
  forward: ({ logits, labels }, _, { shape, dtype }, device) => {
    const { native } = device;
    const loss = makeTensor(shape, dtype, device);
    native.check(native.calls.dg_cross_entropy(
      logits.handle,
      labels.handle,
      loss.handle,
      rowsOf(logits),
      lastOf(logits),
    ));
    return loss;
  },
  saves: ["logits", "labels"],
  grad: ({ dy, logits, labels }) => ({
    logits: () => crossEntropyGrad({ logits, labels, g: dy }),
    labels: () => {
      const costs = neg(logSoftmax(widened(logits)));
      return asType(mul(expandDims(dy, -1), costs), labels.dtype);
    },
  }),
});

// g (softmax(logits) sum(labels) - labels), class numbers standing for rows with a single 1.
const crossEntropyGrad: (inputs: { logits: Tensor; labels: Tensor; g: Tensor }) => Tensor = op<
  { logits: Tensor; labels: Tensor; g: Tensor },
  void,
  "logits" | "labels" | "g"
>({
  name: "crossEntropyGrad",
  check: ({ logits }) => ({ shape: logits.shape, dtype: logits.dtype }),
  forward: ({ logits, labels, g }, _, { shape, dtype }, device) => {
    const { native } = device;
    const dx = makeTensor(shape, dtype, device);
    native.check(native.calls.dg_cross_entropy_grad(
      logits.handle,
      labels.handle,
      g.handle,
      dx.handle,
      rowsOf(logits),
      lastOf(logits),
    ));
    return dx;
  },
  saves: ["logits", "labels", "g"],
  grad: ({ dy: given, logits: x, labels: t, g }) => {
    const [dy, logits, labels] = [given, x, t].map(widened);
    const rows = expandDims(g, -1);
    return {
      logits: () => {
        const dx = softmaxGrad({ g: mul(dy, rows), p: softmax(logits) }, { log: false });
        return asType(isFloat(t.dtype) ? mul(dx, sumLast(labels)) : dx, x.dtype);
      },
      labels: () => asType(mul(rows, sub(sumLast(mul(dy, softmax(logits))), dy)), t.dtype),
      g: () => sum(mul(dy, crossEntropyGrad({ logits, labels, g: onesLike(g) })), -1),
    };
  },
});

const sigmoidError: Binary = binary("sigmoidError", {
  domain: "float",
  saves: ["b"],
  grad: ({ dy, b }) => ({ a: () => neg(dy), b: () => slopes.sigmoid(dy, sigmoid(b)) }),
});
/** The cross-entropy `softplus(logits) - labels * logits` of each element: labels are probabilities, logits their scores before a sigmoid. */
export const sigmoidCrossEntropy: Binary = binary("sigmoidCrossEntropy", {
  domain: "float",
  saves: ["a", "b"],
  grad: ({ dy, a, b }) => ({ a: () => neg(mul(dy, b)), b: () => mul(dy, sigmoidError(a, b)) }),
});

/**
 * The cross-entropy `-sum(labels * logSoftmax(logits))` of each row of logits [..., n]: shape [...], float32 for logits of any
 * floats. Labels are probabilities [..., n] (floats) or class numbers [...] (int32).
 */
export function crossEntropy(logits: Operand, labels: Operand): Tensor {
  return tidy(() => {
    const t = toTensor(labels), given = toTensor(logits);
    const floats = isFloat(given.dtype) ? given.dtype : "float32";
    const x = asType(given, isFloat(t.dtype) ? promote(floats, t.dtype) : floats);
    const wanted = isFloat(t.dtype) ? x.shape : x.shape.slice(0, -1);
    if (x.rank === 0 || !sameShape(t.shape, wanted)) {
      throw new DinogradError(
        `crossEntropy of logits ${showShape(x.shape)} wants ${
          isFloat(t.dtype) ? "probabilities" : "class numbers"
        } of shape ${showShape(wanted)}, got ${showShape(t.shape)}`,
      );
    }
    return crossEntropyOp({ logits: x, labels: asType(t, isFloat(t.dtype) ? x.dtype : "int32") });
  });
}

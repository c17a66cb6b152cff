// How does each query gather values, by how well their keys match it? Dot-product attention, in one native call that never writes the
// scores down; and the same made of other operations, where somebody wants them.

import { isFloat, promote } from "../dtype.ts";
import { DinogradError } from "../errors.ts";
import type { Device } from "../native/device.ts";
import { gradientOrder, type Inputs, type Made, op } from "../op.ts";
import { tidy } from "../scope.ts";
import { padRank, sameDim, showShape } from "../shape.ts";
import { makeTensor, type Tensor } from "../tensor.ts";
import { stretch } from "./broadcast.ts";
import { asType } from "./cast.ts";
import {
  type AttentionAttrs,
  type AttentionGradients,
  type AttentionInputs,
  attentionSizes,
  composedGradients,
} from "./composed_attention.ts";
import { type Operand, toTensor } from "./operand.ts";
import { reshape } from "./reshape.ts";

// Writes the sizes where the native calls look for them.
function list(inputs: AttentionInputs, device: Device): void {
  const { batch, queries, keys, heads, keyHeads, size, valueSize } = attentionSizes(inputs);
  const sizes = [batch, queries, keys, heads, keyHeads, size, valueSize];
  device.native.list(sizes, inputs.mask?.shape.slice(0, 3) ?? [1, 1, 1]);
}

// Inputs by name, as operations take them.
type Operands = Inputs & AttentionInputs;
type Kept = "q" | "k" | "v" | "y" | "stats" | "mask";

const attentionOp = op<Operands, AttentionAttrs, Kept>({
  name: "dotProductAttention",
  check: ({ q, v }) => ({ shape: [...q.shape.slice(0, 3), v.shape[3]], dtype: q.dtype }),
  forward: (inputs, { scale, causal }, { shape, dtype }, device): Made<Kept> => {
    const { native } = device, { q, k, v, mask } = inputs;
    const { batch, heads, queries } = attentionSizes(inputs);
    const y = makeTensor(shape, dtype, device);
    const stats = gradientOrder() > 0
      ? makeTensor([batch, heads, queries, 2], "float32", device)
      : undefined;
    list(inputs, device);
    native.check(native.calls.dg_attention(
      q.handle,
      k.handle,
      v.handle,
      mask?.handle ?? 0,
      y.handle,
      stats?.handle ?? 0,
      scale,
      causal ? 1 : 0,
    ));
    return { y, stats };
  },
  saves: ["q", "k", "v", "y", "stats", "mask"],
  grad: (saved, attrs) => {
    let made: AttentionGradients | undefined;
    const all = () =>
      made ??= gradientOrder() > 0
        ? composedGradients(saved.dy, saved, attrs)
        : gradients(saved, attrs);
    return { q: () => all().q, k: () => all().k, v: () => all().v };
  },
});

type Saved = { readonly dy: Tensor } & { readonly [K in Kept]: Tensor };

function gradients(saved: Saved, { scale, causal }: AttentionAttrs): AttentionGradients {
  const { q, k, v, y, dy, stats, mask } = saved, { device } = q, { native } = device;
  const [dq, dk, dv] = [q, k, v].map((x) => makeTensor(x.shape, x.dtype, device));
  list(saved, device);
  native.check(native.calls.dg_attention_grad(
    q.handle,
    k.handle,
    v.handle,
    mask?.handle ?? 0,
    y.handle,
    stats.handle,
    dy.handle,
    dq.handle,
    dk.handle,
    dv.handle,
    scale,
    causal ? 1 : 0,
  ));
  return { q: dq, k: dk, v: dv };
}

/** Arguments of `dotProductAttention`. */
export interface AttentionArgs {
  /** Which keys count (bool), of a shape that broadcasts to [batch, heads, queries, keys]; all when left out. */
  mask?: Operand;
  /** Factor of the scores, `1 / sqrt(size)` when left out. */
  scale?: number;
  /** Whether query i sees keys 0 to i only. */
  causal?: boolean;
}

/** Operands of attention after checking them: of one type of floats, the mask of rank 4. */
export function checkAttention(
  name: string,
  operands: readonly Tensor[],
  mask: Tensor | undefined,
): AttentionInputs {
  const refuse = (why: string) => {
    const shapes = operands.map((x) => showShape(x.shape)).join(", ");
    return new DinogradError(
      `${name} cannot attend with queries, keys and values ${shapes}: ${why}`,
    );
  };
  const [q, k, v] = operands;
  if (operands.some((x) => x.rank !== 4)) {
    throw refuse("wanted [batch, length, heads, size] each");
  }
  const inner = [[q, k, 0, "batch"], [k, v, 0, "batch"], [k, v, 1, "length"], [k, v, 2, "heads"], [
    q,
    k,
    3,
    "size",
  ]];
  for (const [a, b, d, what] of inner as [Tensor, Tensor, number, string][]) {
    if (!sameDim(a.shape[d], b.shape[d])) {
      throw refuse(`${what} differs, ${a.shape[d]} and ${b.shape[d]}`);
    }
  }
  if (q.shape[2] % k.shape[2] > 0) {
    throw refuse(`${q.shape[2]} heads are no multiple of ${k.shape[2]}`);
  }
  if (operands.some((x) => x.shape.slice(1).includes(0))) {
    throw refuse("only the batch may be empty");
  }
  const wanted = operands.map((x) => x.dtype).reduce(promote);
  const [a, b, c] = operands.map((x) => asType(x, isFloat(wanted) ? wanted : "float32"));
  if (!mask) return { q: a, k: b, v: c };
  const whole = [q.shape[0], q.shape[2], q.shape[1], k.shape[1]];
  const shape = padRank(mask.shape, Math.max(4, mask.rank));
  const fits = mask.dtype === "bool" && shape.length === 4 &&
    shape.every((d, i) => d === 1 || sameDim(d, whole[i]));
  if (!fits) {
    throw new DinogradError(
      `${name} wants a bool mask that broadcasts to [batch, heads, queries, keys] = ${
        showShape(whole)
      }, got ${mask.dtype} ${showShape(mask.shape)}`,
    );
  }
  return {
    q: a,
    k: b,
    v: c,
    mask: stretch(reshape(mask, shape), [...shape.slice(0, 3), whole[3]]),
  };
}

/** Attention of operands that are checked. */
export function attend(
  { q, k, v, mask }: AttentionInputs,
  attrs: AttentionAttrs,
): Tensor {
  return attentionOp(mask ? { q, k, v, mask } : { q, k, v }, attrs);
}

/**
 * Scaled dot-product attention (Vaswani et al. 2017), head by head: `softmax(scale * query . key') . value`, the softmax over keys.
 *
 * query [batch, queries, heads, size], key [batch, keys, heads, size] and value [batch, keys, heads, valueSize] give
 * [batch, queries, heads, valueSize]. key and value may have fewer heads, which neighbouring heads of the query share. A query for
 * which no key counts takes the mean of all values, as in Keras. The scores are never written down, so memory grows with the lengths
 * and not with their product; gradients compute them again.
 *
 * ```ts
 * import * as dg from "../../mod.ts";
 * import assert from "node:assert";
 *
 * const [query, key] = [dg.zeros([1, 2, 1, 4]), dg.ones([1, 3, 1, 4])];
 * const value = dg.tensor([3, 6, 9], [1, 3, 1, 1]);
 * const y = dg.dotProductAttention(query, key, value); // all keys match alike
 * assert.deepEqual(y.flatten().arraySync(), [6, 6]);
 * const causal = dg.dotProductAttention(query, key, value, { causal: true });
 * assert.deepEqual(causal.flatten().arraySync(), [3, 4.5]);
 * ```
 */
export function dotProductAttention(
  query: Operand,
  key: Operand,
  value: Operand,
  { mask, scale, causal = false }: AttentionArgs = {},
): Tensor {
  return tidy(() => {
    const operands = [query, key, value].map((x) => toTensor(x));
    const given = mask === undefined || mask === null ? undefined : toTensor(mask);
    const inputs = checkAttention("dotProductAttention", operands, given);
    return attend(inputs, { scale: scale ?? 1 / Math.sqrt(inputs.q.shape[3]), causal });
  });
}

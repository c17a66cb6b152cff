// How is a loss that is one number taken in one native call? Losses are summed as they are made, and their gradient comes with them.

import { isFloat } from "../dtype.ts";
import { LossKind } from "../native/symbols.ts";
import { gradientOrder, isWatched, op } from "../op.ts";
import { Constant, makeTensor, type Tensor } from "../tensor.ts";
import { asType } from "./cast.ts";
import { mul } from "./elementwise.ts";

// Most rows that one call takes (see dg_loss).
const MOST_ROWS = 2 ** 22;

interface Operands {
  readonly [name: string]: Tensor;
  readonly x: Tensor;
  readonly labels: Tensor;
}

const run = op<Operands, { kind: keyof typeof LossKind }, "slope">({
  name: "meanLoss",
  check: () => ({ shape: [], dtype: "float32" }),
  forward: ({ x, labels }, { kind }, { shape, dtype }, device) => {
    const { native } = device;
    const y = makeTensor(shape, dtype, device);
    const slope = isWatched(x) ? makeTensor(x.shape, x.dtype, device) : undefined;
    const n = x.shape[x.rank - 1] ?? 1, rows = x.size / n;
    native.check(native.calls.dg_loss(
      LossKind[kind],
      x.handle,
      labels.handle,
      y.handle,
      slope?.handle ?? 0,
      rows,
      n,
      1 / (kind === "softmax" ? rows : x.size),
    ));
    return slope ? { y, slope } : y;
  },
  saves: ["slope"],
  grad: ({ dy, slope }) => ({
    x: () => {
      const isOne = dy instanceof Constant && dy.isUnwritten && dy.value === 1;
      return isOne ? slope : asType(mul(slope, dy), slope.dtype);
    },
  }),
});

/**
 * The mean of all losses of predictions x [..., n]: `squared`, `(labels - x)^2` of each element; `sigmoid`, the cross-entropy of
 * each label and logit; `softmax`, that of each row of logits, whose labels are probabilities like x or int32 class numbers [...].
 * Labels are of x's type otherwise. Nothing where it takes more than one call: of nothing, or where gradients of labels or of
 * gradients are taken.
 */
export function meanLoss(
  kind: keyof typeof LossKind,
  x: Tensor,
  labels: Tensor,
): Tensor | undefined {
  const rows = kind === "softmax" ? x.size / x.shape[x.rank - 1] : 0;
  const alone = gradientOrder() <= 1 && !isWatched(labels);
  if (!isFloat(x.dtype) || x.isAbstract || x.size === 0 || rows > MOST_ROWS || !alone) {
    return undefined;
  }
  return run({ x, labels }, { kind });
}

// How does a recurrent cell walk along whole sequences in one native call? From what the inputs say in all steps to the states after
// each. The gradient is a native walk back, and then matrix products over all steps at once.

import { Cell } from "../native/symbols.ts";
import type { Native } from "../native/native.ts";
import { gradientOrder, type Inputs, type Made, op } from "../op.ts";
import { tidy } from "../scope.ts";
import { makeTensor, type Tensor } from "../tensor.ts";
import { sum } from "./broadcast.ts";
import { asType } from "./cast.ts";
import { zerosLike } from "./creation.ts";
import { mul } from "./elementwise.ts";
import { concat } from "./join.ts";
import { matMul } from "./matmul.ts";
import { slice } from "./movement.ts";
import { reshape } from "./reshape.ts";

/** Operands of `recurrent`: see dg_recurrent in the contract. */
export interface RecurrentOperands {
  /** What the inputs say [batch, steps, parts * units]. */
  projected: Tensor;
  /** What the state meets [units, parts * units]. */
  kernel: Tensor;
  /** Of the new part of a GRU whose reset gate follows the product [units]. */
  bias?: Tensor;
  /** State before the first step [batch, units], zeros when left out. */
  h?: Tensor;
  /** Cell state of an LSTM before the first step, likewise. */
  c?: Tensor;
  /** Which steps count, bool [batch, steps]; in the others states stay. */
  mask?: Tensor;
  /** By what states are multiplied before they meet the kernel [batch, units]. */
  keep?: Tensor;
}

/** What walks. */
export interface RecurrentWalk {
  readonly kind: keyof typeof Cell;
  /** Names of the native operations that are its activations; none is the identity. */
  readonly activation?: string;
  readonly gate?: string;
  /** Whether the result ends in one more row, the cell state of an LSTM after the last step. */
  readonly withCell: boolean;
}

const traceParts = { simple: 0, lstm: 5, gru: 4, gruBefore: 4 } as const;

const handleOf = (t: Tensor | undefined) => t?.handle ?? 0;
const activations = (native: Native, { activation, gate }: RecurrentWalk) =>
  [activation, gate].map((name) => name === undefined ? -1 : native.id("unary", name)) as [
    number,
    number,
  ];

type Saved = "kernel" | "h" | "c" | "mask" | "keep" | "trace" | "y";

// All states [batch, steps (+ 1), units], and a trace of the gates for the walk back.
const walkOp = op<Inputs, RecurrentWalk, Saved>({
  name: "recurrent",
  check: ({ projected, kernel }, { withCell }) => {
    const [batch, steps] = projected.shape;
    return {
      shape: [batch, steps + (withCell ? 1 : 0), kernel.shape[0]],
      dtype: projected.dtype,
    };
  },
  forward: ({ projected, kernel, bias, h, c, mask, keep }, walk, spec, device): Made<Saved> => {
    const { native } = device, y = makeTensor(spec.shape, spec.dtype, device);
    const [batch, steps] = projected.shape, parts = traceParts[walk.kind];
    // Where there will be no gradient, one step's gates are room enough.
    const traced = [batch, gradientOrder() > 0 ? steps : 1, parts * kernel.shape[0]];
    const trace = parts ? makeTensor(traced, spec.dtype, device) : undefined;
    native.list([batch, steps, kernel.shape[0]]);
    native.check(native.calls.dg_recurrent(
      Cell[walk.kind],
      projected.handle,
      kernel.handle,
      handleOf(bias),
      handleOf(h),
      handleOf(c),
      handleOf(mask),
      handleOf(keep),
      y.handle,
      handleOf(trace),
      ...activations(native, walk),
    ));
    return { y, trace };
  },
  saves: ["kernel", "h", "c", "mask", "keep", "trace", "y"],
  grad: (saved, walk) => {
    let made: ReturnType<typeof walkBack> | undefined;
    const back = () => made ??= walkBack(saved, walk);
    return {
      projected: () => back().projected,
      kernel: () => kernelGradient(saved, back(), walk),
      bias: () => {
        const { product } = back(), [batch, steps, parts] = product.shape, units = parts / 3;
        return sum(slice(product, [0, 0, 2 * units], [batch, steps, units]), [0, 1]);
      },
      h: () => back().h,
      c: () => back().c!,
    };
  },
});

// Gradients of what the inputs say, of what the kernel gave, and of the states before the first step.
function walkBack(
  { dy, kernel, h, c, mask, keep, trace, y }: Record<string, Tensor>,
  walk: RecurrentWalk,
) {
  const { device, dtype } = y, { native } = device;
  const [units, width] = kernel.shape, batch = y.shape[0];
  const steps = y.shape[1] - (walk.withCell ? 1 : 0);
  const room = () => makeTensor([batch, steps, width], dtype, device);
  const projected = room(), product = walk.kind === "gru" ? room() : projected;
  const state = () => makeTensor([batch, units], "float32", device);
  const first = state(), cell = walk.kind === "lstm" ? state() : undefined;
  native.list([batch, steps, units]);
  native.check(native.calls.dg_recurrent_grad(
    Cell[walk.kind],
    kernel.handle,
    handleOf(h),
    handleOf(c),
    handleOf(mask),
    handleOf(keep),
    y.handle,
    handleOf(trace),
    dy.handle,
    projected.handle,
    product === projected ? 0 : product.handle,
    first.handle,
    handleOf(cell),
    ...activations(native, walk),
  ));
  return { projected, product, h: asType(first, dtype), c: cell && asType(cell, dtype) };
}

// The states that met the kernel, times the gradient of what came of it, over all samples and steps.
function kernelGradient(
  { y, h, keep, trace }: Record<string, Tensor>,
  { product }: { product: Tensor },
  { kind }: RecurrentWalk,
): Tensor {
  const [batch, steps, width] = product.shape, units = y.shape[2];
  const first = h
    ? reshape(h, [batch, 1, units])
    : zerosLike(slice(y, [0, 0, 0], [batch, 1, units]));
  const before = concat([first, slice(y, [0, 0, 0], [batch, steps - 1, units])], 1);
  const kept = keep ? mul(before, reshape(keep, [batch, 1, units])) : before;
  const rows = (t: Tensor, from = 0, size = t.shape[2]) =>
    reshape(
      size === t.shape[2] ? t : slice(t, [0, 0, from], [batch, steps, size]),
      [batch * steps, size],
    );
  if (kind !== "gruBefore") return matMul(rows(kept), rows(product), true);
  return concat([
    matMul(rows(kept), rows(product, 0, width - units), true),
    matMul(rows(trace, 3 * units, units), rows(product, width - units, units), true),
  ], 1);
}

/**
 * The states of a recurrent cell after each step [batch, steps, units]; with `withCell` one row longer. Differentiable once, because the
 * walk back is native: whoever takes gradients of gradients walks step by step.
 */
export function recurrent(operands: RecurrentOperands, walk: RecurrentWalk): Tensor {
  const given = Object.entries(operands).filter(([, t]) => t !== undefined);
  return tidy(() => walkOp(Object.fromEntries(given) as Inputs, walk));
}

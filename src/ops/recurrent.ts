// How does a recurrent cell walk along whole sequences in one native call? From what the inputs say in all steps to the states after
// each. The gradient is a native walk back, and then matrix products over all steps at once.

import { Cell } from "../native/symbols.ts";
import type { Native } from "../native/native.ts";
import { gradientOrder, type Inputs, type Made, op } from "../op.ts";
import { tidy } from "../scope.ts";
import { makeTensor, type Tensor } from "../tensor.ts";
import { sum } from "./broadcast.ts";
import { asType } from "./cast.ts";
import { concat } from "./join.ts";
import { matMul } from "./matmul.ts";
import { slice } from "./movement.ts";
import { reshape } from "./reshape.ts";
import { copyStrided } from "./strided.ts";

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
  /** Whether the result is the state after the last step alone. */
  readonly last: boolean;
}

const traceParts = { simple: 0, lstm: 5, gru: 4, gruBefore: 4 } as const;

const handleOf = (t: Tensor | undefined) => t?.handle ?? 0;
const activations = (native: Native, { activation, gate }: RecurrentWalk) =>
  [activation, gate].map((name) => name === undefined ? -1 : native.id("unary", name)) as [
    number,
    number,
  ];

type Saved = "kernel" | "h" | "c" | "mask" | "keep" | "trace" | "states";

// All states [batch, steps (+ 1), units] or the last one [batch, units], and a trace of the gates for the walk back.
const walkOp = op<Inputs, RecurrentWalk, Saved>({
  name: "recurrent",
  check: ({ projected, kernel }, { withCell, last }) => {
    const [batch, steps] = projected.shape, [units] = kernel.shape;
    return {
      shape: last ? [batch, units] : [batch, steps + (withCell ? 1 : 0), units],
      dtype: projected.dtype,
    };
  },
  forward: ({ projected, kernel, bias, h, c, mask, keep }, walk, spec, device): Made<Saved> => {
    const { native } = device, y = makeTensor(spec.shape, spec.dtype, device);
    const [batch, steps] = projected.shape, [units] = kernel.shape, parts = traceParts[walk.kind];
    const states = walk.last ? makeTensor([batch, steps, units], spec.dtype, device) : y;
    // Where there will be no gradient, one step's gates are room enough.
    const traced = [batch, gradientOrder() > 0 ? steps : 1, parts * units];
    const trace = parts ? makeTensor(traced, spec.dtype, device) : undefined;
    native.list([batch, steps, units]);
    native.check(native.calls.dg_recurrent(
      Cell[walk.kind],
      projected.handle,
      kernel.handle,
      handleOf(bias),
      handleOf(h),
      handleOf(c),
      handleOf(mask),
      handleOf(keep),
      states.handle,
      handleOf(trace),
      ...activations(native, walk),
    ));
    if (walk.last) {
      const from = { offset: (steps - 1) * units, strides: [steps * units, 1] };
      copyStrided(states, from, y, { offset: 0, strides: [units, 1] }, y.shape);
    }
    return { y, states, trace };
  },
  saves: ["kernel", "h", "c", "mask", "keep", "trace", "states"],
  grad: (saved, walk) => {
    let made: ReturnType<typeof walkBack> | undefined;
    const back = () => made ??= walkBack(saved, walk);
    return {
      projected: () => back().projected,
      kernel: () => kernelGradient(saved.trace, back(), walk),
      bias: () => {
        const { product } = back(), [batch, steps, parts] = product.shape, units = parts / 3;
        return sum(slice(product, [0, 0, 2 * units], [batch, steps, units]), [0, 1]);
      },
      h: () => back().h,
      c: () => back().c!,
    };
  },
});

// Gradients of what the inputs say, of what the kernel gave, and of the states before the first step; and what met the kernel.
function walkBack(
  { dy, kernel, h, c, mask, keep, trace, states }: Record<string, Tensor>,
  walk: RecurrentWalk,
) {
  const { device, dtype } = states, { native } = device;
  const [units, width] = kernel.shape, batch = states.shape[0];
  const steps = states.shape[1] - (walk.withCell ? 1 : 0);
  const room = () => makeTensor([batch, steps, width], dtype, device);
  const projected = room(), product = walk.kind === "gru" ? room() : projected;
  const before = makeTensor([batch, steps, units], dtype, device);
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
    states.handle,
    handleOf(trace),
    dy.handle,
    projected.handle,
    product === projected ? 0 : product.handle,
    before.handle,
    first.handle,
    handleOf(cell),
    ...activations(native, walk),
  ));
  return { projected, product, before, h: asType(first, dtype), c: cell && asType(cell, dtype) };
}

// The states that met the kernel, times the gradient of what came of it, over all samples and steps.
function kernelGradient(
  trace: Tensor,
  { product, before }: { product: Tensor; before: Tensor },
  { kind }: RecurrentWalk,
): Tensor {
  const [batch, steps, width] = product.shape, units = before.shape[2];
  const rows = (t: Tensor, from = 0, size = t.shape[2]) =>
    reshape(
      size === t.shape[2] ? t : slice(t, [0, 0, from], [batch, steps, size]),
      [batch * steps, size],
    );
  if (kind !== "gruBefore") return matMul(rows(before), rows(product), true);
  return concat([
    matMul(rows(before), rows(product, 0, width - units), true),
    matMul(rows(trace, 3 * units, units), rows(product, width - units, units), true),
  ], 1);
}

/**
 * The states of a recurrent cell after each step [batch, steps, units]; with `withCell` one row longer. With `last`, that after the last
 * step alone [batch, units]. Differentiable once, because the
 * walk back is native: whoever takes gradients of gradients walks step by step.
 */
export function recurrent(operands: RecurrentOperands, walk: RecurrentWalk): Tensor {
  const given = Object.entries(operands).filter(([, t]) => t !== undefined);
  return tidy(() => walkOp(Object.fromEntries(given) as Inputs, walk));
}

// Which cells walk along a sequence in one native call, and how is a layer's answer made of that? Those with gates, where the kernels
// have their activations; all others, and gradients of gradients, go step by step (rnn.ts).

import { type Activation, getActivation } from "../activations.ts";
import type { Cell } from "../native/symbols.ts";
import { gradientOrder } from "../op.ts";
import { add } from "../ops/elementwise.ts";
import { asType } from "../ops/cast.ts";
import { zeros, zerosLike } from "../ops/creation.ts";
import { concat } from "../ops/join.ts";
import { greater, where } from "../ops/logical.ts";
import { slice } from "../ops/movement.ts";
import { recurrent } from "../ops/recurrent.ts";
import { expandDims, reshape } from "../ops/reshape.ts";
import { cumsum } from "../ops/scan.ts";
import type { Tensor } from "../tensor.ts";
import { GatedCell } from "./gated_cell.ts";
import { GRUCell, LSTMCell, SimpleRNNCell } from "./gated_cells.ts";
import type { CallArgs } from "./layer.ts";
import type { RNNCell } from "./rnn_cell.ts";

// The native operation behind each activation that cells can have; none is the identity.
const operations = new Map<Activation, string | undefined>([
  [getActivation("linear"), undefined],
  ...["relu", "relu6", "elu", "selu", "sigmoid", "tanh", "hardSigmoid"].map((name) =>
    [getActivation(name), name] as const
  ),
]);

function kindOf(cell: GatedCell): keyof typeof Cell | undefined {
  switch (cell.constructor) { // a class of one's own may do something else
    case SimpleRNNCell:
      return "simple";
    case LSTMCell:
      return "lstm";
    case GRUCell:
      return (cell as GRUCell).resetAfter ? "gru" : "gruBefore";
  }
}

/** Whether a cell can walk along a whole sequence in one call now. */
export function walksAtOnce(cell: RNNCell): cell is GatedCell {
  return cell instanceof GatedCell && kindOf(cell) !== undefined &&
    operations.has(cell.activation) && operations.has(cell.recurrentActivation) &&
    gradientOrder() < 2;
}

/** What a walk along sequences begins with, heeds and gives. */
export interface WalkArgs {
  /** States before the first step; zeros where there are none. */
  readonly states: readonly Tensor[];
  /** Which steps count, [batch, steps]. */
  readonly mask: Tensor | null;
  /** Whether outputs of steps that do not count are zeros. */
  readonly zeroOutput: boolean;
  /** Whether the output is that of all steps [batch, steps, units] or of the last one [batch, units]. */
  readonly sequences: boolean;
  /** Whether the states after the last step are wanted, too. */
  readonly wantStates: boolean;
}

/** The output of a cell along sequences [batch, steps, ...], and the states after the last step. */
export function walkAtOnce(
  cell: GatedCell,
  x: Tensor,
  { states: [h, c], mask, zeroOutput, sequences, wantStates }: WalkArgs,
  args: CallArgs,
): { output: Tensor; last: Tensor[] } {
  const { units, recurrentKernel: kernel } = cell, kind = kindOf(cell)!;
  const [batch, steps] = x.shape, withCell = kind === "lstm" && wantStates;
  const changed = mask !== null && (zeroOutput || h !== undefined);
  const lastAlone = !sequences && !wantStates && !changed;
  const y = recurrent({
    projected: cell.project(x, args.dropoutMask as Tensor | undefined, projectedBias(cell)),
    kernel,
    bias: newBias(cell),
    h,
    c,
    mask: mask ? asType(mask, "bool") : undefined,
    keep: args.recurrentDropoutMask as Tensor | undefined,
  }, {
    kind,
    activation: operations.get(cell.activation),
    gate: operations.get(cell.recurrentActivation),
    withCell,
    last: lastAlone,
  });
  if (lastAlone) return { output: y, last: [y] };
  const row = (of: Tensor, t: number) =>
    reshape(slice(of, [0, t, 0], [batch, 1, units]), [batch, units]);
  const all = withCell ? slice(y, [0, 0, 0], [batch, steps, units]) : y;
  const last = wantStates || !sequences ? [row(y, steps - 1)] : [];
  if (withCell) last.push(row(y, steps));
  if (!changed) return { output: sequences ? all : last[0], last };
  // Before the first step that counts there is no output, though there is a state.
  const counts = zeroOutput ? mask : greater(cumsum(asType(mask, "int32"), 1), 0);
  const outputs = where(expandDims(counts, 2), all, zerosLike(all));
  return { output: sequences ? outputs : row(outputs, steps - 1), last };
}

// A GRU's bias for what the state says: that of its gates goes with what the inputs say, that of what is new does not.
function newBias(cell: GatedCell): Tensor | undefined {
  const { recurrentBias: bias, units } = cell;
  return bias && slice(bias, [2 * units], [units]);
}
function projectedBias(cell: GatedCell): Tensor | undefined {
  const { inputBias, recurrentBias, units } = cell;
  if (!inputBias || !recurrentBias) return inputBias;
  const ofGates = slice(recurrentBias, [0], [2 * units]);
  return add(inputBias, concat([ofGates, zeros([units], inputBias.dtype)]));
}

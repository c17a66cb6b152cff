// Which activations may a matrix product apply in passing? Those whose derivative follows from the result; the others come after it.

import { unknownName } from "../errors.ts";
import { isWatched } from "../op.ts";
import { makeTensor, type Tensor } from "../tensor.ts";
import { sumTo } from "./broadcast.ts";
import {
  elu,
  hardSigmoid,
  leakyRelu,
  relu,
  relu6,
  selu,
  sigmoid,
  slopes,
  tanh,
} from "./activations.ts";
import {
  gelu,
  geluApprox,
  hardSwish,
  logSigmoid,
  mish,
  softplus,
  softsign,
  swish,
} from "./smooth_activations.ts";

/** An activation as the last step of another operation. */
export interface Epilogue {
  apply(x: Tensor, alpha?: number): Tensor;
  /** `dy * f'` from the result y, where that suffices. */
  grad?(dy: Tensor, y: Tensor): Tensor;
}

const epilogues: Readonly<Record<string, Epilogue>> = {
  relu: { apply: relu, grad: slopes.relu },
  relu6: { apply: relu6, grad: slopes.relu6 },
  elu: { apply: elu, grad: slopes.elu },
  selu: { apply: selu, grad: slopes.selu },
  sigmoid: { apply: sigmoid, grad: slopes.sigmoid },
  tanh: { apply: tanh, grad: slopes.tanh },
  hardSigmoid: { apply: hardSigmoid, grad: slopes.hardSigmoid },
  leakyRelu: { apply: leakyRelu },
  softplus: { apply: softplus },
  logSigmoid: { apply: logSigmoid },
  softsign: { apply: softsign },
  swish: { apply: swish },
  hardSwish: { apply: hardSwish },
  mish: { apply: mish },
  gelu: { apply: gelu },
  geluApprox: { apply: geluApprox },
};

/**
 * Back through an activation and the bias [n] before it: the gradients before both, from that after them and the result y. One native
 * call, unless somebody takes gradients of it.
 */
export function unfinish(
  { dy, y, bias }: { readonly dy: Tensor; readonly y: Tensor; readonly bias?: Tensor },
  activation: string | undefined,
): { dz: Tensor; dbias?: Tensor } {
  const [n] = dy.shape.slice(-1), rows = dy.size / n;
  if (activation === undefined || !bias || dy.size === 0 || isWatched(dy, y)) {
    const dz = activation === undefined ? dy : epilogue(activation).grad!(dy, y);
    return { dz, dbias: bias && sumTo(dz, [n]) };
  }
  const { device, dtype } = dy, { native } = device;
  const dz = makeTensor(dy.shape, dtype, device), dbias = makeTensor([n], dtype, device);
  native.check(native.calls.dg_activation_grad(
    native.id("unary", activation),
    dy.handle,
    y.handle,
    dz.handle,
    dbias.handle,
    rows,
    n,
  ));
  return { dz, dbias };
}

/** The activation of a name. */
export function epilogue(name: string): Epilogue {
  if (Object.hasOwn(epilogues, name)) return epilogues[name];
  throw unknownName("activation", name, Object.keys(epilogues));
}

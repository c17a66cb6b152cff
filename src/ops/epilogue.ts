// Which activations may a matrix product apply in passing? Those whose derivative follows from the result; the others come after it.

import { unknownName } from "../errors.ts";
import type { Tensor } from "../tensor.ts";
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

/** The activation of a name. */
export function epilogue(name: string): Epilogue {
  if (Object.hasOwn(epilogues, name)) return epilogues[name];
  throw unknownName("activation", name, Object.keys(epilogues));
}

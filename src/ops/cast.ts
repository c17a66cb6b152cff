// How does a tensor change its element type?

import { type DType, isFloat, toDType } from "../dtype.ts";
import { op } from "../op.ts";
import { makeTensor, type Tensor } from "../tensor.ts";
import { type Operand, use } from "./operand.ts";
import { clone } from "./reshape.ts";

const castOp = op<{ x: Tensor }, { from: DType; to: DType }>({
  name: "cast",
  check: ({ x }, { to }) => ({ shape: x.shape, dtype: to }),
  forward: ({ x }, _, { shape, dtype }, device) => {
    const y = makeTensor(shape, dtype, device);
    device.native.check(device.native.calls.dg_cast(x.handle, y.handle));
    return y;
  },
  grad: ({ dy }, { from }) => isFloat(from) ? { x: () => asType(dy, from) } : {},
});

/** The tensor itself where it has the type already, else its values as that type. */
export function asType(x: Tensor, dtype: DType): Tensor {
  return x.dtype === dtype ? x : castOp({ x }, { from: x.dtype, to: dtype });
}

/**
 * The values as another type. To integers: truncated towards zero, NaN becomes 0, values out of range the nearest; to bool: x != 0.
 */
export function cast(x: Operand, dtype: DType): Tensor {
  toDType(dtype);
  return use(x, (t) => t.dtype === dtype ? clone(t) : asType(t, dtype));
}

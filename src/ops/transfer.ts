// How does a tensor get to another device?

import { type Device, findDevice } from "../native/device.ts";
import { op } from "../op.ts";
import { fromHost, type Tensor } from "../tensor.ts";
import { type Operand, use } from "./operand.ts";
import { clone } from "./reshape.ts";

const transfer: (inputs: { x: Tensor }, attrs: { from: Device; to: Device }) => Tensor = op({
  name: "to",
  check: ({ x }) => ({ shape: x.shape, dtype: x.dtype }),
  forward: ({ x }, { to }, { shape, dtype }) => fromHost(x.dataSync(), shape, dtype, to),
  grad: ({ dy }, { from, to }) => ({ x: () => transfer({ x: dy }, { from: to, to: from }) }),
});

/** The same values on another device: `to(x, "cpu")`, `to(x, "gpu:0")`. They travel through the host. */
export function to(x: Operand, name: string): Tensor {
  return use(x, (t) => {
    const target = findDevice(name);
    if (t.isAbstract || t.device === target) return clone(t);
    return transfer({ x: t }, { from: t.device, to: target });
  });
}

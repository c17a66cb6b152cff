// How do rows of a tensor get to another device? Through the host, part by part, so that a large tensor needs no second copy there.

import { dtypeBytes } from "../dtype.ts";
import type { Device } from "../native/device.ts";
import { sizeOf } from "../shape.ts";
import { makeTensor, type Tensor } from "../tensor.ts";

/** Host memory that values pass through; the larger transfers go in parts of its size. */
export type Host = Uint8Array<ArrayBuffer>;

const MOST_BYTES = 16 * 2 ** 20;

/** Number of values in a row. */
export function rowSize(x: Tensor): number {
  return sizeOf(x.shape.slice(1));
}

/** Bytes of a row. */
export function rowBytes(x: Tensor): number {
  return rowSize(x) * dtypeBytes[x.dtype];
}

/** Host memory for rows of any of these tensors. */
export function hostFor(tensors: readonly Tensor[], rows: number): Host {
  const wanted = Math.max(0, ...tensors.map((x) => rows * rowBytes(x)));
  return new Uint8Array(Math.min(wanted, MOST_BYTES));
}

/** A place in a tensor, counted in elements. */
export interface Spot {
  readonly tensor: Tensor;
  readonly at: number;
}

/** Copies `size` elements to a tensor of the same type on another device. */
export function transfer(from: Spot, to: Spot, size: number, host: Host): void {
  const bytes = dtypeBytes[from.tensor.dtype], most = Math.floor(host.length / bytes);
  const source = from.tensor.device.native, target = to.tensor.device.native;
  for (let done = 0; done < size;) {
    const part = Math.min(most, size - done);
    const values = host.subarray(0, part * bytes);
    source.download(from.tensor.handle, from.at + done, values);
    target.upload(to.tensor.handle, to.at + done, values);
    done += part;
  }
}

/** Rows [from, from + rows) of a tensor as a tensor on another device. */
export function bringRows(
  x: Tensor,
  from: number,
  rows: number,
  device: Device,
  host: Host = hostFor([x], rows),
): Tensor {
  const y = makeTensor([rows, ...x.shape.slice(1)], x.dtype, device);
  transfer({ tensor: x, at: from * rowSize(x) }, { tensor: y, at: 0 }, y.size, host);
  return y;
}

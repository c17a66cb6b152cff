// Which device memory belongs to one owner? It is given back together: at the end, and when the owner cannot be made for want of more.

import { type DType, dtypeId } from "../dtype.ts";
import type { Device } from "../native/device.ts";
import { sizeOf } from "../shape.ts";
import { allocate, DeviceBuffer, Tensor } from "../tensor.ts";

/** Arrays and tensors of one owner. */
export class Arrays {
  readonly #made: (() => void)[] = [];

  /** An array with undefined values. */
  make(device: Device, dtype: DType, size: number): DeviceBuffer {
    return this.#hold(allocate(device, dtype, size));
  }

  /** A part of an array, as an array. */
  view(of: DeviceBuffer, offset: number, dtype: DType, size: number): DeviceBuffer {
    return this.#hold(viewOf(of, offset, dtype, size));
  }

  /** A tensor with undefined values, which no `tidy` disposes of. */
  tensor(device: Device, shape: readonly number[], dtype: DType): Tensor {
    const tensor = new Tensor(shape, dtype, allocate(device, dtype, sizeOf(shape)));
    this.#made.push(() => tensor.dispose());
    return tensor;
  }

  /** Gives back all of it. */
  dispose(): void {
    for (const release of this.#made.splice(0)) release();
  }

  #hold(array: DeviceBuffer): DeviceBuffer {
    this.#made.push(() => array.release());
    return array;
  }
}

/** Elements [offset, offset + size) of an array, as an array that keeps them alive. Its bytes count as those of the whole. */
export function viewOf(
  { device, handle }: DeviceBuffer,
  offset: number,
  dtype: DType,
  size: number,
): DeviceBuffer {
  const { native } = device;
  const view = native.check(native.calls.dg_view(handle, offset, dtypeId[dtype], size));
  return new DeviceBuffer(device, view, 0);
}

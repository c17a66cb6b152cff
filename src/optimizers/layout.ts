// Where do the gradients and the state of all parameters lie? One after another in flat arrays, so that clipping and updating take
// one native call each.

import { dtypeId } from "../dtype.ts";
import type { Device } from "../native/device.ts";
import { SEGMENT_ALIGN } from "../native/symbols.ts";
import { allocate, type DeviceBuffer, makeTensor, type Tensor } from "../tensor.ts";
import type { Variable } from "../variable.ts";

/** The place of each parameter in flat float32 arrays, whatever floats it is itself; every place starts at a multiple of SEGMENT_ALIGN elements. */
export class FlatLayout {
  readonly device: Device;
  readonly #offsets: number[] = [];
  readonly #size: number;

  constructor(readonly variables: readonly Variable[]) {
    this.device = variables[0].device;
    let end = 0;
    for (const v of variables) {
      const start = Math.ceil(end / SEGMENT_ALIGN) * SEGMENT_ALIGN;
      this.#offsets.push(start);
      end = start + v.size;
    }
    this.#size = end;
  }

  /** A new flat array filled with `value`. */
  allocate(value = 0): DeviceBuffer {
    const storage = allocate(this.device, "float32", this.#size, true);
    const { native } = this.device;
    native.check(native.calls.dg_fill(storage.handle, value));
    return storage;
  }

  /** Parameter i's part of a flat array, as a native array that the caller frees. */
  view(flat: DeviceBuffer, i: number): number {
    const { native } = this.device;
    const { size } = this.variables[i];
    return native.check(
      native.calls.dg_view(flat.handle, this.#offsets[i], dtypeId.float32, size),
    );
  }

  /** A copy of parameter i's part. */
  read(flat: DeviceBuffer, i: number): Tensor {
    const copy = makeTensor(this.variables[i].shape, "float32", this.device);
    this.#copy(flat, i, (view) => [view, copy.handle]);
    return copy;
  }

  /** Overwrites parameter i's part. */
  write(flat: DeviceBuffer, i: number, value: Tensor): void {
    this.#copy(flat, i, (view) => [value.handle, view]);
  }

  #copy(flat: DeviceBuffer, i: number, ends: (view: number) => [from: number, to: number]): void {
    const { native } = this.device;
    const view = this.view(flat, i);
    try {
      native.check(native.calls.dg_copy(...ends(view)));
    } finally {
      native.calls.dg_free(view);
    }
  }
}

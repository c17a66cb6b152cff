// What is the gradient of a table of which few rows were used? Zeros but for these rows, which an optimizer may take as they are;
// anybody else finds an ordinary tensor.

import type { Device } from "../native/device.ts";
import { COALESCE } from "../native/symbols.ts";
import { sizeOf } from "../shape.ts";
import { makeTensor, type Tensor, Unwritten } from "../tensor.ts";

/** Fills y [outer, rows, inner] with sums of the x [outer, count, inner] that share an index. */
export function scatterInto(y: number, x: Tensor, index: Tensor, rows: number): void {
  const { native } = x.device, [outer, count, inner] = x.shape;
  native.check(native.calls.dg_fill(y, 0));
  native.check(native.calls.dg_scatter_add(x.handle, index.handle, y, outer, rows, count, inner));
}

/** Rows that sums were put in, in ascending order, and the sums, as dg_coalesce leaves them. */
export interface Coalesced {
  /** int32 [count] */
  readonly order: Tensor;
  /** float32 [count, inner] */
  readonly sums: Tensor;
}

/** Sums of the x [outer, count, inner] that share an index (int32 [count]): [outer, rows, inner], under any shape of that size. */
export class ScatteredRows extends Unwritten {
  readonly #x: Tensor;
  readonly #index: Tensor;

  /** Holds aliases of x and index until it is written or disposed of. */
  constructor(x: Tensor, index: Tensor, shape: readonly number[], device: Device, id?: number) {
    super(shape, x.dtype, device, id);
    this.#x = x.alias();
    this.#index = index.alias();
  }
  get #rows(): number {
    const [outer, , inner] = this.#x.shape;
    return sizeOf(this.shape) / (outer * inner);
  }
  protected override fill(handle: number): void {
    scatterInto(handle, this.#x, this.#index, this.#rows);
  }
  override write(): void {
    super.write();
    this.#release();
  }
  override another(shape: readonly number[], id?: number): Tensor {
    return new ScatteredRows(this.#x, this.#index, shape, this.device, id);
  }
  override dispose(): void {
    super.dispose();
    this.#release();
  }
  #release(): void {
    this.#x.dispose();
    this.#index.dispose();
  }

  /** The rows that are not zeros, where they are float32 and no more than all; nothing otherwise, and when it is written. */
  coalesce(): Coalesced | undefined {
    if (!this.isUnwritten || this.dtype !== "float32") return undefined;
    const [outer, count, inner] = this.#x.shape, rows = this.#rows;
    if (outer !== 1 || this.size === 0 || count > Math.min(rows, COALESCE)) return undefined;
    const order = makeTensor([count], "int32", this.device);
    const sums = makeTensor([count, inner], "float32", this.device);
    const { native } = this.device, { dg_coalesce } = native.calls;
    const [x, index] = [this.#x.handle, this.#index.handle];
    native.check(dg_coalesce(x, index, order.handle, sums.handle, rows, count, inner));
    return { order, sums };
  }
}

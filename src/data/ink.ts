// How does a pen's path become pixels?

/** A square sheet that a pen darkens. */
export class Sheet {
  /** Pixels along a side. */
  readonly size: number;
  /** Each pixel's ink, row by row: 0 is blank, 1 is full. */
  readonly ink: Float32Array;
  #row: Float32Array;

  /** A blank sheet. */
  constructor(size: number) {
    this.size = size;
    this.ink = new Float32Array(size * size);
    this.#row = new Float32Array(size);
  }

  /** Draws a straight piece from (x0, y0) to (x1, y1), in pixels, with soft round ends. */
  line(x0: number, y0: number, x1: number, y1: number, radius: number): void {
    const { size, ink } = this;
    const reach = radius + 0.5;
    const left = Math.max(0, Math.floor(Math.min(x0, x1) - reach));
    const right = Math.min(size - 1, Math.ceil(Math.max(x0, x1) + reach));
    const top = Math.max(0, Math.floor(Math.min(y0, y1) - reach));
    const bottom = Math.min(size - 1, Math.ceil(Math.max(y0, y1) + reach));
    const dx = x1 - x0;
    const dy = y1 - y0;
    const scale = 1 / (dx * dx + dy * dy + 1e-9);
    for (let y = top; y <= bottom; y++) {
      for (let x = left; x <= right; x++) {
        // The nearest point of the piece, as a share of the way along it.
        const t = Math.max(0, Math.min(1, ((x - x0) * dx + (y - y0) * dy) * scale));
        const ex = x - x0 - t * dx;
        const ey = y - y0 - t * dy;
        const square = ex * ex + ey * ey;
        if (square >= reach * reach) continue;
        const shade = Math.min(1, reach - Math.sqrt(square));
        const at = y * size + x;
        if (shade > ink[at]) ink[at] = shade;
      }
    }
  }

  /** Lets each pixel give `share` of its ink to either neighbour, along rows, then columns. */
  blur(share: number): void {
    for (let i = 0; i < this.size; i++) this.#blurLine(i * this.size, 1, share);
    for (let i = 0; i < this.size; i++) this.#blurLine(i, this.size, share);
  }

  #blurLine(start: number, step: number, share: number): void {
    const { size, ink } = this;
    const before = this.#row;
    for (let i = 0; i < size; i++) before[i] = ink[start + i * step];
    for (let i = 0; i < size; i++) {
      const around = (i > 0 ? before[i - 1] : 0) + (i + 1 < size ? before[i + 1] : 0);
      ink[start + i * step] = before[i] + share * (around - 2 * before[i]);
    }
  }
}

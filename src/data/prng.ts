// Where do host-side random numbers come from, the same on every machine?

/**
 * A small seeded generator (sfc32: 128 bits of state, integer arithmetic only). Everything it
 * returns is made with exact operations, so that every machine and engine gives the same bits.
 */
export class Prng {
  #a: number;
  #b: number;
  #c: number;
  #count = 1;

  /** Seeds differ in their low 53 bits. */
  constructor(seed: number) {
    this.#a = seed | 0;
    this.#b = Math.floor(seed / 2 ** 32) | 0;
    this.#c = 0x9e3779b9 | 0;
    for (let i = 0; i < 15; i++) this.uint32();
  }

  /** An integer from 0 to 2^32 - 1. */
  uint32(): number {
    const out = (this.#a + this.#b + this.#count++) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = (((this.#c << 21) | (this.#c >>> 11)) + out) | 0;
    return out >>> 0;
  }

  /** A number from `low` up to, but not including, `high`. */
  uniform(low = 0, high = 1): number {
    return low + (high - low) * (this.uint32() / 2 ** 32);
  }

  /** An integer from 0 to `n - 1`. */
  below(n: number): number {
    return Math.floor(this.uniform() * n);
  }

  /** Brings a list into a random order (Fisher and Yates). */
  shuffle(list: Int32Array): void {
    for (let i = list.length - 1; i > 0; i--) {
      const j = this.below(i + 1), t = list[i];
      list[i] = list[j];
      list[j] = t;
    }
  }

  /** What a generator must take over to go on from here. */
  get state(): readonly number[] {
    return [this.#a, this.#b, this.#c, this.#count];
  }
  set state([a, b, c, count]: readonly number[]) {
    this.#a = a;
    this.#b = b;
    this.#c = c;
    this.#count = count;
  }

  /** A bell-shaped number: mean 0, standard deviation 1, never beyond 3 (a sum of three). */
  bell(): number {
    return 2 * (this.uniform() + this.uniform() + this.uniform()) - 3;
  }
}

/** One seed of two: what a generator grown from `a` makes of `b`. */
export function mixSeeds(a: number, b: number): number {
  const random = new Prng(a);
  const low = (random.uint32() ^ (b | 0)) >>> 0, high = random.uint32() ^ Math.floor(b / 2 ** 32);
  const mixed = new Prng(low + (high >>> 11) * 2 ** 32);
  return mixed.uint32() + (mixed.uint32() >>> 11) * 2 ** 32;
}

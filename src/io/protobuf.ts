// How is a protocol buffer written? Fields one after another, each a number and a kind, then a value.

const encoder = new TextEncoder();

/** A message that is being written. */
export class Message {
  readonly #parts: Uint8Array[] = [];
  #length = 0;

  /** A whole number of at least 0 (int32, int64, enum). */
  integer(field: number, value: number): this {
    this.#varint(field * 8);
    return this.#varint(value);
  }
  /** A number of 64 bits. */
  double(field: number, value: number): this {
    this.#varint(field * 8 + 1);
    return this.#add(new Uint8Array(Float64Array.of(value).buffer));
  }
  /** A text. */
  text(field: number, value: string): this {
    return this.bytes(field, encoder.encode(value));
  }
  /** Bytes. */
  bytes(field: number, value: Uint8Array): this {
    this.#varint(field * 8 + 2);
    this.#varint(value.length);
    return this.#add(value);
  }
  /** A message inside. */
  message(field: number, value: Message): this {
    return this.bytes(field, value.encode());
  }

  /** Its bytes. */
  encode(): Uint8Array<ArrayBuffer> {
    const all = new Uint8Array(this.#length);
    let at = 0;
    for (const part of this.#parts) {
      all.set(part, at);
      at += part.length;
    }
    return all;
  }

  #add(part: Uint8Array): this {
    this.#parts.push(part);
    this.#length += part.length;
    return this;
  }
  // Seven bits at a time, the lowest first.
  #varint(value: number): this {
    const bytes: number[] = [];
    for (; value >= 128; value = Math.floor(value / 128)) bytes.push(value % 128 + 128);
    return this.#add(Uint8Array.of(...bytes, value));
  }
}

// How is an IDX file (the format of MNIST) read, and what is wrong with a bad one?
//
// An IDX file is two zero bytes, a byte for the element type, a byte for the number of dimensions,
// each dimension as a big-endian uint32, then the elements, big-endian, row-major. The parser takes
// bytes and works in browsers; nothing here believes a size before it has compared it with the data.
import { DinogradError } from "../errors.ts";

/** The contents of an IDX file. */
export interface IdxArray {
  /** The element type. */
  dtype: "uint8" | "int8" | "int16" | "int32" | "float32" | "float64";
  /** The dimensions; there is at least one. */
  shape: number[];
  /** The elements, row-major. */
  data: Uint8Array | Int8Array | Int16Array | Int32Array | Float32Array | Float64Array;
}

interface ElementType {
  dtype: IdxArray["dtype"];
  array: {
    new (buffer: ArrayBuffer): IdxArray["data"];
    BYTES_PER_ELEMENT: number;
  };
}

/** Element types by the code in the third byte of the file. */
const elementTypes: Record<number, ElementType> = {
  0x08: { dtype: "uint8", array: Uint8Array },
  0x09: { dtype: "int8", array: Int8Array },
  0x0b: { dtype: "int16", array: Int16Array },
  0x0c: { dtype: "int32", array: Int32Array },
  0x0d: { dtype: "float32", array: Float32Array },
  0x0e: { dtype: "float64", array: Float64Array },
};

/** The most bytes one IDX file may hold, unpacked: 2 GiB (MNIST's largest needs 47 MB). */
export const maxIdxBytes = 2 ** 31;

interface Header {
  type: ElementType;
  shape: number[];
  /** What the whole file must measure. */
  size: number;
}

const isGzip = (bytes: Uint8Array) => bytes[0] === 0x1f && bytes[1] === 0x8b;

/** How many bytes the header takes, as far as the first four tell. */
const headerSize = (bytes: Uint8Array) => bytes.length < 4 ? 4 : 4 + 4 * bytes[3];

function parseHeader(bytes: Uint8Array, name: string): Header {
  const need = headerSize(bytes);
  if (bytes.length < 4) {
    throw new DinogradError(`${name} is truncated: an IDX header has 4 bytes, got ${bytes.length}`);
  }
  if (bytes[0] !== 0 || bytes[1] !== 0) {
    const magic = [...bytes.subarray(0, 4)].map((b) => b.toString(16).padStart(2, "0")).join(" ");
    throw new DinogradError(`${name} is no IDX file: it must begin with 00 00, got ${magic}`);
  }
  const type = elementTypes[bytes[2]];
  if (type === undefined) {
    const known = Object.entries(elementTypes).map(([code, t]) => `${code} (${t.dtype})`);
    throw new DinogradError(
      `${name} has an unsupported element type: wanted ${known.join(", ")}, got ${bytes[2]}`,
    );
  }
  if (bytes[3] === 0) throw new DinogradError(`${name} must have 1 dimension or more, got 0`);
  if (bytes.length < need) {
    throw new DinogradError(
      `${name} is truncated: a header of ${bytes[3]} dimensions has ${need} bytes, ` +
        `got ${bytes.length}`,
    );
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, need);
  const shape = Array.from({ length: bytes[3] }, (_, i) => view.getUint32(4 + 4 * i));
  // A product beyond 2^53 is inexact and may be infinite, but stays far above the limit.
  const count = shape.includes(0) ? 0 : shape.reduce((product, n) => product * n, 1);
  const size = need + count * type.array.BYTES_PER_ELEMENT;
  if (size > maxIdxBytes) {
    throw new DinogradError(
      `${name} claims ${type.dtype} of shape [${shape}], more than the limit of ` +
        `${maxIdxBytes} bytes`,
    );
  }
  return { type, shape, size };
}

function checkSize({ type, shape, size }: Header, got: number, name: string): void {
  if (got === size) return;
  const wanted = `${type.dtype} of shape [${shape}] makes a file of ${size} bytes`;
  const problem = got < size
    ? `is truncated: ${wanted}, got ${got}`
    : `has trailing bytes: ${wanted}, got more`;
  throw new DinogradError(`${name} ${problem}`);
}

/**
 * Parses an unpacked IDX file. `name` stands for it in error messages.
 *
 * ```ts
 * import { parseIdx } from "./idx.ts";
 * import assert from "node:assert";
 *
 * const file = new Uint8Array([0, 0, 8, 2, 0, 0, 0, 1, 0, 0, 0, 3, 7, 8, 9]);
 * const { dtype, shape, data } = parseIdx(file);
 * assert.equal(dtype, "uint8");
 * assert.deepEqual(shape, [1, 3]);
 * assert.deepEqual([...data], [7, 8, 9]);
 * ```
 */
export function parseIdx(bytes: Uint8Array, name = "IDX data"): IdxArray {
  if (isGzip(bytes)) throw new DinogradError(`${name} is gzip-compressed: use decodeIdx`);
  const header = parseHeader(bytes, name);
  checkSize(header, bytes.length, name);
  const body = bytes.slice(headerSize(bytes));
  const { type, shape } = header;
  const itemSize = type.array.BYTES_PER_ELEMENT;
  if (itemSize > 1) {
    // The file is big-endian; every machine that runs this is little-endian.
    for (let at = 0; at < body.length; at += itemSize) body.subarray(at, at + itemSize).reverse();
  }
  return { dtype: type.dtype, shape, data: new type.array(body.buffer) };
}

/** Parses an IDX file that may be gzip-compressed. */
export async function decodeIdx(
  bytes: Uint8Array<ArrayBuffer>,
  name = "IDX data",
): Promise<IdxArray> {
  return parseIdx(isGzip(bytes) ? await unpack(bytes, name) : bytes, name);
}

/** Decompresses until the IDX header's size is reached; what wants to be larger is refused. */
async function unpack(bytes: Uint8Array<ArrayBuffer>, name: string): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let got = 0;
  let header: Header | undefined;
  const stream = inPieces(bytes).pipeThrough(new DecompressionStream("gzip"));
  try {
    for await (const chunk of stream) {
      chunks.push(chunk);
      got += chunk.length;
      if (header === undefined) {
        const start = chunks.length === 1 ? chunk : concat(chunks, got);
        if (got >= headerSize(start)) header = parseHeader(start, name);
      }
      if (header !== undefined && got > header.size) checkSize(header, got, name);
    }
  } catch (error) {
    if (error instanceof DinogradError) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    throw new DinogradError(`${name} is no intact gzip file: ${reason}`, { cause: error });
  }
  return concat(chunks, got);
}

/** A stream of small pieces: one piece's output comes at once, at up to 1,000 times its size. */
function inPieces(bytes: Uint8Array<ArrayBuffer>): ReadableStream<Uint8Array<ArrayBuffer>> {
  const pieceSize = 4096;
  let at = 0;
  return new ReadableStream({
    pull(controller) {
      if (at >= bytes.length) return controller.close();
      controller.enqueue(bytes.subarray(at, at += pieceSize));
    },
  });
}

function concat(chunks: Uint8Array[], size: number): Uint8Array {
  const whole = new Uint8Array(size);
  let at = 0;
  for (const chunk of chunks) {
    whole.set(chunk, at);
    at += chunk.length;
  }
  return whole;
}

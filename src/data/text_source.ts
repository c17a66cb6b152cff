// How is text read, wherever it lies? Part by part, from a file, an address, a blob, a stream, or the text itself; never with a prompt.

import { DinogradError } from "../errors.ts";
import { granted } from "../native/platform.ts";

/** A stream of text, or of UTF-8 bytes. */
export type TextStream = ReadableStream<Uint8Array<ArrayBuffer> | string>;

/**
 * Where text lies: `file://` and a path, an `http://` or `https://` address, a string with a line break in it (which is the text
 * itself), a URL, a Blob, a stream (which can be read once), or a function that opens a stream.
 */
export type TextSource =
  | string
  | URL
  | Blob
  | TextStream
  | (() => TextStream | Promise<TextStream>);

/** A short name of a source, for messages. */
export function nameOfSource(source: TextSource): string {
  if (source instanceof URL) return source.href;
  if (typeof source === "string" && !source.includes("\n")) return source;
  return "the text";
}

const reason = (error: unknown) => error instanceof Error ? error.message : String(error);

async function openFile(path: string): Promise<ReadableStream<Uint8Array<ArrayBuffer>>> {
  if (typeof Deno === "undefined") {
    throw new DinogradError(`Reading ${path} needs Deno: elsewhere, give a Blob or a stream`);
  }
  if (!granted({ name: "read", path })) {
    throw new DinogradError(`Reading ${path} needs the permission --allow-read=${path}`);
  }
  try {
    return (await Deno.open(path)).readable;
  } catch (error) {
    throw new DinogradError(`Cannot read ${path}: ${reason(error)}`, { cause: error });
  }
}

async function openAddress(url: URL): Promise<TextStream> {
  if (typeof Deno !== "undefined" && !granted({ name: "net", host: url.host })) {
    throw new DinogradError(`Reading ${url.href} needs the permission --allow-net=${url.host}`);
  }
  let response: Response;
  try {
    response = await fetch(url);
  } catch (error) {
    throw new DinogradError(`Cannot read ${url.href}: ${reason(error)}`, { cause: error });
  }
  if (!response.ok) {
    await response.body?.cancel();
    throw new DinogradError(
      `Cannot read ${url.href}: the server answers ${response.status} ${response.statusText}`
        .trimEnd(),
    );
  }
  return response.body ?? new Blob([]).stream();
}

const spent = new WeakSet<TextStream>(); // streams that were read

async function open(source: TextSource): Promise<TextStream> {
  if (typeof source === "function") return await source();
  if (source instanceof ReadableStream) {
    if (source.locked || spent.has(source)) {
      throw new DinogradError(
        "A stream can be read once only, and this one was: give a function that opens it",
      );
    }
    spent.add(source);
    return source;
  }
  if (source instanceof Blob) return source.stream();
  if (source instanceof URL) {
    return source.protocol === "file:"
      ? await openFile(decodeURIComponent(source.pathname))
      : await openAddress(source);
  }
  if (typeof source === "string") {
    if (source.includes("\n")) return new Blob([source]).stream();
    if (source.startsWith("file://")) return await openFile(source.slice("file://".length));
    if (/^https?:\/\//.test(source)) return await openAddress(new URL(source));
  }
  throw new DinogradError(
    "Wanted an address that begins with file://, http:// or https://, text of more than one line, " +
      `a URL, a Blob or a stream: got ${
        typeof source === "string" ? JSON.stringify(source.slice(0, 60)) : typeof source
      }`,
  );
}

/** The text of a source, part by part as it comes. Leaving early closes it. */
export async function* textParts(source: TextSource): AsyncGenerator<string, void, undefined> {
  const decoder = new TextDecoder("utf-8", { fatal: true }), name = nameOfSource(source);
  const decode = (bytes?: Uint8Array) => {
    try {
      return decoder.decode(bytes, { stream: bytes !== undefined });
    } catch (error) {
      throw new DinogradError(`${name} must be UTF-8, and is not`, { cause: error });
    }
  };
  for await (const part of await open(source)) {
    yield typeof part === "string" ? part : decode(part);
  }
  const last = decode();
  if (last) yield last;
}

// How do tests reach files over HTTP, without a network?
import { root } from "./imports.ts";

/** Files on a port of this machine. */
export interface Server extends AsyncDisposable {
  /** `127.0.0.1:<port>` */
  host: string;
  /** Paths that were asked for, in order. */
  asked: string[];
}

const types: Record<string, string> = { ts: "application/typescript", json: "application/json" };

/** Serves what `files` holds under a path, or else this checkout's file of that path. */
export function serve(
  files: ReadonlyMap<string, Uint8Array<ArrayBuffer> | string> = new Map(),
): Server {
  const asked: string[] = [];
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, async (request) => {
    const path = new URL(request.url).pathname.slice(1);
    asked.push(path);
    try {
      const body = files.get(path) ?? await Deno.readFile(new URL(path, root));
      const type = types[path.slice(path.lastIndexOf(".") + 1)] ?? "application/octet-stream";
      return new Response(body, { headers: { "content-type": type } });
    } catch {
      return new Response(`no ${path}`, { status: 404 });
    }
  });
  return {
    host: `127.0.0.1:${server.addr.port}`,
    asked,
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}

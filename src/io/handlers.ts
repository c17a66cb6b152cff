// From where and to where do models go? Folders with model.json and weights.bin, addresses on the web, objects in memory.

import { isRecord } from "../data/elements.ts";
import { DinogradError } from "../errors.ts";
import { granted } from "../native/platform.ts";
import type { LoadHandler, ModelArtifacts, SaveHandler } from "./artifacts.ts";
import { bytesOf, checkSpecs } from "./decode.ts";
import { checkAccess, replaceFiles, toPath } from "./files.ts";

/** Most bytes that a model.json may have. */
const MAX_JSON = 256 * 2 ** 20;

/** Reads what lies at a place, `limit` bytes at most. */
type Read = (place: string, limit: number) => Promise<Uint8Array<ArrayBuffer>>;

const tooLong = (place: string, limit: number) =>
  new DinogradError(`${place} must have ${limit} bytes at most, got more`);

const readLocal: Read = async (path, limit) => {
  checkAccess("Reading", path, "read");
  try {
    using file = await Deno.open(path);
    const { size, isFile } = await file.stat();
    if (!isFile) throw new Error("it is no file");
    if (size > limit) throw tooLong(path, limit);
  } catch (error) {
    if (error instanceof DinogradError) throw error;
    throw new DinogradError(`Cannot read ${path}: ${(error as Error).message}`, { cause: error });
  }
  return await Deno.readFile(path);
};

function reader(requestInit: RequestInit | undefined): Read {
  return async (address, limit) => {
    try {
      const response = await request(new URL(address), requestInit);
      if (!response.ok) {
        await response.body?.cancel();
        throw new Error(`the server answers ${response.status} ${response.statusText}`.trimEnd());
      }
      const parts: Uint8Array<ArrayBuffer>[] = [];
      let length = 0;
      for await (const part of response.body ?? []) {
        length += part.length;
        if (length > limit) throw tooLong(address, limit); // which closes the connection
        parts.push(part);
      }
      const all = new Uint8Array(length);
      parts.reduce((at, part) => (all.set(part, at), at + part.length), 0);
      return all;
    } catch (error) {
      if (error instanceof DinogradError) throw error;
      throw new DinogradError(`Cannot read ${address}: ${(error as Error).message}`, {
        cause: error,
      });
    }
  };
}

// Follows where the server points to, asking for each host: fetch by itself would prompt the user for another one.
async function request(url: URL, init: RequestInit | undefined, hops = 5): Promise<Response> {
  if (typeof Deno === "undefined") return await fetch(url, init);
  if (!granted({ name: "net", host: url.host })) {
    throw new DinogradError(`Reading ${url} needs the permission --allow-net=${url.host}`);
  }
  const response = await fetch(url, { ...init, redirect: "manual" });
  const to = response.headers.get("location");
  if (response.status < 300 || response.status > 399 || !to) return response;
  await response.body?.cancel();
  const next = new URL(to, url);
  if (hops === 0 || !/^https?:$/.test(next.protocol)) {
    throw new DinogradError(`Cannot read ${url}: the server points to ${next} after all`);
  }
  // What is meant for one host, such as a token, is not for another.
  return await request(next, next.origin === url.origin ? init : undefined, hops - 1);
}

/** Whether a path of a manifest stays in the folder of its model.json. */
function staysInside(path: unknown): path is string {
  // deno-lint-ignore no-control-regex
  return typeof path === "string" && path !== "" && !/[\x00-\x1f\\:?#%]/.test(path) &&
    path.split("/").every((part) => part !== "" && part !== "." && part !== "..");
}

/** Parses a model.json. */
function parseJson(bytes: Uint8Array<ArrayBuffer>, place: string): Record<string, unknown> {
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (error) {
    throw new DinogradError(`${place} is no JSON: ${(error as Error).message.slice(0, 200)}`, {
      cause: error,
    });
  }
  if (isRecord(json)) return json;
  throw new DinogradError(`${place} must hold an object, got ${JSON.stringify(json).slice(0, 80)}`);
}

/** A model.json with the weights that its manifest names. */
async function readModel(place: string, read: Read, prefix?: string): Promise<unknown> {
  const { weightsManifest, ...rest } = parseJson(await read(place, MAX_JSON), place);
  if (weightsManifest === undefined || weightsManifest === null) return rest;
  const [, base, query] = /^([^?#]*\/)?[^?#]*(.*)$/s.exec(place)!;
  const folder = prefix ?? base ?? "";
  if (!Array.isArray(weightsManifest)) {
    throw new DinogradError(`${place} must list groups of weights in its weightsManifest`);
  }
  const groups = weightsManifest.map((group: unknown) => {
    if (!isRecord(group) || !Array.isArray(group.paths)) {
      throw new DinogradError(`${place} has a group of weights without a list of paths`);
    }
    const stray = group.paths.findIndex((path) => !staysInside(path));
    if (stray >= 0) {
      throw new DinogradError(
        `${place} names ${
          JSON.stringify(group.paths[stray])
        } as a file of weights: wanted a path inside its own folder`,
      );
    }
    const specs = checkSpecs(group.weights, place);
    return { paths: group.paths as string[], specs: group.weights, bytes: bytesOf(specs) };
  });
  const parts: Uint8Array<ArrayBuffer>[] = [];
  for (const { paths, bytes } of groups) {
    let left = bytes;
    for (const path of paths) {
      const part = await read(`${folder}${path}${prefix === undefined ? query : ""}`, left);
      left -= part.length;
      parts.push(part);
    }
    if (left > 0) {
      throw new DinogradError(
        `${place} describes weights of ${bytes} bytes in ${paths.join(", ")}, got ${bytes - left}`,
      );
    }
  }
  return {
    ...rest,
    weightSpecs: groups.flatMap(({ specs }) => specs),
    weightData: parts,
  };
}

/** The model.json that describes artifacts whose weights lie in `weights.bin` beside it. */
function modelJson({ weightSpecs, weightData: _, ...rest }: ModelArtifacts): string {
  const weightsManifest = [{ paths: ["weights.bin"], weights: weightSpecs }];
  return JSON.stringify({ ...rest, weightsManifest });
}

/**
 * A folder with model.json and weights.bin, with or without `file://` before it; to load from, also the path of a model.json.
 *
 * ```ts
 * import * as dg from "../../mod.ts";
 *
 * const model = dg.sequential({ layers: [dg.layers.dense({ units: 1, inputShape: [2] })] });
 * const folder = await Deno.makeTempDir();
 * await model.save(dg.io.fileSystem(folder));
 * const again = await dg.loadLayersModel(dg.io.fileSystem(`${folder}/model.json`));
 * await Deno.remove(folder, { recursive: true });
 * ```
 */
export function fileSystem(address: string, weightPathPrefix?: string): SaveHandler & LoadHandler {
  if (/^(?!file:)[a-z][a-z0-9+.-]*:\/\//i.test(address)) {
    throw new DinogradError(`"${address}" is no folder: wanted a path, or file:// and a path`);
  }
  const path = toPath(address).replace(/(?<=.)\/+$/, "");
  if (path === "") throw new DinogradError(`"${address}" names no folder for a model`);
  return {
    async save(artifacts) {
      await replaceFiles(path, [
        ["weights.bin", new Uint8Array(artifacts.weightData)],
        ["model.json", new TextEncoder().encode(modelJson(artifacts))],
      ]);
      return { modelArtifactsInfo: { dateSaved: new Date(), modelTopologyType: "JSON" } };
    },
    load: () =>
      readModel(path.endsWith(".json") ? path : `${path}/model.json`, readLocal, weightPathPrefix),
  };
}

/** How models are fetched. */
export interface HttpOptions {
  /** What the names of the files of weights are put behind, instead of the address of model.json's folder. */
  weightPathPrefix?: string;
  /** Headers and the like, for the host of the address only. */
  requestInit?: RequestInit;
}

/**
 * A model.json on the web, its weights beside it. Deno needs `--allow-net` for its host, and nobody is prompted for it.
 *
 * ```ts
 * import * as dg from "../../mod.ts";
 *
 * const headers = { authorization: "Bearer ..." };
 * const handler = dg.io.http("https://example.org/digits/model.json", { requestInit: { headers } });
 * const load = () => dg.loadLayersModel(handler);
 * ```
 */
export function http(address: string, options: HttpOptions = {}): LoadHandler {
  if (!/^https?:\/\//i.test(address) || !URL.canParse(address)) {
    throw new DinogradError(`"${address}" is no address of a model.json: wanted http(s)://`);
  }
  return {
    load: () => readModel(address, reader(options.requestInit), options.weightPathPrefix),
  };
}

/**
 * A model that is in memory already: what a handler's `save` was given.
 *
 * ```ts
 * import * as dg from "../../mod.ts";
 *
 * const model = dg.sequential({ layers: [dg.layers.dense({ units: 1, inputShape: [2] })] });
 * let saved: dg.ModelArtifacts | undefined;
 * await model.save(dg.io.withSaveHandler((artifacts) => Promise.resolve(saved = artifacts)));
 * const copy = await dg.loadLayersModel(dg.io.fromMemory(saved!));
 * ```
 */
export function fromMemory(artifacts: ModelArtifacts | Record<string, unknown>): LoadHandler {
  return { load: () => artifacts };
}

/** A function as a handler to save to. */
export function withSaveHandler(
  save: (artifacts: ModelArtifacts) => Promise<unknown>,
): SaveHandler {
  return { save };
}

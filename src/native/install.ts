// How do the released libraries get to this machine? Only when asked: downloaded, held to the checksums of native.json, and put
// into the user's cache folder under their final names only then, so that whatever bears such a name was verified.

import native from "../../native.json" with { type: "json" };
import { DinogradError } from "../errors.ts";
import { installedPath, type LibraryKind } from "./library.ts";
import { granted } from "./platform.ts";

/** A file of a release. */
export interface ReleaseFile {
  file: string;
  bytes: number;
  sha256: string;
}

/** What native.json says: where a release's files are, and which there are for each `<os>-<architecture>`. */
export interface Release {
  version: string;
  /** The folder that holds the files, or null while nothing is released. */
  url: string | null;
  libraries: Record<string, Partial<Record<LibraryKind, ReleaseFile>>>;
}

/** What to install, and from where. */
export interface InstallOptions {
  /** The folder that holds the files; the release's own when left out. */
  url?: string;
  /** Which libraries; all that there are for this machine when left out. */
  kinds?: readonly LibraryKind[];
}

/** A library that is in its place. */
export interface Installed {
  /** The devices it brings. */
  kind: LibraryKind;
  /** Where it is. */
  path: string;
  /** False where it was there already. */
  downloaded: boolean;
}

/**
 * Downloads the native libraries of this version into the user's cache folder (`$XDG_CACHE_HOME` or `~/.cache`), where
 * programs find them from then on: this one too, unless it has used a device already. Nothing is loaded that does not have the
 * released checksum. Needs `--allow-net`, and `--allow-env`, `--allow-read` and `--allow-write` for the cache.
 *
 * @throws DinogradError where there is no such release, or it cannot be downloaded, verified or written.
 */
export async function installNative(options: InstallOptions = {}): Promise<Installed[]> {
  if (typeof Deno === "undefined") {
    throw new DinogradError("Only Deno can use native libraries: run the program with Deno");
  }
  const place = (kind: LibraryKind) => {
    const path = installedPath(kind);
    if (path !== undefined) return path;
    throw new DinogradError(
      "The user's cache folder is not known: wanted HOME or XDG_CACHE_HOME, and --allow-env to read them",
    );
  };
  return await install(native, `${Deno.build.os}-${Deno.build.arch}`, place, options);
}

/** The same for any release and platform; `place` says where a library belongs. */
export async function install(
  release: Release,
  platform: string,
  place: (kind: LibraryKind) => string,
  { url = release.url ?? undefined, kinds }: InstallOptions = {},
): Promise<Installed[]> {
  const files = release.libraries[platform] ?? {};
  const released = Object.keys(files) as LibraryKind[];
  if (released.length === 0) throw notReleased(release, platform);
  const installed: Installed[] = [];
  for (const kind of kinds ?? released) {
    const wanted = files[kind];
    if (!wanted) throw notReleased(release, platform, kind);
    const path = place(kind), folder = path.slice(0, path.lastIndexOf("/"));
    for (const name of ["read", "write"] as const) {
      if (!granted({ name, path: folder })) throw needs(`--allow-${name}=${folder}`);
    }
    const downloaded = !await isThere(path, wanted);
    if (downloaded) await save(await download(addressOf(wanted, url), wanted), folder, path);
    installed.push({ kind, path, downloaded });
  }
  return installed;
}

function notReleased({ version, libraries }: Release, platform: string, kind?: LibraryKind) {
  const there = Object.entries(libraries).flatMap(([on, files]) =>
    Object.keys(files).map((k) => `${k} on ${on}`)
  );
  return new DinogradError(
    `No ${kind ? `${kind} library` : "library"} of dinograd ${version} is released for ` +
      platform + (there.length ? `, only: ${there.join(", ")}` : ""),
  );
}

const needs = (flag: string) => new DinogradError(`Installing needs ${flag}, which is not given`);

function addressOf({ file }: ReleaseFile, folder: string | undefined): URL {
  if (folder === undefined) {
    throw new DinogradError("This release names no address to download from: give one as url");
  }
  const wrong = () => new DinogradError(`Wanted an http or https address, got "${folder}"`);
  if (!URL.canParse(folder)) throw wrong();
  const url = new URL(file, folder.endsWith("/") ? folder : `${folder}/`);
  if (!/^https?:$/.test(url.protocol)) throw wrong();
  return url;
}

const reason = (error: unknown) => error instanceof Error ? error.message : String(error);

async function sha256(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  return digest.toHex();
}

/** Whether the very file of the release is in its place. */
async function isThere(path: string, { bytes, sha256: wanted }: ReleaseFile): Promise<boolean> {
  try {
    if ((await Deno.stat(path)).size !== bytes) return false;
    return await sha256(await Deno.readFile(path)) === wanted;
  } catch {
    return false;
  }
}

/** The verified bytes of a file. No more than it should have are ever held. */
async function download(url: URL, wanted: ReleaseFile): Promise<Uint8Array<ArrayBuffer>> {
  const { host } = url;
  if (!granted({ name: "net", host })) throw needs(`--allow-net=${host}`);
  const bytes = new Uint8Array(wanted.bytes);
  let length = 0;
  try {
    const response = await fetch(url);
    if (!response.ok) {
      await response.body?.cancel();
      throw new Error(`the server answers ${response.status} ${response.statusText}`.trimEnd());
    }
    for await (const part of response.body ?? []) {
      if (length + part.length <= bytes.length) bytes.set(part, length);
      length += part.length;
      if (length > bytes.length) break; // which closes the connection
    }
  } catch (error) {
    throw new DinogradError(`Cannot download ${url}: ${reason(error)}`);
  }
  if (length !== bytes.length) {
    const got = length < bytes.length ? String(length) : "more";
    throw new DinogradError(`${url} should have ${bytes.length} bytes, got ${got}`);
  }
  const sum = await sha256(bytes);
  if (sum !== wanted.sha256) {
    throw new DinogradError(`${url} should have the SHA-256 sum ${wanted.sha256}, got ${sum}`);
  }
  return bytes;
}

/** Writes a file that is whole from the moment it has its name. */
async function save(bytes: Uint8Array, folder: string, path: string): Promise<void> {
  const unfinished = `${path}.${crypto.randomUUID()}`;
  try {
    await Deno.mkdir(folder, { recursive: true });
    try {
      const file = await Deno.open(unfinished, { write: true, createNew: true, mode: 0o755 });
      try {
        for (let at = 0; at < bytes.length;) at += await file.write(bytes.subarray(at));
        await file.sync();
      } finally {
        file.close();
      }
      await Deno.rename(unfinished, path);
    } catch (error) {
      await Deno.remove(unfinished).catch(() => {}); // it may not have been made
      throw error;
    }
  } catch (error) {
    throw new DinogradError(`Cannot write ${path}: ${reason(error)}`);
  }
}

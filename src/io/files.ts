// How are files written so that a crash leaves the old one or the new one, never half of either? Under another name first, brought to
// the disk, then renamed. Nothing is ever asked of the user.

import { DinogradError } from "../errors.ts";
import { granted } from "../native/platform.ts";

/** The path in a `file://` address, or the path itself. */
export function toPath(address: string): string {
  return address.startsWith("file://") ? address.slice("file://".length) : address;
}

/** Checks that this program may write to (or read) a path; `what` begins the sentence that says otherwise. */
export function checkAccess(what: string, path: string, ...kinds: ("read" | "write")[]): void {
  checkAround(`${what} ${path}`, path, ...kinds);
}

// The same where another path is what it takes, such as the folder around it.
function checkAround(what: string, path: string, ...kinds: ("read" | "write")[]): void {
  if (typeof Deno === "undefined") throw new DinogradError(`${what} needs Deno`);
  for (const name of kinds) {
    if (granted({ name, path })) continue;
    throw new DinogradError(`${what} needs the permission --allow-${name}=${path}`);
  }
}

const split = (path: string): [folder: string, name: string] => {
  const at = path.lastIndexOf("/");
  return at < 0 ? [".", path] : [path.slice(0, at) || "/", path.slice(at + 1)];
};

// Has what was written to a file reach the disk.
async function sync(path: string): Promise<void> {
  using file = await Deno.open(path, { write: true });
  await file.sync();
}

// Has a change of names in a folder reach the disk, where this program may read the folder.
async function syncNames(folder: string): Promise<void> {
  if (!granted({ name: "read", path: folder })) return;
  using file = await Deno.open(folder);
  await file.sync();
}

/** Whether there is something under this path. */
export async function exists(path: string): Promise<boolean> {
  try {
    await Deno.lstat(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

/**
 * Writes files of a folder, in place of those of the same names. All are on the disk under other names before the first gets its own,
 * so that what is half written is never seen; a crash between two of these renamings leaves new files beside old ones. Makes the
 * folder, which it needs to write to; `what` begins the sentence that says otherwise.
 */
export async function replaceFiles(
  folder: string,
  files: readonly (readonly [name: string, bytes: Uint8Array<ArrayBuffer>])[],
  what = `Writing ${folder}`,
): Promise<void> {
  checkAround(what, folder, "write");
  await Deno.mkdir(folder, { recursive: true });
  const part = (name: string) => `${folder}/.${name}.part`;
  for (const [name, bytes] of files) {
    await Deno.writeFile(part(name), bytes);
    await sync(part(name));
  }
  for (const [name] of files) await Deno.rename(part(name), `${folder}/${name}`);
  await syncNames(folder);
}

/** Writes a file, in place of the one of that name if there is one. Makes its folder, which it needs to write to. */
export async function replaceFile(path: string, bytes: Uint8Array<ArrayBuffer>): Promise<void> {
  const [folder, name] = split(path);
  await replaceFiles(folder, [[name, bytes]], `Writing ${path}`);
}

/**
 * Has `write` fill a new folder, which then takes the place of the one of that name. The old one is put aside for that moment:
 * a crash in it leaves it as `.<name>.old`, beside the new one as `.<name>.part`. Needs to read and write to the folder around it.
 */
export async function replaceFolder(
  path: string,
  write: (folder: string) => Promise<unknown>,
): Promise<void> {
  const [folder, name] = split(path.replace(/\/+$/, ""));
  checkAround(`Writing ${path}`, folder, "write", "read");
  const [target, part, old] = [name, `.${name}.part`, `.${name}.old`].map((n) => `${folder}/${n}`);
  for (const left of [part, old]) {
    if (await exists(left)) await Deno.remove(left, { recursive: true });
  }
  await Deno.mkdir(part, { recursive: true });
  await write(part);
  for await (const entry of Deno.readDir(part)) {
    if (entry.isFile) await sync(`${part}/${entry.name}`);
  }
  await syncNames(part);
  if (await exists(target)) await Deno.rename(target, old);
  await Deno.rename(part, target);
  await syncNames(folder);
  if (await exists(old)) await Deno.remove(old, { recursive: true });
}

/** The bytes of a file. */
export async function readFile(path: string): Promise<Uint8Array<ArrayBuffer>> {
  checkAccess("Reading", path, "read");
  try {
    return await Deno.readFile(path);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new DinogradError(`Cannot read ${path}: ${reason}`, { cause: error });
  }
}

/** Adds bytes to a file, after emptying it where `anew`. Makes its folder, where it may. */
export async function appendBytes(
  path: string,
  bytes: Uint8Array<ArrayBuffer>,
  anew = false,
): Promise<void> {
  checkAccess("Writing", path, "write");
  const [folder] = split(path);
  if (granted({ name: "write", path: folder })) await Deno.mkdir(folder, { recursive: true });
  await Deno.writeFile(path, bytes, { append: !anew });
}

/** The same for text. */
export async function appendText(path: string, text: string, anew = false): Promise<void> {
  await appendBytes(path, new TextEncoder().encode(text), anew);
}

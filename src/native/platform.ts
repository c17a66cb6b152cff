// What may this program ask of the machine? The one place that touches Deno's environment and files without a prompt: every
// question is put to `permissions.querySync` first, and a browser simply has none of it.

/** Whether a permission is granted already; nothing is ever asked of the user. */
export function granted(permission: Deno.PermissionDescriptor): boolean {
  return typeof Deno !== "undefined" && Deno.permissions.querySync(permission).state === "granted";
}

/** An environment variable, or undefined where it is unset or may not be read. */
export function environment(name: string): string | undefined {
  return granted({ name: "env", variable: name }) ? Deno.env.get(name) || undefined : undefined;
}

/** Whether a file is there, as far as this program may know. */
export function fileExists(path: string): boolean {
  if (!granted({ name: "read", path })) return false;
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
}

/** The path of a file beside this module's checkout, or undefined when the module was not loaded from disk. */
export function besideSources(relative: string): string | undefined {
  const url = new URL(relative, import.meta.url);
  return url.protocol === "file:" ? decodeURIComponent(url.pathname) : undefined;
}

/** The path of a file in the user's cache folder, or undefined where that folder is not known. */
export function inUserCache(relative: string): string | undefined {
  const named = environment("XDG_CACHE_HOME"), home = environment("HOME");
  // The XDG specification has relative paths ignored.
  const folder = named?.startsWith("/") ? named : home && `${home}/.cache`;
  return folder && `${folder}/${relative}`;
}

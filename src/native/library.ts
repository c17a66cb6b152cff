// Where are the native libraries, and which of them can be opened? For each that cannot: why, and what would cure it.

import { version } from "../version.ts";
import { FfiNative } from "./native.ts";
import { besideSources, environment, fileExists, granted, inUserCache } from "./platform.ts";
import { symbols } from "./symbols.ts";

/** The shared libraries, by the devices they bring. */
export type LibraryKind = "cpu" | "gpu";

/** An opened library, or the reason why there is none and what would cure it. */
export type Opened =
  | { native: FfiNative; path: string }
  | { native?: undefined; reason: string; cure: string };

const libraries: Record<LibraryKind, { file: string; variable: string; make: string }> = {
  cpu: { file: "libdinograd_cpu.so", variable: "DINOGRAD_CPU_LIB", make: "make cpu" },
  gpu: { file: "libdinograd_cuda.so", variable: "DINOGRAD_CUDA_LIB", make: "make cuda" },
};

/** Where `installNative` puts a library, or undefined where the user's cache folder is not known. */
export function installedPath(kind: LibraryKind): string | undefined {
  return inUserCache(`dinograd/${version}/${libraries[kind].file}`);
}

/** Opens a library from its environment variable, or else the checkout's build folder or the user's cache, in that order. */
export function openLibrary(kind: LibraryKind): Opened {
  const { file, variable, make } = libraries[kind];
  if (typeof Deno === "undefined") {
    return { reason: "only Deno can open native libraries", cure: "run the program with Deno" };
  }
  if (Deno.build.os !== "linux" || Deno.build.arch !== "x86_64") {
    return {
      reason: `${file} exists for Linux on x86-64, this is ${Deno.build.os} on ${Deno.build.arch}`,
      cure: Deno.build.os === "windows" ? "use WSL2" : "none yet",
    };
  }
  const named = environment(variable);
  const built = besideSources(`../../cuda/build/${file}`);
  const places = (named ? [named] : [built, installedPath(kind)]).filter((p) => p !== undefined);
  if (places.length === 0) {
    return {
      reason:
        "the module was not loaded from a checkout, and no environment variable may be read " +
        "that says where libraries are",
      cure: `set ${variable} to the library's path, with --allow-env=${variable} and --allow-ffi`,
    };
  }
  const there = places.filter((path) => !granted({ name: "read", path }) || fileExists(path));
  if (there.length === 0) {
    return {
      reason: `there is no ${places.join(" and no ")}`,
      cure: named
        ? `correct ${variable}`
        : built
        ? `build it with: ${make}, or install it with: deno task install-native`
        : "call installNative() once",
    };
  }
  const allowed = there.filter((path) => granted({ name: "ffi", path }));
  if (allowed.length === 0) {
    return {
      reason: "the program may not open native libraries",
      cure: `run it with --allow-ffi=${there[0]}`,
    };
  }
  const failures: string[] = [];
  for (const path of allowed) {
    try {
      return { native: new FfiNative(Deno.dlopen(path, symbols)), path };
    } catch (error) {
      failures.push(`${path} cannot be used: ${error instanceof Error ? error.message : error}`);
    }
  }
  return { reason: failures.join("; "), cure: `build it anew with: ${make}` };
}

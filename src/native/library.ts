// Where are the native libraries, and which of them can be opened? For each that cannot: why, and what would cure it.

import { FfiNative } from "./native.ts";
import { besideSources, environment, fileExists, granted } from "./platform.ts";
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

/** Opens a library from its environment variable or the checkout's build folder, in that order. */
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
  const path = named ?? besideSources(`../../cuda/build/${file}`);
  if (path === undefined) {
    return {
      reason:
        `the module was not loaded from a checkout, and ${variable} is not set (or not readable)`,
      cure: `set ${variable} to the library's path, with --allow-env=${variable} and --allow-ffi`,
    };
  }
  if (!granted({ name: "ffi", path })) {
    return {
      reason: "the program may not open native libraries",
      cure: `run it with --allow-ffi=${path}`,
    };
  }
  if (granted({ name: "read", path }) && !fileExists(path)) {
    return {
      reason: `there is no ${path}`,
      cure: named ? `correct ${variable}` : `build it with: ${make}`,
    };
  }
  try {
    return { native: new FfiNative(Deno.dlopen(path, symbols)), path };
  } catch (error) {
    return {
      reason: `${path} cannot be used: ${error instanceof Error ? error.message : error}`,
      cure: `build it anew with: ${make}`,
    };
  }
}

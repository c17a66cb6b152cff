// Which files make a release? The built libraries under their release names in dist/, and native.json, which says what they
// must be. `make dist` runs this after building them.

import type { LibraryKind } from "../src/native/library.ts";
import type { Release } from "../src/native/install.ts";
import { version } from "../src/version.ts";
import { helpText, parseOptions } from "./options.ts";

const platform = "linux-x86_64";
const libraries: readonly [LibraryKind, string][] = [
  ["cpu", "libdinograd_cpu"],
  ["gpu", "libdinograd_cuda"],
];

/** Copies the libraries of a build folder to `dist` and describes them. `url`: the folder they will be downloaded from. */
export async function makeRelease(
  build: string,
  dist: string,
  url: string | null,
): Promise<Release> {
  await Deno.mkdir(dist, { recursive: true });
  const release: Release = { version, url, libraries: { [platform]: {} } };
  for (const [kind, name] of libraries) {
    const bytes = await Deno.readFile(`${build}/${name}.so`);
    const file = `${name}-${version}-${platform}.so`;
    await Deno.writeFile(`${dist}/${file}`, bytes, { mode: 0o755 });
    const sha256 = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)).toHex();
    release.libraries[platform][kind] = { file, bytes: bytes.length, sha256 };
  }
  return release;
}

const options = {
  url: { type: "string", value: "URL", help: "the folder the files will be downloaded from" },
} as const;

if (import.meta.main) {
  const { help, url } = parseOptions(options, Deno.args);
  if (help) {
    console.log(
      helpText(
        "native_manifest.ts [options]",
        "Copies the built libraries to dist/ and writes native.json.",
        options,
      ),
    );
  } else {
    const root = decodeURIComponent(new URL("..", import.meta.url).pathname);
    const release = await makeRelease(`${root}cuda/build`, `${root}dist`, url ?? null);
    await Deno.writeTextFile(`${root}native.json`, JSON.stringify(release, null, 2) + "\n");
    for (const { file, bytes } of Object.values(release.libraries[platform])) {
      console.log(`dist/${file}  ${(bytes / 2 ** 20).toFixed(1)} MiB`);
    }
  }
}

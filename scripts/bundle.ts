// How does the library become one JavaScript module for browsers?
//
//   deno run -A --no-lock scripts/bundle.ts >dinograd.js
//
// This is a process of its own, so that nothing else depends on its npm package; it needs the npm registry once (Deno caches
// what it fetched).

async function bundle(): Promise<Uint8Array<ArrayBuffer>> {
  const esbuild = await import("npm:esbuild@0.28.2").catch((error) => {
    throw new Error(`esbuild could not be fetched from npm: ${reason(error)}`);
  });
  try {
    const { outputFiles } = await esbuild.build({
      entryPoints: [decodeURIComponent(new URL("../mod.ts", import.meta.url).pathname)],
      bundle: true,
      format: "esm",
      platform: "browser",
      target: "es2022",
      minify: true,
      write: false,
      logLevel: "silent",
    });
    return outputFiles[0].contents as Uint8Array<ArrayBuffer>;
  } finally {
    await esbuild.stop();
  }
}

const reason = (error: unknown) => error instanceof Error ? error.message : String(error);

try {
  await new Blob([await bundle()]).stream().pipeTo(Deno.stdout.writable);
} catch (error) {
  console.error(`bundle: ${reason(error)}`);
  Deno.exitCode = 1;
}

// Are released libraries installed whole and verified, or not at all, and are they found from there?
import assert from "node:assert";
import manifest from "../native.json" with { type: "json" };
import { makeRelease } from "../scripts/native_manifest.ts";
import { DinogradError } from "../src/errors.ts";
import { install, type Release } from "../src/native/install.ts";
import { version } from "../src/version.ts";
import { serve } from "./server.ts";

const platform = "linux-x86_64";
const fake = { cpu: new Uint8Array(100_000).fill(7), gpu: new TextEncoder().encode("kernels") };

interface Place {
  /** A cache folder, empty at first. */
  cache: string;
  /** The release that the server has, with its address. */
  release: Release;
  /** Files by path; a test may spoil them. */
  served: Map<string, Uint8Array<ArrayBuffer>>;
  /** What the server was asked for. */
  asked: string[];
}

/** Makes a release of two libraries, serves it on a port of this machine, and runs `fn`. */
async function withRelease(fn: (place: Place) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  const served = new Map<string, Uint8Array<ArrayBuffer>>();
  await using server = serve(served);
  try {
    await Deno.writeFile(`${folder}/libdinograd_cpu.so`, fake.cpu);
    await Deno.writeFile(`${folder}/libdinograd_cuda.so`, fake.gpu);
    const release = await makeRelease(folder, `${folder}/dist`, `http://${server.host}/release`);
    for await (const { name } of Deno.readDir(`${folder}/dist`)) {
      served.set(`release/${name}`, await Deno.readFile(`${folder}/dist/${name}`));
    }
    await fn({ cache: `${folder}/cache`, release, served, asked: server.asked });
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

const into = (folder: string) => (kind: string) => `${folder}/${kind}.so`;

async function filesIn(folder: string): Promise<string[]> {
  try {
    return (await Array.fromAsync(Deno.readDir(folder))).map(({ name }) => name).sort();
  } catch {
    return [];
  }
}

Deno.test("a release is installed once, and again where a file has changed", async () => {
  await withRelease(async ({ cache, release, asked }) => {
    assert.deepEqual(Object.keys(release.libraries), [platform]);
    const names = ["cpu", "cuda"].map((n) => `release/libdinograd_${n}-${version}-${platform}.so`);
    const run = async () =>
      (await install(release, platform, into(cache))).map((i) => i.downloaded);
    assert.deepEqual(await run(), [true, true]);
    assert.deepEqual(asked, names);
    assert.deepEqual(await filesIn(cache), ["cpu.so", "gpu.so"]);
    assert.deepEqual(await Deno.readFile(`${cache}/cpu.so`), fake.cpu);
    assert.deepEqual(await Deno.readFile(`${cache}/gpu.so`), fake.gpu);
    assert.deepEqual(await run(), [false, false]);
    assert.equal(asked.length, 2);
    await Deno.writeTextFile(`${cache}/gpu.so`, "kernelz"); // of the same length
    assert.deepEqual(await run(), [false, true]);
    assert.deepEqual(await Deno.readFile(`${cache}/gpu.so`), fake.gpu);
  });
});

Deno.test("one kind may be asked for, and another address given", async () => {
  await withRelease(async ({ cache, release, asked }) => {
    const elsewhere = { ...release, url: null };
    const kinds = ["gpu"] as const;
    await assert.rejects(
      install(elsewhere, platform, into(cache), { kinds }),
      new DinogradError("This release names no address to download from: give one as url"),
    );
    for (const url of ["dist", "file:///dist"]) {
      await assert.rejects(
        install(elsewhere, platform, into(cache), { kinds, url }),
        new DinogradError(`Wanted an http or https address, got "${url}"`),
      );
    }
    await install(elsewhere, platform, into(cache), { kinds, url: `${release.url}/` });
    assert.deepEqual(await filesIn(cache), ["gpu.so"]);
    assert.equal(asked.length, 1);
  });
});

/** Spoils the CPU library on the server, and wants the installation refused with nothing left behind. */
async function refused(
  spoil: (place: Place, path: string, bytes: Uint8Array<ArrayBuffer>) => void,
  expected: RegExp,
): Promise<void> {
  await withRelease(async (place) => {
    const path = `release/${place.release.libraries[platform].cpu!.file}`;
    spoil(place, path, place.served.get(path)!);
    const { cache, release } = place;
    await assert.rejects(install(release, platform, into(cache)), (error: Error) => {
      assert.ok(error instanceof DinogradError);
      assert.match(error.message, expected);
      return true;
    });
    assert.deepEqual(await filesIn(cache), []);
  });
}

Deno.test("a file with a wrong checksum is refused", () =>
  refused(
    ({ served }, path, bytes) => served.set(path, bytes.with(99, 8)),
    /cpu-.*\.so should have the SHA-256 sum [0-9a-f]{64}, got [0-9a-f]{64}$/,
  ));

Deno.test("a truncated file is refused", () =>
  refused(
    ({ served }, path, bytes) => served.set(path, bytes.slice(0, -1)),
    /should have 100000 bytes, got 99999$/,
  ));

Deno.test("a file that is too long is refused", () =>
  refused(
    ({ served }, path) => served.set(path, new Uint8Array(10_000_000)),
    /should have 100000 bytes, got more$/,
  ));

Deno.test("a file that is not there is refused", () =>
  refused(({ served }, path) => served.delete(path), /: the server answers 404 Not Found$/));

Deno.test("a connection that breaks off is refused", async () => {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const answer = (async () => {
    using connection = await listener.accept();
    await connection.read(new Uint8Array(4096));
    const head = "HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\nonly this";
    await connection.write(new TextEncoder().encode(head));
  })();
  await refused(({ release }) => {
    release.url = `http://127.0.0.1:${listener.addr.port}`;
  }, /^Cannot download http:.*cpu-.*\.so: /);
  await answer;
});

Deno.test("a server that is not there is refused", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  listener.close();
  await refused(({ release }) => {
    release.url = `http://127.0.0.1:${port}`;
  }, /^Cannot download http:/);
});

Deno.test("a cache that cannot be written leaves what was there", async () => {
  await withRelease(async ({ cache, release }) => {
    // Nobody, root included, makes files in /proc.
    for (const folder of ["/proc/self", "/proc/dinograd", `${cache}/file`]) {
      if (folder === `${cache}/file`) {
        await Deno.mkdir(cache);
        await Deno.writeTextFile(folder, "in the way");
      }
      await assert.rejects(
        install(release, platform, into(folder)),
        (error: Error) => error instanceof DinogradError && /^Cannot write /.test(error.message),
      );
    }
    assert.deepEqual(await filesIn(cache), ["file"]);
  });
});

Deno.test("what is not released is refused in words", async () => {
  await withRelease(async ({ cache, release, asked }) => {
    await assert.rejects(
      install(release, "darwin-aarch64", into(cache)),
      new DinogradError(
        `No library of dinograd ${version} is released for darwin-aarch64, only: ` +
          `cpu on ${platform}, gpu on ${platform}`,
      ),
    );
    delete release.libraries[platform].gpu;
    await assert.rejects(
      install(release, platform, into(cache), { kinds: ["cpu", "gpu"] }),
      /No gpu library of dinograd .* only: cpu on linux-x86_64$/,
    );
    await assert.rejects(
      install({ version, url: null, libraries: {} }, platform, into(cache)),
      new DinogradError(`No library of dinograd ${version} is released for ${platform}`),
    );
    assert.equal(asked.length, 1); // the CPU library, before the other was missed
  });
});

Deno.test("native.json speaks of this version, and of files only with their address", () => {
  const { version: of, url, libraries }: Release = manifest;
  assert.equal(of, version);
  const files = Object.values(libraries).flatMap((kinds) => Object.values(kinds));
  assert.ok(url === null || files.length > 0);
  for (const { file, bytes, sha256 } of files) {
    assert.ok(file.includes(version) && bytes > 0 && /^[0-9a-f]{64}$/.test(sha256));
  }
});

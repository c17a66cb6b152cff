// Where are native libraries found, in which order, and with how few permissions?
import assert from "node:assert";
import { makeRelease } from "../scripts/native_manifest.ts";
import { version } from "../src/version.ts";
import { reachable, root } from "./imports.ts";
import { runProgram } from "./programs.ts";
import { serve } from "./server.ts";

const built = new URL("cuda/build/libdinograd_cpu.so", root).pathname;
const withLibrary = {
  ignore: !await Deno.stat(built).then(() => true, () => false),
};

/** Runs `fn` with a folder that is a user's home, and the place for an installed CPU library in it. */
async function withHome(fn: (home: string, installed: string) => Promise<void>): Promise<void> {
  const home = await Deno.makeTempDir();
  try {
    const folder = `${home}/.cache/dinograd/${version}`;
    await Deno.mkdir(folder, { recursive: true });
    await fn(home, `${folder}/libdinograd_cpu.so`);
  } finally {
    await Deno.remove(home, { recursive: true });
  }
}

/** What `openLibrary("cpu")` comes to in a process of its own: a path, or the reason and the cure. */
async function open(
  flags: string[],
  env: Record<string, string>,
  checkout = root,
): Promise<string[]> {
  const program = `
    import { openLibrary } from "${new URL("src/native/library.ts", checkout).href}";
    const { path, reason, cure } = openLibrary("cpu");
    console.log(JSON.stringify(path ? [path] : [reason, cure]));
  `;
  const { code, out, err } = await runProgram(program, flags, env);
  assert.deepEqual({ code, err }, { code: 0, err: "" });
  return JSON.parse(out);
}

Deno.test(
  "a named library comes first, then a built one, then an installed one",
  withLibrary,
  () =>
    withHome(async (home, installed) => {
      await Deno.copyFile(built, installed);
      const all = ["--allow-ffi", "--allow-env", "--allow-read"];
      assert.deepEqual(await open(all, { HOME: home }), [built]);
      const named = `${home}/named.so`;
      await Deno.copyFile(built, named);
      assert.deepEqual(await open(all, { HOME: home, DINOGRAD_CPU_LIB: named }), [named]);
      await Deno.remove(named);
      const [reason, cure] = await open(all, { HOME: home, DINOGRAD_CPU_LIB: named });
      assert.deepEqual([reason, cure], [`there is no ${named}`, "correct DINOGRAD_CPU_LIB"]);
    }),
);

Deno.test(
  "permission for one path is enough",
  withLibrary,
  () =>
    withHome(async (home, installed) => {
      assert.deepEqual(await open([`--allow-ffi=${built}`], {}), [built]);
      await Deno.copyFile(built, installed);
      const flags = [`--allow-ffi=${installed}`, "--allow-env=HOME"];
      assert.deepEqual(await open(flags, { HOME: home }), [installed]);
      const cache = { HOME: "/nowhere", XDG_CACHE_HOME: `${home}/.cache` };
      assert.deepEqual(await open([flags[0], "--allow-env"], cache), [installed]);
      const relative = { HOME: home, XDG_CACHE_HOME: "cache" };
      assert.deepEqual(await open([flags[0], "--allow-env"], relative), [installed]);
    }),
);

Deno.test("without permission the cure names the flag", async () => {
  const [reason, cure] = await open([], {});
  assert.equal(reason, "the program may not open native libraries");
  assert.equal(cure, `run it with --allow-ffi=${built}`);
});

Deno.test(
  "what cannot be opened is named, and the next place tried",
  withLibrary,
  () =>
    withHome(async (home, installed) => {
      const all = ["--allow-ffi", "--allow-env", "--allow-read"];
      const checkout = new URL(`file://${home}/checkout/`);
      const broken = `${checkout.pathname}cuda/build/libdinograd_cpu.so`;
      for (const path of reachable(["src/native/library.ts"]).keys()) {
        const copy = new URL(path, checkout);
        await Deno.mkdir(new URL(".", copy), { recursive: true });
        await Deno.copyFile(new URL(path, root), copy);
      }
      const none = await open(all, { HOME: home }, checkout);
      assert.deepEqual(none, [
        `there is no ${broken} and no ${installed}`,
        "build it with: make cpu, or install it with: deno task install-native",
      ]);
      await Deno.mkdir(`${checkout.pathname}cuda/build`, { recursive: true });
      await Deno.writeTextFile(broken, "no library");
      const [reason, cure] = await open(all, { HOME: home }, checkout);
      assert.ok(reason.startsWith(`${broken} cannot be used: `), reason);
      assert.equal(cure, "build it anew with: make cpu");
      await Deno.copyFile(built, installed);
      assert.deepEqual(await open(all, { HOME: home }, checkout), [installed]);
      const [named] = await open(all, { HOME: home, DINOGRAD_CPU_LIB: broken }, checkout);
      assert.ok(named.startsWith(`${broken} cannot be used: `), named);
    }),
);

Deno.test(
  "a program imported from a URL installs the CPU library and trains with it",
  withLibrary,
  () =>
    withHome(async (home, installed) => {
      // The release has this checkout's CPU library, and stands in a native.json of its own.
      const files = new Map<string, Uint8Array<ArrayBuffer> | string>();
      await using server = serve(files);
      const { host } = server;
      await Deno.copyFile(built, `${home}/libdinograd_cpu.so`);
      await Deno.writeTextFile(`${home}/libdinograd_cuda.so`, "for another test");
      const release = await makeRelease(home, `${home}/dist`, `http://${host}/release`);
      const { file } = release.libraries["linux-x86_64"].cpu!;
      files.set("native.json", JSON.stringify(release));
      files.set(`release/${file}`, await Deno.readFile(`${home}/dist/${file}`));

      const program = `
      import * as dg from "http://${host}/mod.ts";
      import { trainSmall } from "http://${host}/tests/small_training.ts";
      const installed = await dg.installNative({ kinds: ["cpu"] });
      console.log(JSON.stringify({ installed, ...await trainSmall(dg, "cpu") }));
    `;
      const cache = `${home}/.cache`;
      const flags = [
        ...[`--allow-import=${host}`, `--allow-net=${host}`, "--allow-env=HOME"],
        ...[`--allow-read=${cache}`, `--allow-write=${cache}`, `--allow-ffi=${installed}`],
      ];
      const run = await runProgram(program, flags, { HOME: home });
      assert.deepEqual([run.code, run.err], [0, ""]);
      const { installed: [was], device, loss } = JSON.parse(run.out);
      assert.deepEqual(was, { kind: "cpu", path: installed, downloaded: true });
      assert.equal(device, "cpu");
      assert.ok(loss.at(-1) < loss[0], `losses ${loss} do not fall`);

      // Each permission is needed, and named where it is missing.
      await Deno.remove(installed);
      for (const missing of ["--allow-net", "--allow-env", "--allow-read", "--allow-write"]) {
        const { code, err } = await runProgram(
          program,
          flags.filter((flag) => !flag.startsWith(missing)),
          { HOME: home },
        );
        assert.equal(code, 1);
        assert.match(err, new RegExp(`DinogradError: .*${missing}`));
      }
    }),
);

Deno.test("the command says in one line what is missing", async () => {
  const { code, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-lock", "--quiet", "scripts/install_native.ts", "--url", "nowhere"],
    cwd: root,
    env: { XDG_CACHE_HOME: "/proc" },
  }).output();
  assert.equal(code, 1);
  assert.match(new TextDecoder().decode(stderr), /^install-native: .*\n$/);
});

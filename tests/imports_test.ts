// Do imports point downward only, without cycles, and never at anything that would have to be fetched?
import assert from "node:assert";
import { importsOf, reachable, resolve, scanImports, sources } from "./imports.ts";

Deno.test("the scanner finds what is imported and nothing else", () => {
  const source = [
    'import assert from "node:assert";',
    'import "./a.ts"; // import "./no.ts";',
    'import type { A } from "./b.ts";',
    "import {",
    "  b,",
    '} from "./c.ts";',
    'export * from "./d.ts";',
    'export { e } from "./e.ts";',
    'const text = "https://example.org"; const later = await import("./f.ts");',
    'type G = typeof import("./g.ts");',
    "const any = import(name);",
    '/** import { no } from "./no.ts"; */',
    "const program = `",
    'import "./no.ts";',
    "`;",
    'export const from = "./no.ts";',
    'export function importer(x = "./no.ts") {}',
  ].join("\n");
  const names = [..."abcdefg"].map((name) => `./${name}.ts`);
  assert.deepEqual(scanImports(source), ["node:assert", ...names, "name"]);
});

// The floors of the house, lowest first. A file may import from its own floor and those below.
const floors: readonly (readonly RegExp[])[] = [
  [/^src\/(errors|version)\.ts$/, /^native\.json$/],
  [/^src\/native\//],
  [/^src\/(tensor|variable|shape|dtype|format|scope|backend|config|precision|availability)\.ts$/],
  [/^src\/(ops\/.*|op|grad|record|buffer|chain|profile)\.ts$/],
  [
    /^src\/(models|layers|optimizers|losses|metrics|callbacks|data|io|text)\//,
    /^src\/(utils|initializers|regularizers|constraints|activations|serialization|policy|mixed_precision)(\.ts$|\/)/,
  ],
  [/^mod\.ts$/],
];
const floorOf = (path: string) => floors.findIndex((f) => f.some((name) => name.test(path)));

const library = ["mod.ts", ...sources("src")];

Deno.test("every source file has its floor", () => {
  assert.deepEqual(library.filter((path) => floorOf(path) < 0), []);
});

Deno.test("imports point downward", () => {
  const upward = library.flatMap((path) =>
    importsOf(path)
      .map((specifier) => resolve(specifier, path))
      .filter((to) => to !== undefined && !(floorOf(to) >= 0 && floorOf(to) <= floorOf(path)))
      .map((to) => `${path} -> ${to}`)
  );
  assert.deepEqual(upward, []);
});

Deno.test("imports have no cycles", () => {
  const state = new Map<string, "open" | "done">();
  const cycles: string[] = [];
  const visit = (path: string, trail: string[]) => {
    if (state.get(path) === "open") {
      cycles.push([...trail.slice(trail.indexOf(path)), path].join(" -> "));
    }
    if (state.has(path)) return;
    state.set(path, "open");
    for (const specifier of importsOf(path)) {
      const next = resolve(specifier, path);
      if (next !== undefined) visit(next, [...trail, path]);
    }
    state.set(path, "done");
  };
  for (const path of library) visit(path, []);
  assert.deepEqual(cycles, []);
});

/** Imports, in files that these entries reach, that are neither relative nor one of `allowed`. */
function foreign(entries: readonly string[], allowed: readonly string[]): string[] {
  return [...reachable(entries)].flatMap(([path, imports]) =>
    imports
      .filter((s) => resolve(s, path) === undefined && !allowed.includes(s))
      .map((s) => `${path} imports ${s}`)
  );
}

Deno.test("the library imports its own files only", () => {
  assert.deepEqual(foreign(library, []), []);
});

Deno.test("train, devices and the tests need nothing from a network", () => {
  const scripts = ["scripts/train.ts", "scripts/devices.ts", "scripts/test.ts"];
  const tests = sources("tests");
  assert.deepEqual(foreign([...scripts, ...tests], ["node:assert", "node:util"]), []);
});

Deno.test("every npm package has one version, wherever it is named", () => {
  const packages = [...sources("scripts"), ...sources("bench")].flatMap((path) =>
    importsOf(path).filter((s) => s.includes(":"))
  ).filter((s) => !s.startsWith("node:"));
  const names = packages.map((name) => name.replace(/@[^@]*$/, ""));
  assert.equal(new Set(packages).size, new Set(names).size);
  for (const name of packages) assert.match(name, /^npm:[\w@/-]+@\d+\.\d+\.\d+$/);
});

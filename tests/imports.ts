// Which modules does a source file import? A scanner for this project's own formatted TypeScript.

/** The project's folder. */
export const root = new URL("..", import.meta.url);

// Read from left to right, so that what looks like an import inside a comment or a string counts for nothing. After `deno fmt`
// a statement begins at the line's start.
const token = new RegExp(
  [
    /\/\/[^\n]*|\/\*[\s\S]*?\*\//, // comment
    /^(?:import|export)\b(?:[^;"'`(]*?\bfrom)?\s*"([^"\n]+)"/, // import or re-export
    /\bimport\(\s*(?:"([^"\n]+)"|([^)\s][^)]*))/, // import at some later time
    /"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|`(?:\\.|[^`\\])*`/, // string
  ].map((r) => r.source).join("|"),
  "gm",
);

/** What TypeScript source text imports, types included, at loading or later. */
export function scanImports(source: string): string[] {
  return [...source.matchAll(token)].map((m) => m[1] ?? m[2] ?? m[3]).filter((s) =>
    s !== undefined
  );
}

/** All TypeScript files of a folder, as paths from the project's root. */
export function sources(folder: string): string[] {
  return [...Deno.readDirSync(new URL(`${folder}/`, root))].flatMap(({ name, isDirectory }) =>
    isDirectory ? sources(`${folder}/${name}`) : name.endsWith(".ts") ? [`${folder}/${name}`] : []
  ).sort();
}

/** What a file of the project imports. */
export function importsOf(path: string): string[] {
  return scanImports(Deno.readTextFileSync(new URL(path, root)));
}

/** The project file that a relative specifier means; undefined for everything else. */
export function resolve(specifier: string, importer: string): string | undefined {
  if (!/^\.{1,2}\//.test(specifier)) return undefined;
  const { href } = new URL(specifier, new URL(importer, root));
  return href.startsWith(root.href) ? href.slice(root.href.length) : undefined;
}

/** Project files that loading these files loads, themselves included, each with what it imports. */
export function reachable(entries: readonly string[]): Map<string, string[]> {
  const seen = new Map<string, string[]>();
  const visit = (path: string) => {
    if (seen.has(path)) return;
    const imports = importsOf(path);
    seen.set(path, imports);
    for (const specifier of imports) {
      const next = resolve(specifier, path);
      if (next !== undefined) visit(next);
    }
  };
  entries.forEach(visit);
  return seen;
}

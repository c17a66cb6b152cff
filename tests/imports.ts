// Which modules does a source file import? A scanner for this project's own formatted TypeScript.

/** The project's folder. */
export const root = new URL("..", import.meta.url);

/** One import: what is written, and whether it happens when the module is loaded. */
export interface Import {
  specifier: string;
  dynamic: boolean;
}

// Comments go, so that examples in them count for nothing; strings stay, so that "//" inside them is no comment.
const commentOrString =
  /\/\/[^\n]*|\/\*[\s\S]*?\*\/|("(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|`(?:\\.|[^`\\])*`)/g;
// After `deno fmt` a statement begins at the line's start.
const staticImport = /^(?:import|export)\b(?:[^;"'`(]*?\bfrom)?\s*"([^"\n]+)"/gm;
const dynamicImport = /\bimport\(\s*(?:"([^"\n]+)"|([^)\s][^)]*))/g;

/** The imports of TypeScript source text, types included. */
export function scanImports(source: string): Import[] {
  const code = source.replace(commentOrString, (_, string) => string ?? "");
  // What a program inside a template string imports is that program's business.
  const own = code.replace(/`(?:\\.|[^`\\])*`/g, "``");
  return [
    ...[...own.matchAll(staticImport)].map((m) => ({ specifier: m[1], dynamic: false })),
    ...[...own.matchAll(dynamicImport)].map((m) => ({ specifier: m[1] ?? m[2], dynamic: true })),
  ];
}

/** All TypeScript files of a folder, as paths from the project's root. */
export function sources(folder: string): string[] {
  return [...Deno.readDirSync(new URL(`${folder}/`, root))].flatMap(({ name, isDirectory }) =>
    isDirectory ? sources(`${folder}/${name}`) : name.endsWith(".ts") ? [`${folder}/${name}`] : []
  ).sort();
}

/** The imports of a file of the project. */
export function importsOf(path: string): Import[] {
  return scanImports(Deno.readTextFileSync(new URL(path, root)));
}

/** The project file that a relative specifier means; undefined for everything else. */
export function resolve(specifier: string, importer: string): string | undefined {
  if (!/^\.{1,2}\//.test(specifier)) return undefined;
  const { href } = new URL(specifier, new URL(importer, root));
  return href.startsWith(root.href) ? href.slice(root.href.length) : undefined;
}

/** Project files that loading these files loads, themselves included, each with what it imports. */
export function reachable(entries: readonly string[]): Map<string, Import[]> {
  const seen = new Map<string, Import[]>();
  const visit = (path: string) => {
    if (seen.has(path)) return;
    const imports = importsOf(path);
    seen.set(path, imports);
    for (const { specifier } of imports) {
      const next = resolve(specifier, path);
      if (next !== undefined) visit(next);
    }
  };
  entries.forEach(visit);
  return seen;
}

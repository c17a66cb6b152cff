// How do the native libraries get onto this machine without a compiler? `deno task install-native --help` tells.

import { DinogradError } from "../src/errors.ts";
import { installNative } from "../src/native/install.ts";
import { helpText, parseOptions } from "./options.ts";

const options = {
  kind: {
    type: "choice",
    choices: ["all", "cpu", "gpu"],
    default: "all",
    help: "which libraries",
  },
  url: {
    type: "string",
    value: "URL",
    help: "the folder that holds a release's files, when not its own",
  },
} as const;

try {
  const { help, kind, url } = parseOptions(options, Deno.args);
  if (help) {
    console.log(
      helpText(
        "deno task install-native [options]",
        "Downloads the native libraries of this version into the user's cache folder. A file whose checksum differs " +
          "from the one in native.json is never kept.",
        options,
      ),
    );
  } else {
    const kinds = kind === "all" ? undefined : [kind];
    for (const { path, downloaded } of await installNative({ url, kinds })) {
      console.log(`${downloaded ? "installed" : "already there"}: ${path}`);
    }
  }
} catch (error) {
  if (!(error instanceof DinogradError)) throw error;
  console.error(`install-native: ${error.message}`);
  Deno.exitCode = 1;
}

// deno task bench:compare A.json B.json: what did the change between two runs of the suite do?

import { comparisonText } from "./comparison.ts";
import { readResults } from "./results.ts";

if (Deno.args.length !== 2) {
  console.error("Wanted two files of bench:report: deno task bench:compare A.json B.json");
  Deno.exit(1);
}
try {
  const [before, after] = await Promise.all(Deno.args.map(readResults));
  console.log(comparisonText(before, after));
} catch (error) {
  console.error(`error: ${(error as Error).message}`);
  Deno.exit(1);
}

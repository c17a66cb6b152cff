// deno task bench:report: what does this machine's hardware buy? Runs the suite, keeps its figures, and shows them.

import { drawChart } from "../scripts/draw_chart.ts";
import { helpText, parseOptions } from "../scripts/options.ts";
import { DinogradError } from "../src/errors.ts";
import { rooflineChart, speedupChart, sweepChart } from "./charts.ts";
import { page, type Picture } from "./report_page.ts";
import { baselineName, markdown } from "./report_text.ts";
import { readResults, type Results } from "./results.ts";
import { runSuite } from "./suite.ts";

const options = {
  quick: { type: "flag", help: "take at most a minute instead of ten" },
  out: { type: "string", value: "DIR", default: "bench/results/latest", help: "where to write" },
  from: { type: "string", value: "FILE.json", help: "show these figures instead of measuring" },
} as const;

async function draw(results: Results): Promise<Picture[]> {
  const roofs = results.places.map(({ name }) => name)
    .filter((name) => results.kernels.some(({ place }) => place === name));
  const plans: [section: string, caption: string, chart: object][] = [];
  for (const name of roofs) {
    const caption =
      "Kernels of the models' training steps, one by one, larger where they took longer. " +
      "The line is the measured limit of copies and multiply-adds; what stays in caches may lie above its slope.";
    plans.push(["What the devices can do", caption, rooflineChart(results, name)]);
  }
  plans.push(
    ["Batch sizes", "Training, by batch size.", sweepChart(results, "rate")],
    ["Batch sizes", "What the device held at most.", sweepChart(results, "MiB")],
    ["Operations", "Each operation and size.", speedupChart(results, baselineName(results))],
  );
  const pictures: Picture[] = [];
  for (const [section, caption, chart] of plans) {
    pictures.push({ section, caption, svg: await drawChart(chart) });
  }
  return pictures;
}

async function main(): Promise<void> {
  const values = parseOptions(options, Deno.args);
  if (values.help) {
    const about =
      "Measures every device of this machine and writes results.json, report.md and report.html.";
    console.log(helpText("deno task bench:report [options]", about, options));
    return;
  }
  await Deno.mkdir(values.out, { recursive: true });
  const results = values.from
    ? await readResults(values.from)
    : await runSuite(values.quick, (line) => console.error(line));
  const write = (name: string, text: string) => Deno.writeTextFile(`${values.out}/${name}`, text);
  await write("results.json", JSON.stringify(results, null, 1) + "\n");
  await write("report.md", markdown(results));
  const drawn = await draw(results).catch((error: Error) => error.message);
  await write(
    "report.html",
    typeof drawn === "string" ? page(results, [], drawn) : page(results, drawn),
  );
  console.log(`Wrote results.json, report.md and report.html to ${values.out}`);
}

try {
  await main();
} catch (error) {
  const plain = error instanceof DinogradError || (error instanceof Error && "code" in error);
  console.error(plain ? `error: ${error.message}` : error);
  Deno.exit(1);
}

// deno task tune: which batch size is the largest that fits on a device, and which trains the most samples per second?

import { drawChart } from "../scripts/draw_chart.ts";
import { helpText, parseOptions } from "../scripts/options.ts";
import { DinogradError } from "../src/errors.ts";
import { currentDevice, findDevice } from "../src/native/device.ts";
import { tuneChart } from "./charts.ts";
import { tutorials } from "./models.ts";
import { bestPlaces, placesOn } from "./places.ts";
import { fastest, powersOfTwo, showSeconds, sweep, sweepTable } from "./sweep.ts";

const options = {
  model: {
    type: "choice",
    choices: tutorials.map(({ name }) => name),
    default: "mlp",
    help: "what to train",
  },
  device: { type: "string", value: "NAME", help: "where to train; the best device when left out" },
  memory: { type: "integer", default: 2048, min: 1, help: "MiB that training may take" },
  step: { type: "number", default: 1, min: 0, help: "seconds that a step may take" },
  largest: { type: "integer", default: 65536, min: 1, help: "batch size to stop at" },
  svg: { type: "string", value: "FILE.svg", help: "draw the sweep (needs npm)" },
} as const;

async function main(): Promise<void> {
  const values = parseOptions(options, Deno.args);
  if (values.help) {
    const about = "Trains a model at growing batch sizes until memory or time is used up.";
    console.log(helpText("deno task tune [options]", about, options));
    return;
  }
  const device = values.device ? findDevice(values.device) : currentDevice();
  const found = await sweep(
    tutorials.find((tutorial) => tutorial.name === values.model)!,
    bestPlaces(placesOn(device))[0],
    {
      batches: powersOfTwo(1, values.largest),
      bytes: values.memory * 2 ** 20,
      stepSeconds: values.step,
    },
    { rounds: 5, roundSeconds: 0.02 },
  );
  console.log(sweepTable(found));
  const best = fastest(found);
  if (!best) return;
  const perSample = showSeconds(best.seconds / best.batch);
  console.log(`Largest batch size that fitted: ${found.points.at(-1)!.batch}.`);
  console.log(`Fastest per sample: batch size ${best.batch}, ${perSample} each.`);
  if (values.svg) {
    await Deno.writeTextFile(values.svg, await drawChart(tuneChart(found)));
    console.log(`Drew ${values.svg}`);
  }
}

try {
  await main();
} catch (error) {
  const plain = error instanceof DinogradError || (error instanceof Error && "code" in error);
  console.error(plain ? `error: ${error.message}` : error);
  Deno.exit(1);
}

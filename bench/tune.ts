// deno task tune: which batch size is the largest that fits on a device, and which trains the most samples per second?

import * as dg from "../mod.ts";
import { drawChart } from "../scripts/draw_chart.ts";
import { helpText, parseOptions } from "../scripts/options.ts";
import { currentDevice } from "../src/native/device.ts";
import { tuneChart } from "./charts.ts";
import { tutorials } from "./models.ts";
import { showSeconds, sweepTable } from "./sweep.ts";

const tuned = tutorials.filter(({ compiled }) => compiled);

const options = {
  model: {
    type: "choice",
    choices: tuned.map(({ name }) => name),
    default: "mlp",
    help: "what to train",
  },
  device: { type: "string", value: "NAME", help: "where to train; the best device when left out" },
  memory: { type: "integer", default: 2048, min: 1, help: "MiB that the device may hold" },
  step: { type: "number", default: 1, min: 1e-6, help: "seconds that a step may take" },
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
  const device = values.device ?? currentDevice().name;
  const { compiled } = tuned.find(({ name }) => name === values.model)!;
  const model = dg.device(device, compiled!);
  const { sweep, largest, fastest, stoppedBy } = await dg.tune.batchSize(model, {
    max: values.largest,
    memoryLimit: values.memory * 2 ** 20,
    maxStepSeconds: values.step,
  });
  model.dispose();
  const found = {
    work: values.model,
    place: device,
    points: sweep.map(({ batch, secondsPerStep: seconds, peakBytes: bytes }) => ({
      batch,
      seconds,
      bytes,
    })),
    end: {
      max: `batch ${largest} was the last one asked for`,
      memory: `batch ${2 * largest} wants more than ${values.memory} MiB`,
      time: `a step of batch ${largest} takes more than ${showSeconds(values.step)}`,
    }[stoppedBy],
  };
  console.log(sweepTable(found));
  const { samplesPerSecond } = sweep.find(({ batch }) => batch === fastest)!;
  console.log(`Largest batch size that fitted: ${largest}.`);
  console.log(
    `Fastest per sample: batch size ${fastest}, ${showSeconds(1 / samplesPerSecond)} each.`,
  );
  if (values.svg) {
    await Deno.writeTextFile(values.svg, await drawChart(tuneChart(found)));
    console.log(`Drew ${values.svg}`);
  }
}

try {
  await main();
} catch (error) {
  const plain = error instanceof dg.DinogradError || (error instanceof Error && "code" in error);
  console.error(plain ? `error: ${error.message}` : error);
  Deno.exit(1);
}

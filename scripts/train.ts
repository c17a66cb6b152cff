// How is a model trained from the command line? `deno task train --help` tells.

import { DinogradError } from "../src/errors.ts";
import {
  absences,
  currentDevice,
  devices,
  findDevice,
  setDefaultDevice,
} from "../src/native/device.ts";
import { setRandomSeed } from "../src/ops/random.ts";
import { setGlobalPolicy } from "../src/policy.ts";
import { drawChart } from "./draw_chart.ts";
import { helpText, parseOptions } from "./options.ts";
import { aboutModels, checkTogether, jobs, options, settingsOf } from "./train/options.ts";
import { trainingChart, type TrainingReport } from "./training_spec.ts";

/** Picks the device and says why. */
function chooseDevice(wanted: string): string {
  if (wanted !== "auto") {
    setDefaultDevice(findDevice(wanted));
    return `as --device ${wanted} asks`;
  }
  if (Deno.env.get("DINOGRAD_DEVICE")) return "as DINOGRAD_DEVICE asks";
  const missing = Object.entries(absences()).map(([kind, why]) => `no ${kind}: ${why.reason}`);
  return [`the fastest of ${devices().map((d) => d.name).join(", ")}`, ...missing].join("; ");
}

/** The last line: what the test gave, and how fast training was. */
function inWords({ testLoss, testAccuracy, samplesPerSecond }: TrainingReport): string {
  const words = [
    ...(testLoss === undefined ? [] : [`test loss ${testLoss.toFixed(4)}`]),
    ...(testAccuracy === undefined ? [] : [`test accuracy ${testAccuracy.toFixed(4)}`]),
    `${Math.round(samplesPerSecond).toLocaleString("en")} samples per second`,
  ].join(", ");
  return words[0].toUpperCase() + words.slice(1);
}

async function main(): Promise<void> {
  const values = parseOptions(options, Deno.args);
  if (values.help) {
    const about = "Trains a model on a GPU, a CPU library or WebAssembly.";
    console.log(helpText("deno task train [options]", about, options));
    console.log(`\n${aboutModels()}`);
    return;
  }
  checkTogether(values);
  const reason = chooseDevice(values.device), device = currentDevice();
  console.log(`Device: ${device.name} (${device.description}, ${device.details}), ${reason}`);
  if (values.precision !== "float32") console.log(`Precision: ${values.precision}`);
  setGlobalPolicy(values.precision);
  setRandomSeed(values.seed);
  const settings = settingsOf(values);
  settings.optimizer(); // is there one of that name?
  // Before training rather than after it: can the results be written?
  if (values.save) await Deno.mkdir(values.save, { recursive: true });
  for (const file of [values.report, values.plot, values.images]) {
    if (file) (await Deno.open(file, { append: true, create: true })).close();
  }
  const outcome = await jobs[values.model].run(settings);
  if (!outcome) return;

  const { model, ...numbers } = outcome;
  const report: TrainingReport = {
    device: device.name,
    model: values.model,
    precision: values.precision,
    epochs: numbers.history.length,
    ...numbers,
  };
  console.log(inWords(report));
  if (values.save) {
    await model.save(`file://${values.save}`);
    console.log(`Saved the model to ${values.save}/model.json and weights.bin`);
  }
  if (values.report) {
    await Deno.writeTextFile(values.report, JSON.stringify(report, null, 2) + "\n");
    console.log(`Wrote ${values.report}`);
  }
  if (values.plot) {
    await Deno.writeTextFile(values.plot, await drawChart(trainingChart(report)));
    console.log(`Drew ${values.plot}`);
  }
}

try {
  await main();
} catch (error) {
  // A sentence for what the caller can mend (files have codes); a stack for what is this program's fault.
  const plain = error instanceof DinogradError || (error instanceof Error && "code" in error);
  console.error(plain ? `error: ${error.message}` : error);
  Deno.exit(1);
}

// What can `deno task train` be told, and what of that does not go together?

import * as dg from "../../mod.ts";
import { DinogradError } from "../../src/errors.ts";
import type { Options, Values } from "../options.ts";
import { cnn } from "./cnn.ts";
import { gan } from "./gan.ts";
import type { Job, OwnOption, Settings } from "./job.ts";
import { lstm } from "./lstm.ts";
import { mlp } from "./mlp.ts";
import { sentiment } from "./sentiment.ts";
import { text } from "./text.ts";

/** What can be trained, by name. */
export const jobs: Readonly<Record<string, Job>> = { mlp, cnn, lstm, text, sentiment, gan };

/** `5; text 3, gan 10`: what most models have, then the others. */
function defaultsOf(key: "epochs" | "batchSize" | "learningRate"): string {
  const usual = mlp[key], others = Object.entries(jobs).filter(([, job]) => job[key] !== usual);
  return [`default ${usual}`, others.map(([name, job]) => `${name} ${job[key]}`).join(", ")]
    .filter((part) => part !== "").join("; ");
}

const namesThat = (takes: OwnOption) =>
  Object.keys(jobs).filter((name) => jobs[name].takes.includes(takes)).join(", ");

/** The options. */
export const options = {
  model: {
    type: "choice",
    choices: Object.keys(jobs),
    default: "mlp",
    help: "what to train",
  },
  data: { type: "string", value: "PATH", help: "what to learn from, see below" },
  samples: { type: "integer", min: 1, help: "train on so many samples at most" },
  epochs: { type: "integer", min: 1, help: `passes over the data (${defaultsOf("epochs")})` },
  batchSize: { type: "integer", min: 1, help: `samples per step (${defaultsOf("batchSize")})` },
  learningRate: {
    type: "number",
    min: 0,
    help: `step size of the optimizer (${defaultsOf("learningRate")})`,
  },
  optimizer: { type: "string", value: "NAME", help: "adam (when left out), sgd, rmsprop, ..." },
  device: {
    type: "string",
    value: "NAME",
    default: "auto",
    help: "where to train: auto, wasm, cpu, gpu, gpu:1, ...",
  },
  precision: {
    type: "choice",
    choices: ["float32", "mixed_float16", "mixed_bfloat16"],
    default: "float32",
    help: "what to compute in, with weights in float32",
  },
  seed: { type: "integer", default: 1, min: 0, help: "same seed, same device, same result" },
  save: {
    type: "string",
    value: "DIR",
    help: "write the model there (model.json and weights.bin)",
  },
  report: { type: "string", value: "FILE", help: "write what happened as JSON" },
  plot: { type: "string", value: "FILE.svg", help: "draw what was noted per epoch (needs npm)" },
  column: { type: "string", value: "NAME", help: `${namesThat("column")}: column of the CSV file` },
  temperature: {
    type: "number",
    min: 0.01,
    help: `${namesThat("temperature")}: write samples at this one, not at several`,
  },
  predict: {
    type: "string",
    value: "SENTENCE",
    help: `${namesThat("predict")}: judge this when trained`,
  },
  load: {
    type: "string",
    value: "DIR",
    help: `${namesThat("load")}: with --predict, take a saved model and train nothing`,
  },
  images: {
    type: "string",
    value: "FILE.png",
    help: `${namesThat("images")}: draw 100 generated images there after each epoch`,
  },
} as const satisfies Options;

const own: readonly OwnOption[] = [
  "optimizer",
  "column",
  "temperature",
  "predict",
  "load",
  "images",
];

/** What the models are and what `--data` means to them, for the help. */
export function aboutModels(): string {
  const rows = Object.entries(jobs).map(([name, { about, data }]) =>
    `  ${name.padEnd(11)}${about}\n${" ".repeat(13)}--data: ${data}`
  );
  return `Models:\n${rows.join("\n")}\n\nWithout --data, a model learns from built-in data.`;
}

/** Refuses options that do not go together. */
export function checkTogether(values: Values<typeof options>): void {
  const { model, plot, images, predict, load } = values;
  const stray = own.find((name) => values[name] !== undefined && !jobs[model].takes.includes(name));
  if (stray) throw new DinogradError(`--${stray} goes with ${namesThat(stray)}, not with ${model}`);
  for (const [flag, file, ending] of [["plot", plot, ".svg"], ["images", images, ".png"]]) {
    if (!file || file.endsWith(ending!)) continue;
    throw new DinogradError(`--${flag} wants a file name that ends with ${ending}, got "${file}"`);
  }
  if (load === undefined) return;
  if (predict === undefined) {
    throw new DinogradError("--load wants a sentence to judge as --predict, got none");
  }
  const idle = (["data", "samples", "epochs", "save", "report", "plot"] as const)
    .find((name) => values[name] !== undefined);
  if (idle) throw new DinogradError(`--load trains nothing: leave out --${idle}`);
}

/** The settings of a training, with the model's own where nothing was said. */
export function settingsOf(values: Values<typeof options>): Settings {
  const { model, optimizer = "adam" } = values, job = jobs[model];
  const learningRate = values.learningRate ?? job.learningRate;
  return {
    ...values,
    epochs: values.epochs ?? job.epochs,
    batchSize: values.batchSize ?? job.batchSize,
    learningRate,
    optimizer() {
      const made = dg.getOptimizer(optimizer);
      made.learningRate = learningRate;
      return made;
    },
  };
}

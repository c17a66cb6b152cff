// How is a model trained from the command line? `deno task train --help` tells.

import { DinogradError, unknownName } from "../src/errors.ts";
import { generateDigits } from "../src/data/digits.ts";
import { loadIdxDigits } from "../src/data/idx_digits.ts";
import type { LabelledImages } from "../src/data/images.ts";
import {
  absences,
  currentDevice,
  devices,
  findDevice,
  setDefaultDevice,
} from "../src/native/device.ts";
import { getOptimizer } from "../src/optimizers/registry.ts";
import { setRandomSeed } from "../src/ops/random.ts";
import { setGlobalPolicy } from "../src/policy.ts";
import * as dg from "../mod.ts";
import { drawChart } from "./draw_chart.ts";
import { helpText, parseOptions } from "./options.ts";
import { type EpochReport, trainingChart, type TrainingReport } from "./training_spec.ts";

const models: Record<string, (height: number, width: number, classes: number) => dg.Sequential> = {
  mlp: (height, width, classes) =>
    dg.sequential({
      name: "mlp",
      layers: [
        dg.layers.flatten({ inputShape: [height, width] }),
        dg.layers.dense({ units: 128, activation: "relu" }),
        dg.layers.dense({ units: classes, activation: "softmax" }),
      ],
    }),
  cnn: (height, width, classes) =>
    dg.sequential({
      name: "cnn",
      layers: [
        dg.layers.reshape({ targetShape: [height, width, 1], inputShape: [height, width] }),
        dg.layers.conv2d({ filters: 32, kernelSize: 3, activation: "relu" }),
        dg.layers.maxPooling2d(),
        dg.layers.conv2d({ filters: 64, kernelSize: 3, activation: "relu" }),
        dg.layers.maxPooling2d(),
        dg.layers.conv2d({ filters: 64, kernelSize: 3, activation: "relu" }),
        dg.layers.flatten(),
        dg.layers.dense({ units: 64, activation: "relu" }),
        dg.layers.dense({ units: classes, activation: "softmax" }),
      ],
    }),
};

const options = {
  model: {
    type: "string",
    value: "NAME",
    default: "mlp",
    help: `what to train: ${Object.keys(models).join(", ")}`,
  },
  data: {
    type: "string",
    value: "DIR",
    help: "folder with MNIST's four IDX files, .gz or plain; drawn digits when left out",
  },
  epochs: { type: "integer", default: 5, min: 1, help: "passes over the data" },
  batchSize: { type: "integer", default: 32, min: 1, help: "samples per step" },
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
  learningRate: { type: "number", default: 0.001, min: 0, help: "step size of the optimizer" },
  optimizer: { type: "string", value: "NAME", default: "adam", help: "adam, sgd, rmsprop, ..." },
  save: {
    type: "string",
    value: "DIR",
    help: "write the model there (model.json and weights.bin)",
  },
  report: { type: "string", value: "FILE", help: "write what happened as JSON" },
  plot: { type: "string", value: "FILE.svg", help: "draw loss and accuracy per epoch (needs npm)" },
} as const;

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

function tensors(set: LabelledImages): { x: dg.Tensor; y: dg.Tensor } {
  return dg.tidy(() => ({
    x: dg.tensor(set.images, [set.count, set.height, set.width], "uint8").cast("float32").div(255),
    y: dg.tensor(set.labels, [set.count], "uint8").cast("int32"),
  }));
}

async function loadData(dir: string | undefined, seed: number) {
  if (dir !== undefined) {
    const { train, test, classes } = await loadIdxDigits(dir);
    console.log(`Data: ${train.count} training and ${test.count} test images from ${dir}`);
    return { train, test, classes };
  }
  const train = generateDigits({ count: 8000, seed: 2 * seed });
  const test = generateDigits({ count: 2000, seed: 2 * seed + 1 });
  console.log(
    `Data: ${train.count} training and ${test.count} test digits, drawn with seed ${seed}`,
  );
  return { train, test, classes: 10 };
}

async function main(): Promise<void> {
  const values = parseOptions(options, Deno.args);
  if (values.help) {
    const about = "Trains a model on images of digits, on a GPU, a CPU library or WebAssembly.";
    console.log(helpText("deno task train [options]", about, options));
    return;
  }
  if (!Object.hasOwn(models, values.model)) {
    throw unknownName("model", values.model, Object.keys(models));
  }
  if (values.plot && !values.plot.endsWith(".svg")) {
    throw new DinogradError(`--plot wants a file name that ends with .svg, got "${values.plot}"`);
  }
  const reason = chooseDevice(values.device);
  const device = currentDevice();
  console.log(`Device: ${device.name} (${device.description}, ${device.details}), ${reason}`);
  if (values.precision !== "float32") console.log(`Precision: ${values.precision}`);
  setGlobalPolicy(values.precision);
  setRandomSeed(values.seed);
  const optimizer = getOptimizer(values.optimizer);
  optimizer.learningRate = values.learningRate;
  // Before training rather than after it: can the results be written?
  if (values.save) await Deno.mkdir(values.save, { recursive: true });
  for (const file of [values.report, values.plot]) {
    if (file) (await Deno.open(file, { append: true, create: true })).close();
  }
  const { train, test, classes } = await loadData(values.data, values.seed);
  const { x, y } = tensors(train), held = tensors(test);

  const model = models[values.model](train.height, train.width, classes);
  model.compile({ optimizer, loss: "sparseCategoricalCrossentropy", metrics: ["accuracy"] });
  model.summary();

  const seconds: number[] = [];
  let started = 0;
  const history = await model.fit(x, y, {
    epochs: values.epochs,
    batchSize: values.batchSize,
    validationData: [held.x, held.y],
    validationBatchSize: 256,
    callbacks: {
      onEpochBegin: () => {
        started = performance.now();
      },
      onEpochEnd: () => {
        seconds.push((performance.now() - started) / 1000);
      },
    },
  });
  const [testLoss, testAccuracy] =
    (model.evaluate(held.x, held.y, { batchSize: 256 }) as dg.Tensor[])
      .map((t) => t.dataSync()[0]);
  const total = seconds.reduce((a, b) => a + b, 0);
  const report: TrainingReport = {
    device: device.name,
    model: values.model,
    precision: values.precision,
    epochs: seconds.length,
    history: seconds.map((s, i): EpochReport => ({
      loss: history.history.loss[i],
      accuracy: history.history.accuracy[i],
      valLoss: history.history.val_loss[i],
      valAccuracy: history.history.val_accuracy[i],
      seconds: s,
    })),
    testLoss,
    testAccuracy,
    samplesPerSecond: train.count * seconds.length / total,
  };
  console.log(
    `Test loss ${testLoss.toFixed(4)}, test accuracy ${testAccuracy.toFixed(4)}, ` +
      `${Math.round(report.samplesPerSecond).toLocaleString("en")} samples per second`,
  );

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

// Which batch size fits on a device, and which is the fastest? Training steps are measured; the model stays as it was.
//
//   deno run --allow-read --allow-env --allow-ffi examples/batch_size.ts [largest batch size to try]

import * as dg from "../mod.ts";

const max = Number(Deno.args[0] ?? 1024);

const model = dg.sequential({
  layers: [
    dg.layers.conv2d({ filters: 8, kernelSize: 3, activation: "relu", inputShape: [28, 28, 1] }),
    dg.layers.maxPooling2d(),
    dg.layers.flatten(),
    dg.layers.dense({ units: 10, activation: "softmax" }),
  ],
});
model.compile({ optimizer: "adam", loss: "sparseCategoricalCrossentropy" });

const { largest, fastest, stoppedBy } = await dg.tune.batchSize(model, {
  max,
  memoryLimit: 256 * 2 ** 20, // bytes that the device may hold in all
  onBatchSize: ({ batch, samplesPerSecond, peakBytes }) => {
    const [rate, MiB] = [Math.round(samplesPerSecond), (peakBytes / 2 ** 20).toFixed(1)];
    console.log(`batch ${batch}: ${rate} samples per second, ${MiB} MiB`);
  },
});
console.log(`largest that fits: ${largest}, where ${stoppedBy} ended the search`);
console.log(`fastest: ${fastest}`);
model.dispose();

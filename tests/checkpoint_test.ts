// Are models saved when, where and as they should be, learning rates moved as in Keras, and logs written down?

import assert from "node:assert";
import * as dg from "../mod.ts";
import { formatPath } from "../src/callbacks/path_pattern.ts";
import { replaceFolder } from "../src/io/files.ts";
import { onEachDevice } from "./fixtures.ts";

Deno.test("numbers in path patterns are written as Python writes them", () => {
  const rows: [specification: string, value: number, text: string][] = [
    ["", 7, "7"],
    ["02d", 7, "07"],
    ["02d", 123, "123"],
    ["5d", -5, "   -5"],
    ["+d", 0, "+0"],
    [".2f", 0.12345678, "0.12"],
    [".2f", -1.5, "-1.50"],
    [".2f", NaN, "nan"],
    ["f", 2.5, "2.500000"],
    ["08.3f", -1.5, "-001.500"],
    [".3e", 1234567.891, "1.235e+06"],
    ["E", 1e-7, "1.000000E-07"],
    ["g", 1234567.891, "1.23457e+06"],
    ["g", -0.00001234, "-1.234e-05"],
    [".3g", 99.995, "100"],
    [".4", 0.12345678, "0.1235"],
    ["<8.2f", 0.5, "0.50    "],
    ["^9.1f", 0.5, "   0.5   "],
    ["=+8.1f", 0.5, "+    0.5"],
    [".1%", 0.12345678, "12.3%"],
    [" .2f", Infinity, " inf"],
  ];
  for (const [specification, value, text] of rows) {
    const pattern = specification ? `a{x:${specification}}b` : "a{x}b";
    assert.equal(formatPath(pattern, { x: value }), `a${text}b`, specification);
  }
  const logs = { epoch: 3, val_loss: 0.5 };
  assert.equal(formatPath("m/{epoch:02d}-{val_loss:.2f}/{{x}}", logs), "m/03-0.50/{x}");
  assert.throws(() => formatPath("{val_los}", logs), /Unknown name.*"val_los".*"val_loss"/);
  assert.throws(() => formatPath("{epoch:x}", logs), /a format such as 02d.*got "x"/);
  assert.throws(() => formatPath("{val_loss:d}", logs), /whole numbers, got 0.5/);
  assert.throws(() => formatPath("a{b", logs), /a brace without its other half/);
});

const model = () => {
  dg.setRandomSeed(1);
  const m = dg.sequential({
    layers: [dg.layers.dense({ units: 1, inputShape: [2], name: "only" })],
  });
  m.compile({ optimizer: dg.train.sgd(0.125), loss: "mse" });
  return m;
};
const data = () => ({ x: dg.ones([8, 2]), y: dg.zeros([8, 1]) });

/** What is under a folder, as sorted paths. */
function tree(folder: string, prefix = ""): string[] {
  return [...Deno.readDirSync(folder)].flatMap(({ name, isDirectory }) =>
    isDirectory ? tree(`${folder}/${name}`, `${prefix}${name}/`) : [prefix + name]
  ).sort();
}

async function inFolder(fn: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await fn(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

onEachDevice("checkpoints of every kind", async () => {
  const before = dg.memory();
  await inFolder(async (folder) => {
    const m = model(), { x, y } = data();
    const fit = (args: Omit<dg.ModelCheckpointArgs, "filepath">, filepath: string, epochs = 3) =>
      m.fit(x, y, {
        epochs,
        batchSize: 2,
        verbose: 0,
        callbacks: dg.callbacks.modelCheckpoint({ filepath: `${folder}/${filepath}`, ...args }),
      });
    await fit({}, "every/{epoch:02d}-{loss:.3f}");
    assert.deepEqual(tree(`${folder}/every`).map((f) => f.replace(/-[\d.]+\//, "/")), [
      ...["01/model.json", "01/weights.bin", "02/model.json"],
      ...["02/weights.bin", "03/model.json", "03/weights.bin"],
    ]);
    await fit({}, "one/model");
    assert.deepEqual(tree(`${folder}/one`), ["model/model.json", "model/weights.bin"]);
    await fit({ saveWeightsOnly: true }, "weights.safetensors");
    const values = () => dg.tidy(() => m.getWeights().map((w) => w.dataSync())), kept = values();
    await fit({ saveFreq: 3, saveWeightsOnly: true }, "batches/{epoch}-{batch}");
    // Four batches in each of three epochs: after the 3rd, 6th, 9th and 12th.
    assert.deepEqual(tree(`${folder}/batches`), ["1-3", "2-2", "3-1", "3-4"]);
    await m.loadWeights(`${folder}/weights.safetensors`);
    assert.deepEqual(values(), kept);
    dg.dispose([x, y]);
    m.dispose();
  });
  assert.deepEqual(dg.memory(), before);
});

Deno.test("only what is better is saved", async () => {
  await inFolder(async (folder) => {
    const saved = async (args: Partial<dg.ModelCheckpointArgs>, name: string, values: number[]) => {
      const m = model(), filepath = `${folder}/${name}-{epoch}`;
      const callback = new dg.ModelCheckpoint({
        filepath,
        saveBestOnly: true,
        saveWeightsOnly: true,
        ...args,
      });
      callback.setModel(m);
      for (const [epoch, value] of values.entries()) {
        callback.onEpochBegin(epoch);
        const logs: dg.Logs = Number.isNaN(value)
          ? { loss: 1 }
          : { loss: 1, [args.monitor ?? "val_loss"]: value };
        await callback.onEpochEnd(epoch, logs);
      }
      m.dispose();
      return tree(folder).flatMap((f) =>
        f.startsWith(`${name}-`) ? [Number(f.slice(name.length + 1))] : []
      );
    };
    assert.deepEqual(await saved({}, "a", [3, 2, 2.5, 1]), [1, 2, 4]);
    assert.deepEqual(await saved({ mode: "max" }, "b", [3, 2, 4, 1]), [1, 3]);
    assert.deepEqual(await saved({ monitor: "val_accuracy" }, "c", [0.1, 0.3, 0.2]), [1, 2]);
    assert.deepEqual(await saved({ initialValueThreshold: 2 }, "d", [3, 2, 1.5]), [3]);
    assert.deepEqual(await saved({}, "e", [3, NaN, 2]), [1, 3]); // no validation in the second
    await assert.rejects(
      saved({ monitor: "val_los" }, "f", [1]).then(() => saved({ monitor: "los" }, "g", [NaN])),
      /modelCheckpoint watches "los", but the logs have only loss/,
    );
  });
  const make = (args: object) => () => new dg.ModelCheckpoint({ filepath: "x", ...args });
  assert.throws(make({ filepath: "" }), /needs a filepath, got ""/);
  assert.throws(make({ saveFreq: 0 }), /saveFreq "epoch" or a number of batches, got 0/);
  assert.throws(make({ saveFreq: 2, saveBestOnly: true }), /known after epochs only/);
  assert.throws(make({ mode: "up" }), /mode auto, min or max, got "up"/);
});

Deno.test("a folder is replaced as a whole, whatever was left of an earlier attempt", async () => {
  await inFolder(async (folder) => {
    const path = `${folder}/m`, text = (name: string) => Deno.readTextFile(`${folder}/${name}`);
    await replaceFolder(path, (f) => Deno.writeTextFile(`${f}/a`, "1"));
    await assert.rejects(
      replaceFolder(path, async (f) => {
        await Deno.writeTextFile(`${f}/b`, "2");
        throw new Error("full");
      }),
      /full/,
    );
    assert.equal(await text("m/a"), "1");
    assert.deepEqual(tree(folder), [".m.part/b", "m/a"]);
    await replaceFolder(`${path}/`, (f) => Deno.writeTextFile(`${f}/c`, "3"));
    assert.deepEqual(tree(folder), ["m/c"]);
  });
});

/** The learning rates of epochs in which the watched number takes these values. */
function rates(args: dg.ReduceLROnPlateauArgs, values: number[]): number[] {
  const m = model(), callback = dg.callbacks.reduceLROnPlateau(args);
  m.optimizer.learningRate = 1;
  callback.setModel(m);
  callback.onTrainBegin();
  const seen = values.map((value, epoch) => {
    const logs: dg.Logs = { loss: 0, [args.monitor ?? "val_loss"]: value };
    callback.onEpochEnd(epoch, logs);
    return logs.learning_rate;
  });
  const last = m.optimizer.learningRate;
  m.dispose();
  return [...seen, last];
}

Deno.test("reduceLROnPlateau lowers the rate when Keras's does", () => {
  const half = { factor: 0.5, patience: 2 };
  assert.deepEqual(rates(half, [3, 2, 2, 2, 2, 2]), [1, 1, 1, 1, 0.5, 0.5, 0.25]);
  const cooling = rates({ ...half, cooldown: 2 }, [3, 3, 3, 3, 3, 3, 3]);
  assert.deepEqual(cooling, [1, 1, 1, 0.5, 0.5, 0.5, 0.25, 0.25]);
  assert.deepEqual(rates({ ...half, minLr: 0.4 }, [1, 1, 1, 1, 1, 1, 1]), [
    1,
    1,
    1,
    0.5,
    0.5,
    0.4,
    0.4,
    0.4,
  ]);
  assert.deepEqual(rates({ ...half, mode: "max" }, [1, 2, 3, 3, 3]), [1, 1, 1, 1, 1, 0.5]);
  assert.deepEqual(rates({ ...half, monitor: "val_acc" }, [1, 2, 3, 3, 3]), [1, 1, 1, 1, 1, 0.5]);
  // Within minDelta is no improvement.
  assert.deepEqual(rates({ ...half, minDelta: 0.5 }, [3, 2.6, 2.51]), [1, 1, 1, 0.5]);
  assert.deepEqual(rates({ factor: 0.1, patience: 1 }, [NaN, NaN]), [1, 0.1, 0.1 * 0.1]);
  assert.throws(
    () => dg.callbacks.reduceLROnPlateau({ factor: 1 }),
    /factor between 0 and 1, got 1/,
  );
});

onEachDevice("learningRateScheduler sets the rate that steps use, and logs it", async () => {
  const m = model(), { x, y } = data();
  const schedule = (epoch: number, lr: number) => epoch === 0 ? lr : lr / 2;
  const { history } = await m.fit(x, y, {
    epochs: 3,
    verbose: 0,
    callbacks: dg.callbacks.learningRateScheduler(schedule),
  });
  assert.deepEqual(history.learning_rate, [0.125, 0.0625, 0.03125]);
  // One step per epoch at these rates.
  const b = model();
  for (const rate of history.learning_rate) {
    b.optimizer.learningRate = rate;
    await b.trainOnBatch(x, y);
  }
  assert.deepEqual(b.getWeights()[0].dataSync(), m.getWeights()[0].dataSync());
  const wrong = dg.callbacks.learningRateScheduler(() => NaN);
  await assert.rejects(m.fit(x, y, { verbose: 0, callbacks: wrong }), /gives a number, got NaN/);
  assert.throws(
    () => dg.callbacks.learningRateScheduler(3 as never),
    /needs a function, got number/,
  );
  m.dispose();
  b.dispose();
  dg.dispose([x, y]);
});

Deno.test("csvLogger writes a row per epoch", async () => {
  await inFolder(async (folder) => {
    const m = model(), { x, y } = data(), filename = `${folder}/new/log.csv`;
    const fit = (args: Partial<dg.CSVLoggerArgs>, more: dg.FitArgs = {}) =>
      m.fit(x, y, {
        epochs: 2,
        verbose: 0,
        ...more,
        callbacks: dg.callbacks.csvLogger({ filename, ...args }),
      });
    const first = await fit({}), [a, b] = first.history.loss;
    assert.equal(await Deno.readTextFile(filename), `epoch,loss\r\n0,${a}\r\n1,${b}\r\n`);
    const { history: { loss: [c] } } = await fit({ append: true }, { initialEpoch: 2, epochs: 3 });
    assert.equal(
      await Deno.readTextFile(filename),
      `epoch,loss\r\n0,${a}\r\n1,${b}\r\n2,${c}\r\n`,
    );
    const { history } = await fit({ separator: ";" }, {
      validationData: [x, y],
      validationFreq: 2,
    });
    const rows = await dg.data.csv(`file://${filename}`, { delimiter: ";" }).toArray();
    assert.deepEqual(rows, [
      { epoch: 0, loss: history.loss[0], val_loss: "NA" },
      { epoch: 1, loss: history.loss[1], val_loss: history.val_loss[0] },
    ]);
    assert.throws(() => dg.callbacks.csvLogger({ filename: "" }), /needs a filename/);
    m.dispose();
    dg.dispose([x, y]);
  });
});

Deno.test("lambdaCallback takes functions, and batches only when asked to", async () => {
  const m = model(), { x, y } = data(), seen: string[] = [];
  await m.fit(x, y, {
    verbose: 0,
    batchSize: 4,
    callbacks: dg.callbacks.lambdaCallback({
      onTrainBegin: () => void seen.push("train"),
      onBatchEnd: (batch) => void seen.push(`batch ${batch}`),
      onEpochEnd: (epoch, logs) => void seen.push(`epoch ${epoch} ${Object.keys(logs!)}`),
    }),
  });
  assert.deepEqual(seen, ["train", "batch 0", "batch 1", "epoch 0 loss"]);
  m.dispose();
  dg.dispose([x, y]);
});

// Do callbacks stop training when Keras's would, and does progress look right on a terminal and in a file?
import assert from "node:assert";
import {
  Callback,
  CallbackList,
  type CallbackModel,
  type Training,
} from "../src/callbacks/callback.ts";
import { History } from "../src/callbacks/history.ts";
import { ProgressBar, type Screen } from "../src/callbacks/progress.ts";
import * as callbacks from "../src/callbacks/factories.ts";
import { EarlyStopping, type EarlyStoppingArgs } from "../src/callbacks/stopping.ts";
import { DinogradError } from "../src/errors.ts";
import { train } from "../src/optimizers/registry.ts";
import { scalar } from "../src/ops/creation.ts";
import { memory } from "../src/tensor.ts";
import { onEachDevice } from "./fixtures.ts";

/** A model whose one weight is the number of epochs done. */
class Counter implements CallbackModel {
  stopTraining = false;
  weight = 0;
  readonly optimizer = train.sgd(0.5);
  readonly weights = [];
  readonly saved: unknown[] = [];
  getWeights() {
    return [scalar(this.weight)];
  }
  setWeights([w]: ReturnType<Counter["getWeights"]>) {
    this.weight = w.dataSync()[0];
  }
  save(target: unknown) {
    this.saved.push(target);
    return Promise.resolve();
  }
  saveWeights(path: string) {
    this.saved.push(path);
    return Promise.resolve();
  }
}

/** What no callback here asks for. */
const training: Training = {
  save: () => ({ values: {}, arrays: {} }),
  restore() {},
};

/** Epochs that are run and the weight left at the end, when the watched number takes these values. */
function run(args: EarlyStoppingArgs, values: number[], callback = new EarlyStopping(args)) {
  const model = new Counter();
  callback.setModel(model);
  callback.onTrainBegin();
  let epochs = 0;
  for (; epochs < values.length && !model.stopTraining; epochs++) {
    model.weight = epochs + 1;
    callback.onEpochEnd(epochs, { [args.monitor ?? "val_loss"]: values[epochs] });
  }
  callback.onTrainEnd();
  return [epochs, model.weight];
}

onEachDevice("earlyStopping stops as Keras does and brings back the best weights", () => {
  const before = memory();
  const losses = [5, 4, 4.5, 3.9, 4, 4, 4, 4];
  assert.deepEqual(run({}, losses), [3, 3]);
  assert.deepEqual(run({ patience: 2 }, losses), [6, 6]);
  assert.deepEqual(run({ patience: 2, minDelta: 0.5 }, losses), [4, 4]);
  assert.deepEqual(run({ patience: 2, restoreBestWeights: true }, losses), [6, 4]);
  assert.deepEqual(run({ patience: 2, startFromEpoch: 3 }, losses), [6, 6]);
  assert.deepEqual(run({ patience: 2, mode: "max" }, losses), [3, 3]);
  assert.deepEqual(run({ monitor: "val_accuracy" }, [0.1, 0.5, 0.9, 0.8]), [4, 4]);
  // What never gets below the baseline ends training, the best epoch's weights coming back all the same.
  assert.deepEqual(run({ patience: 3, baseline: 2, restoreBestWeights: true }, losses), [3, 2]);
  assert.deepEqual(run({ patience: 3, baseline: 4.2 }, losses), [7, 7]);
  // A number that is none is no improvement, and whatever follows it is one.
  assert.deepEqual(run({ patience: 2, restoreBestWeights: true }, [NaN, 3, 4, 5]), [4, 2]);
  assert.deepEqual(run({ patience: 1, restoreBestWeights: true }, [NaN, NaN]), [2, 1]);
  const again = callbacks.earlyStopping({ patience: 2 });
  assert.deepEqual(run({}, losses, again), run({}, losses, again));
  assert.deepEqual(memory(), before);
});

Deno.test("earlyStopping says what it cannot watch", () => {
  assert.throws(
    () => new EarlyStopping({ monitor: "val_los" }).onEpochEnd(0, { loss: 1, val_loss: 2 }),
    new DinogradError('earlyStopping watches "val_los", but the logs have only loss, val_loss'),
  );
  assert.throws(
    () => new EarlyStopping({ mode: "least" as never }),
    new DinogradError('earlyStopping needs mode auto, min or max, got "least"'),
  );
  const callback = new EarlyStopping();
  callback.setModel(new Counter());
  callback.onEpochEnd(0, { loss: 1 }); // no validation in this epoch
  const warnings: string[] = [];
  const { warn } = console;
  console.warn = (text: string) => warnings.push(text);
  try {
    callback.onTrainEnd();
  } finally {
    console.warn = warn;
  }
  assert.deepEqual(warnings, [
    'dinograd: earlyStopping never saw "val_loss": fit was given nothing to validate on',
  ]);
});

Deno.test("all callbacks are called in turn, plain objects and classes alike", async () => {
  const seen: string[] = [];
  class Noting extends Callback {
    override onEpochEnd(epoch: number): Promise<void> {
      return Promise.resolve().then(() => {
        seen.push(`class ${epoch} of ${this.params.epochs}`);
      });
    }
  }
  const history = new History();
  const plain = {
    onTrainBegin: () => void seen.push("begin"),
    onEpochEnd: (epoch: number, logs?: object) =>
      void seen.push(`plain ${epoch} ${JSON.stringify(logs)}`),
  };
  const list = new CallbackList([new Noting(), plain], history);
  assert.deepEqual([list.wantsBatches, list.stopsOnNaN], [false, false]);
  const params = { epochs: 2, steps: 3, batchSize: 4, samples: 12, names: [] };
  list.begin(new Counter(), params, training);
  await list.onTrainBegin();
  await list.onEpochEnd(0, { loss: 2 });
  await list.onEpochEnd(1, { loss: 1, val_loss: 3 });
  await list.onTrainEnd();
  assert.deepEqual(seen, [
    "begin",
    "class 0 of 2",
    'plain 0 {"loss":2}',
    "class 1 of 2",
    'plain 1 {"loss":1,"val_loss":3}',
  ]);
  assert.deepEqual(history.history, { loss: [2, 1], val_loss: [3] });
  assert.deepEqual(history.epoch, [0, 1]);
  assert.ok(new CallbackList({ onBatchEnd() {} }, history).wantsBatches);
  assert.ok(new CallbackList([callbacks.terminateOnNaN()], history).stopsOnNaN);
});

/** What a progress bar writes. */
function written(verbose: 1 | 2, isTerminal: boolean): string {
  let text = "";
  const screen: Screen = { isTerminal, write: (part) => void (text += part) };
  const bar = new ProgressBar(verbose, screen);
  bar.epochBegin(1, 5, 250);
  assert.equal(bar.isDue(1), false); // too early
  if (isTerminal && verbose === 1) bar.update(125, { loss: 0.5, accuracy: 0.25 });
  bar.epochEnd(250, { loss: 0.0001234, accuracy: 0.5, val_loss: NaN });
  return text.replaceAll(/\d+(s|us\/step|ms\/step)/g, "#$1");
}

Deno.test("progress is a bar on a terminal, a line per epoch elsewhere", () => {
  const end = "loss: 1.2340e-4 - accuracy: 0.5000 - val_loss: NaN";
  assert.equal(
    written(1, true),
    "Epoch 2/5\n" +
      `\r125/250 ${"━".repeat(10)}${" ".repeat(10)} #s #us/step - loss: 0.5000 - accuracy: 0.2500` +
      `\r250/250 ${"━".repeat(20)} #s #us/step - ${end}\n`,
  );
  const line = `Epoch 2/5\n250/250 #s #us/step - ${end}\n`;
  assert.equal(written(1, false), line);
  assert.equal(written(2, true), line);
});

// How does a user make a callback? `callbacks.earlyStopping({ patience: 3 })`: one function per class, with Keras's names.

import { BackupAndRestore, type BackupAndRestoreArgs } from "./backup.ts";
import { Callback, type CallbackArgs } from "./callback.ts";
import { ModelCheckpoint, type ModelCheckpointArgs } from "./checkpoint.ts";
import { CSVLogger, type CSVLoggerArgs } from "./csv_logger.ts";
import { LearningRateScheduler, ReduceLROnPlateau, type ReduceLROnPlateauArgs } from "./rates.ts";
import { EarlyStopping, type EarlyStoppingArgs, TerminateOnNaN } from "./stopping.ts";
import { TensorBoard, type TensorBoardArgs } from "./tensorboard.ts";

/** Ends training when a number does not get better any more: `callbacks.earlyStopping({ patience: 3 })`. */
export function earlyStopping(args?: EarlyStoppingArgs): EarlyStopping {
  return new EarlyStopping(args);
}
/** Ends training when the loss becomes NaN or infinite. */
export function terminateOnNaN(): TerminateOnNaN {
  return new TerminateOnNaN();
}
/**
 * Saves the model as it trains.
 *
 * ```ts
 * import * as dg from "../../mod.ts";
 * import assert from "node:assert";
 *
 * const folder = await Deno.makeTempDir();
 * const model = dg.sequential({ layers: [dg.layers.dense({ units: 1, inputShape: [1] })] });
 * model.compile({ optimizer: "sgd", loss: "meanSquaredError" });
 * await model.fit(dg.zeros([8, 1]), dg.ones([8, 1]), {
 *   epochs: 3,
 *   verbose: 0,
 *   callbacks: dg.callbacks.modelCheckpoint({
 *     filepath: `${folder}/{epoch:02d}-{loss:.2f}.safetensors`,
 *     saveWeightsOnly: true,
 *   }),
 * });
 * const names = [...Deno.readDirSync(folder)].map((file) => file.name).sort();
 * assert.deepEqual(names, ["01-1.00.safetensors", "02-0.96.safetensors", "03-0.92.safetensors"]);
 * await model.loadWeights(`${folder}/${names[2]}`);
 * await Deno.remove(folder, { recursive: true });
 * ```
 */
export function modelCheckpoint(args: ModelCheckpointArgs): ModelCheckpoint {
  return new ModelCheckpoint(args);
}
/**
 * Goes on after the program was ended in the middle of training, to the same bits.
 *
 * ```ts
 * import * as dg from "../../mod.ts";
 * import assert from "node:assert";
 *
 * const backupDir = await Deno.makeTempDir();
 * const x = dg.randomNormal([64, 2]), y = x.sum(1, true);
 * const train = (fail: boolean) => {
 *   dg.setRandomSeed(1);
 *   const model = dg.sequential({ layers: [dg.layers.dense({ units: 1, inputShape: [2], name: "a" })] });
 *   model.compile({ optimizer: "adam", loss: "meanSquaredError" });
 *   const failing = { onEpochBegin: (epoch: number) => { if (fail && epoch === 2) throw Error("power cut"); } };
 *   const callbacks = [failing, dg.callbacks.backupAndRestore({ backupDir, saveFreq: 1 })];
 *   return model.fit(x, y, { epochs: 4, verbose: 0, callbacks });
 * };
 * await train(true).catch((error) => console.log(error.message)); // power cut
 * const { epoch } = await train(false); // goes on with the third epoch
 * assert.deepEqual(epoch, [0, 1, 2, 3]); // and knows of the first two
 * await Deno.remove(backupDir, { recursive: true });
 * ```
 */
export function backupAndRestore(args: BackupAndRestoreArgs): BackupAndRestore {
  return new BackupAndRestore(args);
}
/** Lowers the learning rate when a number does not get better any more. */
export function reduceLROnPlateau(args?: ReduceLROnPlateauArgs): ReduceLROnPlateau {
  return new ReduceLROnPlateau(args);
}
/**
 * Sets the learning rate of each epoch.
 *
 * ```ts
 * import * as dg from "../../mod.ts";
 *
 * dg.callbacks.learningRateScheduler((epoch, lr) => epoch < 10 ? lr : lr * 0.9);
 * ```
 */
export function learningRateScheduler(
  schedule: (epoch: number, learningRate: number) => number,
  verbose?: number,
): LearningRateScheduler {
  return new LearningRateScheduler(schedule, verbose);
}
/** Writes the logs to a CSV file: `callbacks.csvLogger({ filename: "log.csv" })`. */
export function csvLogger(args: CSVLoggerArgs): CSVLogger {
  return new CSVLogger(args);
}
/** Writes the logs for TensorBoard: `callbacks.tensorBoard("logs", { histogramFreq: 1 })`. */
export function tensorBoard(logdir: string, args?: TensorBoardArgs): TensorBoard {
  return new TensorBoard(logdir, args);
}
/** A callback of functions: `callbacks.lambdaCallback({ onEpochEnd: (epoch, logs) => console.log(epoch, logs) })`. */
export function lambdaCallback(functions: CallbackArgs): Callback {
  return Object.assign(new Callback(), functions);
}

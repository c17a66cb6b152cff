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
/** Saves the model as it trains: `callbacks.modelCheckpoint({ filepath: "models/{epoch:02d}-{val_loss:.2f}" })`. */
export function modelCheckpoint(args: ModelCheckpointArgs): ModelCheckpoint {
  return new ModelCheckpoint(args);
}
/** Goes on after the program was ended: `callbacks.backupAndRestore({ backupDir: "backup" })`. */
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

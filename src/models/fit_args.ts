// What may fit, evaluate and predict be told? Their arguments, and what is wrong with some.

import type { CallbackLike } from "../callbacks/callback.ts";
import { Dataset } from "../data/dataset.ts";
import { DinogradError, unknownName } from "../errors.ts";
import type { Tensor } from "../tensor.ts";
import { checkCount, type ClassWeight, type TensorData } from "./data.ts";

/** What `fit` and `fitDataset` both take. */
export interface CommonFitArgs {
  /** Number of passes over the data. */
  epochs?: number;
  /** 0: silent; 1: a bar on a terminal, a line per epoch elsewhere; 2: a line per epoch. */
  verbose?: 0 | 1 | 2;
  /** What to call as training goes on. */
  callbacks?: CallbackLike | readonly CallbackLike[];
  /** Weight of each class number in the loss. */
  classWeight?: ClassWeight;
  /** Number of the first epoch, to go on from an earlier fit. */
  initialEpoch?: number;
  /** Validate every so many epochs. */
  validationFreq?: number;
}

/** Inputs, targets and optional sample weights. */
export type ValidationSamples =
  | readonly [TensorData, TensorData]
  | readonly [TensorData, TensorData, Tensor];

/** Arguments of `model.fit`. */
export interface FitArgs extends CommonFitArgs {
  /** Samples per step; the last step of an epoch takes what is left. */
  batchSize?: number;
  /** Share of the samples, taken from the end before shuffling, that is validated on and not trained on. */
  validationSplit?: number;
  /** Inputs, targets and optional sample weights to validate on after each epoch. */
  validationData?: ValidationSamples;
  /** Whether each epoch takes the samples in a new order. */
  shuffle?: boolean;
  /** Weight of each sample in the loss and the metrics. */
  sampleWeight?: Tensor;
  /** Steps per epoch, at most those the data has. */
  stepsPerEpoch?: number;
  /** Samples per step of the validation; batchSize when left out. */
  validationBatchSize?: number;
}

/** Arguments of `model.fitDataset`. */
export interface FitDatasetArgs extends CommonFitArgs {
  /** Batches per epoch, each epoch going on where the one before ended; all of the dataset, anew each time, when left out. */
  batchesPerEpoch?: number;
  /** A dataset of batches to validate on after each epoch, or inputs, targets and optional sample weights. */
  validationData?: Dataset<unknown> | ValidationSamples;
  /** How many batches of a validation dataset to take, from its beginning each time. */
  validationBatches?: number;
  /** Samples per step of a validation on tensors, 32 when left out. */
  validationBatchSize?: number;
}

/** Arguments of `model.evaluate`. */
export interface EvaluateArgs {
  /** Samples per step, 32 when left out. */
  batchSize?: number;
  /** Weight of each sample in loss and metrics. */
  sampleWeight?: Tensor;
  /** Taken for TensorFlow.js's sake; evaluation draws nothing. */
  verbose?: 0 | 1;
}

/** Arguments of `model.predict`. */
export interface PredictArgs {
  /** Samples per step, 32 when left out. */
  batchSize?: number;
  /** Taken for TensorFlow.js's sake; prediction draws nothing. */
  verbose?: boolean;
}

/** Arguments of `model.evaluateDataset`. */
export interface EvaluateDatasetArgs {
  /** How many batches to take; all when left out. */
  batches?: number;
  /** Taken for TensorFlow.js's sake; evaluation draws nothing. */
  verbose?: 0 | 1;
}

// Every name, so that a misspelt one is not passed over in silence.
const common = {
  epochs: true,
  verbose: true,
  callbacks: true,
  classWeight: true,
  initialEpoch: true,
  validationFreq: true,
} as const;
const known: Readonly<Record<keyof FitArgs, true>> = {
  ...common,
  batchSize: true,
  validationSplit: true,
  validationData: true,
  shuffle: true,
  sampleWeight: true,
  stepsPerEpoch: true,
  validationBatchSize: true,
};
const knownOfDatasets: Readonly<Record<keyof FitDatasetArgs, true>> = {
  ...common,
  batchesPerEpoch: true,
  validationData: true,
  validationBatches: true,
  validationBatchSize: true,
};

function checkArgs(what: string, args: object, names: object, counts: readonly string[]): void {
  for (const key in args) {
    if (!Object.hasOwn(names, key)) throw unknownName(`option of ${what}`, key, Object.keys(names));
  }
  const values = args as Readonly<Record<string, unknown>>;
  for (const key of counts) checkCount(what, key, values[key] as number | undefined);
  checkCount(what, "initialEpoch", values.initialEpoch as number | undefined, 0);
}

/** Checks names and numbers of fit's arguments. */
export function checkFitArgs(args: FitArgs): void {
  checkArgs("fit", args, known, [
    "batchSize",
    "epochs",
    "stepsPerEpoch",
    "validationBatchSize",
    "validationFreq",
  ]);
  const split = args.validationSplit;
  if (split !== undefined && !(split >= 0 && split < 1)) {
    throw new DinogradError(`fit needs validationSplit from 0 to below 1, got ${split}`);
  }
  if (split && args.validationData) {
    throw new DinogradError("fit takes validationSplit or validationData, not both");
  }
  if (args.validationData && !Array.isArray(args.validationData)) {
    throw new DinogradError("fit needs validationData to be a list [x, y] or [x, y, sampleWeight]");
  }
}

/** Checks names and numbers of fitDataset's arguments. */
export function checkFitDatasetArgs(args: FitDatasetArgs): void {
  checkArgs("fitDataset", args, knownOfDatasets, [
    "batchesPerEpoch",
    "epochs",
    "validationBatches",
    "validationBatchSize",
    "validationFreq",
  ]);
  const { validationData } = args;
  if (validationData && !(validationData instanceof Dataset) && !Array.isArray(validationData)) {
    throw new DinogradError(
      "fitDataset needs validationData to be a dataset, or a list [x, y] or [x, y, sampleWeight]",
    );
  }
}

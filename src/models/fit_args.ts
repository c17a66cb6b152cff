// What may fit be told? Its arguments, and what is wrong with some.

import type { CallbackLike } from "../callbacks/callback.ts";
import { DinogradError, unknownName } from "../errors.ts";
import type { Tensor } from "../tensor.ts";
import { checkCount, type ClassWeight, type TensorData } from "./data.ts";

/** Arguments of `model.fit`. */
export interface FitArgs {
  /** Samples per step; the last step of an epoch takes what is left. */
  batchSize?: number;
  /** Number of passes over the data. */
  epochs?: number;
  /** 0: silent; 1: a bar on a terminal, a line per epoch elsewhere; 2: a line per epoch. */
  verbose?: 0 | 1 | 2;
  /** What to call as training goes on. */
  callbacks?: CallbackLike | readonly CallbackLike[];
  /** Share of the samples, taken from the end before shuffling, that is validated on and not trained on. */
  validationSplit?: number;
  /** Inputs, targets and optional sample weights to validate on after each epoch. */
  validationData?: readonly [TensorData, TensorData] | readonly [TensorData, TensorData, Tensor];
  /** Whether each epoch takes the samples in a new order. */
  shuffle?: boolean;
  /** Weight of each class number in the loss. */
  classWeight?: ClassWeight;
  /** Weight of each sample in the loss and the metrics. */
  sampleWeight?: Tensor;
  /** Number of the first epoch, to go on from an earlier fit. */
  initialEpoch?: number;
  /** Steps per epoch, at most those the data has. */
  stepsPerEpoch?: number;
  /** Samples per step of the validation; batchSize when left out. */
  validationBatchSize?: number;
  /** Validate every so many epochs. */
  validationFreq?: number;
}

// Every name, so that a misspelt one is not passed over in silence.
const known: Readonly<Record<keyof FitArgs, true>> = {
  batchSize: true,
  epochs: true,
  verbose: true,
  callbacks: true,
  validationSplit: true,
  validationData: true,
  shuffle: true,
  classWeight: true,
  sampleWeight: true,
  initialEpoch: true,
  stepsPerEpoch: true,
  validationBatchSize: true,
  validationFreq: true,
};

/** Checks names and numbers of fit's arguments. */
export function checkFitArgs(args: FitArgs): void {
  for (const key in args) {
    if (!Object.hasOwn(known, key)) throw unknownName("option of fit", key, Object.keys(known));
  }
  for (
    const key of [
      "batchSize",
      "epochs",
      "stepsPerEpoch",
      "validationBatchSize",
      "validationFreq",
    ] as const
  ) checkCount("fit", key, args[key]);
  checkCount("fit", "initialEpoch", args.initialEpoch, 0);
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

// What is a model that can be trained from the command line? What it takes, and what training it gives.

import { DinogradError } from "../../src/errors.ts";
import type * as dg from "../../mod.ts";
import type { EpochReport } from "../training_spec.ts";

/** What a training is told, the model's own defaults filled in. */
export interface Settings {
  epochs: number;
  batchSize: number;
  learningRate: number;
  seed: number;
  /** A new optimizer with the learning rate. */
  optimizer(): dg.Optimizer;
  /** Where the data is; built-in data when left out. */
  data?: string;
  /** Most samples to train on; those to test on become fewer in proportion. */
  samples?: number;
  /** Column of a CSV file. */
  column?: string;
  /** How daring written text is. */
  temperature?: number;
  /** Sentence to judge. */
  predict?: string;
  /** Folder of a saved model. */
  load?: string;
  /** File for a picture of generated images. */
  images?: string;
}

/** Options that not every model takes. */
export type OwnOption = "optimizer" | "column" | "temperature" | "predict" | "load" | "images";

/** What came of a training. */
export interface Outcome {
  /** What `--save` saves. */
  model: dg.Model;
  history: EpochReport[];
  testLoss?: number;
  testAccuracy?: number;
  /** Of the next character: exp of the loss. */
  testPerplexity?: number;
  samplesPerSecond: number;
}

/** A model that can be trained from the command line. */
export interface Job {
  /** What it is and learns, for the help. */
  about: string;
  /** What `--data` means to it. */
  data: string;
  /** Which of those options it takes. */
  takes: readonly OwnOption[];
  epochs: number;
  batchSize: number;
  learningRate: number;
  /** Reads the data, makes the model, trains and tests it; undefined where there was nothing to train. */
  run(settings: Settings): Promise<Outcome | undefined>;
}

/** What `read` gives, or a sentence: what was wanted, and what the path is instead. */
export async function reading<T>(
  wanted: string,
  path: string,
  read: () => T | Promise<T>,
): Promise<T> {
  try {
    return await read();
  } catch (error) {
    throw new DinogradError(`Wanted ${wanted}, got ${path}: ${(error as Error).message}`);
  }
}

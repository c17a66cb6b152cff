// What does fit train on, and what does it validate on? Samples it was given, or a share of them cut off at the end; a dataset's
// batches.

import { Dataset } from "../data/dataset.ts";
import { DinogradError } from "../errors.ts";
import type { Tensor } from "../tensor.ts";
import { DatasetCourse } from "./course.ts";
import { type Samples, sliceSamples, type TensorData, toSamples } from "./data.ts";
import type { FitArgs, FitDatasetArgs } from "./fit_args.ts";

interface Names {
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
}

/** What fit was given, as samples. The caller disposes of what was made for them. */
export function splitSamples(
  x: TensorData,
  y: TensorData | null,
  names: Names,
  args: FitArgs,
): { train: Samples; validation: Samples | null; made: Tensor[] } {
  const made: Tensor[] = [];
  const own = (...tensors: (Tensor | null)[]) => made.push(...tensors.filter((t) => t !== null));
  try {
    const all = toSamples(x, y, names, "fit", args);
    own(all.weights);
    if (all.count === 0) throw new DinogradError("fit needs at least one sample, got 0");
    const cut = (from: number, rows: number): Samples => {
      const part = sliceSamples(all, from, rows);
      own(...part.x, ...part.y, part.weights);
      return part;
    };
    if (args.validationSplit) {
      const rows = Math.floor(all.count * (1 - args.validationSplit));
      if (rows === 0) {
        throw new DinogradError(
          `fit has nothing to train on: validationSplit ${args.validationSplit} takes all ${all.count} samples`,
        );
      }
      return { train: cut(0, rows), validation: cut(rows, all.count - rows), made };
    }
    if (!args.validationData) return { train: all, validation: null, made };
    const [vx, vy, sampleWeight] = args.validationData;
    const validation = toSamples(vx, vy, names, "fit's validationData", { sampleWeight });
    own(validation.weights);
    return { train: all, validation, made };
  } catch (error) {
    for (const t of made) t.dispose();
    throw error;
  }
}

/** What fitDataset was given. The caller disposes of the training course, and of what was made. */
export function splitBatches(
  dataset: Dataset<unknown>,
  names: Names,
  { batchesPerEpoch: batches, validationBatches, validationData, classWeight }: FitDatasetArgs,
): { train: DatasetCourse; validation: DatasetCourse | Samples | null; made: Tensor[] } {
  const train = new DatasetCourse(dataset, { what: "fitDataset", names, batches, classWeight });
  if (!validationData) return { train, validation: null, made: [] };
  const what = "fitDataset's validationData";
  if (validationData instanceof Dataset) {
    const options = { what, names, batches: validationBatches, anew: true };
    return { train, validation: new DatasetCourse(validationData, options), made: [] };
  }
  const [x, y, sampleWeight] = validationData;
  const validation = toSamples(x, y, names, what, { sampleWeight });
  return { train, validation, made: validation.weights ? [validation.weights] : [] };
}

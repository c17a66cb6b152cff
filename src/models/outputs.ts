// What did `compile` say for each of a model's outputs? Its loss, the weight of that, its metrics.

import { DinogradError, unknownName } from "../errors.ts";
import { getLoss, type Loss, type LossIdentifier } from "../losses/registry.ts";
import { type MetricIdentifier, resolveMetric } from "../metrics/registry.ts";
import type { OptimizerIdentifier } from "../optimizers/registry.ts";

/** One item for all outputs, a list in their order, or an object by output name. */
export type PerOutput<T> = T | readonly T[] | Readonly<Record<string, T>>;

/** Metrics of one output. */
export type OutputMetrics = MetricIdentifier | readonly MetricIdentifier[] | null;

/** Arguments of `model.compile`. */
export interface CompileArgs {
  /** An optimizer or its name. */
  optimizer: OptimizerIdentifier;
  /** A loss (name, function or object), or one per output, null for an output without; none where layers add all of the loss. */
  loss?: PerOutput<LossIdentifier | null> | null;
  /** Weight of each output's loss in the total. */
  lossWeights?: number | readonly number[] | Readonly<Record<string, number>>;
  /**
   * Metrics (names, functions or objects). For a model of one output, all of a list are its metrics; for several outputs, a list
   * holds the metrics of each, and a single metric is for all. Sample weights do not count in them.
   */
  metrics?:
    | OutputMetrics
    | readonly OutputMetrics[]
    | Readonly<Record<string, OutputMetrics>>;
  /** As metrics, with the sample weights counted in. */
  weightedMetrics?: CompileArgs["metrics"];
  /** Whether a model of the policy mixed_float16 has its optimizer wrapped in a LossScaleOptimizer (true when left out). */
  autoScaleLoss?: boolean;
  /** Runs every training step op by op instead of recording it: slower, but a debugger sees it. */
  runEagerly?: boolean;
}

/** A metric before the shapes are known that decide which one is meant. */
export interface WantedMetric {
  /** Name in logs. */
  readonly name: string;
  readonly identifier: MetricIdentifier;
  /** Position of the output. */
  readonly output: number;
  readonly weighted: boolean;
}

/** Loss of an output. */
export interface WantedLoss {
  /** Name in logs, where several outputs have losses. */
  readonly name: string;
  readonly loss: Loss;
  /** Position of the output. */
  readonly output: number;
  readonly weight: number;
}

function isIdentifier(value: unknown): boolean {
  return typeof value === "string" || typeof value === "function" ||
    (typeof value === "object" && value !== null &&
      ("class_name" in value || "getConfig" in value));
}

function checkNames(given: object, outputs: readonly string[], key: string): void {
  const stray = Object.keys(given).find((name) => !outputs.includes(name));
  if (stray !== undefined) throw unknownName(`output in compile's ${key}`, stray, outputs);
}

// A list with one item for each output.
function checkList<T>(given: readonly T[], outputs: readonly string[], key: string): readonly T[] {
  if (given.length === outputs.length) return given;
  throw new DinogradError(
    `compile got ${given.length} ${key} for ${outputs.length} outputs (${outputs.join(", ")})`,
  );
}

/** Spreads a per-output argument over the outputs. */
function spread<T>(
  given: PerOutput<T>,
  outputs: readonly string[],
  key: string,
  isItem: (value: unknown) => boolean,
): readonly T[] {
  if (isItem(given)) return outputs.map(() => given as T);
  if (Array.isArray(given)) return checkList(given, outputs, key);
  const record = given as Readonly<Record<string, T>>;
  checkNames(record, outputs, key);
  return outputs.map((name) => {
    if (Object.hasOwn(record, name)) return record[name];
    throw new DinogradError(
      `compile got no ${key} for output "${name}", only for ${Object.keys(record).join(", ")}`,
    );
  });
}

/** The losses of a model with outputs of these names. */
export function wantedLosses(args: CompileArgs, outputs: readonly string[]): WantedLoss[] {
  const losses = spread<LossIdentifier | null>(
    args.loss ?? null,
    outputs,
    "loss",
    (v) => v === null || isIdentifier(v),
  );
  const weights = spread<number>(
    args.lossWeights ?? 1,
    outputs,
    "lossWeights",
    (v) => typeof v === "number",
  );
  return losses.flatMap((identifier, output) =>
    identifier === null ? [] : [{
      name: `${outputs[output]}_loss`,
      loss: getLoss(identifier),
      output,
      weight: weights[output],
    }]
  );
}

// The metrics of each output, as lists.
function metricsPerOutput(
  given: CompileArgs["metrics"],
  outputs: readonly string[],
  key: string,
): readonly (readonly MetricIdentifier[])[] {
  const asList = (m: OutputMetrics | undefined) => [m ?? []].flat() as MetricIdentifier[];
  if (given === undefined || given === null) return outputs.map(() => []);
  if (isIdentifier(given)) return outputs.map(() => [given as MetricIdentifier]);
  if (!Array.isArray(given)) {
    const record = given as Readonly<Record<string, OutputMetrics>>;
    checkNames(record, outputs, key);
    return outputs.map((name) => asList(record[name]));
  }
  const list = given as readonly OutputMetrics[];
  if (outputs.length === 1) return [asList(list.flat() as MetricIdentifier[])];
  if (list.length === 0) return outputs.map(() => []);
  const forAll = list.length === 1 && isIdentifier(list[0]);
  return forAll ? outputs.map(() => asList(list[0])) : checkList(list, outputs, key).map(asList);
}

/** The metrics of a model with outputs of these names, named for the logs beside the names that are `taken`. */
export function wantedMetrics(
  args: CompileArgs,
  outputs: readonly string[],
  taken: Set<string>,
): WantedMetric[] {
  const named = (identifier: MetricIdentifier, output: number, weighted: boolean): WantedMetric => {
    // Any shapes do to learn its name, and whether there is such a metric.
    const { name } = resolveMetric(identifier, [1, 1], [1, 1]);
    const label = (text: string) => outputs.length > 1 ? `${outputs[output]}_${text}` : text;
    let unique = label(name);
    if (weighted && taken.has(unique)) unique = label(`weighted_${name}`);
    for (let i = 1; taken.has(unique); i++) unique = label(`${name}_${i}`);
    taken.add(unique);
    return { name: unique, identifier, output, weighted };
  };
  return (["metrics", "weightedMetrics"] as const).flatMap((key) =>
    metricsPerOutput(args[key], outputs, key).flatMap((list, output) =>
      list.map((identifier) => named(identifier, output, key === "weightedMetrics"))
    )
  );
}

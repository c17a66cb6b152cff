// What did the caller pass as data? Lists of tensors with one first dimension, checked against the model before anything runs.

import { DinogradError } from "../errors.ts";
import { cast } from "../ops/cast.ts";
import { to } from "../ops/transfer.ts";
import { tidy } from "../scope.ts";
import { showShape } from "../shape.ts";
import { fromHost, Tensor, track } from "../tensor.ts";
import { viewOf } from "./arrays.ts";
import { rowSize } from "./transfer.ts";

/** Tensors for a model's inputs or outputs: one, a list in order, or an object by name. */
export type TensorData = Tensor | readonly Tensor[] | Readonly<Record<string, Tensor>>;

/** Weight of each class number in the loss. */
export type ClassWeight = Readonly<Record<number, number>>;

/** A set of samples: inputs, targets and optional weights, all with `count` rows. */
export interface Samples {
  readonly x: Tensor[];
  readonly y: Tensor[];
  readonly weights: Tensor | null;
  readonly count: number;
}

/** The tensors behind `data`, in the order of `names`. */
export function toList(
  data: TensorData | null | undefined,
  names: readonly string[],
  what: string,
): Tensor[] {
  if (names.length === 0) {
    if (data === null || data === undefined) return [];
    throw new DinogradError(
      `${what} must be null: compile got no loss and no metrics, so that no output has targets`,
    );
  }
  const wanted = names.length === 1 ? "one tensor" : `${names.length} tensors`;
  if (data instanceof Tensor) {
    if (names.length !== 1) throw new DinogradError(`${what} needs ${wanted} (${names}), got one`);
    return [data];
  }
  if (Array.isArray(data)) {
    if (data.length !== names.length || !data.every((t) => t instanceof Tensor)) {
      const stranger = data.find((t) => !(t instanceof Tensor));
      throw new DinogradError(
        `${what} needs ${wanted} (${names}), got a list of ${data.length}` +
          (stranger === undefined ? "" : ` with ${typeof stranger} in it: use dg.tensor(values)`),
      );
    }
    return [...data];
  }
  if (data === null || typeof data !== "object") {
    throw new DinogradError(`${what} needs ${wanted}, got ${data === null ? "null" : typeof data}`);
  }
  const record = data as Readonly<Record<string, Tensor>>;
  return names.map((name) => {
    if (record[name] instanceof Tensor) return record[name];
    throw new DinogradError(
      `${what} needs a tensor named "${name}", got ${Object.keys(record).join(", ") || "nothing"}`,
    );
  });
}

/** Checks one of the whole numbers among a call's arguments. */
export function checkCount(what: string, key: string, value: number | undefined, low = 1): void {
  if (value === undefined || (Number.isInteger(value) && value >= low)) return;
  throw new DinogradError(
    `${what} needs ${key} to be a whole number of at least ${low}, got ${value}`,
  );
}

/** The number of rows all tensors share. */
export function rowsOf(tensors: readonly Tensor[], what: string): number {
  for (const t of tensors) {
    if (t.rank === 0) {
      throw new DinogradError(`${what} needs tensors with a batch dimension, got a scalar`);
    }
    if (t.shape[0] !== tensors[0].shape[0]) {
      throw new DinogradError(
        `${what} needs as many targets and weights as inputs: got ${
          tensors.map((u) => showShape(u.shape)).join(" and ")
        }`,
      );
    }
  }
  return tensors[0].shape[0];
}

/** Per-sample weights from class weights: targets are class numbers, one-hot rows or single 0/1 columns. */
function classWeights(y: Tensor, weight: ClassWeight): Tensor {
  const values = y.dataSync();
  const rows = y.shape[0], width = rows === 0 ? 1 : y.size / rows;
  const out = new Float32Array(rows);
  for (let i = 0; i < rows; i++) {
    let label = values[i * width];
    if (width > 1) {
      label = 0;
      for (let j = 1; j < width; j++) {
        if (values[i * width + j] > values[i * width + label]) label = j;
      }
    }
    if (!Object.hasOwn(weight, label)) {
      throw new DinogradError(
        `classWeight has no weight for class ${label}, only for ${Object.keys(weight).join(", ")}`,
      );
    }
    out[i] = weight[label];
  }
  return fromHost(out, [rows], "float32", y.device);
}

/** Puts samples together and checks them. The caller owns the weights that come out. */
export function toSamples(
  x: TensorData,
  y: TensorData | null,
  names: { inputs: readonly string[]; outputs: readonly string[] },
  what: string,
  options: { sampleWeight?: Tensor | null; classWeight?: ClassWeight | null } = {},
): Samples {
  const xs = toList(x, names.inputs, `${what}'s x`);
  const ys = toList(y, names.outputs, `${what}'s y`);
  const given = options.sampleWeight ?? null;
  const count = rowsOf([...xs, ...ys, ...(given ? [given] : [])], what);
  const weights = tidy(() => {
    if (!options.classWeight) return given && cast(given, "float32");
    if (ys.length !== 1) {
      throw new DinogradError(`${what} takes classWeight for models of one output only`);
    }
    const byClass = classWeights(ys[0], options.classWeight);
    return given ? byClass.mul(to(given, byClass.device.name)) : byClass;
  });
  return { x: xs, y: ys, weights, count };
}

/** All tensors of some samples, each once. */
export function tensorsOf({ x, y, weights }: Samples): Tensor[] {
  return [...new Set([...x, ...y, ...(weights ? [weights] : [])])];
}

/** Samples of other tensors, `count` of them; what is one tensor several times stays so. */
export function mapSamples(
  { x, y, weights }: Samples,
  count: number,
  fn: (tensor: Tensor) => Tensor,
): Samples {
  const made = new Map<Tensor, Tensor>();
  const map = (t: Tensor): Tensor => {
    const other = made.get(t) ?? fn(t);
    made.set(t, other);
    return other;
  };
  return { x: x.map(map), y: y.map(map), weights: weights && map(weights), count };
}

/** Rows [from, from + rows) of all tensors, as views: nothing is copied. */
export function sliceSamples(samples: Samples, from: number, rows: number): Samples {
  return mapSamples(samples, rows, (t) => {
    const inner = rowSize(t);
    const view = viewOf(t.storage, from * inner, t.dtype, rows * inner);
    return track(new Tensor([rows, ...t.shape.slice(1)], t.dtype, view));
  });
}

// What did the caller pass as data? Lists of tensors with one first dimension, checked against the model before anything runs.

import { DinogradError } from "../errors.ts";
import type { Device } from "../native/device.ts";
import { cast } from "../ops/cast.ts";
import { slice } from "../ops/movement.ts";
import { tidy } from "../scope.ts";
import { showShape } from "../shape.ts";
import { fromHost, Tensor } from "../tensor.ts";

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

/** Checks that samples are where they are needed. */
export function checkDevice(samples: Samples, device: Device, what: string): void {
  for (const t of [...samples.x, ...samples.y, samples.weights]) {
    if (!t || t.device === device) continue;
    throw new DinogradError(
      `${what} needs data on ${device.name}, where the model is, got ${
        showShape(t.shape)
      } on ${t.device.name}: move it with x.to("${device.name}")`,
    );
  }
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
  return fromHost(out, [rows], "float32");
}

/** Puts samples together and checks them. The caller owns the weights that come out. */
export function toSamples(
  x: TensorData,
  y: TensorData,
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
    return given ? byClass.mul(given) : byClass;
  });
  return { x: xs, y: ys, weights, count };
}

/** Rows [from, from + rows) of all tensors. */
export function sliceSamples(samples: Samples, from: number, rows: number): Samples {
  const cut = (t: Tensor) => slice(t, [from], [rows]);
  return {
    x: samples.x.map(cut),
    y: samples.y.map(cut),
    weights: samples.weights && cut(samples.weights),
    count: rows,
  };
}

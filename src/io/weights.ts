// How do tensors get into a safetensors file and back, bit for bit? And under which names are a model's weights saved?

import { type DType, dtypeBytes } from "../dtype.ts";
import { DinogradError } from "../errors.ts";
import type { Weight } from "../layers/weight.ts";
import type { Device } from "../native/device.ts";
import { sameShape, showShape, sizeOf } from "../shape.ts";
import { allocate, Tensor, track } from "../tensor.ts";
import { readFile, replaceFile, toPath } from "./files.ts";
import { decodeSafetensors, encodeSafetensors, type RawArray } from "./safetensors.ts";

/** The values of a tensor as they lie on the device. Waits for it. */
export function rawValues({ dtype, shape, size, storage }: Tensor): RawArray {
  const bytes = new Uint8Array(size * dtypeBytes[dtype]);
  storage.device.native.download(storage.handle, 0, bytes);
  return { dtype, shape, bytes };
}

/** A tensor with these values on a device. */
export function fromRaw({ dtype, shape, bytes }: RawArray, device: Device): Tensor {
  const storage = allocate(device, dtype, sizeOf(shape), true);
  try {
    device.native.upload(storage.handle, 0, bytes.slice());
  } catch (error) {
    storage.release();
    throw error;
  }
  return track(new Tensor([...shape], dtype, storage));
}

/** Names that are all different: those given, with a number behind those that came before. */
export function unique(names: readonly string[]): string[] {
  const taken = new Set<string>();
  return names.map((given) => {
    let name = given;
    for (let i = 1; taken.has(name); i++) name = `${given}_${i}`;
    taken.add(name);
    return name;
  });
}

/** Weights with names that are all different, made of their paths. */
export function uniqueNames(weights: readonly Weight[]): [name: string, weight: Weight][] {
  const names = unique(weights.map(({ name }) => name));
  return weights.map((weight, i) => [names[i], weight]);
}

/** Writes weights to a safetensors file. */
export async function saveWeights(weights: readonly Weight[], address: string): Promise<void> {
  const arrays = uniqueNames(weights)
    .map(([name, { variable }]): [string, RawArray] => [name, rawValues(variable)]);
  await replaceFile(toPath(address), encodeSafetensors(new Map(arrays)));
}

/** A weight of another type is read only where it loses nothing but precision. */
const fits = (from: DType, to: DType) => from === to || (/float/.test(from) && /float/.test(to));

/** Reads weights from a safetensors file, which must hold just these. All of them are checked before any is changed. */
export async function loadWeights(weights: readonly Weight[], address: string): Promise<void> {
  const path = toPath(address), { arrays } = decodeSafetensors(await readFile(path), path);
  const named = uniqueNames(weights), known = new Set(named.map(([name]) => name));
  const stray = [...arrays.keys()].find((name) => !known.has(name));
  if (stray !== undefined) {
    throw new DinogradError(
      `${path} holds "${stray}", which the model has not; it has ${[...known].join(", ")}`,
    );
  }
  for (const [name, { shape, dtype }] of named) {
    const value = arrays.get(name);
    if (value && sameShape(value.shape, shape) && fits(value.dtype, dtype)) continue;
    throw new DinogradError(
      `${path} must hold ${dtype} ${showShape(shape)} for the weight "${name}", got ${
        value ? `${value.dtype} ${showShape(value.shape)}` : "nothing"
      }`,
    );
  }
  for (const [name, weight] of named) {
    const value = fromRaw(arrays.get(name)!, weight.variable.device);
    try {
      weight.write(value);
    } finally {
      value.dispose();
    }
  }
}

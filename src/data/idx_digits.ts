// How is a folder in MNIST's layout (two IDX files to train on, two to test on) read?
import { DinogradError } from "../errors.ts";
import { decodeIdx, maxIdxBytes } from "./idx.ts";
import type { LabelledImages } from "./images.ts";

/** Two sets of images, of one size and with the same classes. */
export interface IdxDigits {
  /** What to train on. */
  train: LabelledImages;
  /** What to test on. */
  test: LabelledImages;
  /** The number of classes: labels are 0 to `classes - 1`. */
  classes: number;
}

/** The four files, as MNIST calls them; a dot before `idx` and a trailing `.gz` are fine too. */
const files = {
  trainImages: "train-images-idx3-ubyte",
  trainLabels: "train-labels-idx1-ubyte",
  testImages: "t10k-images-idx3-ubyte",
  testLabels: "t10k-labels-idx1-ubyte",
};

/**
 * Reads MNIST, or a data set in its layout (Fashion-MNIST; EMNIST with `classes` given), from a
 * folder. Needs Deno and the permission to read the folder.
 */
export async function loadIdxDigits(
  dir: string,
  { classes = 10 }: { classes?: number } = {},
): Promise<IdxDigits> {
  const paths = findFiles(dir);
  const train = await readPair(paths.trainImages, paths.trainLabels, classes);
  const test = await readPair(paths.testImages, paths.testLabels, classes);
  if (train.height !== test.height || train.width !== test.width) {
    throw new DinogradError(
      `Training and test images in ${dir} must have one size, ` +
        `got ${train.height}x${train.width} and ${test.height}x${test.width}`,
    );
  }
  return { train, test, classes };
}

function findFiles(dir: string): typeof files {
  if (typeof Deno === "undefined") {
    throw new DinogradError(`Reading ${dir} needs Deno: elsewhere, give the bytes to decodeIdx`);
  }
  if (Deno.permissions.querySync({ name: "read", path: dir }).state !== "granted") {
    throw new DinogradError(`Reading ${dir} needs the permission --allow-read=${dir}`);
  }
  let present: Set<string>;
  try {
    present = new Set(Array.from(Deno.readDirSync(dir), (entry) => entry.name));
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new DinogradError(
      `Wanted a folder with the files ${Object.values(files).join(", ")}, got ${dir}: ${reason}`,
      { cause: error },
    );
  }
  const missing: string[] = [];
  const paths = { ...files };
  for (const [key, name] of Object.entries(files) as [keyof typeof files, string][]) {
    const found = [name, name.replace("-idx", ".idx")].flatMap((n) => [n, `${n}.gz`])
      .find((n) => present.has(n));
    if (found === undefined) missing.push(name);
    else paths[key] = `${dir.replace(/\/+$/, "")}/${found}`;
  }
  if (missing.length > 0) {
    throw new DinogradError(
      `Folder ${dir} lacks ${missing.join(", ")} (plain or .gz): ` +
        `wanted the files ${Object.values(files).join(", ")}`,
    );
  }
  return paths;
}

async function readPair(
  imagesPath: string,
  labelsPath: string,
  classes: number,
): Promise<LabelledImages> {
  const images = await readBytes(imagesPath, "images [count, height, width]", 3);
  const labels = await readBytes(labelsPath, "labels [count]", 1);
  const [count, height, width] = images.shape;
  if (images.data.length === 0) {
    throw new DinogradError(
      `${imagesPath} must hold an image or more, got shape [${images.shape}]`,
    );
  }
  if (labels.shape[0] !== count) {
    throw new DinogradError(
      `${labelsPath} must hold one label for each of the ${count} images in ${imagesPath}, ` +
        `got ${labels.shape[0]}`,
    );
  }
  const wrong = labels.data.findIndex((label) => label >= classes);
  if (wrong >= 0) {
    throw new DinogradError(
      `${labelsPath} must hold labels 0 to ${classes - 1}, ` +
        `got ${labels.data[wrong]} for image ${wrong}`,
    );
  }
  return { images: images.data, labels: labels.data, count, height, width };
}

async function readBytes(
  path: string,
  wanted: string,
  rank: number,
): Promise<{ shape: number[]; data: Uint8Array }> {
  const { isFile, size } = await Deno.stat(path);
  if (!isFile) throw new DinogradError(`${path} must be a file`);
  if (size > maxIdxBytes) {
    throw new DinogradError(`${path} must have at most ${maxIdxBytes} bytes, got ${size}`);
  }
  const { dtype, shape, data } = await decodeIdx(await Deno.readFile(path), path);
  if (!(data instanceof Uint8Array) || shape.length !== rank) {
    throw new DinogradError(`${path} must hold uint8 ${wanted}, got ${dtype} [${shape}]`);
  }
  return { shape, data };
}

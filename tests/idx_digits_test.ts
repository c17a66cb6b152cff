// Is a folder in MNIST's layout read whole, and is what is wrong with one said?
import assert from "node:assert";
import { loadIdxDigits } from "../src/data/idx_digits.ts";
import { DinogradError } from "../src/errors.ts";
import { gzip, idx } from "./idx_files.ts";

const names = {
  trainImages: "train-images-idx3-ubyte",
  trainLabels: "train-labels-idx1-ubyte",
  testImages: "t10k-images-idx3-ubyte",
  testLabels: "t10k-labels-idx1-ubyte",
};

/** Writes a tiny good data set with some files replaced (or left out), and hands over its folder. */
async function withFolder(
  changes: Record<string, Uint8Array | undefined>,
  use: (dir: string) => Promise<void>,
) {
  const images = idx(0x08, [3, 2, 2], [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
  const good = {
    [names.trainImages]: images,
    [names.trainLabels]: idx(0x08, [3], [9, 0, 5]),
    [names.testImages]: idx(0x08, [1, 2, 2], [1, 2, 3, 4]),
    [names.testLabels]: idx(0x08, [1], [4]),
  };
  const dir = await Deno.makeTempDir();
  try {
    for (const [name, bytes] of Object.entries({ ...good, ...changes })) {
      if (bytes !== undefined) await Deno.writeFile(`${dir}/${name}`, bytes);
    }
    await use(dir);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

Deno.test("loadIdxDigits reads plain, .gz and dotted names", async () => {
  const renamed = {
    [names.trainLabels]: undefined,
    "train-labels.idx1-ubyte": idx(0x08, [3], [9, 0, 5]),
    [names.testLabels]: undefined,
    "t10k-labels.idx1-ubyte.gz": await gzip(idx(0x08, [1], [4])),
  };
  for (const changes of [{}, renamed]) {
    await withFolder(changes, async (dir) => {
      const { train, test, classes } = await loadIdxDigits(`${dir}/`);
      assert.equal(classes, 10);
      assert.deepEqual([train.count, train.height, train.width], [3, 2, 2]);
      assert.deepEqual([...train.images], [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
      assert.deepEqual([...train.labels], [9, 0, 5]);
      assert.deepEqual([test.count, ...test.images, ...test.labels], [1, 1, 2, 3, 4, 4]);
    });
  }
});

Deno.test("loadIdxDigits says what is wrong with a folder", async () => {
  const all = Object.values(names).join(", ");
  const refusesFolder = (changes: Record<string, Uint8Array | undefined>, message: string) =>
    withFolder(
      changes,
      (dir) =>
        assert.rejects(
          loadIdxDigits(dir),
          new DinogradError(message.replaceAll("DIR", dir)),
        ),
    );
  await refusesFolder(
    { [names.testImages]: undefined, [names.trainLabels]: undefined },
    `Folder DIR lacks train-labels-idx1-ubyte, t10k-images-idx3-ubyte (plain or .gz): ` +
      `wanted the files ${all}`,
  );
  await refusesFolder(
    { [names.trainLabels]: idx(0x08, [2], [1, 2]) },
    `DIR/${names.trainLabels} must hold one label for each of the 3 images in ` +
      `DIR/${names.trainImages}, got 2`,
  );
  await refusesFolder(
    { [names.trainLabels]: idx(0x08, [3], [1, 10, 2]) },
    `DIR/${names.trainLabels} must hold labels 0 to 9, got 10 for image 1`,
  );
  await refusesFolder(
    { [names.trainLabels]: idx(0x08, [3, 2, 2], new Array(12).fill(0)) },
    `DIR/${names.trainLabels} must hold uint8 labels [count], got uint8 [3,2,2]`,
  );
  await refusesFolder(
    { [names.trainImages]: idx(0x08, [3], [1, 2, 3]) },
    `DIR/${names.trainImages} must hold uint8 images [count, height, width], got uint8 [3]`,
  );
  await refusesFolder(
    { [names.testLabels]: idx(0x0c, [1], [0, 0, 0, 4]) },
    `DIR/${names.testLabels} must hold uint8 labels [count], got int32 [1]`,
  );
  await refusesFolder(
    { [names.testImages]: idx(0x08, [0, 2, 2], []), [names.testLabels]: idx(0x08, [0], []) },
    `DIR/${names.testImages} must hold an image or more, got shape [0,2,2]`,
  );
  await refusesFolder(
    { [names.testImages]: idx(0x08, [1, 1, 2], [1, 2]) },
    "Training and test images in DIR must have one size, got 2x2 and 1x2",
  );
});

Deno.test("loadIdxDigits takes more classes when told so", async () => {
  await withFolder({ [names.trainLabels]: idx(0x08, [3], [9, 46, 5]) }, async (dir) => {
    const { train, classes } = await loadIdxDigits(dir, { classes: 47 });
    assert.deepEqual([classes, ...train.labels], [47, 9, 46, 5]);
  });
});

Deno.test("loadIdxDigits answers a missing folder, a file, and a missing permission", async () => {
  await assert.rejects(
    loadIdxDigits("/no/such/folder"),
    /^DinogradError: Wanted a folder with the files train-images.*, got \/no\/such\/folder: No such/,
  );
  const file = await Deno.makeTempFile();
  await assert.rejects(loadIdxDigits(file), /^DinogradError: Wanted a folder .* Not a directory/);
  await Deno.remove(file);
});

Deno.test({
  name: "loadIdxDigits asks nobody for a permission that it lacks",
  permissions: { read: false },
  fn: () =>
    assert.rejects(
      loadIdxDigits("/data"),
      new DinogradError("Reading /data needs the permission --allow-read=/data"),
    ),
});

const mnist = `${import.meta.dirname}/../../shared/data/mnist`;
const hasMnist = await Deno.stat(mnist).then(() => true, () => false);
if (!hasMnist) console.log(`skipping the test of real MNIST digits: no folder ${mnist}`);

Deno.test({
  name: "loadIdxDigits reads real MNIST digits",
  ignore: !hasMnist,
  fn: async () => {
    const { train, test } = await loadIdxDigits(mnist);
    assert.deepEqual([train.count, train.height, train.width], [8000, 28, 28]);
    assert.deepEqual([test.count, test.height, test.width], [2000, 28, 28]);
    for (const { images, labels, count } of [train, test]) {
      assert.equal(images.length, count * 28 * 28);
      assert.equal(new Set(labels).size, 10);
      const mean = images.reduce((sum, shade) => sum + shade, 0) / images.length;
      assert.ok(mean > 30 && mean < 36, `mean shade ${mean}`);
    }
  },
});

// Does the training command train each model, and what does it say to what it cannot do? One line, before any work, and status 1.

import assert from "node:assert";
import { isEmulated } from "../bench/places.ts";
import { devices } from "../src/native/device.ts";

// An emulated GPU is the CPU in disguise, and a slow one.
const { name: device } = devices().find((d) => !isEmulated(d))!;
const script = new URL("../scripts/train.ts", import.meta.url).pathname;

async function command(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-lock", "--quiet", script, ...args],
    env: { DINOGRAD_DEVICE: device },
  }).output();
  const [out, err] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
  return { code, out, err };
}

/** What a training printed and reported. */
async function training(...args: string[]) {
  const folder = await Deno.makeTempDir();
  try {
    const file = `${folder}/report.json`;
    const { code, out, err } = await command(...args, "--epochs", "1", "--report", file);
    assert.equal(code, 0, err);
    const report = JSON.parse(await Deno.readTextFile(file));
    assert.equal(report.epochs, 1);
    assert.ok(report.samplesPerSecond > 0 && report.history[0].seconds > 0);
    return { out, report };
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

async function refusal(...args: string[]): Promise<string> {
  const { code, err } = await command("--device", "wasm", ...args);
  assert.equal(code, 1, err);
  assert.match(err, /^error: [^\n]+\n$/);
  return err;
}

/** A folder of files for as long as `use` takes. */
async function withFiles(
  files: Record<string, string>,
  use: (folder: string) => Promise<void>,
): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    for (const [name, text] of Object.entries(files)) {
      await Deno.writeTextFile(`${folder}/${name}`, text);
    }
    await use(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

for (const model of ["mlp", "cnn"]) {
  Deno.test(`${model} learns digits`, async () => {
    const { out, report } = await training("--model", model, "--samples", "400");
    assert.match(out, /^Data: 400 training and 100 test digits, drawn with seed 1$/m);
    assert.ok(report.testAccuracy > 0.15 && report.testLoss < 2.3, JSON.stringify(report));
    assert.deepEqual(
      [report.testLoss, report.testAccuracy],
      [report.history[0].valLoss, report.history[0].valAccuracy],
    );
  });
}

Deno.test("lstm learns a made-up series, and a column of a file", async () => {
  const made = await training("--model", "lstm", "--samples", "600");
  assert.match(made.out, /^Data: 600 windows of 24 values/m);
  assert.match(made.out, /^Foretold values are off by [\d.]+ on average; saying .* by [\d.]+$/m);
  assert.ok(made.report.testLoss < 1 && made.report.history[0].valMeanAbsoluteError < 0.8);
  const rows = Array.from({ length: 200 }, (_, i) => `day ${i},${Math.sin(i / 3)},7`);
  await withFiles({ "s.csv": ["day,wave,flat", ...rows].join("\n") + "\n" }, async (folder) => {
    const data = ["--model", "lstm", "--data", `${folder}/s.csv`];
    const { out, report } = await training(...data, "--column", "wave");
    assert.match(out, /^Data: 136 windows of 24 .*, the last ones of column "wave" of /m);
    assert.ok(report.testLoss < 1.2);
    const flat = await training(...data, "--column", "flat"); // has no deviation to divide by
    assert.ok(Number.isFinite(flat.report.testLoss));
    assert.match(await refusal(...data), /--column must name .* numbers are in wave, flat/);
    assert.match(await refusal(...data, "--column", "wav"), /did you mean "wave"/);
    assert.match(
      await refusal(...data, "--column", "day"),
      /must hold numbers, got "day 0" in record/,
    );
  });
});

Deno.test("lstm reads digits row by row", async () => {
  const images = (
    count: number,
  ) => [0, 0, 8, 3, 0, 0, 0, count, 0, 0, 0, 4, 0, 0, 0, 5, ...Array(20 * count).fill(9)];
  const labels = (count: number) => [0, 0, 8, 1, 0, 0, 0, count, ...Array(count).fill(3)];
  await withFiles({}, async (folder) => {
    for (const [set, count] of [["train", 6], ["t10k", 2]] as const) {
      const file = (rest: string) => `${folder}/${set}-${rest}-ubyte`;
      await Deno.writeFile(file("images-idx3"), Uint8Array.from(images(count)));
      await Deno.writeFile(file("labels-idx1"), Uint8Array.from(labels(count)));
    }
    const { out, report } = await training("--model", "lstm", "--data", folder);
    assert.match(out, /^lstm \(LSTM\) +\[null,128\]/m);
    assert.ok("testAccuracy" in report);
    const column = await refusal("--model", "lstm", "--data", folder, "--column", "a");
    assert.match(column, /--column wants a CSV file as --data, got the folder/);
    const sides = await refusal("--model", "gan", "--data", folder);
    assert.match(sides, /sides that are multiples of 4, got 4 by 5/);
  });
});

Deno.test("text learns to write, and writes at several temperatures or one", async () => {
  const { out, report } = await training("--model", "text", "--samples", "32");
  assert.deepEqual(out.match(/^--- temperature .*$/gm), [
    "--- temperature 0.4",
    "--- temperature 0.7",
    "--- temperature 1",
  ]);
  assert.equal(report.testPerplexity, Math.exp(report.testLoss));
  assert.ok(report.testPerplexity < 40, JSON.stringify(report)); // as many characters there are
  await withFiles({ "t.txt": "to be or not to be é😀\n".repeat(40) }, async (folder) => {
    const data = ["--data", `${folder}/t.txt`, "--temperature", "0.5"];
    const one = await training("--model", "text", ...data);
    assert.match(one.out, /^Data: 15 training and 1 test windows .*, with 10 characters$/m);
    assert.deepEqual(one.out.match(/^--- temperature .*$/gm), ["--- temperature 0.5"]);
  });
});

Deno.test("sentiment judges a sentence, and again from where it was saved", async () => {
  await withFiles({}, async (folder) => {
    const ask = ["--model", "sentiment", "--predict", "a warm and funny film"];
    const { out, report } = await training(...ask, "--samples", "320", "--save", folder);
    const judged = /^"a warm and funny film": (positive|negative), probability 0\.\d{3}$/m;
    assert.match(out, judged);
    assert.ok("testAccuracy" in report);
    const later = await command(...ask, "--load", folder);
    assert.equal(later.code, 0, later.err);
    assert.equal(judged.exec(later.out)![0], judged.exec(out)![0]);
  });
});

Deno.test("sentiment learns from a folder of sentences", async () => {
  const files = { "my.pos.txt": "good\nfine\n".repeat(20), "NEG": "bad\npoor\n\n".repeat(20) };
  await withFiles(files, async (folder) => {
    const data = ["--model", "sentiment", "--data", folder];
    const { out } = await training(...data);
    assert.match(out, /^Data: 64 training and 16 test sentences from /m);
    await Deno.writeTextFile(`${folder}/more.pos`, "good\n");
    assert.match(await refusal(...data), /Wanted one file with "pos" in its name/);
  });
});

Deno.test("gan draws digits into a picture", async () => {
  await withFiles({}, async (folder) => {
    const images = ["--images", `${folder}/digits.png`];
    const { out, report } = await training("--model", "gan", "--samples", "64", ...images);
    assert.match(
      out,
      /^Epoch 1\/1: .* loss of the generator [\d.]+, of the discriminator [\d.]+$/m,
    );
    assert.ok(!("testLoss" in report) && report.history[0].discriminatorLoss > 0);
    const png = await Deno.readFile(`${folder}/digits.png`), view = new DataView(png.buffer);
    assert.deepEqual([...png.subarray(1, 4)], [..."PNG"].map((c) => c.charCodeAt(0)));
    assert.deepEqual([view.getUint32(16), view.getUint32(20)], [289, 289]); // 10 of 28, lines between
  });
});

Deno.test("the training command answers misuse with one line", async () => {
  const names = ["train-labels-idx1", "t10k-images-idx3", "t10k-labels-idx1"];
  const files = Object.fromEntries(names.map((name) => [`${name}-ubyte`, ""]));
  await withFiles({ "train-images-idx3-ubyte": "no images", ...files }, async (folder) => {
    assert.match(await refusal("--modle", "mlp"), /"--modle": did you mean "--model"/);
    assert.match(await refusal("--model", "mpl"), /Unknown model "mpl": did you mean "mlp"/);
    assert.match(await refusal("--epochs", "0"), /integer of at least 1, got "0"/);
    assert.match(await refusal("--precision", "mixed_flaot16"), /did you mean "mixed_float16"/);
    assert.match(await refusal("--device", "gpu:99"), /no device "gpu:99" here, only/);
    assert.match(await refusal("--optimizer", "adm"), /Unknown optimizer "adm": did you mean/);
    assert.match(await refusal("--data", `${folder}/none`), /Wanted a folder with the files/);
    assert.match(await refusal("--data", folder), /is no IDX file/);
    assert.match(await refusal("--report", folder), /Is a directory/);
    assert.match(await refusal("--save", `${folder}/train-images-idx3-ubyte`), /File exists/);
    assert.match(await refusal("--plot", "a.png"), /--plot wants a file name that ends with .svg/);
  });
});

Deno.test("the training command refuses options that do not go together", async () => {
  const predict = await refusal("--predict", "good");
  assert.equal(predict, "error: --predict goes with sentiment, not with mlp\n");
  assert.match(
    await refusal("--model", "gan", "--optimizer", "sgd"),
    /--optimizer goes with mlp, cnn,/,
  );
  assert.match(await refusal("--model", "gan", "--images", "a.jpg"), /ends with .png, got "a.jpg"/);
  const sentiment = ["--model", "sentiment", "--load", "/tmp"];
  assert.match(await refusal(...sentiment), /--load wants a sentence to judge as --predict/);
  const both = await refusal(...sentiment, "--predict", "good", "--epochs", "2");
  assert.match(both, /--load trains nothing: leave out --epochs/);
});

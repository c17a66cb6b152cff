// Does a training run become a chart, drawn by a process of its own that fails with a sentence?
import assert from "node:assert";
import { drawChart } from "../scripts/draw_chart.ts";
import { trainingChart, type TrainingReport } from "../scripts/training_spec.ts";

const report: TrainingReport = {
  device: "cpu",
  model: "mlp",
  precision: "float32",
  epochs: 2,
  history: [
    { loss: 0.62, accuracy: 0.83, valLoss: 0.34, valAccuracy: 0.9, seconds: 1 },
    { loss: 0.3, accuracy: 0.914, valLoss: 0.25, valAccuracy: 0.93, seconds: 1 },
  ],
  testLoss: 0.25123,
  testAccuracy: 0.9305,
  samplesPerSecond: 12345.6,
};

/** The rows that a chart draws. */
const rows = (chart: object) => (chart as { data: { values: unknown[] } }).data.values;

Deno.test("trainingChart has a row per epoch and set", () => {
  assert.deepEqual(rows(trainingChart(report)), [
    { epoch: 1, set: "training", loss: 0.62, accuracy: 0.83 },
    { epoch: 1, set: "validation", loss: 0.34, accuracy: 0.9 },
    { epoch: 2, set: "training", loss: 0.3, accuracy: 0.914 },
    { epoch: 2, set: "validation", loss: 0.25, accuracy: 0.93 },
  ]);
  const history = report.history.map(({ loss, accuracy, seconds }) => ({
    loss,
    accuracy,
    seconds,
  }));
  assert.deepEqual(rows(trainingChart({ ...report, history })), [
    { epoch: 1, set: "training", loss: 0.62, accuracy: 0.83 },
    { epoch: 2, set: "training", loss: 0.3, accuracy: 0.914 },
  ]);
});

Deno.test("trainingChart has a panel for each number that was noted", () => {
  const titles = (history: TrainingReport["history"]) => {
    const { hconcat } = trainingChart({ ...report, history }) as {
      hconcat: { encoding: { y: { title: string } } }[];
    };
    return hconcat.map(({ encoding }) => encoding.y.title);
  };
  assert.deepEqual(titles(report.history), [
    "Loss (mean per sample)",
    "Accuracy (share of predictions)",
  ]);
  assert.deepEqual(titles([{ loss: 1, discriminatorLoss: 2, seconds: 1 }]), [
    "Loss (mean per sample)",
    "Loss of the discriminator",
  ]);
  const written = { loss: 1, perplexity: 2.7, valLoss: 2, valPerplexity: 7.4, seconds: 1 };
  assert.deepEqual(rows(trainingChart({ ...report, history: [written] })), [
    { epoch: 1, set: "training", loss: 1, perplexity: 2.7 },
    { epoch: 1, set: "validation", loss: 2, perplexity: 7.4 },
  ]);
});

/** Runs chart.ts with its npm packages out of reach. */
async function chartWithoutNpm(input: string): Promise<{ code: number; message: string }> {
  const cache = await Deno.makeTempDir();
  try {
    const child = new Deno.Command(Deno.execPath(), {
      args: ["run", "--quiet", "--no-lock", "--no-prompt", "scripts/chart.ts"],
      cwd: `${import.meta.dirname}/..`,
      env: { DENO_DIR: cache, NPM_CONFIG_REGISTRY: "http://127.0.0.1:1/", NO_COLOR: "1" },
      stdin: "piped",
      stderr: "piped",
    }).spawn();
    await new Blob([input]).stream().pipeTo(child.stdin);
    const { code, stderr } = await child.output();
    return { code, message: new TextDecoder().decode(stderr) };
  } finally {
    await Deno.remove(cache, { recursive: true });
  }
}

Deno.test("chart.ts says what is wrong with its input", async () => {
  const { code, message } = await chartWithoutNpm("not JSON");
  assert.equal(code, 1);
  assert.match(message, /^chart: wanted a Vega-Lite chart as JSON on standard input: .*\n$/);
});

Deno.test("chart.ts says so when npm is out of reach", async () => {
  const { code, message } = await chartWithoutNpm("{}");
  assert.equal(code, 1);
  assert.match(message, /^chart: vega and vega-lite could not be fetched from npm: /);
});

const smallest = { data: { values: [{ x: 1 }] }, mark: "point", encoding: {} };
const unreachable = await drawChart(smallest).then(() => false, (error: Error) => {
  if (!error.message.includes("could not be fetched from npm")) throw error;
  console.log(`skipping the tests that draw charts: ${error.message}`);
  return true;
});

Deno.test({
  name: "drawChart draws a training run as SVG",
  ignore: unreachable,
  fn: async () => {
    const svg = await drawChart(trainingChart(report));
    assert.match(svg, /^<svg [^>]*xmlns="http:\/\/www.w3.org\/2000\/svg"/);
    assert.match(svg, /<\/svg>\n$/);
    for (
      const text of [
        "Training mlp on cpu",
        "test accuracy 93.05 %, test loss 0.2512, 12,346 samples per second",
        "Epoch",
        "Loss (mean per sample)",
        "Accuracy (share of predictions)",
        "training",
        "validation",
      ]
    ) assert.ok(svg.includes(`>${text}</text>`), `${text} is missing`);
    assert.equal(svg.match(/aria-roledescription="point"/g)?.length, 8);
  },
});

Deno.test({
  name: "drawChart draws a run that diverged and a large chart",
  ignore: unreachable,
  fn: async () => {
    const diverged = { loss: NaN, accuracy: 0.1, seconds: 1 };
    const nan = await drawChart(trainingChart({ ...report, history: [diverged], testLoss: NaN }));
    assert.ok(nan.includes("test loss NaN") && !nan.includes('d="MNaN'));
    const history = Array.from({ length: 5000 }, () => report.history[0]);
    const large = await drawChart(trainingChart({ ...report, history }));
    assert.equal(large.match(/aria-roledescription="point"/g)?.length, 20_000);
  },
});

Deno.test({
  name: "drawChart passes on why a chart cannot be drawn",
  ignore: unreachable,
  fn: () => assert.rejects(drawChart({ mark: 3 }), /^Error: chart: /),
});

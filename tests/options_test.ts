// Does a command line become typed values, and does a wrong one get a helpful answer?
import assert from "node:assert";
import { helpText, type Options, parseOptions } from "../scripts/options.ts";
import { DinogradError } from "../src/errors.ts";

const table = {
  model: { type: "choice", choices: ["mlp", "cnn"], default: "mlp", help: "what to train" },
  data: { type: "string", value: "DIR", help: "folder of MNIST files" },
  save: { type: "string", value: "FILE", default: "out", help: "where to write" },
  epochs: { type: "integer", default: 5, min: 1, max: 1000, help: "passes over the data" },
  batchSize: { type: "integer", default: 32, min: 1, help: "samples per step" },
  seed: { type: "integer", default: 0, help: "of everything random" },
  learningRate: { type: "number", default: 0.001, min: 0, help: "step size" },
  decay: { type: "number", default: 0.5, max: 1, help: "of the step size" },
  quiet: { type: "flag", help: "print less" },
} as const satisfies Options;

const parse = (...args: string[]) => parseOptions(table, args);
const refuses = (args: string[], message: string) =>
  assert.throws(() => parse(...args), new DinogradError(message));

Deno.test("defaults hold where nothing is given", () => {
  assert.deepEqual(parse(), {
    model: "mlp",
    data: undefined,
    save: "out",
    epochs: 5,
    batchSize: 32,
    seed: 0,
    learningRate: 0.001,
    decay: 0.5,
    quiet: false,
    help: false,
  });
});

Deno.test("values have the types of the table", () => {
  const values = parse(
    ...["--model", "cnn", "--data=/tmp/a b", "--batch-size", "64", "--seed", "-3"],
    ...["--learning-rate=1e-2", "--quiet", "-h"],
  );
  const model: "mlp" | "cnn" = values.model;
  const data: string | undefined = values.data;
  const numbers: number[] = [values.batchSize, values.seed, values.learningRate];
  const flags: boolean[] = [values.quiet, values.help];
  assert.deepEqual([model, data, ...numbers, ...flags], [
    "cnn",
    "/tmp/a b",
    64,
    -3,
    0.01,
    true,
    true,
  ]);
  assert.equal(parse("--epochs", "2", "--epochs", "3").epochs, 3);
});

Deno.test("an unknown option is answered with the nearest one", () => {
  const known = "Known: --model, --data, --save, --epochs, --batch-size, --seed, " +
    "--learning-rate, --decay, --quiet, --help.";
  refuses(["--epoch", "3"], `Unknown option "--epoch": did you mean "--epochs"? ${known}`);
  refuses(["--batchsize=3"], `Unknown option "--batchsize": did you mean "--batch-size"? ${known}`);
  refuses(["--no-quiet"], `Unknown option "--no-quiet": did you mean "--quiet"? ${known}`);
  refuses(["--transformers"], `Unknown option "--transformers". ${known}`);
  refuses(["-e"], `Unknown option "-e". ${known}`);
});

Deno.test("a bad value is answered with what was wanted", () => {
  refuses(["--model", "mpl"], 'Unknown model "mpl": did you mean "mlp"? Known: mlp, cnn.');
  refuses(["--epochs", "0"], '--epochs wants an integer from 1 to 1000, got "0"');
  refuses(["--epochs", "2.5"], '--epochs wants an integer from 1 to 1000, got "2.5"');
  refuses(["--batch-size", "many"], '--batch-size wants an integer of at least 1, got "many"');
  refuses(["--batch-size= "], '--batch-size wants an integer of at least 1, got " "');
  refuses(["--seed", "1e300"], '--seed wants an integer, got "1e300"');
  refuses(["--learning-rate", "NaN"], '--learning-rate wants a number of at least 0, got "NaN"');
  refuses(
    ["--learning-rate=Infinity"],
    "--learning-rate wants a number of at least 0, " +
      'got "Infinity"',
  );
  refuses(["--decay", "2"], '--decay wants a number of at most 1, got "2"');
});

Deno.test("a missing or superfluous value and a stray word are refused", () => {
  refuses(["--model"], "--model wants one of mlp, cnn, got nothing");
  refuses(["--data", "--quiet"], "--data wants DIR, got nothing");
  refuses(["--data="], "--data wants DIR, got nothing");
  refuses(["--quiet=yes"], '--quiet takes no value, got "yes"');
  refuses(["cnn"], 'Wanted options only, got "cnn"');
  refuses(["--quiet", "--", "cnn"], 'Wanted options only, got "cnn"');
});

Deno.test("help lists every option in two columns of at most 80 characters", () => {
  const names = ["sgd", "momentum", "nesterov", "rmsprop", "adagrad", "adadelta", "adam", "adamw"];
  const text = helpText("deno task train [options]", "Trains a model on digits.", {
    optimizer: { type: "choice", choices: names, default: "adam", help: "update rule" },
    data: { type: "string", value: "DIR", help: "folder of MNIST files" },
    batchSize: { type: "integer", default: 32, help: "samples per step" },
  });
  assert.equal(
    text,
    `Usage: deno task train [options]

Trains a model on digits.

Options:
  --optimizer NAME  update rule: sgd, momentum, nesterov, rmsprop, adagrad,
                    adadelta, adam, adamw (default adam)
  --data DIR        folder of MNIST files
  --batch-size N    samples per step (default 32)
  --help            show this help`,
  );
});

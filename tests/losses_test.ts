// Do losses, their gradients, weights and masks agree with Keras, and are logits found behind probabilities?
import assert from "node:assert";
import { type ActivationIdentifier, getActivation } from "../src/activations.ts";
import { DinogradError } from "../src/errors.ts";
import { grad, valueAndGrad } from "../src/grad.ts";
import * as losses from "../src/losses/mod.ts";
import * as classes from "../src/losses/classes.ts";
import { getLoss } from "../src/losses/registry.ts";
import { LossFunctionWrapper, type Reduction } from "../src/losses/loss.ts";
import { scalar, tensor } from "../src/ops/creation.ts";
import { mul, sub } from "../src/ops/elementwise.ts";
import { abs, square } from "../src/ops/math.ts";
import { tidy } from "../src/scope.ts";
import { memory, type Tensor } from "../src/tensor.ts";
import { cases, close, type FixtureTensor, load, onEachDevice } from "./fixtures.ts";

interface Case {
  name: string;
  loss: string;
  class_name: string;
  config: Record<string, unknown>;
  y_true: FixtureTensor;
  y_pred: FixtureTensor;
  sample_weight?: FixtureTensor;
  value: number;
  per_sample: FixtureTensor;
  grad: FixtureTensor;
}
const all: Case[] = cases("losses.json");

onEachDevice("each loss and its gradient are Keras's", () => {
  assert.equal(all.length, 30);
  const before = memory();
  for (const c of all) {
    tidy(() => {
      const loss = getLoss(c);
      const yTrue = load(c.y_true), yPred = load(c.y_pred);
      const weight = c.sample_weight && load(c.sample_weight);
      close(loss.call(yTrue, yPred), c.per_sample.data, `${c.name}: per sample`);
      const { value, grad } = valueAndGrad((p: Tensor) => loss.apply(yTrue, p, weight))(yPred);
      close(value, [c.value], `${c.name}: value`);
      close(grad, c.grad.data, `${c.name}: gradient`);
    });
  }
  assert.deepEqual(memory(), before);
});

onEachDevice(
  "a loss is found by name and class in either spelling, and from its own config",
  () => {
    tidy(() => {
      for (const c of all) {
        const yTrue = load(c.y_true), yPred = load(c.y_pred);
        const expected = getLoss({ class_name: c.class_name, config: {} }).call(yTrue, yPred);
        const camel = c.loss.replace(/_(.)/g, (_, letter) => letter.toUpperCase());
        for (const name of [c.loss, camel, c.class_name]) {
          close(getLoss(name).call(yTrue, yPred), expected.dataSync(), name, { rtol: 0, atol: 0 });
        }
        const config = getLoss(c).getConfig();
        for (const key in c.config) {
          assert.deepEqual(config[key], c.config[key], `${c.name}: ${key}`);
        }
      }
    });
    const aliases = {
      mse: "MeanSquaredError",
      MSE: "MeanSquaredError",
      mae: "MeanAbsoluteError",
      mape: "MeanAbsolutePercentageError",
      msle: "MeanSquaredLogarithmicError",
      bce: "BinaryCrossentropy",
      kld: "KLDivergence",
      logcosh: "LogCosh",
      kullbackLeiblerDivergence: "KLDivergence",
      cosineProximity: "CosineSimilarity",
    };
    for (const [alias, name] of Object.entries(aliases)) {
      assert.equal(getLoss(alias).getClassName(), name);
    }
  },
);

onEachDevice("reductions, weights and masks are Keras's", () => {
  tidy(() => {
    const yTrue = tensor([[0, 0], [0, 0], [0, 0], [0, 0]]);
    const yPred = tensor([[1, 1], [2, 2], [3, 3], [4, 4]]); // losses 1, 4, 9, 16
    const weight = tensor([1, 0, 2, 0.5]), mask = tensor([true, true, true, false]);
    const value = (reduction: Reduction | null, w?: Tensor, m?: Tensor) => {
      const loss = new classes.MeanSquaredError({ reduction: reduction as Reduction });
      return [...loss.apply(yTrue, yPred, w, m).dataSync()];
    };
    assert.deepEqual(value("none", weight), [1, 0, 18, 8]);
    assert.deepEqual(value(null), [1, 4, 9, 16]);
    assert.deepEqual(value("sum", weight), [27]);
    assert.deepEqual(value("sum", undefined, mask), [14]);
    close(value("mean_with_sample_weight", weight), [27 / 3.5], "weighted mean");
    close(value("mean_with_sample_weight"), [7.5], "weighted mean without weights");
    close(value("sum_over_batch_size", weight), [27 / 4], "mean of weighted");
    close(value("mean", undefined, mask), [14 / 3], "mean of what the mask leaves");
    close(value("sum_over_batch_size", weight, mask), [19 / 3], "weights and mask");
    // Weights of samples go with all steps of a sequence; weights may also be given per step.
    const steps = tensor([[[1], [2]], [[3], [4]]]), zeros = tensor([[[0], [0]], [[0], [0]]]);
    const sequence = new classes.MeanSquaredError({ reduction: "sum" });
    close(sequence.apply(zeros, steps, tensor([1, 10])), [5 + 250], "per sample");
    close(sequence.apply(zeros, steps, tensor([[1, 0], [0, 10]])), [161], "per step");
  });
});

onEachDevice(
  "targets may lack or have a last dimension of 1, be integers, and no other shape",
  () => {
    tidy(() => {
      const flat = tensor([1, 0, 1]), column = tensor([[1], [0], [1]], [3, 1], "int32");
      const yPred = tensor([[0.9], [0.2], [0.6]]);
      const loss = getLoss("mse");
      close(loss.apply(flat, yPred), [0.07], "missing");
      close(loss.apply(column, yPred), [0.07], "int32");
      close(getLoss("mse").apply(column, tensor([0.9, 0.2, 0.6])), [0.07], "too many");
      const scores = tensor([[2, 1], [0, 1], [3, 5]]);
      const sparse = new classes.SparseCategoricalCrossentropy({ fromLogits: true });
      assert.deepEqual(
        sparse.call(column, scores).dataSync(),
        sparse.call(flat, scores).dataSync(),
      );
      const refuses = (name: string, yTrue: Tensor, message: string) =>
        assert.throws(() => getLoss(name).apply(yTrue, scores), new DinogradError(message));
      refuses(
        "mse",
        flat,
        "meanSquaredError needs targets of the predictions' shape [3,2], got [3]",
      );
      refuses(
        "sparse_categorical_crossentropy",
        tensor([[0, 1], [1, 0], [1, 0]]),
        "sparseCategoricalCrossentropy of predictions [3,2] needs targets of shape [3], got [3,2]",
      );
    });
  },
);

onEachDevice(
  "behind a softmax or sigmoid the logits are used, exact where probabilities are 0",
  () => {
    tidy(() => {
      const logits = tensor([[100, 0, -100], [0, 200, 0]]);
      const check = (
        name: string,
        activation: ActivationIdentifier,
        yTrue: Tensor,
        expected: number,
        slope: number[],
      ) => {
        const f = (x: Tensor) => getLoss(name).apply(yTrue, getActivation(activation).apply(x));
        const { value, grad } = valueAndGrad(f)(logits);
        close(value, [expected], name);
        close(grad, slope, `${name}: gradient`);
      };
      const rows = [0.5, 0, -0.5, 0, 0, 0];
      check("categoricalCrossentropy", "softmax", tensor([[0, 0, 1], [0, 1, 0]]), 100, rows);
      check("sparseCategoricalCrossentropy", "softmax", tensor([2, 1]), 100, rows);
      check(
        "binaryCrossentropy",
        "sigmoid",
        tensor([[0, 1, 1], [1, 0, 1]]),
        (200 + 2 * Math.LN2 + 200 + Math.LN2) / 6,
        [1, -0.5, -1, -0.5, 1, -0.5].map((g) => g / 6),
      );
      // The same probabilities from elsewhere are clipped.
      const p = mul(getActivation("softmax").apply(logits), 1);
      close(
        getLoss("sparse_categorical_crossentropy").call(tensor([2, 1]), p),
        [16.118, 0],
        "clipped",
      );
      // Logits live as long as the probabilities.
      const kept = tidy(() => getActivation("softmax").apply(mul(logits, 1)));
      close(
        getLoss("sparse_categorical_crossentropy").call(tensor([2, 1]), kept),
        [200, 0],
        "kept",
      );
    });
  },
);

onEachDevice("crossentropy takes the form that the shapes ask for, and any axis", () => {
  tidy(() => {
    const p = tensor([[0.7, 0.2, 0.1], [0.1, 0.6, 0.3]]);
    const expected = [-Math.log(0.7), -Math.log(0.3)];
    close(getLoss("crossentropy").call(tensor([0, 2], [2], "int32"), p), expected, "class numbers");
    close(getLoss("ce").call(tensor([[1, 0, 0], [0, 0, 1]]), p), expected, "one-hot");
    close(getLoss("ce").call(tensor([[1]]), tensor([[0.7]])), [-Math.log(0.7)], "binary");
    const scores = tensor([[[1, 2], [3, 0], [5, 1]]]), labels = tensor([[2, 0]], [1, 2], "int32");
    const byAxis = new classes.SparseCategoricalCrossentropy({ fromLogits: true, axis: 1 });
    const log = (x: number[]) => Math.log(x.reduce((sum, v) => sum + Math.exp(v), 0));
    close(byAxis.call(labels, scores), [log([1, 3, 5]) - 5, log([2, 0, 1]) - 2], "axis 1");
  });
});

onEachDevice("functions serve as losses, and wrong ones are refused", () => {
  tidy(() => {
    const yTrue = tensor([1, 2]), yPred = tensor([1.5, 4]);
    const custom = getLoss((t: Tensor, p: Tensor) => abs(sub(t, p)));
    assert.ok(custom instanceof LossFunctionWrapper);
    close(custom.apply(yTrue, yPred), [1.25], "per sample");
    close(grad((p: Tensor) => custom.apply(yTrue, p))(yPred), [0.5, 0.5], "gradient");
    close(getLoss(() => scalar(3)).apply(yTrue, yPred), [3], "a scalar stays");
  });
  assert.throws(
    () => getLoss("meanSquaredEror"),
    /^DinogradError: Unknown loss "meanSquaredEror": did you mean "MeanSquaredError"\? Known: /,
  );
  assert.throws(
    () => getLoss(3 as never),
    new DinogradError("Wanted a loss, as an object, a name or a config: got number"),
  );
  assert.throws(
    () => new classes.Hinge({ reduction: "average" as never }),
    new DinogradError(
      'Hinge takes reduction sum_over_batch_size, mean, mean_with_sample_weight, sum, none, got "average"',
    ),
  );
});

onEachDevice("the core losses are TensorFlow.js's", () => {
  tidy(() => {
    const labels = tensor([[1, 0, 1], [0, 1, 0]]), p = tensor([[0.8, 0.3, 0.6], [0.1, 0.9, 0.4]]);
    const weights = tensor([[2, 0, 1]]); // for each row: 4 of 6 weights are not 0, their sum is 6
    close(losses.absoluteDifference(labels, p), [1.5 / 6], "absoluteDifference");
    const { NONE, MEAN, SUM } = losses.Reduction;
    const weighted = [0.4, 0, 0.4, 0.2, 0, 0.4];
    close(losses.absoluteDifference(labels, p, weights), [1.4 / 4], "by nonzero weights");
    close(losses.absoluteDifference(labels, p, weights, NONE), weighted, "none");
    close(losses.absoluteDifference(labels, p, weights, SUM), [1.4], "sum");
    close(losses.absoluteDifference(labels, p, weights, MEAN), [1.4 / 6], "mean");
    close(losses.computeWeightedLoss([1, 2], [2, 2], MEAN), [1.5], "computeWeightedLoss");
    close(losses.meanSquaredError(labels, p), [0.47 / 6], "meanSquaredError");
    close(losses.hingeLoss(labels, p), [(0.2 + 1.3 + 0.4 + 1.1 + 0.1 + 1.4) / 6], "hingeLoss");
    close(losses.huberLoss([0, 0], [0.5, 3], null, 1), [(0.125 + 2.5) / 2], "huberLoss");
    close(losses.cosineDistance([[0.6, 0.8]], [[1, 0]], 1), [0.4], "cosineDistance");
    const log = (x: number) => -Math.log(x);
    close(losses.logLoss([1, 0], [0.8, 0.3]), [(log(0.8) + log(0.7)) / 2], "logLoss");
    const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));
    const surprise = (log(sigmoid(2)) + log(1 - sigmoid(-1))) / 2;
    close(losses.sigmoidCrossEntropy([1, 0], [2, -1]), [surprise], "sigmoidCrossEntropy");
    const smooth = 0.95 * log(sigmoid(2)) + 0.05 * log(sigmoid(-2));
    close(losses.sigmoidCrossEntropy([1], [2], null, 0.1), [smooth], "smoothed");
    const sum = Math.exp(1) + Math.exp(2);
    const cross = losses.softmaxCrossEntropy([[0, 1]], [[1, 2]]);
    close(cross, [log(Math.exp(2) / sum)], "softmaxCrossEntropy");
    const smoothed = losses.softmaxCrossEntropy([[0, 1]], [[1, 2]], null, 0.2);
    close(smoothed, [0.9 * log(Math.exp(2) / sum) + 0.1 * log(Math.exp(1) / sum)], "smoothed");
  });
  assert.throws(
    () => losses.hingeLoss([1, 0], [1, 0, 1]),
    new DinogradError("hingeLoss needs labels and predictions of one shape, got [2] and [3]"),
  );
});

onEachDevice(
  "a mean loss in one call is that of the losses one by one, with all its gradients",
  () => {
    const before = memory();
    tidy(() => {
      const x = tensor([[0.3, -1.2, 2.5], [1.5, 0.1, -0.4]]), ones = tensor([1, 1]);
      const labels = tensor([[0, 1, 0], [0.5, 0.25, 0.25]]),
        places = tensor([2, 0], undefined, "int32");
      for (
        const [loss, yTrue] of [
          [new classes.MeanSquaredError(), labels],
          [new classes.BinaryCrossentropy({ fromLogits: true }), labels],
          [new classes.CategoricalCrossentropy({ fromLogits: true, labelSmoothing: 0.1 }), labels],
          [new classes.SparseCategoricalCrossentropy({ fromLogits: true }), places],
        ] as const
      ) {
        const name = loss.name;
        // Weights of 1 change nothing but the way.
        const [one, each] = [undefined, ones].map((w) => (p: Tensor) => loss.apply(yTrue, p, w));
        close(one(x), each(x).dataSync(), `${name} without gradients`);
        const a = valueAndGrad(one)(x), b = valueAndGrad(each)(x);
        close(a.value, b.value.dataSync(), name);
        close(a.grad, b.grad.dataSync(), `gradient of ${name}`);
        const scaled = (f: (p: Tensor) => Tensor) => grad((p) => mul(f(p), 3))(x);
        close(scaled(one), scaled(each).dataSync(), `gradient of a multiple of ${name}`);
        const twice = (f: (p: Tensor) => Tensor) => grad((p) => square(grad(f)(p)))(x);
        close(twice(one), twice(each).dataSync(), `gradient of the gradient of ${name}`);
      }
      const onLabels = (w?: Tensor) =>
        grad((t) => new classes.MeanSquaredError().apply(t, x, w))(labels);
      close(onLabels(), onLabels(ones).dataSync(), "gradient of labels");
    });
    assert.deepEqual(memory(), before);
  },
);

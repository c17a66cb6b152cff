// Do metrics keep Keras's numbers from batch to batch, in recorded steps too, and are they found by name and shape?
import assert from "node:assert";
import { DinogradError } from "../src/errors.ts";
import * as metrics from "../src/metrics/mod.ts";
import { directionOf, type Metric, resolveMetric } from "../src/metrics/registry.ts";
import { currentDevice } from "../src/native/device.ts";
import { scalar, tensor } from "../src/ops/creation.ts";
import { sub } from "../src/ops/elementwise.ts";
import { abs } from "../src/ops/math.ts";
import { Arena, record } from "../src/record.ts";
import { tidy } from "../src/scope.ts";
import { memory, type Tensor } from "../src/tensor.ts";
import { cases, close, type FixtureTensor, load, onEachDevice } from "./fixtures.ts";

interface Case {
  name: string;
  class_name: string;
  config: Record<string, unknown>;
  batches: {
    y_true: FixtureTensor;
    y_pred: FixtureTensor;
    sample_weight?: FixtureTensor;
    result: number | FixtureTensor;
  }[];
}
const all: Case[] = cases("metrics.json");
const numbers = (result: number | FixtureTensor) =>
  typeof result === "number" ? [result] : result.data;
const make = (c: Case) => resolveMetric(c, [], []);
function update(metric: Metric, { y_true, y_pred, sample_weight }: Case["batches"][0]): void {
  tidy(() => metric.updateState(load(y_true), load(y_pred), sample_weight && load(sample_weight)));
}
const valueOf = (metric: Metric) => tidy(() => [...metric.result().dataSync()]);

onEachDevice("each metric's value after each batch is Keras's, again after a reset", () => {
  assert.equal(all.length, 29);
  const before = memory();
  for (const c of all) {
    const metric = make(c);
    for (let round = 0; round < 2; round++) {
      for (const batch of c.batches) {
        update(metric, batch);
        tidy(() => {
          const result = metric.result();
          const shape = typeof batch.result === "number" ? [] : batch.result.shape;
          assert.deepEqual(result.shape, shape, c.name);
          close(result, numbers(batch.result), c.name);
        });
      }
      metric.resetState();
    }
    const config = metric.getConfig();
    for (const key in c.config) assert.deepEqual(config[key], c.config[key], `${c.name}: ${key}`);
    metric.dispose();
  }
  assert.deepEqual(memory(), before);
});

onEachDevice("a recorded update does what eager ones do", () => {
  const arena = new Arena(currentDevice());
  for (const c of all) {
    const eager = make(c), recorded = make(c);
    for (let i = 0; i < 4; i++) update(eager, c.batches[0]);
    tidy(() => {
      const { y_true, y_pred, sample_weight } = c.batches[0];
      const [t, p] = [load(y_true), load(y_pred)], w = sample_weight && load(sample_weight);
      recorded.updateState(t, p, w);
      const { program } = record(arena, () => recorded.updateState(t, p, w));
      program.replay(3);
      program.dispose();
    });
    assert.deepEqual(valueOf(recorded), valueOf(eager), c.name);
    for (const metric of [eager, recorded]) metric.dispose();
  }
  arena.dispose();
});

onEachDevice("accuracy and crossentropy take the form that the shapes ask for", () => {
  const named = (name: string, yTrue: number[], yPred: number[]) => {
    const metric = resolveMetric(name, yTrue, yPred);
    assert.equal(metric.name, name);
    return metric.getClassName();
  };
  assert.equal(named("accuracy", [8, 1], [8, 1]), "BinaryAccuracy");
  assert.equal(named("acc", [8, 4], [8, 4]), "CategoricalAccuracy");
  assert.equal(named("accuracy", [8], [8, 4]), "SparseCategoricalAccuracy");
  assert.equal(named("acc", [8, 1], [8, 4]), "SparseCategoricalAccuracy");
  assert.equal(named("crossentropy", [8], [8, 4]), "SparseCategoricalCrossentropy");
  assert.equal(named("ce", [8, 4], [8, 4]), "CategoricalCrossentropy");
  assert.equal(named("mse", [8], [8]), "MeanSquaredError");
  assert.equal(named("mean_absolute_error", [8], [8]), "MeanAbsoluteError");
  assert.equal(named("binaryAccuracy", [8], [8]), "BinaryAccuracy");
  assert.equal(named("auc", [8], [8]), "AUC");
  const byFunction = resolveMetric(
    function gap(t: Tensor, p: Tensor) {
      return abs(sub(t, p));
    },
    [2],
    [2],
  );
  assert.equal(byFunction.name, "gap");
  tidy(() => byFunction.updateState(tensor([1, 2]), tensor([3, 3])));
  assert.deepEqual(valueOf(byFunction), [1.5]);
  byFunction.dispose();
  assert.throws(
    () => resolveMetric("accurancy", [], []),
    /^DinogradError: Unknown metric "accurancy": did you mean "Accuracy"\? Known: /,
  );
});

onEachDevice("sums and means are weighted, masked, and taken per sample", () => {
  const sum = new metrics.Sum(), mean = new metrics.Mean();
  tidy(() => {
    assert.deepEqual([valueOf(sum), valueOf(mean)], [[0], [0]]);
    const values = tensor([1, 3, 5, 7]), weights = tensor([1, 1, 0, 0]);
    sum.updateState(values);
    sum.updateState(values, weights);
    mean.updateState(values, weights);
    mean.updateState(scalar(10));
    close(valueOf(sum), [20], "sum");
    close(valueOf(mean), [14 / 3], "mean");
    // Steps of a sequence are averaged within a sample.
    mean.resetState();
    mean.updateState(tensor([[1, 3], [5, 5]]), tensor([1, 3]));
    close(valueOf(mean), [17 / 4], "mean over samples");
    mean.resetState();
    mean.updateState(tensor([[1, 3], [5, 5]]), tensor([[1, 0], [1, 1]]));
    close(valueOf(mean), [(0.5 + 5) / 1.5], "mean with weights per step");
    const masked = resolveMetric("mae", [3], [3]);
    masked.updateState(
      tensor([[1], [2], [3]]),
      tensor([[2], [4], [9]]),
      tensor([1, 3, 1]),
      tensor([true, true, false]),
    );
    close(valueOf(masked), [7 / 4], "masked");
    for (const metric of [sum, mean, masked]) metric.dispose();
  });
});

onEachDevice("areas under curves per label, weighted, by other sums and from logits", () => {
  tidy(() => {
    const yTrue = tensor([[0, 1], [1, 0], [1, 1], [0, 0]]);
    const yPred = tensor([[0.1, 0.4], [0.8, 0.3], [0.3, 0.9], [0.4, 0.2]]);
    const auc = (options: ConstructorParameters<typeof metrics.AUC>[0], p = yPred) => {
      const metric = new metrics.AUC(options);
      metric.updateState(yTrue, p);
      const value = valueOf(metric);
      metric.dispose();
      return value;
    };
    // Label 0 ranks 3 of its 4 pairs right, label 1 all; together 13 of 16 are right and two tied.
    close(auc({ multiLabel: true }), [0.875], "per label");
    close(auc({ multiLabel: true, numLabels: 2, labelWeights: [1, 3] }), [0.9375], "weighted");
    close(auc({ labelWeights: [1, 0] }), [0.75], "predictions of label 0 only");
    close(auc({}), [14 / 16], "all together");
    const coarse = { thresholds: [0.35] };
    close(auc({ ...coarse, summationMethod: "majoring" }), [0.9375], "coarse, from above");
    close(auc({ ...coarse, summationMethod: "minoring" }), [0.5625], "coarse, from below");
    const logits = tensor(yPred.dataSync().map((p) => Math.log(p / (1 - p))), [4, 2]);
    close(auc({ fromLogits: true }, logits), auc({}), "from logits");
    assert.throws(
      () => new metrics.AUC({ curve: "RUC" }),
      /Unknown curve of AUC "RUC": did you mean "ROC"/,
    );
  });
});

onEachDevice("R2 and its adjustment, IoU of chosen classes, top-k among ties", () => {
  tidy(() => {
    const r2 = (options: ConstructorParameters<typeof metrics.R2Score>[0], weights?: Tensor) => {
      const metric = new metrics.R2Score(options);
      metric.updateState(tensor([[1], [4], [3]]), tensor([[2], [4], [4]]), weights);
      const value = valueOf(metric);
      metric.dispose();
      return value;
    };
    close(r2({}), [4 / 7], "r2");
    close(r2({ numRegressors: 1 }), [1 - (3 / 7) * 2], "adjusted");
    close(r2({ numRegressors: 5 }), [4 / 7], "too few samples to adjust");
    close(r2({ classAggregation: "none" }, tensor([1, 1, 0])), [1 - 1 / 4.5], "weighted");
    const iou = new metrics.IoU({ numClasses: 3, targetClassIds: [0, 1], ignoreClass: 2 });
    iou.updateState(
      tensor([0, 0, 1, 2, 7], [5], "int32"),
      tensor([0, 1, 1, 0, 0], [5], "int32"),
    );
    close(valueOf(iou), [0.5], "IoU");
    // Among equals the first class is the one predicted, but all of them are in the top k.
    const yPred = tensor([[0.4, 0.4, 0.2], [0.2, 0.4, 0.4]]);
    const top = new metrics.SparseTopKCategoricalAccuracy({ k: 1 });
    top.updateState(tensor([1, 0], [2], "int32"), yPred);
    close(valueOf(top), [0.5], "top 1");
    const precision = new metrics.Precision({ topK: 1 });
    precision.updateState(tensor([[0, 1, 0], [0, 1, 0]]), yPred);
    close(valueOf(precision), [0.5], "precision in the top 1");
    const f = new metrics.FBetaScore({ beta: 2, threshold: 0.5 });
    f.updateState(
      tensor([[1, 1, 1], [1, 0, 0], [1, 1, 0]]),
      tensor([[0.2, 0.6, 0.7], [0.2, 0.6, 0.6], [0.6, 0.8, 0]]),
    );
    close(valueOf(f), [0.3846154, 0.90909094, 0.8333334], "F2");
    for (const metric of [iou, top, precision, f]) metric.dispose();
  });
});

onEachDevice("the functions are TensorFlow.js's", () => {
  tidy(() => {
    const yTrue = tensor([[0, 1], [1, 0]]), yPred = tensor([[0.2, 0.8], [0.4, 0.6]]);
    const check = (name: keyof typeof metrics, expected: number[]) => {
      const fn = metrics[name] as (t: Tensor, p: Tensor) => Tensor;
      close(fn(yTrue, yPred), expected, name);
    };
    check("binaryAccuracy", [1, 0]);
    check("categoricalAccuracy", [1, 0]);
    check("meanAbsoluteError", [0.2, 0.6]);
    check("MSE", [0.04, 0.36]);
    check("categoricalCrossentropy", [-Math.log(0.8), -Math.log(0.4)]);
    check("binaryCrossentropy", [-Math.log(0.8), -Math.log(0.4)]);
    check("cosineProximity", [-0.8 / Math.sqrt(0.68), -0.4 / Math.sqrt(0.52)]);
    check("r2Score", [1 - 0.8 / 1]);
    const answers = tensor([[0, 1], [1, 1]]);
    close(metrics.precision(yTrue, answers), [2 / 3], "precision");
    close(metrics.recall(yTrue, answers), [1], "recall");
    close(
      metrics.sparseCategoricalAccuracy(tensor([1, 0], [2], "int32"), yPred),
      [1, 0],
      "sparseCategoricalAccuracy",
    );
  });
});

Deno.test("which values are better is known by name", () => {
  for (
    const name of ["acc", "val_accuracy", "out_auc", "f1_score", "val_fbeta_score", "mean_io_u"]
  ) {
    assert.equal(directionOf(name), "up", name);
  }
  for (const name of ["loss", "val_loss", "a_b_mse", "val_mean_absolute_error", "ce"]) {
    assert.equal(directionOf(name), "down", name);
  }
  for (const name of ["performance", "poisson", "gap"]) {
    assert.equal(directionOf(name), undefined, name);
  }
});

onEachDevice("wrong shapes and options are refused with a sentence", () => {
  tidy(() => {
    const refuses = (fn: () => unknown, message: string) =>
      assert.throws(fn, new DinogradError(message));
    const classes = tensor([0, 1], [2], "int32"), scores = tensor([[1, 2, 3], [3, 2, 1]]);
    refuses(
      () => resolveMetric("categoricalAccuracy", [], []).updateState(classes, scores),
      "categoricalAccuracy needs targets of the predictions' shape [2,3], got [2]",
    );
    refuses(
      () => resolveMetric("sparseCategoricalAccuracy", [], []).updateState(scores, scores),
      "sparseCategoricalAccuracy of predictions [2,3] needs targets of shape [2], got [2,3]",
    );
    refuses(() => new metrics.F1Score().result(), "F1Score has no result before its first batch");
    refuses(
      () => new metrics.F1Score().updateState(classes, classes),
      "F1Score needs targets and predictions [batch, classes], got [2] and [2]",
    );
    refuses(
      () => new metrics.Precision({ thresholds: [0.5, 2] }),
      "Precision needs thresholds from 0 to 1, got 2",
    );
    refuses(() => new metrics.MeanIoU({} as never), "MeanIoU needs numClasses");
    refuses(
      () => new metrics.IoU({ numClasses: 2, targetClassIds: [2] }),
      "IoU needs targetClassIds from 0 to 1, got 2",
    );
    refuses(
      () => new metrics.Recall({ classId: 3 }).updateState(scores, scores),
      "classId 3 needs predictions with that many classes along the last axis, got [2,3]",
    );
  });
});

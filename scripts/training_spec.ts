// What does a training run look like as a chart? (Loss and accuracy per epoch, in two panels.)

/** What one pass over the training data gave; the `val` numbers where there was validation data. */
export interface EpochReport {
  loss: number;
  accuracy: number;
  valLoss?: number;
  valAccuracy?: number;
  seconds: number;
}

/** What a training run was and what came of it. */
export interface TrainingReport {
  device: string;
  model: string;
  /** Name of the dtype policy. */
  precision: string;
  /** Passes over the training data. */
  epochs: number;
  /** One record per pass. */
  history: EpochReport[];
  testLoss: number;
  testAccuracy: number;
  samplesPerSecond: number;
}

/** The Vega-Lite chart of a training run. */
export function trainingChart(report: TrainingReport): object {
  const values = report.history.flatMap((epoch, i) => [
    { epoch: i + 1, set: "training", loss: epoch.loss, accuracy: epoch.accuracy },
    ...(epoch.valLoss === undefined
      ? []
      : [{ epoch: i + 1, set: "validation", loss: epoch.valLoss, accuracy: epoch.valAccuracy }]),
  ]);
  const percent = (share: number) => `${(100 * share).toFixed(2)} %`;
  return {
    $schema: "https://vega.github.io/schema/vega-lite/v6.json",
    background: "white",
    padding: 16,
    title: {
      text: `Training ${report.model} on ${report.device}`,
      subtitle: `test accuracy ${percent(report.testAccuracy)}, ` +
        `test loss ${report.testLoss.toFixed(4)}, ` +
        `${Math.round(report.samplesPerSecond).toLocaleString("en")} samples per second`,
      anchor: "start",
      fontSize: 18,
      subtitleFontSize: 13,
      subtitleColor: "#555",
      subtitlePadding: 6,
      offset: 18,
    },
    data: { values },
    hconcat: [
      panel("loss", "Loss (mean per sample)", undefined),
      panel("accuracy", "Accuracy (share of samples)", ".3~%"),
    ],
    spacing: 36,
    config: {
      font: "Helvetica, Arial, sans-serif",
      axis: {
        labelFontSize: 12,
        titleFontSize: 13,
        titleFontWeight: "normal",
        titlePadding: 10,
        gridColor: "#e6e6e6",
        domainColor: "#888",
        tickColor: "#888",
      },
      legend: { labelFontSize: 13, symbolStrokeWidth: 2.5, orient: "top", title: null, offset: 8 },
      view: { stroke: null },
    },
  };
}

function panel(field: "loss" | "accuracy", title: string, format: string | undefined): object {
  return {
    width: 360,
    height: 260,
    mark: { type: "line", strokeWidth: 2.5, point: { filled: true, size: 50 } },
    encoding: {
      x: {
        field: "epoch",
        type: "quantitative",
        title: "Epoch",
        scale: { zero: false, nice: false },
        axis: { tickMinStep: 1, format: "d", grid: false, labelFlush: false },
      },
      y: {
        field,
        type: "quantitative",
        title,
        scale: { zero: false },
        axis: { format },
      },
      color: {
        field: "set",
        type: "nominal",
        scale: { range: ["#1f77b4", "#e07b00"] },
      },
    },
  };
}

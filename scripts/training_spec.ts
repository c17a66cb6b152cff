// What does a training run look like as a chart? What was noted per epoch, in a panel each: loss, accuracy, and what else there is.

/** What one pass over the training data gave: numbers by name, those of the validation as `valLoss` and so on. */
export type EpochReport = Record<string, number> & { loss: number; seconds: number };

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
  testLoss?: number;
  testAccuracy?: number;
  testPerplexity?: number;
  samplesPerSecond: number;
}

/** Titles of panels, and how their numbers are written. */
const measures: Readonly<Record<string, readonly [title: string, format?: string]>> = {
  loss: ["Loss (mean per sample)"],
  accuracy: ["Accuracy (share of predictions)", ".3~%"],
  perplexity: ["Perplexity (per character)"],
  meanAbsoluteError: ["Mean absolute error"],
  discriminatorLoss: ["Loss of the discriminator"],
};

/** The Vega-Lite chart of a training run. */
export function trainingChart(report: TrainingReport): object {
  const shown = Object.keys(measures).filter((name) => name in report.history[0]);
  const pick = (epoch: EpochReport, keyOf: (name: string) => string) =>
    Object.fromEntries(shown.map((name) => [name, epoch[keyOf(name)]]));
  const validated = (name: string) => `val${name[0].toUpperCase()}${name.slice(1)}`;
  const values = report.history.flatMap((epoch, i) => [
    { epoch: i + 1, set: "training", ...pick(epoch, (name) => name) },
    ...("valLoss" in epoch ? [{ epoch: i + 1, set: "validation", ...pick(epoch, validated) }] : []),
  ]);
  return {
    $schema: "https://vega.github.io/schema/vega-lite/v6.json",
    background: "white",
    padding: 16,
    title: {
      text: `Training ${report.model} on ${report.device}`,
      subtitle: inWords(report),
      anchor: "start",
      fontSize: 18,
      subtitleFontSize: 13,
      subtitleColor: "#555",
      subtitlePadding: 6,
      offset: 18,
    },
    data: { values },
    hconcat: shown.map(panel),
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

/** What the test gave, and how fast training was. */
function inWords(
  { testAccuracy, testLoss, testPerplexity, samplesPerSecond }: TrainingReport,
): string {
  return [
    ...(testAccuracy === undefined ? [] : [`test accuracy ${(100 * testAccuracy).toFixed(2)} %`]),
    ...(testLoss === undefined ? [] : [`test loss ${testLoss.toFixed(4)}`]),
    ...(testPerplexity === undefined ? [] : [`test perplexity ${testPerplexity.toFixed(3)}`]),
    `${Math.round(samplesPerSecond).toLocaleString("en")} samples per second`,
  ].join(", ");
}

function panel(field: string): object {
  const [title, format] = measures[field];
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

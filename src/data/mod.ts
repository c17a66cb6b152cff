// Which sources of data are public? Datasets of all kinds, drawn digits, and folders with MNIST's files.

export { type ColumnConfig, csv, type CSVConfig, CSVDataset, type CSVElement } from "./csv.ts";
export { Dataset, type Stream } from "./dataset.ts";
export type { DataElement } from "./elements.ts";
export {
  array,
  type DatasetContainer,
  type ElementSource,
  func,
  generator,
  zip,
  type Zipped,
} from "./sources.ts";
export { textLine } from "./text_lines.ts";
export type { TextSource, TextStream } from "./text_source.ts";
export { timeseries, type TimeseriesOptions } from "./timeseries.ts";
export { generateDigits } from "./digits.ts";
export { type IdxDigits, loadIdxDigits } from "./idx_digits.ts";
export type { LabelledImages } from "./images.ts";

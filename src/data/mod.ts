// Which sources of data are public? Drawn digits, and folders with MNIST's files.

export { generateDigits } from "./digits.ts";
export { type IdxDigits, loadIdxDigits } from "./idx_digits.ts";
export type { LabelledImages } from "./images.ts";

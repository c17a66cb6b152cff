// Which metric classes are there? All of Keras's, by the names they are saved under.

export { AUC } from "./auc.ts";
export * from "./classes.ts";
export {
  FalseNegatives,
  FalsePositives,
  Precision,
  Recall,
  TrueNegatives,
  TruePositives,
} from "./confusion.ts";
export { F1Score, FBetaScore } from "./fscore.ts";
export { IoU, MeanIoU } from "./iou.ts";
export { Mean, RootMeanSquaredError, Sum } from "./mean.ts";
export { R2Score } from "./r2.ts";

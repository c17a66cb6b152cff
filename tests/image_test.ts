// What do operations on images give whose result depends on values, and what do they refuse? Their numbers are in the op table.

import assert from "node:assert";
import * as dg from "../mod.ts";
import { close, onEachDevice } from "./fixtures.ts";

const boxes = [[0, 0, 1, 1], [0, 0.1, 1, 1.1], [0, -0.1, 1, 0.9], [0, 10, 1, 11], [
  0,
  10.1,
  1,
  11.1,
], [
  0,
  100,
  1,
  101,
]];
const scores = [0.9, 0.75, 0.6, 0.95, 0.5, 0.3];

onEachDevice("the best of boxes that overlap are kept", async () => {
  const { image } = dg;
  dg.tidy(() => {
    const kept = (...rest: [number, number?, number?]) =>
      image.nonMaxSuppression(boxes, scores, ...rest).arraySync();
    assert.deepEqual(kept(3), [3, 0, 5]);
    assert.deepEqual(kept(2), [3, 0]);
    assert.deepEqual(kept(30), [3, 0, 5]);
    assert.deepEqual(kept(0), []);
    assert.deepEqual(kept(6, 1), [3, 0, 1, 2, 4, 5]);
    assert.deepEqual(kept(6, 0.5, 0.4), [3, 0]);
    const turned = boxes.map(([a, b, c, d]) => [c, d, a, b]);
    assert.deepEqual(image.nonMaxSuppression(turned, scores, 3).arraySync(), [3, 0, 5]);
    const same = image.nonMaxSuppression([boxes[0], boxes[0], boxes[5]], [1, 1, 1], 3);
    assert.deepEqual(same.arraySync(), [0, 2], "of equal ones the first");
    const empty = image.nonMaxSuppression([[0, 0, 0, 0], [0, 0, 0, 0]], [1, 2], 3);
    assert.deepEqual(empty.arraySync(), [1, 0], "boxes without area overlap nothing");
    assert.deepEqual(image.nonMaxSuppression(dg.zeros([0, 4]), dg.zeros([0]), 3).shape, [0]);
    const padded = image.nonMaxSuppressionPadded(boxes, scores, 5, 0.5, -Infinity, true);
    assert.deepEqual(padded.selectedIndices.arraySync(), [3, 0, 5, 0, 0]);
    assert.equal(padded.validOutputs.arraySync(), 3);
  });
  const later = [
    await image.nonMaxSuppressionAsync(boxes, scores, 3),
    (await image.nonMaxSuppressionWithScoreAsync(boxes, scores, 3)).selectedIndices,
    (await image.nonMaxSuppressionPaddedAsync(boxes, scores, 3)).selectedIndices,
  ];
  for (const x of later) assert.deepEqual(x.arraySync(), [3, 0, 5]);
  dg.dispose(later);
});

onEachDevice("soft suppression lowers scores instead", () => {
  dg.tidy(() => {
    const { selectedIndices, selectedScores } = dg.image
      .nonMaxSuppressionWithScore(boxes, scores, 6, 1, 0, 0.5);
    assert.deepEqual(selectedIndices.arraySync(), [3, 0, 1, 5, 4, 2]);
    // exp(-overlap^2): of neighbours 0.9 / 1.1, of those two apart 0.8 / 1.2.
    const near = Math.exp(-((0.9 / 1.1) ** 2)), apart = Math.exp(-((0.8 / 1.2) ** 2));
    const wanted = [0.95, 0.9, 0.75 * near, 0.3, 0.5 * near, 0.6 * near * apart];
    close(selectedScores, wanted, "scores");
  });
});

onEachDevice("an image may come alone, and keeps a type that is only moved", () => {
  dg.tidy(() => {
    const x = dg.tensor([1, 250, 3, 4], [2, 2, 1], "uint8");
    const y = x.resizeNearestNeighbor([2, 4]);
    assert.deepEqual([y.shape, y.dtype], [[2, 4, 1], "uint8"]);
    assert.deepEqual([...y.dataSync()], [1, 1, 250, 250, 3, 3, 4, 4]);
    assert.equal(x.resizeBilinear([4, 4]).dtype, "float32");
    assert.equal(dg.image.flipLeftRight(x.reshape([1, 2, 2, 1])).dtype, "uint8");
  });
});

Deno.test("operations on images say what they want", () => {
  dg.tidy(() => {
    const { image } = dg, x = dg.ones([1, 4, 4, 2]);
    const refuse = (fn: () => unknown, sentence: RegExp) => assert.throws(fn, sentence);
    refuse(() => image.resizeBilinear(x, [0, 3]), /from 1 to 2\^20, got \[0,3\]/);
    refuse(() => image.resizeBilinear(x, [2, 3], true, true), /or halfPixelCenters, got both/);
    refuse(() => image.resizeBilinear(dg.ones([4, 4]), [2, 3]), /single one, got \[4,4\]/);
    refuse(() => image.resizeNearestNeighbor(dg.ones([1, 0, 4, 1]), [2, 2]), /\[1,0,4,1\]/);
    refuse(() => image.flipLeftRight(dg.ones([4, 4])), /height, width, channels\], got \[4,4\]/);
    refuse(() => image.grayscaleToRGB(x), /one channel, got \[1,4,4,2\]/);
    refuse(() => image.rgbToGrayscale(x), /three channels, got \[1,4,4,2\]/);
    refuse(() => image.transform(x, dg.ones([8])), /\[1,8\] or \[batch,8\], got .* and \[8\]/);
    refuse(() => image.transform(x, dg.ones([1, 8]), "cubic" as never), /"bilinear", got "cubic"/);
    refuse(
      () => image.transform(x, dg.ones([1, 8]), "nearest", "mirror" as never),
      /constant, .*, got "mirror"/,
    );
    refuse(() => image.cropAndResize(x, dg.ones([2, 4]), [0], [1, 1]), /each of 2 boxes, got 1/);
    refuse(() => image.threshold(dg.ones([2, 2, 1]), "mean" as never), /"otsu", got "mean"/);
    refuse(() => image.rotateWithOffset(x, 1, [1, 2] as never), /three colours, got \[1,2\]/);
    refuse(() => image.nonMaxSuppression(boxes, [1], 3), /scores \[n\], got \[6,4\] and \[1\]/);
    refuse(() => image.nonMaxSuppression(boxes, scores, 3, 2), /iouThreshold from 0 to 1.*2/);
  });
});

// Do windows over signals, pixels of pages and operations named by rank do what TensorFlow.js's do, and refuse what they cannot take?

import assert from "node:assert";
import * as dg from "../mod.ts";
import { close, onEachDevice } from "./fixtures.ts";

onEachDevice("windows of even lengths are those of the next odd one", () => {
  dg.tidy(() => {
    close(dg.signal.hannWindow(4), [0, 0.5, 1, 0.5], "Hann, even");
    close(dg.signal.hannWindow(5), [0, 0.5, 1, 0.5, 0], "Hann, odd");
    close(dg.signal.hammingWindow(4), [0.08, 0.54, 1, 0.54], "Hamming");
    assert.equal(dg.signal.hannWindow(1).dataSync()[0], 0);
  });
});

onEachDevice("pixels become tensors and come back", async () => {
  const data = Uint8ClampedArray.from([1, 2, 3, 255, 4, 5, 6, 255]);
  const drawn: unknown[] = [];
  const image = { data, width: 2, height: 1 };
  const canvas = {
    width: 2,
    height: 1,
    getContext: () => ({
      getImageData: () => image,
      createImageData: (width: number, height: number) => ({
        data: new Uint8ClampedArray(width * height * 4),
      }),
      putImageData: (pixels: { data: Uint8ClampedArray }) => drawn.push([...pixels.data]),
    }),
  };
  const x = dg.browser.fromPixels(image), gray = dg.tensor([[0, 0.5, 1]]);
  const all = await dg.browser.fromPixelsAsync(canvas, 4);
  assert.deepEqual([x.dtype, x.arraySync()], ["int32", [[[1, 2, 3], [4, 5, 6]]]]);
  assert.deepEqual(all.flatten().arraySync(), [...data]);
  assert.deepEqual(await dg.browser.toPixels(x), data);
  const bytes = [0, 0, 0, 255, 128, 128, 128, 255, 255, 255, 255, 255];
  assert.deepEqual([...await dg.browser.toPixels(gray, canvas)], bytes);
  assert.deepEqual([canvas.width, drawn], [3, [bytes]]);
  await assert.rejects(() => dg.browser.toPixels([[256]]), /int32 values from 0 to 255, got 256/);
  await assert.rejects(() => dg.browser.toPixels([1, 2]), /1, 3 or 4 channels, got \[2\]/);
  assert.throws(() => dg.browser.fromPixels(image, 5), /1 to 4 channels.*2 x 1 pixels, got 5/);
  dg.dispose([x, gray, all]);
});

Deno.test("operations named by rank are those without one, and check it", () => {
  dg.tidy(() => {
    assert.deepEqual(dg.pad1d([1], [1, 2]).arraySync(), [0, 1, 0, 0]);
    assert.deepEqual(dg.concat2d([[[1]], [[2]]], 1).arraySync(), [[1, 2]]);
    assert.deepEqual(dg.slice3d([[[1, 2]]], [0, 0, 1]).arraySync(), [[[2]]]);
    assert.deepEqual(dg.reverse1d([1, 2]).arraySync(), [2, 1]);
    assert.deepEqual(dg.reverse4d([[[[1, 2]]]], 3).arraySync(), [[[[2, 1]]]]);
    assert.throws(() => dg.slice2d([1], [0]), /slice2d wants a tensor of rank 2, got \[1\]/);
    assert.throws(
      () => dg.concat1d([[1], [[1]]]),
      /concat1d wants a tensor of rank 1, got \[1,1\]/,
    );
    assert.throws(() => dg.signal.frame([[1]], 1, 1), /a signal of rank 1, got \[1,1\]/);
    assert.throws(() => dg.signal.frame([1], 0, 1), /frameLength, a whole number.*got 0/);
    assert.throws(() => dg.linalg.qr([1]), /qr wants matrices, got \[1\]/);
    const vectors = dg.linalg.gramSchmidt([dg.tensor([3, 4]), dg.tensor([1, 0])]);
    close(dg.concat(vectors), [0.6, 0.8, 0.8, -0.6], "a list");
    assert.throws(() => dg.linalg.gramSchmidt(dg.ones([3, 2])), /at most as many.*\[2\], \[2\]/);
    const [q, r] = dg.linalg.qr(dg.zeros([2, 2]));
    assert.deepEqual([q.arraySync(), r.arraySync()], [[[1, 0], [0, 1]], [[0, 0], [0, 0]]]);
  });
});

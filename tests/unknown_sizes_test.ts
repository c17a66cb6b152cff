// Which shapes do operations give for a batch whose size is not known yet, as layers see it while a model is put together?

import assert from "node:assert";
import * as dg from "../mod.ts";
import { track } from "../src/tensor.ts";

const batch = (...rest: number[]) => track(new dg.Tensor([NaN, ...rest], "float32", null));
const N = NaN;

Deno.test("an unknown size goes through operations", () => {
  dg.tidy(() => {
    const x = batch(4, 6), images = batch(4, 4, 2), index = batch().cast("int32");
    const cases: [string, dg.Tensor, number[]][] = [
      ["add", x.add(dg.ones([6])), [N, 4, 6]],
      ["add batch", x.add(batch(1, 6)), [N, 4, 6]],
      ["mul number", x.mul(2), [N, 4, 6]],
      ["relu", x.relu(), [N, 4, 6]],
      ["where", dg.where(x.greater(0), x, 0), [N, 4, 6]],
      ["sum", x.sum(1), [N, 6]],
      ["mean of all", x.mean(), []],
      ["max of batch", x.max(0, true), [1, 4, 6]],
      ["argMax", x.argMax(-1), [N, 4]],
      ["cumsum", x.cumsum(1), [N, 4, 6]],
      ["softmax", x.softmax(1), [N, 4, 6]],
      ["logSumExp", x.logSumExp(-1), [N, 4]],
      ["moments", dg.moments(x, 0).variance, [4, 6]],
      ["crossEntropy", dg.crossEntropy(batch(10), index), [N]],
      ["reshape", x.reshape([N, 24]), [N, 24]],
      ["flatten", x.flatten(), [N]],
      ["expandDims", x.expandDims(-1), [N, 4, 6, 1]],
      ["squeeze", batch(1, 3).squeeze([1]), [N, 3]],
      ["transpose", x.transpose([0, 2, 1]), [N, 6, 4]],
      ["slice", x.slice([0, 1], [-1, 2]), [N, 2, 6]],
      ["stridedSlice", x.stridedSlice([0, -1], [0, 1], [1, 1], 1, 1, 0, 0, 2), [N, 6]],
      ["reverse", x.reverse(1), [N, 4, 6]],
      ["pad", x.pad([[0, 0], [1, 2], [0, 0]]), [N, 7, 6]],
      ["mirrorPad", x.mirrorPad([[0, 0], [1, 1], [0, 0]], "reflect"), [N, 6, 6]],
      ["concat", x.concat(batch(4, 3), -1), [N, 4, 9]],
      ["concat batches", x.concat(x), [N, 4, 6]],
      ["stack", x.stack(x, 1), [N, 2, 4, 6]],
      ["split", x.split(2, 2)[1], [N, 4, 3]],
      ["unstack", x.unstack(1)[3], [N, 6]],
      ["tile", x.tile([1, 2, 1]), [N, 8, 6]],
      ["gather rows", dg.gather(dg.ones([10, 3]), index), [N, 3]],
      ["gather", x.gather(dg.tensor([0, 2], [2], "int32"), 1), [N, 2, 6]],
      ["oneHot", index.oneHot(5), [N, 5]],
      ["resizeBilinear", images.resizeBilinear([3, 5]), [N, 3, 5, 2]],
      ["matMul", x.matMul(dg.ones([6, 2])), [N, 4, 2]],
      ["matMul of batches", x.matMul(x, false, true), [N, 4, 4]],
      ["fused.matMul", dg.fused.matMul({ a: batch(3), b: dg.ones([3, 2]), bias: dg.ones([2]) }), [
        N,
        2,
      ]],
      ["einsum", dg.einsum("bij,jk->bik", x, dg.ones([6, 2])), [N, 4, 2]],
      ["dotProductAttention", dg.dotProductAttention(images, images, images, { causal: true }), [
        N,
        4,
        4,
        2,
      ]],
      ["dropout", dg.dropout(x, 0.5), [N, 4, 6]],
      ["batchNorm", x.batchNorm(dg.ones([6]), dg.ones([6])), [N, 4, 6]],
      ["localResponseNormalization", images.localResponseNormalization(1), [N, 4, 4, 2]],
      ["depthToSpace", batch(2, 2, 8).depthToSpace(2), [N, 4, 4, 2]],
      ["conv2d", images.conv2d(dg.ones([3, 3, 2, 5]), 2, "same"), [N, 2, 2, 5]],
      ["conv2d of unknown images", batch(N, N, 2).conv2d(dg.ones([3, 3, 2, 5]), 1, "valid"), [
        N,
        N,
        N,
        5,
      ]],
      ["conv1d", x.conv1d(dg.ones([2, 3, 4]), 1, "valid"), [N, 3, 4]],
      ["conv2dTranspose", images.conv2dTranspose(dg.ones([2, 2, 3, 2]), [N, 8, 8, 3], 2, "same"), [
        N,
        8,
        8,
        3,
      ]],
      ["depthwiseConv2d", images.depthwiseConv2d(dg.ones([2, 2, 2, 3]), 1, "valid"), [N, 3, 3, 6]],
      ["maxPool", images.maxPool(2, 2, "valid"), [N, 2, 2, 2]],
      ["avgPool", images.avgPool(3, 1, "same"), [N, 4, 4, 2]],
      ["maxPoolWithArgmax", dg.maxPoolWithArgmax(images, 2, 2, "valid").indexes, [N, 2, 2, 2]],
      ["dilation2d", images.dilation2d(dg.ones([3, 3, 2]), 1, "same"), [N, 4, 4, 2]],
      ["spaceToBatchND", images.spaceToBatchND([2, 2], [[0, 0], [0, 0]]), [N, 2, 2, 2]],
    ];
    for (const [name, y, shape] of cases) {
      assert.ok(y.isAbstract, `${name} has values`);
      assert.deepStrictEqual(y.shape, shape, name);
    }
  });
});

Deno.test("what cannot fit is refused before the batch is known", () => {
  dg.tidy(() => {
    const x = batch(4, 6);
    assert.throws(() => x.add(dg.ones([5])), /Cannot add \[null,4,6\] and \[5\]: sizes 6 and 5/);
    assert.throws(() => x.matMul(dg.ones([5, 2])), /Cannot matMul \[null,4,6\] by \[5,2\]/);
    assert.throws(() => x.concat(batch(4, 3)), /Cannot concat \[null,4,6\], \[null,4,3\]/);
    assert.throws(
      () => batch(4, 4, 3).conv2d(dg.ones([3, 3, 2, 5]), 1, "same"),
      /Cannot conv2d \[null,4,4,3\] by a filter \[3,3,2,5\]: 3 channels do not go into 2/,
    );
    assert.throws(() => x.dataSync(), /Tensor \[null,4,6\] is only described and has no values/);
  });
});

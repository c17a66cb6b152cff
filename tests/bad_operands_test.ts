// What does an operation say to operands it cannot take? A sentence with what it wanted and what it got; and nothing is left behind.

import assert from "node:assert";
import * as dg from "../mod.ts";
import { onEachDevice } from "./fixtures.ts";

// deno-lint-ignore no-explicit-any
const odd = (x: unknown) => x as any; // what a type check would refuse
const images = () => dg.ones([1, 4, 4, 2]);
const x = () => dg.ones([2, 3]), i = (...v: number[]) => dg.tensor(v, [v.length], "int32");

const cases: [string, () => unknown, RegExp][] = [
  // Making
  ["tensor", () => dg.tensor([1, 2, 3], [2, 2]), /Shape \[2,2\] needs 4 values, got 3/],
  ["tensor", () => dg.tensor([[1, 2], [3]]), /uneven: wanted 2 entries at depth 1, got 1/],
  ["tensor", () => dg.tensor([1, odd("a")]), /takes numbers and booleans, got string a/],
  ["tensor", () => dg.tensor([1], [1], odd("double")), /Unknown dtype "double": wanted one of/],
  [
    "tensor2d",
    () => dg.tensor2d([1, 2]),
    /tensor2d needs values of rank 2, or a shape: got rank 1/,
  ],
  ["scalar", () => dg.scalar(odd([1])), /scalar needs a number or a boolean, got object/],
  ["zeros", () => dg.zeros([2, -1]), /whole dimensions of at least 0, got \[2,-1\]/],
  ["linspace", () => dg.linspace(0, 1, 0), /at least 1, got 0/],
  ["range", () => dg.range(0, 1, 0), /a step other than 0/],
  // Elementwise
  [
    "add",
    () => dg.add(x(), dg.ones([2])),
    /Cannot add \[2,3\] and \[2\]: sizes 3 and 2 do not broadcast/,
  ],
  ["logicalAnd", () => dg.logicalAnd(x(), x()), /logicalAnd wants bool tensors, got float32/],
  ["bitwiseAnd", () => dg.bitwiseAnd(x(), x()), /bitwiseAnd wants integers, got float32/],
  ["clipByValue", () => dg.clipByValue(x(), 2, 1), /wants min <= max, got 2 and 1/],
  ["addN", () => dg.addN([]), /at least one tensor, got none/],
  ["addN", () => dg.addN([x(), dg.ones([3])]), /of one shape, got \[2,3\] and \[3\]/],
  ["where", () => dg.where([true, false], x(), 0), /Cannot choose by \[2\] and \[2,3\]/],
  // Shapes
  ["reshape", () => x().reshape([4]), /Cannot reshape \[2,3\] \(6 elements\) to \[4\]/],
  ["reshape", () => x().reshape([-1, -1]), /can infer one dimension only/],
  ["squeeze", () => x().squeeze([0]), /Cannot squeeze axis 0 of \[2,3\]/],
  ["ensureShape", () => dg.ensureShape(x(), [null, 4]), /wanted \[null,4\], got .* \[2,3\]/],
  ["broadcastTo", () => x().broadcastTo([2, 4]), /Cannot broadcast \[2,3\] and \[2,4\]/],
  ["broadcastTo", () => x().broadcastTo([3]), /Cannot broadcast \[2,3\] to \[3\]/],
  ["transpose", () => x().transpose([0, 0]), /wants each axis once, got \[0,0\]/],
  ["slice", () => x().slice([0, 2], [1, 2]), /Cannot slice \[1,2\] from \[0,2\] on out of \[2,3\]/],
  [
    "stridedSlice",
    () => x().stridedSlice([0], [1], [0]),
    /strides must be whole numbers other than 0/,
  ],
  ["pad", () => x().pad([[1, 1]]), /wants 2 pairs of numbers of at least 0, got \[\[1,1\]\]/],
  [
    "mirrorPad",
    () => x().mirrorPad([[2, 0], [0, 0]], "reflect"),
    /can add at most 1 on a side, got \[2,0\]/,
  ],
  [
    "mirrorPad",
    () => x().mirrorPad([[0, 0], [0, 0]], odd("wrap")),
    /the mode "reflect" or "symmetric", got "wrap"/,
  ],
  ["tile", () => x().tile([2]), /wants 2 numbers of at least 0, got \[2\]/],
  [
    "concat",
    () => dg.concat([x(), dg.ones([2, 4])]),
    /Cannot concat \[2,3\], \[2,4\] along axis 0/,
  ],
  ["split", () => x().split(2, 1), /Cannot split axis 1 of \[2,3\] into 2 equal parts/],
  ["split", () => x().split([1, 1], 1), /into parts of sizes \[1,1\]/],
  ["batchToSpaceND", () => x().batchToSpaceND([3], [[0, 0]]), /cannot take blocks \[3\]/],
  ["depthToSpace", () => x().depthToSpace(2), /wants rank 4/],
  ["meshgrid", () => dg.meshgrid([1], [2], { indexing: odd("ji") }), /"xy" or "ij", got "ji"/],
  // Reductions
  ["sum", () => x().sum(2), /sum got axis 2: wanted a whole number from -2 to 1 for rank 2/],
  ["max", () => x().max([0, -2]), /max got axis 0 twice/],
  ["all", () => x().all(), /want bool tensors, got float32/],
  ["argMax", () => dg.zeros([0]).argMax(), /it is empty/],
  ["cumsum", () => x().cumsum(5), /cumsum got axis 5/],
  ["norm", () => x().norm(3, [0, 1]), /cannot take order 3 over axes \[0,1\]/],
  ["movingAverage", () => dg.movingAverage(1, 2, 0.9), /wants a step/],
  // Products
  [
    "matMul",
    () => x().matMul(x()),
    /Cannot matMul \[2,3\] by \[2,3\]: inner sizes must match, got 3 and 2/,
  ],
  ["matMul", () => x().matMul(x(), true, true), /\[2,3\] transposed by \[2,3\] transposed/],
  ["matMul", () => x().matMul(dg.ones([3])), /wants operands of rank 2 or more/],
  ["matMul", () => dg.ones([2, 2, 2]).matMul(dg.ones([3, 2, 2])), /Cannot matMul \[2\] and \[3\]/],
  [
    "fused.matMul",
    () => dg.fused.matMul({ a: x(), b: dg.ones([3, 2]), bias: [1, 2, 3] }),
    /bias of shape \[2\], got float32 \[3\]/,
  ],
  [
    "fused.matMul",
    () => dg.fused.matMul({ a: x(), b: x(), activation: "rely" }),
    /Unknown activation "rely": did you mean "relu"/,
  ],
  ["dot", () => dg.dot(dg.ones([1, 1, 1]), [1]), /rank 1 or 2, got \[1,1,1\] and \[1\]/],
  ["outerProduct", () => dg.outerProduct(x(), [1]), /wants two vectors, got \[2,3\] and \[1\]/],
  [
    "einsum",
    () => dg.einsum("ij,jk", x(), x()),
    /einsum "ij,jk" of \[2,3\], \[2,3\]: wanted one "->"/,
  ],
  ["einsum", () => dg.einsum("ij,jk->ik", x(), x()), /"j" has sizes 3 and 2/],
  ["einsum", () => dg.einsum("ii->i", x()), /repeats a letter/],
  ["einsum", () => dg.einsum("ij->k", x()), /the result "k" wants/],
  [
    "crossEntropy",
    () => dg.crossEntropy(x(), i(1, 2, 3)),
    /wants class numbers of shape \[2\], got \[3\]/,
  ],
  // Images
  [
    "conv2d",
    () => dg.conv2d(x(), dg.ones([1, 1, 3, 1]), 1, "same"),
    /wants images of rank 4, or 3 without a batch, got \[2,3\]/,
  ],
  [
    "conv2d",
    () => dg.conv2d(images(), dg.ones([3, 3, 2]), 1, "same"),
    /conv2d wants a filter of rank 4, got \[3,3,2\]/,
  ],
  [
    "conv2d",
    () => dg.conv2d(images(), dg.ones([3, 3, 1, 3]), 1, "same"),
    /2 channels do not go into 1, and 3 not into groups/,
  ],
  [
    "conv2d",
    () => dg.conv2d(images(), dg.ones([5, 3, 2, 3]), 1, "valid"),
    /cannot lay windows that reach over \[5,3\] into \[4,4\]$/,
  ],
  [
    "conv2d",
    () => dg.conv2d(images(), dg.ones([3, 3, 2, 3]), 1, odd("full")),
    /conv2d wants pad "valid", "same", a whole number .*, got "full"/,
  ],
  [
    "conv2d",
    () => dg.conv2d(images(), dg.ones([3, 3, 2, 3]), 1, [[1, 0], [1, 1], [1, 1], [0, 0]]),
    /nothing for batch and channels, got \[\[1,0\]/,
  ],
  [
    "conv2d",
    () => dg.conv2d(images(), dg.ones([3, 3, 2, 3]), [1, 0], 1),
    /conv2d wants strides: a whole number of at least 1, or 2 of them, got \[1,0\]/,
  ],
  [
    "conv2d",
    () => dg.conv2d(images(), dg.ones([3, 3, 2, 3]), 1, 1, "NHWX"),
    /conv2d wants dataFormat "NHWC" or "NCHW", .*, got "NHWX"/,
  ],
  [
    "conv2d",
    () => dg.conv2d(images(), dg.ones([3, 3, 2, 3]), 1, "same", "NHWC", 1, "ceil"),
    /and pad in numbers for it, got "ceil" and "same"/,
  ],
  [
    "fused.conv2d",
    () =>
      dg.fused.conv2d({
        x: images(),
        filter: dg.ones([1, 1, 2, 3]),
        strides: 1,
        pad: 0,
        bias: [1],
      }),
    /fused.conv2d wants a float32 bias of shape \[3\], got float32 \[1\]/,
  ],
  [
    "conv2dTranspose",
    () => dg.conv2dTranspose(images(), dg.ones([3, 3, 5, 2]), [1, 9, 8, 5], 2, "same"),
    /cannot give images of \[9,8\]: these would be convolved to \[5,4\]/,
  ],
  [
    "conv2dTranspose",
    () => dg.conv2dTranspose(images(), dg.ones([3, 3, 5, 2]), [1, 8, 8, 4], 2, "same"),
    /gives \[1,8,8,5\], not the outputShape \[1,8,8,4\]/,
  ],
  [
    "depthwiseConv2d",
    () => dg.depthwiseConv2d(images(), dg.ones([3, 3, 3, 1]), 1, "same"),
    /wants filters for 2 channels, got \[3,3,3,1\]/,
  ],
  [
    "separableConv2d",
    () => dg.separableConv2d(images(), dg.ones([3, 3, 2, 1]), dg.ones([3, 1, 2, 1]), 1, "same"),
    /wants a pointwise filter \[1,1,in,out\], got \[3,1,2,1\]/,
  ],
  [
    "dilation2d",
    () => dg.dilation2d(images(), dg.ones([3, 3, 1]), 1, "same"),
    /\[height,width,2\]/,
  ],
  ["maxPool", () => dg.maxPool(images(), 2, 1, 2), /padding smaller than its windows, got pad 2/],
  ["pool", () => dg.pool(images(), 2, odd("sum"), "same"), /the type "max" or "avg", got "sum"/],
  // Indices
  ["gather", () => x().gather(dg.ones([1])), /gather wants int32 indices, got float32/],
  [
    "gather",
    () => x().gather(i(0, 1), 0, 1),
    /the first 1 dimensions must agree and come before axis 0/,
  ],
  [
    "gatherND",
    () => dg.gatherND(x(), [[0, 1, 2]]),
    /indices of shape \[\.\.\., up to 2\] for \[2,3\], got \[1,3\]/,
  ],
  ["scatterND", () => dg.scatterND([[0]], [1, 2], [4]), /wants updates of shape \[1\], got \[2\]/],
  [
    "tensorScatterUpdate",
    () => dg.tensorScatterUpdate(x(), [[0]], [1]),
    /wants float32 updates of shape \[1,3\]/,
  ],
  [
    "unsortedSegmentSum",
    () => x().unsortedSegmentSum(i(1), 2),
    /wants ids of its first dimensions, got \[1\]/,
  ],
  ["bincount", () => dg.bincount(i(1, 2), [1], 3), /no weights or some of shape \[2\], got \[1\]/],
  [
    "confusionMatrix",
    () => dg.confusionMatrix(i(1, 2), i(1), 3),
    /of one length, got \[2\] and \[1\]/,
  ],
  ["topk", () => x().topk(4), /wants k from 0 to the last size, got 4/],
  [
    "searchSorted",
    () => dg.searchSorted(x(), [1], "left"),
    /all dimensions but the last must agree/,
  ],
  ["bandPart", () => dg.linalg.bandPart([1], 0, 0), /wants matrices and whole numbers/],
  // Devices
  ["device", () => dg.device("tpu", () => x()), /Unknown device "tpu"/],
];

onEachDevice("bad operands get sentences and cost nothing", () => {
  for (const [name, fn, message] of cases) {
    const before = dg.memory();
    dg.tidy(() =>
      assert.throws(fn, (error: Error) => {
        assert.ok(error instanceof dg.DinogradError, `${name}: ${error.stack}`);
        assert.match(error.message, message);
        return true;
      })
    );
    assert.deepEqual(dg.memory(), before, name);
  }
});

onEachDevice("an index outside is an error on the host's devices and zero on a GPU", (device) => {
  dg.tidy(() => {
    const gather = () => [...dg.gather([1, 2, 3], [1, 5]).dataSync()];
    if (device.kind === "gpu") assert.deepEqual(gather(), [2, 0]);
    else assert.throws(gather, /Cannot gather index 5: it is outside \[0, 3\)/);
    assert.deepEqual([...dg.oneHot([1, 5], 3).dataSync()], [0, 1, 0, 0, 0, 0]);
    assert.deepEqual([...dg.unsortedSegmentSum([1, 2], [0, 7], 2).dataSync()], [1, 0]);
  });
});

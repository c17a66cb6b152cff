// What does TensorFlow.js's `fused` hold? Products with what follows them in one native call.

export { fusedConv2d as conv2d } from "./conv.ts";
export { fusedDepthwiseConv2d as depthwiseConv2d } from "./depthwise.ts";
export { fusedMatMul as matMul } from "./matmul.ts";

// What does TensorFlow.js's `fused` hold? Products with what follows them in one native call.

export { fusedMatMul as matMul } from "./matmul.ts";

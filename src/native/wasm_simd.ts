export const simd = "";

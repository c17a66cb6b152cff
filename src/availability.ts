// Is there a GPU to be used? Public as `test`, after TensorFlow's module of that name.

import { devices, isOpened } from "./native/device.ts";

/** Whether a GPU is there and visible. */
export function isGpuAvailable(): boolean {
  return devices().some((d) => d.kind === "gpu");
}

/** Whether the CUDA library was found and opened, with or without a GPU that it can use. */
export function isBuiltWithCuda(): boolean {
  return isOpened("gpu");
}

// How does TensorFlow.js choose a backend? By name, with setBackend and getBackend; here a backend is a kind of device.

import { currentDevice, devices, findDevice, setDefaultDevice } from "./native/device.ts";

/**
 * Makes a device the default: `wasm`, `cpu`, `gpu`, `gpu:1`. TensorFlow.js's name `tensorflow` means the best there is.
 * @returns Whether that worked; false where there is no such device.
 */
export function setBackend(name: string): Promise<boolean> {
  return Promise.resolve().then(() => {
    try {
      setDefaultDevice(name === "tensorflow" ? devices()[0] : findDevice(name));
      return true;
    } catch {
      return false;
    }
  });
}

/** Kind of the current device: `wasm`, `cpu` or `gpu`. */
export function getBackend(): string {
  return currentDevice().kind;
}

/** Settles when the current device can be used. */
export function ready(): Promise<void> {
  return Promise.resolve().then(() => void currentDevice().native);
}

/** Lets timers, input and drawing have a turn. */
export function nextFrame(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0));
}

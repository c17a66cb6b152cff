// How do tests run a training in a worker?
import type { SmallRun } from "./small_training.ts";

/** Runs a worker's program until it posts what its training came to. */
export function trainInWorker(program: string): Promise<SmallRun> {
  const url = URL.createObjectURL(new Blob([program], { type: "text/javascript" }));
  const worker = new Worker(url, { type: "module" });
  return new Promise<SmallRun>((resolve, reject) => {
    worker.onmessage = ({ data }) => resolve(data);
    worker.onerror = (event) => {
      event.preventDefault();
      reject(new Error(event.message));
    };
  }).finally(() => {
    worker.terminate();
    URL.revokeObjectURL(url);
  });
}

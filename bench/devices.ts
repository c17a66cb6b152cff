// How is one piece of work timed on every device? One entry per device in one group, the CPU library's the baseline.

import * as dg from "../mod.ts";
import { type Device, devices } from "../src/native/device.ts";

/** What an entry works on, and one iteration of the work. */
export interface Work<Result> {
  /** Tensors, models and optimizers to dispose of afterwards. */
  holds: readonly { dispose(): void }[];
  run: () => Result;
}

/** Times an operation on every device. Waiting for the device and disposing of the result belong to each iteration. */
export function benchOperation(group: string, prepare: () => Work<dg.Tensor | void>): void {
  for (const { entry, work, wait } of entries(group, prepare)) {
    Deno.bench({
      ...entry,
      fn: () => {
        dg.dispose(work().run());
        wait();
      },
    });
  }
}

/** Times a call that takes long enough for `n` iterations, and waits for events in between. */
export function benchCall(group: string, n: number, prepare: () => Work<Promise<unknown>>): void {
  for (const { entry, work, wait } of entries(group, prepare)) {
    Deno.bench({
      ...entry,
      n,
      warmup: 1,
      fn: async () => {
        await work().run();
        wait();
      },
    });
  }
}

/** Gives back what the entry that ran last held: one entry's data is in memory at a time. */
let release = () => {};

function entries<Result>(group: string, prepare: () => Work<Result>) {
  const baseline = devices().find((d) => d.kind === "cpu") ?? devices()[0];
  return devices().map((device) => {
    let made: Work<Result> | undefined;
    return {
      entry: { name: `${group} on ${device.name}`, group, baseline: device === baseline },
      work: () => made ??= (release(), prepareOn(device)),
      wait: () => synchronize(device),
    };

    function prepareOn(device: Device): Work<Result> {
      const work = dg.device(device.name, prepare);
      release = () => {
        for (const held of work.holds) held.dispose();
        made = undefined;
      };
      return work;
    }
  });
}

/** Waits until the device has done all it was asked to. */
function synchronize({ native, index }: Device): void {
  native.check(native.calls.dg_synchronize(index));
}

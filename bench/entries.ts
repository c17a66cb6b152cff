// How does `deno bench` time one piece of work everywhere? One entry per place in one group, the CPU with all its threads the baseline.

import type * as dg from "../mod.ts";
import type { Work } from "./measure.ts";
import { at, baselineOf, type Place, places, synchronize } from "./places.ts";

/** Times an operation. Waiting for the device and disposing of the result belong to each iteration. */
export function benchOperation(
  group: string,
  prepare: () => Work<dg.Tensor | void>,
  where: readonly Place[] = places(),
): void {
  for (const { entry, work, wait } of entries(group, prepare, where)) {
    Deno.bench({
      ...entry,
      fn: () => {
        const result = work().run();
        if (result) result.dispose();
        wait();
      },
    });
  }
}

/** Times a call that takes long enough for `n` iterations, and waits for events in between. */
export function benchCall(
  group: string,
  n: number,
  prepare: () => Work<Promise<unknown>>,
  where: readonly Place[] = places(),
): void {
  for (const { entry, work, wait } of entries(group, prepare, where)) {
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

function entries<Result>(group: string, prepare: () => Work<Result>, where: readonly Place[]) {
  if (!where.length) return [];
  const baseline = baselineOf(where);
  return where.map((place) => {
    let made: Work<Result> | undefined;
    return {
      entry: { name: `${group} on ${place.name}`, group, baseline: place === baseline },
      work: () => made ??= (release(), prepareAt()),
      wait: () => synchronize(place),
    };

    // The place's settings stay until the next entry is prepared.
    function prepareAt(): Work<Result> {
      const work = at(place, prepare);
      release = () => {
        for (const held of work.holds) held.dispose();
        made = undefined;
        release = () => {};
      };
      return work;
    }
  });
}

/** Without permissions there is only WebAssembly: says so, once for all files, where JSON does not go. */
export function hintAtPermissions(): void {
  if (Deno.permissions.querySync({ name: "ffi" }).state === "granted") return;
  console.error("Measuring wasm only: `deno bench -A` measures the CPU library and GPUs, too.");
}

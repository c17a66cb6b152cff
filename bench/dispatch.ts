// What does a call cost that computes next to nothing, by itself and replayed, and how quickly do data come and go?

import * as dg from "../mod.ts";
import { currentDevice } from "../src/native/device.ts";
import { Arena, record } from "../src/record.ts";
import type { Work } from "./measure.ts";

/** One way to and from a device. */
export interface Dispatch {
  work: string;
  size: string;
  /** Bytes that a run moves between the program and the device. */
  bytes: number;
  /** Calls that a run makes. */
  times: number;
  prepare(): Work<dg.Tensor | void | Promise<unknown>>;
}

const bytes = 2 ** 24, chain = 100;

function replayed(): Work<void> {
  const arena = new Arena(currentDevice()), x = dg.randomNormal([16]);
  const { program, result } = record(arena, () => {
    let y = x;
    for (let i = 0; i < chain; i++) y = y.add(x);
    return y;
  });
  return { holds: [program, x, result, arena], run: () => program.replay() };
}

/** All of them. */
export const dispatches: readonly Dispatch[] = [
  {
    work: "add, called",
    size: "16 elements",
    bytes: 0,
    times: 1,
    prepare: () => {
      const x = dg.randomNormal([16]);
      return { holds: [x], run: () => dg.add(x, x) };
    },
  },
  { work: "add, replayed", size: "16 elements", bytes: 0, times: chain, prepare: replayed },
  {
    work: "upload",
    size: "16 MiB",
    bytes,
    times: 1,
    prepare: () => {
      const values = new Float32Array(bytes / 4);
      return { holds: [], run: () => dg.tensor(values) };
    },
  },
  {
    work: "download",
    size: "16 MiB",
    bytes,
    times: 1,
    prepare: () => {
      const x = dg.randomNormal([bytes / 4]);
      return { holds: [x], run: () => x.data() };
    },
  },
];

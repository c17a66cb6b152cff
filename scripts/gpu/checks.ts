// What must hold on a GPU besides the tests? Parts of a check that run probe.ts, each in a process of its own, and judge what it says.

import type { Device } from "../../src/native/device.ts";
import type { Finished } from "../commands.ts";
import { broken, judged, type Runner } from "./parts.ts";
import type { Part } from "./report.ts";

type Probe = "train" | "recorded" | "leak" | "memory";

const probe = (run: Runner, gpu: Device, name: Probe): Promise<Finished> =>
  run(
    [
      "env",
      `DINOGRAD_DEVICE=${gpu.name}`,
      Deno.execPath(),
      "run",
      "-A",
      "--no-lock",
      "--quiet",
      "scripts/gpu/probe.ts",
      name,
    ],
    false,
  );

/** A part that is one probe: what it found is the summary. */
export const probed = (name: Probe) => async (run: Runner, gpu: Device): Promise<Part> => {
  const finished = await probe(run, gpu, name);
  return finished.code ? broken(finished) : judged(true, finished.out.trim());
};

const agreed = (runs: readonly Finished[], what: string): Part => {
  const failed = runs.find(({ code }) => code !== 0);
  if (failed) return broken(failed);
  const digests = runs.map(({ out }) => out.trim());
  const same = digests.every((d) => d === digests[0]);
  return judged(same, `${what}: ${same ? "the same" : "different"} bits`, same ? [] : digests);
};

/** Two processes, one after the other, train to the same bits. */
export async function determinism(run: Runner, gpu: Device): Promise<Part> {
  return agreed([await probe(run, gpu, "train"), await probe(run, gpu, "train")], "two trainings");
}

/** Two processes that share the GPU at the same time get what one alone gets. */
export async function processes(run: Runner, gpu: Device): Promise<Part> {
  const alone = await probe(run, gpu, "train");
  const together = await Promise.all([1, 2].map(() => probe(run, gpu, "train")));
  return agreed([alone, ...together], "two processes at once, and one alone");
}

// What does a whole run measure? Operations, dispatch, training, batch sizes, kernels, loading and peers, at every place.

import * as dg from "../mod.ts";
import { describeSources, findCards } from "../scripts/gpu/machine.ts";
import { dispatches } from "./dispatch.ts";
import { loadPrograms } from "./load.ts";
import { type Effort, measure, summarize, type Work } from "./measure.ts";
import { stepsOf, type Tutorial, tutorials, usualBatch } from "./models.ts";
import { isReasonable, operations } from "./operations.ts";
import { backends, Peer } from "./peers.ts";
import { at, bestPlaces, isEmulated, type Place, places } from "./places.ts";
import type { Entry, KernelFigure, MeasuredPlace, Results } from "./results.ts";
import { powersOfTwo, sweep, type SweepLimits } from "./sweep.ts";

/** How much a run does. */
interface Plan {
  effort: Effort;
  /** Calls that are expected to take longer are left out. */
  callSeconds: number;
  /** How often all is timed. */
  passes: number;
  /** Seconds that TensorFlow.js may take for an answer; a fifth of that for all rounds of what answers sooner. */
  peerSeconds: number;
  sweep: SweepLimits;
}

const plans: Record<"quick" | "full", Plan> = {
  quick: {
    effort: { rounds: 3, roundSeconds: 0.002 },
    callSeconds: 0.01,
    passes: 2,
    peerSeconds: 2,
    sweep: { batches: [1, 16, 256], bytes: 2 ** 29, stepSeconds: 0.01 },
  },
  full: {
    effort: { rounds: 5, roundSeconds: 0.02 },
    callSeconds: 0.5,
    passes: 3,
    peerSeconds: 60,
    sweep: { batches: powersOfTwo(1, 8192), bytes: 2 ** 31, stepSeconds: 0.25 },
  },
};

/** Times work at a place; what it holds is given back. */
async function timed(place: Place, prepare: () => Work, effort: Effort): Promise<number[]> {
  const { holds, run } = at(place, prepare);
  try {
    return await measure(place, () => {
      const result = run();
      if (result instanceof dg.Tensor) result.dispose();
      return result;
    }, effort);
  } finally {
    for (const held of holds) held.dispose();
  }
}

type About = Pick<Entry, "group" | "work" | "size" | "flops" | "bytes">;

/** Work to be timed at a place: `times` of it are one run. */
interface Task {
  about: About;
  place: Place;
  times: number;
  prepare: () => Work;
}

function tasks(plan: Plan, limits: Map<Place, MeasuredPlace["limits"]>): Task[] {
  const all: Task[] = [];
  for (const place of places()) {
    for (const operation of operations) {
      if (!isReasonable(operation, limits.get(place)!, plan.callSeconds)) continue;
      const { name: work, size, flops, bytes, prepare } = operation;
      all.push({
        about: { group: "operation", work, size, flops, bytes },
        place,
        times: 1,
        prepare,
      });
    }
    for (const { work, size, bytes, times, prepare } of dispatches) {
      const about: About = { group: "dispatch", work, size, flops: 0, bytes };
      all.push({ about, place, times, prepare });
    }
    for (const tutorial of tutorials) all.push(trainingTask(tutorial, place));
  }
  return all;
}

/** A training step of a model, as `fit` takes it. */
export function trainingTask(tutorial: Tutorial, place: Place, batch = usualBatch): Task {
  const { name: work, flops } = tutorial, times = stepsOf(tutorial, batch);
  return {
    about: { group: "training", work, size: `batch ${batch}`, flops: flops(batch), bytes: 0 },
    place,
    times,
    prepare: () => tutorial.prepare(batch, times),
  };
}

/**
 * Times tasks, in passes over all of them: what disturbs the machine for a while then shows as spread, instead of in one figure's
 * median.
 */
export async function timeTasks(
  list: readonly Task[],
  effort: Effort,
  passes: number,
): Promise<Entry[]> {
  const seconds = list.map((): number[] => []);
  for (let pass = 0; pass < passes; pass++) {
    for (const [i, { place, prepare, times }] of list.entries()) {
      const found = await timed(place, prepare, effort);
      seconds[i].push(...found.map((s) => s / times));
    }
  }
  return list.map(({ about, place }, i) => ({
    ...about,
    place: place.name,
    ...summarize(seconds[i]),
  }));
}

/** Which kernels the training of a model takes, and how long. */
async function kernelsOf(tutorial: Tutorial, place: Place): Promise<KernelFigure[]> {
  const { holds, run } = at(place, () => tutorial.prepare(usualBatch, 4));
  try {
    return await at(place, async () => {
      await run();
      const { kernels } = await dg.profile(run);
      return kernels.filter(({ calls, operations, bytes }) => calls && operations && bytes)
        .map((kernel) => ({ ...kernel, work: tutorial.name, place: place.name }));
    });
  } finally {
    for (const held of holds) held.dispose();
  }
}

async function loading(rounds: number): Promise<Entry[]> {
  const { programs, remove } = await loadPrograms(dg.devices().map(({ name }) => name));
  try {
    const entries: Entry[] = [];
    for (const { device, run } of programs) {
      const seconds: number[] = [];
      for (let i = 0; i <= rounds; i++) {
        const start = performance.now();
        await run();
        if (i) seconds.push((performance.now() - start) / 1000);
      }
      const work = "start to first result";
      const about = { group: "load" as const, work, size: "", flops: 0, bytes: 0 };
      entries.push({ ...about, place: device, ...summarize(seconds) });
    }
    return entries;
  } finally {
    remove();
  }
}

async function peers(
  { effort: { rounds }, peerSeconds }: Plan,
  absent: string[],
): Promise<Entry[]> {
  const peer = new Peer(peerSeconds), entries: Entry[] = [], batch = usualBatch;
  for (const tutorial of tutorials) {
    const { name: work, flops } = tutorial;
    for (const backend of backends) {
      const place = `TensorFlow.js, ${backend}`, seconds: number[] = [];
      const model = tutorial.peer(), start = performance.now();
      // Once is enough of what takes long: it is compared with thousandths of it.
      while (seconds.length < rounds && performance.now() - start < 1000 * peerSeconds / 5) {
        const most = Math.min(stepsOf(tutorial, batch), 0.3 / (seconds[0] ?? Infinity));
        const steps = Math.max(1, Math.floor(most));
        const answer = await peer.train({ backend, work: model, batch, steps });
        if ("error" in answer) {
          absent.push(`${work} in ${place}: ${answer.error}`);
          break;
        }
        seconds.push(answer.seconds);
      }
      if (!seconds.length) continue;
      const about = { group: "peer" as const, work, size: `batch ${batch}`, bytes: 0 };
      entries.push({ ...about, flops: flops(batch), place, ...summarize(seconds) });
    }
  }
  await peer.close();
  return entries;
}

/** What a place can do at most, the better of several tries. */
export function limitsOf(place: Place): MeasuredPlace["limits"] {
  const tries = [1, 2].map(() => at(place, dg.measureLimits));
  return {
    operations: Math.max(...tries.map((t) => t.operations)),
    bytes: Math.max(...tries.map((t) => t.bytes)),
  };
}

async function describeMachine(): Promise<Record<string, string>> {
  const [card] = await findCards(), gpu = dg.devices().find(({ kind }) => kind === "gpu");
  const cpu = /model name\s*: (.*)/.exec(
    await Deno.readTextFile("/proc/cpuinfo").catch(() => ""),
  )?.[1];
  return {
    CPU: `${cpu ?? Deno.build.arch}, ${navigator.hardwareConcurrency} cores`,
    GPU: gpu && !isEmulated(gpu) ? `${gpu.description}, ${gpu.details}` : "none",
    ...(card ? { driver: card.driver } : {}),
    memory: `${Math.round(Deno.systemMemoryInfo().total / 2 ** 30)} GiB`,
    system: `${Deno.build.os} ${Deno.osRelease()}`,
    Deno: Deno.version.deno,
    dinograd: dg.version,
    "load before": `${Deno.loadavg()[0].toFixed(2)} (processes wanting to run, by the minute)`,
  };
}

/** Runs everything. */
export async function runSuite(quick: boolean, say: (line: string) => void): Promise<Results> {
  const plan = plans[quick ? "quick" : "full"];
  const machine = await describeMachine(), absent: string[] = [];
  say("limits of each device");
  const limits = new Map(places().map((place) => [place, limitsOf(place)]));
  const measured = places().map((place): MeasuredPlace => ({
    name: place.name,
    kind: place.device.kind,
    hardware: `${place.device.description}, ${place.device.details}`,
    limits: limits.get(place)!,
  }));
  if (!places().some(({ device }) => device.kind === "gpu")) absent.push("GPU: there is none here");
  say("operations, dispatch and training");
  const entries = await timeTasks(tasks(plan, limits), plan.effort, plan.passes);
  const sweeps = [], kernels: KernelFigure[] = [];
  for (const tutorial of tutorials) {
    for (const place of places()) {
      say(`batch sizes of ${tutorial.name} on ${place.name}`);
      sweeps.push(await sweep(tutorial, place, plan.sweep, plan.effort));
    }
    for (const place of bestPlaces(places())) kernels.push(...await kernelsOf(tutorial, place));
  }
  say("loading");
  entries.push(...await loading(plan.effort.rounds));
  say("TensorFlow.js");
  entries.push(...await peers(plan, absent));
  return {
    format: 1,
    date: new Date().toISOString().slice(0, 16).replace("T", " "),
    commit: await describeSources(),
    quick,
    machine,
    places: measured,
    entries,
    sweeps,
    kernels,
    absent,
  };
}

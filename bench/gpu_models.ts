// How long do training steps of whole models take on a GPU, how many kernels, how much memory, and how much of the time is none of a
// step's? Part of gpu_dinograd.ts.

import * as dg from "../mod.ts";
import { Arena, record } from "../src/record.ts";
import { attempt, device, measure, note, sizes } from "./gpu_figures.ts";
import { stepsOf, type Training, type Tutorial, tutorials } from "./models.ts";

const MiB = 2 ** 20;

/** Microseconds that training through all its steps takes, round by round. */
async function epochs({ run }: Training): Promise<number[]> {
  const times: number[] = [];
  for (let i = 0; i <= sizes.rounds; i++) {
    const start = performance.now();
    await run();
    times.push((performance.now() - start) * 1000);
  }
  return times.slice(1); // in the first one the step is recorded
}

const median = (values: number[]) => values.toSorted((a, b) => a - b)[values.length >> 1];

function disposeOf({ holds }: Training): void {
  for (const held of holds) held.dispose();
}

// Steps of one model: what each takes, and what of the epoch is there however many steps it has.
async function modelSteps(tutorial: Tutorial, batch: number): Promise<void> {
  const { name } = tutorial, work = `step of ${name}, batch ${batch}`, id = `${name}_${batch}`;
  const steps = Math.min(stepsOf(tutorial, batch), sizes.steps), half = Math.max(1, steps >> 1);
  dg.config.resetMemoryStats(device.name);
  const before = dg.config.getMemoryInfo(device.name).current;
  const long = tutorial.prepare(batch, steps);
  try {
    const times = await epochs(long);
    // PyTorch's come in up to three forms: a CUDA graph, eagerly, and a graph of what it compiles.
    const perStep = times.map((t) => t / steps);
    note(id, work, "us", perStep);
    note(`${id}_eager`, `${work}, beside PyTorch's eager one`, "us", perStep);
    if (batch === sizes.compiledBatch) {
      note(`${id}_compiled`, `${work}, beside PyTorch's compiled one`, "us", perStep);
    }
    const { peak } = dg.config.getMemoryInfo(device.name);
    note(`${id}_memory`, `${work}: most memory, data included`, "MiB", [(peak - before) / MiB]);
    const { kernels } = await dg.profile(() => long.run());
    const calls = kernels.filter((k) => k.calls >= steps)
      .reduce((sum, k) => sum + Math.floor(k.calls / steps), 0);
    note(`${id}_calls`, `${work}: kernel calls`, "calls", [calls]);
    const short = tutorial.prepare(batch, half);
    try {
      const whole = median(times), rest = median(await epochs(short));
      const fixed = 1 - (whole - rest) / (steps - half) * steps / whole;
      note(`${id}_outside`, `${work}: of an epoch of ${steps}, not in steps`, "%", [100 * fixed]);
    } finally {
      disposeOf(short);
    }
  } finally {
    disposeOf(long);
  }
}

/** The tutorials' models at every batch. */
export async function tutorialSteps(): Promise<void> {
  for (const tutorial of tutorials.filter(({ name }) => sizes.models.includes(name))) {
    for (const batch of sizes.batches) {
      try {
        await modelSteps(tutorial, batch);
      } catch (error) {
        attempt(`step of ${tutorial.name}, batch ${batch}`, () => {
          throw error;
        });
      }
    }
  }
}

/** A recurrent layer with what it learns from: forward and all gradients, replayed. */
export function recurrentLayers(): void {
  const { steps, units, batches } = sizes.lstm;
  for (const n of units) {
    for (const batch of batches) {
      const work =
        `LSTM of ${n} units on ${n}, ${steps} steps, batch ${batch}, forward and backward`;
      attempt(work, () => {
        const layer = dg.layers.lstm({ units: n, returnSequences: true });
        const x = dg.randomNormal([batch, steps, n]), arena = new Arena(device);
        try {
          layer.apply(x);
          const { program, result } = record(arena, () =>
            Object.values(
              dg.variableGrads(
                () => (layer.apply(x) as dg.Tensor).sum(),
                layer.weights.map((w) => w.variable),
              ).grads,
            ));
          const times = measure(() => program.replay());
          program.dispose();
          dg.dispose(result);
          note(`lstm_${n}_${batch}`, work, "us", times.map((s) => s * 1e6));
        } finally {
          dg.dispose(x);
          layer.dispose();
          arena.dispose();
        }
      });
    }
  }
}

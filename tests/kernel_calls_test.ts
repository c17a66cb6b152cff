// How many kernel calls does a training step take? On a GPU each is a launch at least, and small models are made of little else.
import assert from "node:assert";
import * as dg from "../mod.ts";
import { tutorials } from "../bench/models.ts";
import { onEachDevice } from "./fixtures.ts";

// Of a recorded step at batch 32. A change that needs more must say why here.
const calls: Readonly<Record<string, number>> = { mlp: 11, cnn: 24, lstm: 13 };

const STEPS = 7;

onEachDevice("a step of a tutorial's model takes so many kernel calls", async () => {
  for (const { name, prepare } of tutorials) {
    if (!(name in calls)) continue;
    const training = prepare(32, STEPS);
    try {
      await training.run(); // records the step
      const { kernels } = await dg.profile(() => training.run());
      // What is not called once or more in each step begins the epoch.
      const perStep = kernels.filter((k) => k.calls >= STEPS);
      const count = perStep.reduce((sum, k) => sum + Math.floor(k.calls / STEPS), 0);
      assert.equal(count, calls[name], `${name}:\n${dg.profileTable(kernels)}`);
    } finally {
      for (const held of training.holds) held.dispose();
    }
  }
});

// Do configs make the models again that they were taken from: Keras's, TensorFlow.js's and our own?

import assert from "node:assert";
import * as dg from "../mod.ts";
import { cases, close, type FixtureTensor, load, onEachDevice } from "./fixtures.ts";

const one = <T>(xs: T[]): T | T[] => xs.length === 1 ? xs[0] : xs;
const predict = (model: dg.Model, xs: dg.Tensor[]) => [model.predict(one(xs))].flat();

/** The config as a file would hold it. */
const throughJson = <T>(config: T): T => JSON.parse(JSON.stringify(config));

onEachDevice("models of TensorFlow.js and Keras are made from their configs", () => {
  for (const c of cases("models.json")) {
    const what = `${c.name} of ${c.from}`;
    dg.tidy(() => {
      const model = dg.deserializeLayer(c.topology) as dg.Model;
      const weights = c.weights as { name: string; tensor: FixtureTensor }[];
      const last = (name: string) => name.split("/").slice(-2).join("/");
      assert.deepEqual(model.weights.map((w) => w.name), weights.map((w) => last(w.name)), what);
      model.setWeights(weights.map((w) => load(w.tensor)));
      const xs = c.inputs.map(load);
      const again = dg.deserializeLayer(
        throughJson({ class_name: model.getClassName(), config: model.getConfig() }),
      ) as dg.Model;
      again.setWeights(model.getWeights());
      for (const m of [model, again]) {
        predict(m, xs).forEach((y, i) => close(y, c.outputs[i].data, `${what}: output ${i}`, c));
      }
      assert.deepEqual(again.getConfig(), model.getConfig(), what);
      model.dispose();
      again.dispose();
    });
  }
});

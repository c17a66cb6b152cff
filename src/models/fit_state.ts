// What decides how training goes on? Weights, the optimizer's state, metrics and random generators: put into named arrays and
// numbers between two steps, and taken over by another fit.

import type { CallbackModel, SavedState } from "../callbacks/callback.ts";
import { DinogradError } from "../errors.ts";
import { uniqueNames } from "../io/weights.ts";
import { globalState, type RandomState } from "../ops/random.ts";
import type { Arena } from "../record.ts";
import { clone } from "../ops/reshape.ts";
import { sameShape, showShape } from "../shape.ts";
import type { Tensor } from "../tensor.ts";
import type { Compiled } from "./compiled.ts";

/** What fit needs of the model. */
export interface FitTarget {
  readonly name: string;
  readonly compiled: Compiled;
  readonly arena: Arena;
  /** The model itself, which callbacks see. */
  readonly model: CallbackModel & { readonly randomStates: readonly RandomState[] };
}

type Arrays = Record<string, Tensor>;

/** The arrays under a folder, without its name. */
export function under(folder: string, arrays: SavedState["arrays"]): Arrays {
  const prefix = `${folder}/`;
  return Object.fromEntries(
    Object.entries(arrays).flatMap(([name, tensor]) =>
      name.startsWith(prefix) ? [[name.slice(prefix.length), tensor]] : []
    ),
  );
}

/** Arrays with a folder's name before each of theirs. */
export function into(folder: string, arrays: Arrays): Arrays {
  return Object.fromEntries(Object.entries(arrays).map(([name, t]) => [`${folder}/${name}`, t]));
}

const generators = ({ model, arena }: FitTarget): RandomState[] => [
  globalState(arena.device),
  ...model.randomStates,
];

/** Everything that belongs to the model. The arrays are copies, which the caller disposes of. */
export function saveModel(target: FitTarget): SavedState {
  const { model, compiled } = target, { optimizer } = compiled;
  const weights = Object.fromEntries(
    uniqueNames(model.weights).map(([name, weight]) => [name, weight.variable]),
  );
  const live = { ...into("model", weights), ...into("metrics", compiled.metricState()) };
  const copies = Object.fromEntries(
    Object.entries(live).map(([name, variable]) => [name, clone(variable)]),
  );
  const own = optimizer.getWeights();
  const state = Object.fromEntries(own.map(({ name, tensor }, i) => [`${i}/${name}`, tensor]));
  const scheduled = !own.some(({ name }) => name === "learning_rate");
  return {
    values: {
      learningRate: scheduled ? null : optimizer.learningRate,
      generators: generators(target).map((generator) => generator.state),
    },
    arrays: { ...copies, ...into("optimizer", state) },
  };
}

/** Takes over what `saveModel` gave, but for the metrics. Weights are checked before any is changed. */
export function restoreModel(target: FitTarget, { values, arrays }: SavedState): void {
  const { model, compiled } = target, { optimizer } = compiled;
  const saved = under("model", arrays);
  const weights = uniqueNames(model.weights);
  for (const [name, { shape, dtype }] of weights) {
    const value = saved[name];
    if (value && sameShape(value.shape, shape) && value.dtype === dtype) continue;
    const got = value ? `${value.dtype} ${showShape(value.shape)}` : "nothing";
    throw new DinogradError(
      `The saved training is not this model's: wanted ${dtype} ${
        showShape(shape)
      } for its weight "${name}", got ${got}`,
    );
  }
  const all = generators(target), states = values.generators as readonly (readonly number[])[];
  if (states.length !== all.length || Object.keys(saved).length !== weights.length) {
    throw new DinogradError("The saved training is not this model's: it had other layers");
  }
  const state = Object.entries(under("optimizer", arrays))
    .map(([name, tensor]) => ({
      at: parseInt(name),
      name: name.slice(name.indexOf("/") + 1),
      tensor,
    }))
    .sort((a, b) => a.at - b.at);
  if (state.length > 0) {
    compiled.buildOptimizer();
    optimizer.setWeights(state);
  }
  restoreRate(target, values);
  for (const [name, weight] of weights) weight.write(saved[name]);
  all.forEach((generator, i) => generator.state = states[i]);
}

/** Sets the learning rate as it was, in full precision; one that follows a schedule goes by the number of steps. */
export function restoreRate({ compiled }: FitTarget, values: SavedState["values"]): void {
  const rate = values.learningRate as number | null;
  if (rate !== null) compiled.optimizer.learningRate = rate;
}

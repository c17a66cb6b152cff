// Are unknown names answered with the name that was probably meant?
import assert from "node:assert";
import { DinogradError, nearest, unknownName } from "../src/errors.ts";

const optimizers = ["sgd", "momentum", "adam", "adamw", "adamax", "adagrad", "rmsprop"];

Deno.test("nearest forgives a swap, a missing, an extra and a wrong letter, and case", () => {
  assert.equal(nearest("adma", optimizers), "adam");
  assert.equal(nearest("rmprop", optimizers), "rmsprop");
  assert.equal(nearest("sggd", optimizers), "sgd");
  assert.equal(nearest("momemtum", optimizers), "momentum");
  assert.equal(nearest("AdaGrad", optimizers), "adagrad");
});

Deno.test("nearest prefers the exact name and the closest one", () => {
  assert.equal(nearest("adamw", optimizers), "adamw");
  assert.equal(nearest("adamas", optimizers), "adamax");
});

Deno.test("nearest finds nothing where nothing is close", () => {
  assert.equal(nearest("lion", optimizers), undefined);
  assert.equal(nearest("", optimizers), undefined);
  assert.equal(nearest("adam", []), undefined);
  assert.equal(nearest("x".repeat(1_000_000), optimizers), undefined);
});

Deno.test("unknownName is a sentence with the guess and the known names", () => {
  const error = unknownName("model", "mpl", ["mlp", "cnn"]);
  assert.ok(error instanceof DinogradError && error instanceof Error);
  assert.equal(error.name, "DinogradError");
  assert.equal(error.message, 'Unknown model "mpl": did you mean "mlp"? Known: mlp, cnn.');
  assert.equal(
    unknownName("model", 'tree "x"', ["mlp", "cnn"]).message,
    'Unknown model "tree \\"x\\"". Known: mlp, cnn.',
  );
});

Deno.test("a sentence lists some of many names", () => {
  const names = Array.from({ length: 43 }, (_, i) => `name${i}`);
  assert.match(unknownName("layer", "x", names).message, /Known: name0, .*, name39 and 3 more\.$/);
});

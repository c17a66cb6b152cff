// How is a formula fitted to points, without any model? Variables, a loss, and an optimizer that follows its gradient.
//
//   deno run examples/gradients.ts

import * as dg from "../mod.ts";

dg.setRandomSeed(1);

// Points on y = 0.8 x^2 - 0.4 x + 0.3, with some noise.
const x = dg.linspace(-1, 1, 100);
const y = dg.tidy(() =>
  x.square().mul(0.8).sub(x.mul(0.4)).add(0.3).add(dg.randomNormal([100], 0, 0.02))
);

// What is sought. Variables outlive every tidy, and are written in place.
const [a, b, c] = dg.tidy(() => [0, 0, 0].map((start) => dg.scalar(start).variable()));
const curve = (x: dg.Tensor) => a.mul(x.square()).add(b.mul(x)).add(c);
const loss = () => curve(x).sub(y).square().mean();

const optimizer = dg.train.adam(0.05);
for (let step = 0; step <= 300; step++) {
  const cost = optimizer.minimize(loss, true)!; // one step; the cost is that before it
  if (step % 100 === 0) console.log(`step ${step}: loss ${cost.dataSync()[0].toFixed(5)}`);
  cost.dispose();
}
const [p, q, r] = [a, b, c].map((v) => v.dataSync()[0].toFixed(2));
console.log(`y = ${p} x^2 + ${q} x + ${r}`);

// Gradients by themselves, of any order: the slope and the curvature of x^3 at 2.
const cube = (x: dg.Tensor) => x.pow(3);
const slope = dg.grad(cube)(2), curvature = dg.grad(dg.grad(cube))(2);
console.log(`x^3 at 2: slope ${slope.dataSync()[0]}, curvature ${curvature.dataSync()[0]}`);

dg.dispose([x, y, a, b, c, slope, curvature]);
optimizer.dispose();
console.log(`${dg.memory().numTensors} tensors left`);

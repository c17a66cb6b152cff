// Do weights start with the spread that Keras gives them, the same for the same seed, and orthogonal where asked for?
import assert from "node:assert";
import type { DType } from "../src/dtype.ts";
import { DinogradError } from "../src/errors.ts";
import { getInitializer, type Initializer, initializers } from "../src/initializers.ts";
import { setRandomSeed } from "../src/ops/random.ts";
import { matMul } from "../src/ops/matmul.ts";
import { tidy } from "../src/scope.ts";
import { memory } from "../src/tensor.ts";
import { close, onEachDevice } from "./fixtures.ts";

const draw = (initializer: Initializer, shape: number[], dtype?: DType) =>
  tidy(() => [...initializer.apply(shape, dtype).dataSync()]);

function spread(values: number[]): { mean: number; deviation: number; largest: number } {
  const mean = values.reduce((a, b) => a + b, 0) / values.length;
  const variance = values.reduce((a, b) => a + (b - mean) ** 2, 0) / values.length;
  return { mean, deviation: Math.sqrt(variance), largest: Math.max(...values.map(Math.abs)) };
}

onEachDevice("constant initializers fill as they say", () => {
  assert.deepEqual(draw(initializers.zeros(), [2, 2]), [0, 0, 0, 0]);
  assert.deepEqual(draw(initializers.ones(), [2], "int32"), [1, 1]);
  assert.deepEqual(draw(initializers.constant({ value: 2.5 }), [2]), [2.5, 2.5]);
  assert.deepEqual(draw(initializers.identity({ gain: 2 }), [2, 3]), [2, 0, 0, 0, 2, 0]);
  assert.throws(
    () => initializers.identity().apply([2]),
    new DinogradError("identity makes matrices only, got shape [2]"),
  );
});

// The deviation of each distribution for fans of 300 and 100, and the largest value possible.
const [fanIn, fanOut, average] = [300, 100, 200];
const cut = 2 / 0.87962566103423978; // deviations at which truncated distributions end
const spreads: [Initializer, deviation: number, limit: number][] = [
  [initializers.randomNormal({ seed: 1 }), 0.05, Infinity],
  [initializers.randomNormal({ mean: 3, stddev: 2, seed: 1 }), 2, Infinity],
  [initializers.randomUniform({ seed: 1 }), 0.05 / Math.sqrt(3), 0.05],
  [initializers.truncatedNormal({ stddev: 1, seed: 1 }), 0.87962566, 2],
  [initializers.glorotUniform({ seed: 1 }), Math.sqrt(1 / average), Math.sqrt(3 / average)],
  [initializers.glorotNormal({ seed: 1 }), Math.sqrt(1 / average), cut * Math.sqrt(1 / average)],
  [initializers.heUniform({ seed: 1 }), Math.sqrt(2 / fanIn), Math.sqrt(6 / fanIn)],
  [initializers.heNormal({ seed: 1 }), Math.sqrt(2 / fanIn), cut * Math.sqrt(2 / fanIn)],
  [initializers.leCunUniform({ seed: 1 }), Math.sqrt(1 / fanIn), Math.sqrt(3 / fanIn)],
  [initializers.leCunNormal({ seed: 1 }), Math.sqrt(1 / fanIn), cut * Math.sqrt(1 / fanIn)],
  [
    initializers.varianceScaling({
      scale: 4,
      mode: "fanOut",
      distribution: "untruncatedNormal",
      seed: 1,
    }),
    Math.sqrt(4 / fanOut),
    Infinity,
  ],
];

onEachDevice("random initializers have Keras's spread and limits", () => {
  const before = memory();
  for (const [initializer, deviation, limit] of spreads) {
    const name = JSON.stringify([initializer.getClassName(), initializer.getConfig()]);
    const found = spread(draw(initializer, [fanIn, fanOut]));
    // 30,000 values: the deviation's own deviation is below 0.5 %.
    assert.ok(Math.abs(found.deviation / deviation - 1) < 0.02, `${name}: ${found.deviation}`);
    const { mean = 0 } = initializer.getConfig() as { mean?: number };
    assert.ok(Math.abs(found.mean - mean) < 0.03 * deviation, `${name}: mean ${found.mean}`);
    assert.ok(found.largest <= limit * 1.00001, `${name}: largest ${found.largest}`);
    assert.ok(limit === Infinity || found.largest > 0.95 * limit, `${name}: ${found.largest}`);
  }
  // A convolution's window counts towards both fans.
  const conv = spread(draw(initializers.heUniform({ seed: 1 }), [5, 5, 16, 64]));
  assert.ok(Math.abs(conv.deviation / Math.sqrt(2 / 400) - 1) < 0.02);
  assert.deepEqual(memory(), before);
});

onEachDevice("the same seed draws the same values each time, no seed new ones", () => {
  const seeded = initializers.glorotUniform({ seed: 7 });
  assert.deepEqual(draw(seeded, [3, 4]), draw(seeded, [3, 4]));
  assert.notDeepEqual(draw(seeded, [3, 4]), draw(initializers.glorotUniform({ seed: 8 }), [3, 4]));
  const free = initializers.glorotUniform();
  const twice = () => {
    setRandomSeed(5);
    return [draw(free, [3, 4]), draw(free, [3, 4])];
  };
  const [first, second] = twice();
  assert.notDeepEqual(first, second);
  assert.deepEqual(twice(), [first, second]);
});

onEachDevice("orthogonal matrices have orthonormal rows or columns", () => {
  for (const [rows, columns] of [[8, 8], [12, 5], [4, 9]]) {
    tidy(() => {
      const q = initializers.orthogonal({ gain: 2, seed: 3 }).apply([rows, columns]);
      const product = rows < columns ? matMul(q, q, false, true) : matMul(q, q, true, false);
      const n = Math.min(rows, columns);
      const expected = Array.from({ length: n * n }, (_, i) => i % (n + 1) === 0 ? 4 : 0);
      close(product, expected, `${rows} by ${columns}`);
    });
  }
  const volume = tidy(() => initializers.orthogonal({ seed: 3 }).apply([2, 3, 4]).shape);
  assert.deepEqual(volume, [2, 3, 4]);
  assert.throws(
    () => initializers.orthogonal().apply([3]),
    new DinogradError("orthogonal needs rank 2 or more, got shape [3]"),
  );
});

Deno.test("initializers are found by name and made again from their configs", () => {
  for (const make of Object.values(initializers)) {
    const initializer = (make as (options?: object) => Initializer)({});
    const [class_name, config] = [initializer.getClassName(), initializer.getConfig()];
    const again = getInitializer({ class_name, config });
    assert.deepEqual([again.getClassName(), again.getConfig()], [class_name, config]);
  }
  assert.deepEqual(getInitializer("glorot_uniform").getConfig(), { seed: null });
  assert.equal(getInitializer("leCunNormal").getClassName(), "LecunNormal");
  assert.deepEqual(getInitializer("varianceScaling").getConfig(), {
    scale: 1,
    mode: "fan_in",
    distribution: "truncated_normal",
    seed: null,
  });
  assert.throws(
    () => getInitializer("glorotUnifrom"),
    /Unknown initializer "glorotUnifrom": did you mean "GlorotUniform"\?/,
  );
  assert.throws(
    () => initializers.varianceScaling({ mode: "fan_av" }),
    /Unknown mode of varianceScaling "fan_av": did you mean "fan_avg"\?/,
  );
});

// Do the settings of precision do what they say? TensorFloat-32 where GPUs have it, exact products everywhere else, and
// recorded steps that follow a change.
import assert from "node:assert";
import * as dg from "../mod.ts";
import { config } from "../mod.ts";
import { close, onEachDevice } from "./fixtures.ts";
import { root } from "./imports.ts";
import { runProgram } from "./programs.ts";

/** Runs `fn` under a setting of TensorFloat-32. */
function withTf32<T>(enabled: boolean, fn: () => T): T {
  const before = config.tensorFloat32ExecutionEnabled();
  config.enableTensorFloat32Execution(enabled);
  try {
    return fn();
  } finally {
    config.enableTensorFloat32Execution(before);
  }
}

Deno.test("TensorFloat-32 is a setting that is read back", () => {
  assert.equal(config.tensorFloat32ExecutionEnabled(), false, "tests multiply exactly");
  assert.equal(withTf32(true, config.tensorFloat32ExecutionEnabled), true);
});

const hasTf32 = (d: dg.Device) => d.kind === "gpu" && d.number("computeCapability") >= 80;

// Products of [m, k] by [k, n]: within a tile, over its edges, along a long k; by 16 bytes, by 4.
for (const [m, k, n] of [[3, 5, 2], [70, 33, 65], [8, 600, 12], [64, 64, 64]]) {
  onEachDevice(
    `TensorFloat-32 rounds factors of [${m},${k}] by [${k},${n}] and nothing else`,
    (d) => {
      dg.tidy(() => {
        const a = dg.randomUniform([m, k], -1, 1, "float32", 1);
        const b = dg.randomUniform([k, n], -1, 1, "float32", 2);
        const exact = withTf32(false, () => a.matMul(b)).dataSync();
        for (const [ta, tb] of [[false, false], [true, false], [false, true], [true, true]]) {
          const x = ta ? a.transpose() : a, y = tb ? b.transpose() : b;
          const rounded = withTf32(true, () => x.matMul(y, ta, tb)).dataSync();
          // Each of k products of factors below 1 is off by 2^-10 at most, and errors mostly cancel.
          close(rounded, exact, `transposed ${ta}, ${tb}`, {
            rtol: 1e-3,
            atol: 1e-3 * Math.sqrt(k),
          });
          assert.equal(rounded.some((v, i) => v !== exact[i]), hasTf32(d));
        }
        // Small whole numbers are TF32 numbers, and their sums exact in any order.
        const whole = dg.randomUniformInt([m, k], -150, 150, 3).cast("float32");
        const product = () => whole.matMul(whole, false, true).dataSync();
        assert.deepEqual(withTf32(true, product), withTf32(false, product));
      });
    },
  );
}

Deno.test("the names of float32 precisions are read back, TensorFlow's setting among them", () => {
  for (const precision of ["high", "medium", "highest"] as const) {
    config.setFloat32MatMulPrecision(precision);
    assert.equal(config.getFloat32MatMulPrecision(), precision);
    assert.equal(config.tensorFloat32ExecutionEnabled(), precision === "medium");
  }
  assert.throws(
    () => config.setFloat32MatMulPrecision("hihgest" as "high"),
    /float32 precision.*hihgest.*highest/,
  );
  assert.equal(config.getFloat32MatMulPrecision(), "highest");
});

onEachDevice("high precision is nearly that of float32, medium that of TensorFloat-32", (d) => {
  const [m, k, n] = [70, 240, 65];
  dg.tidy(() => {
    const a = dg.randomUniform([m, k], -1, 1, "float32", 1);
    const b = dg.randomUniform([k, n], -1, 1, "float32", 2);
    const image = a.reshape([7, 10, 10, 24]), filter = b.reshape([1, 1, k, n]).slice(0, [1, 1, 24]);
    const [av, bv] = [a.dataSync(), b.dataSync()];
    // Sums of float64, and how far off they are at most.
    const exact = Array.from({ length: m * n }, (_, at) => {
      let sum = 0;
      for (let i = 0; i < k; i++) sum += av[Math.floor(at / n) * k + i] * bv[i * n + at % n];
      return sum;
    });
    const worst = (got: ArrayLike<number>, want: ArrayLike<number>) =>
      Math.max(...Array.from(want, (v, i) => Math.abs(got[i] - v)));
    const under = <T>(precision: dg.config.Float32Precision, fn: () => T): T => {
      config.setFloat32MatMulPrecision(precision);
      try {
        return fn();
      } finally {
        config.setFloat32MatMulPrecision("highest");
      }
    };
    const product = () => a.matMul(b).dataSync();
    const [highest, high, medium] = (["highest", "high", "medium"] as const)
      .map((precision) => worst(under(precision, product), exact));
    assert.ok(highest < 2e-5 && high < 4e-5, `${highest} and ${high}`);
    if (hasTf32(d)) assert.ok(medium > 50 * high, `${medium} and ${high}`);
    const convolve = () => dg.conv2d(image, filter, 1, "same").dataSync();
    const plain = convolve();
    assert.ok(worst(under("high", convolve), plain) < 1e-5);
    if (hasTf32(d)) assert.ok(worst(under("medium", convolve), plain) > 1e-4);
  });
});

// Windows of one pixel, channels that fill whole chunks of memory and others, strides, and groups too small for tensor cores.
const convolutions: [channels: number, filters: number, window: number, stride: number][] = [
  [16, 24, 1, 1],
  [8, 20, 3, 1],
  [3, 5, 4, 2],
  [36, 16, 3, 3],
];
for (const [channels, filters, window, stride] of convolutions) {
  const what = `${channels} to ${filters} channels, windows of ${window}, strides of ${stride}`;
  onEachDevice(`TensorFloat-32 rounds factors of convolutions, ${what}`, (d) => {
    dg.tidy(() => {
      const x = dg.randomUniform([2, 9, 12, channels], -1, 1, "float32", 1);
      const filter = dg.randomUniform([window, window, channels, filters], -1, 1, "float32", 2);
      const convolve = (x: dg.Tensor, w: dg.Tensor) => dg.conv2d(x, w, stride, "same");
      const all = () => {
        const y = convolve(x, filter);
        return [y, ...dg.grads((x, w) => convolve(x, w).square().sum())([x, filter])]
          .map((t) => t.dataSync());
      };
      const exact = withTf32(false, all), rounded = withTf32(true, all);
      for (const [i, name] of ["output", "input gradient", "filter gradient"].entries()) {
        const scale = Math.max(...exact[i].map(Math.abs));
        close(rounded[i], exact[i], name, { rtol: 1e-3, atol: 2e-3 * scale });
        assert.equal(rounded[i].some((v, j) => v !== exact[i][j]), hasTf32(d), name);
      }
    });
  });
}

onEachDevice("gradients of products follow the setting of the moment", (d) => {
  dg.tidy(() => {
    const a = dg.randomUniform([9, 7], -1, 1, "float32", 1);
    const b = dg.randomUniform([7, 5], -1, 1, "float32", 2);
    const gradient = () => dg.grad((x: dg.Tensor) => x.matMul(b).square().sum())(a).dataSync();
    const exact = withTf32(false, gradient), rounded = withTf32(true, gradient);
    close(rounded, exact, "gradient", { rtol: 1e-3, atol: 1e-2 });
    assert.equal(rounded.some((v, i) => v !== exact[i]), hasTf32(d));
  });
});

onEachDevice("a recorded step is recorded anew when precision changes", async () => {
  const train = async (runEagerly: boolean) => {
    const model = dg.sequential({
      layers: [
        dg.layers.dense({
          units: 3,
          inputShape: [8],
          kernelInitializer: dg.initializers.glorotUniform({ seed: 4 }),
        }),
      ],
    });
    model.compile({ optimizer: dg.train.sgd(0.1), loss: "meanSquaredError", runEagerly });
    const x = dg.randomUniform([24, 8], -1, 1, "float32", 5);
    const y = dg.randomUniform([24, 3], -1, 1, "float32", 6);
    const callbacks = {
      onEpochBegin: (epoch: number) => config.enableTensorFloat32Execution(epoch === 1),
    };
    try {
      await model.fit(x, y, { epochs: 3, batchSize: 6, shuffle: false, verbose: 0, callbacks });
    } finally {
      config.enableTensorFloat32Execution(false);
    }
    const [kernel] = model.getWeights();
    const values = kernel.dataSync();
    model.dispose();
    dg.dispose([x, y, kernel]);
    return values;
  };
  assert.deepEqual(await train(false), await train(true));
});

Deno.test("the engine of products is chosen by name", () => {
  const before = config.getMatMulEngine();
  assert.throws(
    () => config.setMatMulEngine("cublas" as config.MatMulEngine),
    /Unknown matMul engine "cublas": did you mean "cublaslt"/,
  );
  config.setMatMulEngine("own");
  assert.equal(config.getMatMulEngine(), "own");
  config.setMatMulEngine("best");
  assert.equal(config.getMatMulEngine(), before);
});

const emulated = new URL("cuda/build/libdinograd_emu.so", root).pathname;
const stand = new URL("cuda/build/stand_in/libcublasLt.so.13", root).pathname;
const here = await Promise.all(
  [emulated, stand].map((f) => Deno.stat(f).then(() => true, () => false)),
);

/** What a program says that asks for cuBLASLt and multiplies, with an emulated GPU or none. */
async function askForCublasLt(env: Record<string, string>): Promise<string> {
  const program = `
    import * as dg from "${new URL("mod.ts", root).href}";
    try {
      dg.config.setMatMulEngine("cublaslt");
    } catch (error) {
      console.log(error.message);
    }
    const product = dg.tensor([[1, 2]]).matMul(dg.tensor([[3], [4]]));
    console.log(dg.config.getMatMulEngine(), product.dataSync()[0]);
  `;
  const { out, err } = await runProgram(program, [`--allow-ffi=${emulated}`, "--allow-env"], env);
  assert.equal(err, "");
  return out;
}

Deno.test("cuBLASLt needs a GPU", async () => {
  const env = { DINOGRAD_CUDA_LIB: "/nowhere" };
  assert.equal(
    await askForCublasLt(env),
    "cuBLASLt multiplies on GPUs only, and there is none here\nown 11\n",
  );
});

Deno.test(
  "cuBLASLt that is not there is refused with the reason",
  { ignore: !here[0] },
  async () => {
    const env = { DINOGRAD_CUDA_LIB: emulated, DINOGRAD_CUBLASLT_LIB: "/nowhere/lib.so" };
    assert.match(
      await askForCublasLt(env),
      /^cuBLASLt cannot be opened: \/nowhere\/lib.so: cannot open .*\nbest 11\n$/,
    );
  },
);

Deno.test("cuBLASLt that is there multiplies", { ignore: !here.every(Boolean) }, async () => {
  const env = { DINOGRAD_CUDA_LIB: emulated, DINOGRAD_CUBLASLT_LIB: stand };
  assert.equal(await askForCublasLt(env), "cublaslt 11\n");
});

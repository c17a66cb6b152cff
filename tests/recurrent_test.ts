// Do recurrent layers do what Keras's do beyond its reference numbers: states kept and passed on, cells of one's own, recorded steps?
import assert from "node:assert";
import * as dg from "../mod.ts";
import { device, devices } from "../src/native/device.ts";
import { close, onEachDevice } from "./fixtures.ts";

const symbolic = (x: unknown) => x as dg.SymbolicTensor;
const values = (x: unknown) => (x as dg.Tensor).dataSync();

const kinds = {
  simpleRNN: (args: { units: number }) => dg.layers.simpleRNN(args),
  lstm: (args: { units: number }) => dg.layers.lstm(args),
  gru: (args: { units: number }) => dg.layers.gru(args),
  "gru, reset before": (args: { units: number }) => dg.layers.gru({ ...args, resetAfter: false }),
};

onEachDevice("a stateful layer goes on where the batch before ended", () => {
  for (const [name, make] of Object.entries(kinds)) {
    dg.tidy(() => {
      const flags = { units: 3, returnSequences: true };
      const whole = make(flags),
        kept = make({ ...flags, stateful: true, batchInputShape: [2, 4, 5] } as typeof flags);
      const x = dg.randomNormal([2, 8, 5]);
      const wanted = values(whole.apply(x));
      kept.build([2, 4, 5]);
      kept.built = true;
      kept.setWeights(whole.getWeights());
      const parts = () =>
        [0, 4].map((at) => (kept.apply(x.slice([0, at, 0], [2, 4, 5])) as dg.Tensor).clone());
      const joined = () => dg.concat(parts(), 1);
      close(joined(), [...wanted], name);
      assert.notDeepEqual(values(joined()), wanted, `${name} goes on`);
      (kept as dg.RNN).resetStates();
      close(joined(), [...wanted], `${name} begins anew`);
      whole.dispose();
      kept.dispose();
    });
  }
});

onEachDevice(
  "an encoder's states begin a decoder, in a model that is saved and made again",
  async () => {
    const source = dg.input({ shape: [null, 4] }), target = dg.input({ shape: [null, 3] });
    const [, h, c] = dg.layers.lstm({ units: 5, returnState: true }).apply(
      source,
    ) as unknown as dg.SymbolicTensor[];
    const decoded = dg.layers.lstm({ units: 5, returnSequences: true })
      .apply(target, { initialState: [h, c] });
    const y = dg.layers.timeDistributed({ layer: dg.layers.dense({ units: 2 }) }).apply(
      symbolic(decoded),
    );
    assert.deepEqual(symbolic(y).shape, [null, null, 2]);
    const model = dg.model({ inputs: [source, target], outputs: symbolic(y) });
    model.compile({ optimizer: "adam", loss: "meanSquaredError" });
    const a = dg.randomNormal([16, 6, 4]), b = dg.randomNormal([16, 3, 3]);
    const want = dg.randomNormal([16, 3, 2]);
    const { history } = await model.fit([a, b], want, { epochs: 3, verbose: 0 });
    assert.ok(history.loss[2] < history.loss[0]);
    const again = dg.Model.fromConfig(JSON.parse(JSON.stringify(model.getConfig())));
    again.setWeights(model.getWeights());
    assert.deepEqual(values(again.predict([a, b])), values(model.predict([a, b])));
    model.dispose();
    again.dispose();
    dg.dispose([a, b, want]);
  },
);

onEachDevice(
  "recorded steps give the numbers of eager ones, and leave nothing behind",
  async () => {
    const x = dg.randomNormal([24, 5, 3], 0, 1, "float32", 3);
    const y = dg.randomNormal([24, 1], 0, 1, "float32", 4);
    const train = async (runEagerly: boolean) => {
      dg.setRandomSeed(5);
      const model = dg.sequential({
        layers: [
          dg.layers.masking({ inputShape: [5, 3] }),
          dg.layers.bidirectional({
            layer: dg.layers.lstm({
              units: 4,
              returnSequences: true,
              dropout: 0.2,
              recurrentDropout: 0.3,
            }),
          }),
          dg.layers.gru({ units: 3, dropout: 0.1 }),
          dg.layers.dense({ units: 1 }),
        ],
      });
      model.compile({ optimizer: "adam", loss: "meanSquaredError", runEagerly });
      const fit = () => model.fit(x, y, { batchSize: 8, epochs: 2, verbose: 0, shuffle: false });
      await fit();
      const { numTensors } = dg.memory();
      await fit();
      assert.equal(dg.memory().numTensors, numTensors);
      const all = model.weights.map((w) => [...w.variable.dataSync()]);
      model.dispose();
      return all;
    };
    assert.deepEqual(await train(false), await train(true));
    dg.dispose([x, y]);
  },
);

onEachDevice("dropout is the same in all steps of a call, and there while training only", () => {
  dg.tidy(() => {
    const layer = dg.layers.simpleRNN({
      units: 4,
      dropout: 0.5,
      activation: "linear",
      kernelInitializer: "identity",
      recurrentInitializer: "zeros",
      returnSequences: true,
      seed: 2,
    });
    const x = dg.ones([3, 6, 4]);
    assert.deepEqual(values(layer.apply(x)), values(x));
    const y = layer.apply(x, { training: true }) as dg.Tensor;
    const [first, last] = [y.slice([0, 0, 0], [3, 1, 4]), y.slice([0, 5, 0], [3, 1, 4])];
    assert.deepEqual(values(first), values(last));
    assert.deepEqual([...new Set(values(y))].sort(), [0, 2]);
    layer.dispose();
  });
});

onEachDevice("cells stand on top of each other, one's own among them", () => {
  class Leaky extends dg.RNNCell {
    static override className = "Leaky";
    override get stateSize() {
      return 3;
    }
    override call(inputs: dg.Tensor | dg.Tensor[]) {
      const [x, s] = inputs as dg.Tensor[], y = s.mul(0.5).add(x);
      return [y, y];
    }
  }
  dg.serialization.registerClass(Leaky);
  dg.tidy(() => {
    const layer = dg.layers.rnn({
      cell: [dg.layers.lstmCell({ units: 3 }), new Leaky({}), dg.layers.gruCell({ units: 2 })],
      returnState: true,
      returnSequences: true,
    });
    const x = dg.randomNormal([2, 4, 5]);
    const [y, ...states] = layer.apply(x) as dg.Tensor[];
    assert.deepEqual([y, ...states].map((t) => t.shape), [[2, 4, 2], [2, 3], [2, 3], [2, 3], [
      2,
      2,
    ]]);
    assert.deepEqual(values(y.slice([0, 3, 0], [2, 1, 2])), values(states[3]));
    // The same, one layer after the other.
    const [lstm, gru] = [
      dg.layers.lstm({ units: 3, returnSequences: true }),
      dg.layers.gru({ units: 2, returnSequences: true }),
    ];
    const leaky = dg.layers.rnn({ cell: new Leaky({}), returnSequences: true });
    const through = () => gru.apply(leaky.apply(lstm.apply(x) as dg.Tensor) as dg.Tensor);
    through();
    const weights = layer.getWeights();
    lstm.setWeights(weights.slice(0, 3));
    gru.setWeights(weights.slice(3));
    close(through() as dg.Tensor, [...values(y)], "in a row");
    const config = JSON.parse(JSON.stringify({ class_name: "RNN", config: layer.getConfig() }));
    const again = dg.deserializeLayer(config);
    again.apply(x);
    again.setWeights(weights);
    assert.deepEqual(values((again.apply(x) as dg.Tensor[])[0]), values(y));
    for (const l of [layer, again, lstm, gru, leaky]) l.dispose();
  });
});

onEachDevice("a sequence of any length goes through, one of no steps too", () => {
  dg.tidy(() => {
    const x = dg.input({ shape: [null, 2] });
    const y = symbolic(dg.layers.lstm({ units: 3, returnSequences: true }).apply(x));
    assert.deepEqual(y.shape, [null, null, 3]);
    const model = dg.model({ inputs: x, outputs: y });
    for (const steps of [1, 7, 0]) {
      assert.deepEqual((model.predict(dg.ones([2, steps, 2])) as dg.Tensor).shape, [2, steps, 3]);
    }
    model.dispose();
  });
});

onEachDevice("directions are joined as mergeMode says", () => {
  dg.tidy(() => {
    const x = dg.randomNormal([2, 3, 4]);
    const inner = () => dg.layers.gru({ units: 2, returnSequences: true, returnState: true });
    const both = dg.layers.bidirectional({ layer: inner(), mergeMode: null });
    const [forward, backward, ...states] = both.apply(x) as dg.Tensor[];
    assert.deepEqual(values(forward.slice([0, 2, 0], [2, 1, 2])), values(states[0]));
    assert.deepEqual(values(backward.slice([0, 0, 0], [2, 1, 2])), values(states[1]));
    const joins = {
      concat: dg.concat([forward, backward], -1),
      sum: forward.add(backward),
      mul: forward.mul(backward),
      ave: forward.add(backward).mul(0.5),
    };
    for (const [mergeMode, wanted] of Object.entries(joins)) {
      const layer = dg.layers.bidirectional({
        layer: inner(),
        mergeMode: mergeMode as keyof typeof joins,
      });
      layer.apply(x);
      layer.setWeights(both.getWeights());
      close((layer.apply(x) as dg.Tensor[])[0], [...values(wanted)], mergeMode);
      layer.dispose();
    }
    both.dispose();
  });
});

onEachDevice("recurrent layers compute in 16 bits where the policy says so", () => {
  dg.tidy(() => {
    for (const make of Object.values(kinds)) {
      const layer = make({ units: 3, dtype: "mixed_float16" } as { units: number });
      const plain = make({ units: 3 }), x = dg.randomNormal([2, 5, 4]);
      const y = layer.apply(x) as dg.Tensor;
      plain.apply(x);
      plain.setWeights(layer.getWeights());
      assert.equal(y.dtype, "float16");
      close(y, [...values(plain.apply(x))], layer.name, { rtol: 0.02, atol: 0.005 });
      layer.dispose();
      plain.dispose();
    }
  });
});

onEachDevice("a sequence walked at once and step by step is the same, with its gradients", () => {
  const mask = dg.tensor([[1, 1, 0, 1], [0, 1, 1, 0]], [2, 4], "bool");
  for (const [name, make] of Object.entries(kinds)) {
    for (
      const flags of [{}, { returnSequences: true }, { goBackwards: true, zeroOutputForMask: true }]
    ) {
      dg.tidy(() => {
        const layer = make({ units: 3, ...flags });
        const x = dg.randomNormal([2, 4, 5], 0, 1, "float32", 6);
        const begin = [0, 1].slice(0, name === "lstm" ? 2 : 1).map((i) =>
          dg.randomNormal([2, 3], 0, 1, "float32", 7 + i)
        );
        const f = (x: dg.Tensor, ...initialState: dg.Tensor[]) =>
          layer.apply(x, { initialState, mask }) as dg.Tensor;
        f(x, ...begin);
        const dy = dg.randomNormal(f(x, ...begin).shape, 0, 1, "float32", 9);
        const once = dg.valueAndGrads(f)([x, ...begin], dy);
        // Where gradients are taken of gradients, it goes step by step.
        let seen: Float32Array[] = [];
        const second = dg.grad((x) => {
          const { value, grads } = dg.valueAndGrads(f)([x, ...begin], dy);
          seen = [value, ...grads].map((t) => t.dataSync() as Float32Array);
          return dg.sum(dg.square(grads[0]));
        })(x);
        [once.value, ...once.grads].forEach((t, i) => close(t, seen[i], `${name}: ${i}`));
        const along = dg.randomNormal(x.shape, 0, 1, "float32", 10), h = 1e-2;
        const norm = (sign: number) => {
          const [g] = dg.grads(f)([x.add(along.mul(sign * h)), ...begin], dy);
          return dg.sum(dg.square(g)).dataSync()[0];
        };
        const want = (norm(1) - norm(-1)) / (2 * h), got = dg.sum(second.mul(along)).dataSync()[0];
        assert.ok(Math.abs(got - want) < 0.02 * (1 + Math.abs(want)), `${name}: ${got}, ${want}`);
        layer.dispose();
      });
    }
  }
  mask.dispose();
});

onEachDevice("steps of LSTM cells are those of the layer, one on top of the other too", () => {
  dg.tidy(() => {
    const x = dg.randomNormal([2, 4, 5]);
    const layers = [3, 2].map((units) =>
      dg.layers.lstm({ units, returnSequences: true, unitForgetBias: false })
    );
    const want = layers.reduce((y, layer) => layer.apply(y) as dg.Tensor, x);
    const cells = layers.map((layer) => {
      const [kernel, recurrent, bias] = layer.getWeights(), joined = dg.concat([kernel, recurrent]);
      // TensorFlow.js's order of gates is i, j, f, o; Keras's is i, f, j, o.
      const turn = (t: dg.Tensor) => {
        const [i, f, j, o] = dg.split(t, 4, -1);
        return dg.concat([i, j, f, o], -1);
      };
      const step: dg.LSTMCellFunc = (data, c, h) =>
        dg.basicLSTMCell(0, turn(joined), turn(bias), data, c, h);
      return step;
    });
    let c = [dg.zeros([2, 3]), dg.zeros([2, 2])], h = c;
    const steps = dg.unstack(x, 1).map((data) => {
      [c, h] = dg.multiRNNCell(cells, data, c, h);
      return h[1];
    });
    close(dg.stack(steps, 1), [...values(want)], "steps");
    assert.throws(
      () => dg.multiRNNCell(cells, x, c, [h[0]]),
      /of 2 cells wants as many states c and h, got 2 and 1/,
    );
    assert.throws(
      () => dg.basicLSTMCell(0, dg.ones([4, 4]), dg.ones([4]), h[0], c[0], h[0]),
      /of 3 units wants a kernel \[features \+ units, 12\], got \[4,4\]/,
    );
    assert.throws(
      () => dg.basicLSTMCell(0, dg.ones([4, 4]), dg.ones([4]), h[0], [1], h[0]),
      /wants states c and h \[batch, units\], got \[1\] and \[2,3\]/,
    );
    for (const layer of layers) layer.dispose();
  });
});

onEachDevice("a layer of another device works where its weights are", (home) => {
  const away = devices().find((d) => d !== home);
  if (!away) return;
  const makes = [
    ...Object.values(kinds),
    (args: { units: number }) => dg.layers.rnn({ cell: dg.layers.lstmCell(args) }),
    (args: { units: number }) => dg.layers.lstm({ ...args, activation: "softsign" }),
    (args: { units: number }) => dg.layers.lstm({ ...args, dropout: 0.5, recurrentDropout: 0.5 }),
  ];
  for (const make of makes) {
    dg.tidy(() => {
      const layer = make({ units: 3 });
      const x = device(away.name, () => dg.randomNormal([2, 4, 5]));
      device(away.name, () => layer.apply(x));
      const f = () => (layer.apply(x, { training: true }) as dg.Tensor).sum();
      const { value, grads } = dg.variableGrads(f, layer.trainableWeights.map((w) => w.variable));
      const empty = layer.apply(x.slice([0, 0, 0], [2, 0, 5])) as dg.Tensor;
      for (const t of [value, empty, ...Object.values(grads)]) assert.equal(t.device, away);
      layer.dispose();
    });
  }
});

Deno.test("recurrent layers say what they want", () => {
  dg.tidy(() => {
    const refuses = (run: () => unknown, message: RegExp) => assert.throws(run, message);
    refuses(
      () => dg.layers.lstm({ units: 0 }),
      /units of "lstm.*" must be a whole number of at least 1, got 0/,
    );
    refuses(
      () => dg.layers.lstm({ units: 2, dropout: 1 }),
      /dropout of LSTMCell must be from 0 to below 1, got 1/,
    );
    refuses(
      () => dg.layers.lstm({ units: 2 }).apply(dg.ones([2, 3])),
      /takes sequences \[batch, steps, ...\], got \[2,3\]/,
    );
    refuses(
      () =>
        dg.layers.lstm({ units: 2 }).apply(dg.ones([2, 3, 4]), { initialState: dg.ones([2, 2]) }),
      /begins with states \[2,2\], \[2,2\], got \[2,2\]/,
    );
    const turned = { mask: dg.ones([3, 2], "bool") }; // as many values as the right one
    for (const activation of ["tanh", "softsign"]) {
      refuses(
        () => dg.layers.lstm({ units: 2, activation, name: "l" }).apply(dg.ones([2, 3, 4]), turned),
        /"l" wants a mask \[2,3\] of its steps, got \[3,2\]/,
      );
    }
    refuses(
      () => dg.layers.gru({ units: 2, stateful: true }).apply(dg.input({ shape: [3, 1] })),
      /is stateful: it needs to know the batch size/,
    );
    refuses(() => dg.layers.gru({ units: 2 }).resetStates(), /keeps no states: it is not stateful/);
    refuses(
      () => dg.layers.bidirectional({ layer: dg.layers.dense({ units: 1 }) as unknown as dg.RNN }),
      /bidirectional takes recurrent layers/,
    );
    refuses(
      () => dg.layers.rnn({ cell: dg.layers.dense({ units: 1 }) as unknown as dg.RNNCell }),
      /needs a cell, an RNNCell or several/,
    );
    refuses(
      () =>
        dg.layers.timeDistributed({ layer: dg.layers.dense({ units: 1 }) }).apply(dg.ones([2, 3])),
      /takes sequences \[batch, steps, ...\], got \[2,3\]/,
    );
  });
});

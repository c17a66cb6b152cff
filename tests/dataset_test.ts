// Do datasets give the elements they should, in batches, in seeded orders and lazily, and does every tensor find its end?

import assert from "node:assert";
import * as dg from "../mod.ts";
import { onEachDevice } from "./fixtures.ts";

const range = (n: number) => dg.data.array(Array.from({ length: n }, (_, i) => i));

/** Numbers in batches, as lists. */
async function lists(dataset: dg.data.Dataset<dg.Tensor>): Promise<unknown[]> {
  const all = await dataset.toArray();
  const values = all.map((t) => t.arraySync());
  dg.dispose(all);
  return values;
}

onEachDevice("transformations", async () => {
  const five = range(5);
  assert.deepEqual(await five.map((x) => x * x).toArray(), [0, 1, 4, 9, 16]);
  assert.deepEqual(await five.mapAsync((x) => Promise.resolve(x + 1)).toArray(), [1, 2, 3, 4, 5]);
  assert.deepEqual(await five.filter((x) => x % 2 === 0).toArray(), [0, 2, 4]);
  assert.deepEqual(await five.take(2).toArray(), [0, 1]);
  assert.deepEqual(await five.take().toArray(), [0, 1, 2, 3, 4]);
  assert.deepEqual(await five.take(0).toArray(), []);
  assert.deepEqual(await five.skip(3).toArray(), [3, 4]);
  assert.deepEqual(await five.skip().toArray(), []);
  assert.deepEqual(await five.take(2).repeat(2).toArray(), [0, 1, 0, 1]);
  assert.deepEqual(await five.repeat().skip(3).take(4).toArray(), [3, 4, 0, 1]);
  assert.deepEqual(await range(0).repeat().toArray(), []);
  assert.deepEqual(await five.concatenate(range(2)).toArray(), [0, 1, 2, 3, 4, 0, 1]);
  assert.deepEqual(await five.prefetch(2).toArray(), [0, 1, 2, 3, 4]);
  assert.deepEqual(await lists(five.batch(2)), [[0, 1], [2, 3], [4]]);
  assert.deepEqual(await lists(five.batch(2, false)), [[0, 1], [2, 3]]);
  assert.deepEqual(await dg.data.func(() => 7).take(2).toArray(), [7, 7]);
});

Deno.test("sizes are known where they can be", () => {
  const five = range(5), unknown = dg.data.generator(function* () {});
  const sizes = (d: dg.data.Dataset<number>) =>
    [
      d.map((x) => x),
      d.batch(2),
      d.batch(2, false),
      d.repeat(3),
      d.repeat(),
      d.take(2),
      d.take(9),
      d.skip(2),
      d.skip(9),
      d.skip(),
      d.filter(Boolean),
      d.concatenate(five),
      d.shuffle(2),
      d.prefetch(1),
    ].map(({ size }) => size);
  assert.deepEqual(sizes(five), [5, 3, 2, 15, Infinity, 2, 5, 3, 0, 0, null, 10, 5, 5]);
  const none = null as never;
  const of = sizes(unknown as dg.data.Dataset<number>);
  assert.deepEqual(of, [...Array(9).fill(none), 0, none, none, none, none]);
  const endless = sizes(five.repeat());
  assert.deepEqual(endless.slice(0, 6), [...Array(5).fill(Infinity), 2]);
  assert.deepEqual([endless[10], endless[11]], [Infinity, Infinity]);
  assert.equal(dg.data.zip([five, range(3)]).size, 3);
  assert.equal(dg.data.zip([five, unknown]).size, null);
});

onEachDevice("batches stack what they are made of", async () => {
  const elements = [1, 2].map((v) => ({
    number: v,
    flag: v > 1,
    text: `t${v}`,
    tensor: dg.tensor([[v, 2 * v]], undefined, "int32"),
    typed: Int32Array.of(v, v),
    floats: Float32Array.of(v / 2),
    rows: [[v, 0], [0, v]],
    words: ["a", `${v}`],
    pair: [dg.scalar(v), { deep: v }],
  }));
  const [batch] = await dg.data.array(elements).batch(2).toArray();
  const show = (t: dg.Tensor) => [t.dtype, t.shape, [...t.dataSync()]];
  assert.deepEqual(show(batch.number), ["float32", [2], [1, 2]]);
  assert.deepEqual(show(batch.flag), ["bool", [2], [0, 1]]);
  assert.deepEqual(batch.text, ["t1", "t2"]);
  assert.deepEqual(show(batch.tensor), ["int32", [2, 1, 2], [1, 2, 2, 4]]);
  assert.deepEqual(show(batch.typed), ["int32", [2, 2], [1, 1, 2, 2]]);
  assert.deepEqual(show(batch.floats), ["float32", [2, 1], [0.5, 1]]);
  assert.deepEqual(show(batch.rows), ["float32", [2, 2, 2], [1, 0, 0, 1, 2, 0, 0, 2]]);
  assert.deepEqual(batch.words, [["a", "1"], ["a", "2"]]);
  assert.deepEqual(show(batch.pair[0]), ["float32", [2], [1, 2]]);
  assert.deepEqual(show(batch.pair[1].deep), ["float32", [2], [1, 2]]);
  dg.dispose([batch, elements]);
});

onEachDevice("elements that do not go together are named", async () => {
  const before = dg.memory();
  const refuse = async (elements: unknown[], sentence: RegExp) => {
    await assert.rejects(dg.data.array(elements).batch(9).toArray(), sentence);
    dg.dispose(elements);
  };
  await refuse([1, "a"], /first has numbers, element 1 has strings/);
  await refuse([{ a: 1 }, { a: undefined }], /first has numbers at a, element 1 has undefined/);
  await refuse([{ a: 1, b: 2 }, { a: 1 }], /first has the keys a, b, element 1 has the keys a/);
  await refuse([{ a: [dg.ones([2])] }, { a: [dg.ones([3])] }], /float32 \[2\] at a\.0.*\[3\]/);
  await refuse([[1, 2], [1]], /uneven/);
  await refuse([Float32Array.of(1), Float32Array.of(1, 2)], /1 values, element 1 has 2/);
  assert.throws(() => range(2).batch(0), /batch needs a whole number of at least 1, got 0/);
  assert.throws(() => range(2).shuffle(0), /bufferSize.*got 0/);
  assert.throws(() => range(2).repeat(1.5), /repeat.*got 1.5/);
  assert.throws(() => dg.data.zip([1 as never]), /needs datasets.*got number/);
  assert.throws(() => dg.data.array(3 as never), /needs a list.*got number/);
  await assert.rejects(range(2).repeat().toArray(), /without end/);
  await assert.rejects(dg.data.generator(() => 3 as never).toArray(), /gives an iterator/);
  await assert.rejects(range(2).map((x) => Promise.resolve(x)).toArray(), /async/);
  assert.deepEqual(dg.memory(), before);
});

Deno.test("orders follow the seed", async () => {
  const order = async (d: dg.data.Dataset<number>) => (await d.toArray()).join();
  const shuffled = range(20).shuffle(20, 3), again = range(20).shuffle(20, 3);
  const [first, second] = [await order(shuffled), await order(shuffled)];
  assert.deepEqual([await order(again), await order(again)], [first, second]);
  assert.notEqual(first, second);
  const sorted = first.split(",").map(Number).sort((a, b) => a - b);
  assert.deepEqual(sorted, await range(20).toArray());
  const same = range(20).shuffle(20, 3, false);
  assert.equal(await order(same), await order(same));
  // A buffer of n brings an element forward by less than n places.
  const near = await range(50).shuffle(4, 1).toArray();
  assert.ok(near.every((value, at) => value < at + 5), near.join());
  // Each repetition has an order of its own, and a later iteration is what it would have been in its turn.
  const twice = range(20).shuffle(20, 3).repeat(2), halves = await twice.toArray();
  assert.notDeepEqual(halves.slice(0, 20), halves.slice(20));
  const late = range(20).shuffle(20, 3);
  late.iterations = 1;
  assert.equal(await order(late), second);
  // Without a seed the global one decides.
  const global = async () => {
    dg.setRandomSeed(4);
    return await order(range(20).shuffle(20));
  };
  assert.equal(await global(), await global());
});

Deno.test("pairs stay pairs when both sides are shuffled by one seed", async () => {
  const pairs = dg.data.zip({ a: range(9).shuffle(9, 2), b: range(9).shuffle(9, 2) });
  assert.ok((await pairs.toArray()).every(({ a, b }) => a === b));
  const nested = dg.data.zip([range(2), { deep: [range(3)] }]);
  assert.deepEqual(await nested.toArray(), [[0, { deep: [0] }], [1, { deep: [1] }]]);
});

Deno.test("nothing is drawn before it is asked for, nor more than is asked for", async () => {
  let drawn = 0, closed = 0;
  const counted = dg.data.generator(async function* () {
    try {
      while (true) yield await Promise.resolve(drawn++);
    } finally {
      closed++;
    }
  });
  const pipeline = counted.map((x) => x + 1).filter((x) => x > 1).batch(2);
  assert.equal(drawn, 0);
  await pipeline.iterator(); // is never drawn from
  assert.equal(drawn, 0);
  dg.dispose(await pipeline.take(1).toArray());
  assert.deepEqual([drawn, closed], [3, 1]);
  await assert.rejects(
    counted.forEachAsync((x) => {
      if (x > 4) throw new Error("enough");
    }),
    /enough/,
  );
  assert.equal(closed, 2);
  const ahead = counted.prefetch(3);
  for await (const _ of ahead) break;
  assert.equal(closed, 3);
  // What is slow to come is being made meanwhile.
  const iterator = await counted.prefetch(3).iterator(), before = drawn;
  await iterator.next();
  await new Promise((resolve) => setTimeout(resolve, 5));
  assert.equal(drawn - before, 1 + 3);
  await iterator.return();
});

Deno.test("errors of sources and functions reach who draws", async () => {
  const failing = dg.data.generator(function* () {
    yield 1;
    throw new Error("lost");
  });
  for (const d of [failing, failing.prefetch(2), failing.shuffle(5), failing.batch(2)]) {
    await assert.rejects(d.toArray(), /lost/);
  }
  await assert.rejects(dg.data.zip([range(3), failing]).toArray(), /lost/);
  await assert.rejects(range(3).mapAsync(() => Promise.reject(Error("no"))).toArray(), /no/);
});

onEachDevice("every tensor is disposed of by whoever owned it last", async () => {
  const before = dg.memory();
  let next = 0;
  const tensors = dg.data.generator(function* () {
    for (let i = 0; i < 12; i++) yield { x: dg.tensor([next++, 0]), n: i };
  });
  const use = async (dataset: dg.data.Dataset<unknown>) => {
    await dataset.forEachAsync(() => {});
    assert.deepEqual(dg.memory(), before);
    for await (const element of dataset) { // leaves early
      dg.dispose(element);
      break;
    }
    assert.deepEqual(dg.memory(), before);
  };
  await use(tensors);
  await use(tensors.map(({ x }) => x.mul(2).add(1)));
  await use(tensors.map((e) => e));
  await use(tensors.map(() => 1));
  await use(tensors.mapAsync(({ x }) => Promise.resolve(dg.tidy(() => x.square().add(1)))));
  await use(tensors.filter(({ x, n }) => x.sum().dataSync()[0] >= 0 && n % 3 === 0));
  await use(tensors.batch(5));
  await use(tensors.shuffle(5).batch(4, false));
  await use(tensors.skip(3).take(6).repeat(2).prefetch(3));
  await use(dg.data.zip([tensors, tensors.take(5)]));
  await use(tensors.concatenate(tensors).batch(7).map(({ x }) => x.mean(0)));
  const boom = () => {
    throw new Error("boom");
  };
  for (const d of [tensors.map(boom), tensors.filter(boom), tensors.mapAsync(boom)]) {
    await assert.rejects(d.shuffle(3).batch(2).toArray(), /boom/);
    assert.deepEqual(dg.memory(), before);
  }
  // The list's own tensors and kept ones stay.
  const items = [dg.ones([2]), dg.zeros([2])], kept = dg.keep(dg.ones([3]));
  await dg.data.array(items).repeat(2).batch(2).forEachAsync(() => {});
  await dg.data.func(() => kept).take(3).batch(2).forEachAsync(() => {});
  assert.ok([...items, kept].every((t) => !t.isDisposed));
  dg.dispose([items, kept]);
  assert.deepEqual(dg.memory(), before);
});

onEachDevice("series become sequences as in Keras", async () => {
  const before = dg.memory();
  const data = Array.from({ length: 100 }, (_, i) => i);
  // Every third row, two apart: Keras's own example.
  const sampled = dg.data.timeseries(data, null, {
    sequenceLength: 10,
    samplingRate: 2,
    sequenceStride: 3,
    batchSize: 100,
  });
  const [all] = await sampled.toArray();
  assert.deepEqual(all.shape, [28, 10]);
  const rows = all.arraySync() as number[][];
  assert.deepEqual(rows[0], [0, 2, 4, 6, 8, 10, 12, 14, 16, 18]);
  assert.deepEqual(rows[27], [81, 83, 85, 87, 89, 91, 93, 95, 97, 99]);
  all.dispose();
  const x = dg.tensor(data.flatMap((v) => [v, -v]), [100, 2]);
  const y = dg.tensor(data.slice(10), undefined, "int32");
  const pairs = dg.data.timeseries(x, y, {
    sequenceLength: 10,
    batchSize: 32,
    shuffle: true,
    seed: 5,
  });
  assert.equal(pairs.size, 3);
  const seen: number[] = [], orders: string[] = [];
  for (let pass = 0; pass < 2; pass++) {
    seen.length = 0;
    await pairs.forEachAsync(({ xs, ys }) => {
      assert.deepEqual(xs.shape, [ys.shape[0], 10, 2]);
      const starts = dg.tidy(() => xs.slice([0, 0, 0], [-1, 1, 1]).dataSync());
      ys.dataSync().forEach((v, i) => {
        assert.equal(v, starts[i] + 10);
        seen.push(v);
      });
    });
    orders.push(seen.join());
  }
  assert.notEqual(orders[0], orders[1]);
  assert.deepEqual(seen.sort((a, b) => a - b), data.slice(10));
  const part = dg.data.timeseries(x, null, { sequenceLength: 2, startIndex: 90, endIndex: 93 });
  const [last] = await part.toArray();
  assert.deepEqual(last.arraySync(), [[[90, -90], [91, -91]], [[91, -91], [92, -92]]]);
  last.dispose();
  assert.throws(
    () => dg.data.timeseries(x, null, { sequenceLength: 101 }),
    /no sequence of 101 rows, 1 apart, in 100 rows/,
  );
  assert.throws(() => dg.data.timeseries(x, null, { sequenceLength: 0 }), /sequenceLength.*got 0/);
  dg.dispose([x, y]);
  assert.deepEqual(dg.memory(), before);
});

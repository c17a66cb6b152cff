// Are event files what TensorBoard reads? Parsed back here by a reader of its own, checks included.

import assert from "node:assert";
import * as dg from "../mod.ts";
import { crc32c } from "../src/io/crc32c.ts";
import { histogramOf, record } from "../src/io/events.ts";
import { Message } from "../src/io/protobuf.ts";
import { onEachDevice } from "./fixtures.ts";

const ascii = (text: string) => new TextEncoder().encode(text);
const range = (n: number) => Uint8Array.from({ length: n }, (_, i) => i);

Deno.test("checks are those of RFC 3720, B.4, and of common use", () => {
  const vectors: [bytes: Uint8Array, crc: number][] = [
    [new Uint8Array(0), 0],
    [new Uint8Array(32), 0x8a9136aa],
    [new Uint8Array(32).fill(0xff), 0x62a8ab43],
    [range(32), 0x46dd794e],
    [range(32).reverse(), 0x113fdb5c],
    [ascii("123456789"), 0xe3069283],
    [ascii("a"), 0xc1d04330],
  ];
  for (const [bytes, crc] of vectors) assert.equal(crc32c(bytes), crc);
});

Deno.test("protocol buffers are written as they are documented", () => {
  // The examples of the encoding's documentation.
  const inner = new Message().integer(1, 150);
  assert.deepEqual([...inner.encode()], [0x08, 0x96, 0x01]);
  assert.deepEqual([...new Message().text(2, "testing").encode()], [0x12, 7, ...ascii("testing")]);
  assert.deepEqual([...new Message().message(3, inner).encode()], [0x1a, 3, 8, 0x96, 1]);
  const large = new Message().integer(16, 2 ** 53 - 1).double(1, -2).encode();
  assert.deepEqual([...large.slice(0, 10)], [0x80, 1, 255, 255, 255, 255, 255, 255, 255, 15]);
  assert.deepEqual([...large.slice(10)], [9, 0, 0, 0, 0, 0, 0, 0, 0xc0]);
});

// ---- A reader ---------------------------------------------------------------------------------------------------------

/** Castagnoli's check, bit by bit. */
function slowCheck(bytes: Uint8Array): number {
  let crc = ~0;
  for (const byte of bytes) {
    crc ^= byte;
    for (let i = 0; i < 8; i++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1;
  }
  return ~crc >>> 0;
}
const unmask = (masked: number) => {
  const rotated = (masked - 0xa282ead8) >>> 0;
  return ((rotated >>> 17) | (rotated << 15)) >>> 0;
};

function records(file: Uint8Array): Uint8Array[] {
  const found: Uint8Array[] = [], view = new DataView(file.buffer, file.byteOffset);
  for (let at = 0; at < file.length;) {
    const length = Number(view.getBigUint64(at, true));
    assert.equal(unmask(view.getUint32(at + 8, true)), slowCheck(file.subarray(at, at + 8)));
    const data = file.subarray(at + 12, at + 12 + length);
    assert.equal(unmask(view.getUint32(at + 12 + length, true)), slowCheck(data));
    found.push(data);
    at += 16 + length;
  }
  return found;
}

type Field = number | Uint8Array;
/** Fields of a message by number, each a list. */
function fields(bytes: Uint8Array): Map<number, Field[]> {
  const found = new Map<number, Field[]>();
  let at = 0;
  const varint = () => {
    let value = 0n;
    for (let shift = 0n;; shift += 7n) {
      const byte = bytes[at++];
      value |= BigInt(byte & 127) << shift;
      if (byte < 128) return Number(value);
    }
  };
  while (at < bytes.length) {
    const key = varint(), kind = key & 7;
    let value: Field;
    if (kind === 0) value = varint();
    else if (kind === 1) value = bytes.slice(at, at += 8);
    else {
      assert.equal(kind, 2);
      const length = varint();
      value = bytes.slice(at, at += length);
    }
    found.set(key >> 3, [...found.get(key >> 3) ?? [], value]);
  }
  return found;
}
const text = (field: Field) => new TextDecoder().decode(field as Uint8Array);
const doubles = (field: Field) => [...new Float64Array((field as Uint8Array).slice().buffer)];

interface Entry {
  tag: string;
  step: number;
  plugin: string;
  shape: number[];
  values: number[];
}

/** The entries of all event files in a folder. */
function read(folder: string): Entry[] {
  const names = [...Deno.readDirSync(folder)].map((f) => f.name).sort();
  return names.flatMap((name) => {
    assert.match(name, /^events\.out\.tfevents\.\d{10}\..*\.v2$/);
    const [first, ...rest] = records(Deno.readFileSync(`${folder}/${name}`)).map(fields);
    assert.equal(text(first.get(3)![0]), "brain.Event:2");
    return rest.map((event) => {
      const [seconds] = doubles(event.get(1)![0]);
      assert.ok(Math.abs(seconds - Date.now() / 1000) < 600);
      const [summary] = fields(event.get(5)![0] as Uint8Array).get(1)!;
      const value = fields(summary as Uint8Array);
      const tensor = fields(value.get(8)![0] as Uint8Array);
      const metadata = fields(value.get(9)![0] as Uint8Array);
      const shape = (fields(tensor.get(2)![0] as Uint8Array).get(2) ?? [])
        .map((dim) => (fields(dim as Uint8Array).get(1)?.[0] ?? 0) as number);
      const content = (tensor.get(4)![0] as Uint8Array).slice().buffer;
      const [dtype] = tensor.get(1)!; // 1: float, 2: double
      return {
        tag: text(value.get(1)![0]),
        step: (event.get(2)?.[0] ?? 0) as number,
        plugin: text(fields(metadata.get(1)![0] as Uint8Array).get(1)![0]),
        shape,
        values: [...(dtype === 1 ? new Float32Array(content) : new Float64Array(content))],
      };
    });
  });
}

Deno.test("a record carries its length and data, each with a check", () => {
  const data = ascii("abc"), bytes = record(data);
  assert.equal(bytes.length, 19);
  assert.deepEqual(records(bytes), [data]);
  bytes[12] ^= 1;
  assert.throws(() => records(bytes));
});

Deno.test("histograms have 30 buckets of one width, or one around a single value", () => {
  const rows = histogramOf([0, 1, 2, 3, 30, NaN, Infinity]);
  assert.equal(rows.length, 90);
  assert.deepEqual([...rows.slice(0, 9)], [0, 1, 1, 1, 2, 1, 2, 3, 1]);
  assert.deepEqual([...rows.slice(87)], [29, 30, 1]);
  assert.equal(rows.filter((_, i) => i % 3 === 2).reduce((a, b) => a + b), 5);
  assert.deepEqual([...histogramOf([2, 2])], [1.5, 2.5, 2]);
  assert.equal(histogramOf([NaN]).length, 0);
});

onEachDevice("a training is written as Keras writes it", async () => {
  const folder = await Deno.makeTempDir();
  const model = dg.sequential({
    layers: [dg.layers.dense({ units: 3, inputShape: [2], name: "one" })],
  });
  model.compile({ optimizer: dg.train.sgd(0.125), loss: "mse", metrics: ["mae"] });
  const x = dg.randomNormal([8, 2]), y = dg.ones([8, 3]);
  try {
    const { history } = await model.fit(x, y, {
      epochs: 3,
      batchSize: 2,
      verbose: 0,
      validationData: [x, y],
      validationFreq: 2,
      callbacks: dg.callbacks.tensorBoard(folder, { histogramFreq: 2, updateFreq: 3 }),
    });
    const train = read(`${folder}/train`), validation = read(`${folder}/validation`);
    const scalars = (entries: Entry[], tag: string) => {
      const own = entries.filter((e) => e.tag === tag);
      assert.ok(own.every((e) => e.plugin === "scalars" && e.shape.length === 0));
      return own.map((e) => [e.step, e.values[0]]);
    };
    const float = (values: number[]) => values.map((v, i) => [i, Math.fround(v)]);
    assert.deepEqual(scalars(train, "epoch_loss"), float(history.loss));
    assert.deepEqual(scalars(train, "epoch_mae"), float(history.mae));
    assert.deepEqual(scalars(train, "epoch_learning_rate"), float([0.125, 0.125, 0.125]));
    assert.deepEqual(scalars(train, "batch_loss").map(([step]) => step), [3, 6, 9, 12]);
    assert.equal(scalars(train, "batch_mae").length, 4);
    const [[, loss]] = float(history.val_loss), [[, mae]] = float(history.val_mae);
    assert.deepEqual(scalars(validation, "epoch_loss"), [[1, loss]]);
    assert.deepEqual(scalars(validation, "epoch_mae"), [[1, mae]]);
    assert.deepEqual(scalars(validation, "evaluation_loss_vs_iterations"), [[8, loss]]);
    assert.deepEqual(scalars(validation, "evaluation_mae_vs_iterations"), [[8, mae]]);
    assert.equal(validation.length, 4);
    const histograms = train.filter((e) => e.plugin === "histograms");
    assert.deepEqual(histograms.map((e) => [e.tag, e.step]), [
      ["one/kernel/histogram", 0],
      ["one/bias/histogram", 0],
      ["one/kernel/histogram", 2],
      ["one/bias/histogram", 2],
    ]);
    const [, , kernel] = histograms;
    assert.deepEqual(kernel.shape, [30, 3]);
    const weights = model.weights[0].variable.dataSync();
    assert.deepEqual([kernel.values[0], kernel.values[88]], [
      Math.min(...weights),
      Math.max(...weights),
    ]);
    assert.equal(kernel.values.filter((_, i) => i % 3 === 2).reduce((a, b) => a + b), 6);
    // Another fit begins files of its own.
    const again = dg.callbacks.tensorBoard(folder);
    await model.fit(x, y, { verbose: 0, callbacks: again });
    await model.fit(x, y, { verbose: 0, callbacks: again });
    assert.equal([...Deno.readDirSync(`${folder}/train`)].length, 3);
  } finally {
    await Deno.remove(folder, { recursive: true });
    model.dispose();
    dg.dispose([x, y]);
  }
});

Deno.test("tensorBoard says what it wants", () => {
  const make = (args: object, folder = "logs") => () => dg.callbacks.tensorBoard(folder, args);
  assert.throws(make({}, ""), /needs a folder, got ""/);
  assert.throws(make({ updateFreq: "epochs" }), /updateFreq to be a whole number, got epochs/);
  assert.throws(make({ histogramFreq: 0.5 }), /histogramFreq to be a whole number, got 0.5/);
  assert.throws(
    make({ histogramFrequency: 1 }),
    /Unknown option of tensorBoard "histogramFrequency"/,
  );
});

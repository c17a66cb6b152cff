// Is CSV read as RFC 4180 says, however it is cut into parts, and is what is wrong with it said with its place?

import assert from "node:assert";
import * as dg from "../mod.ts";
import { CsvParser } from "../src/data/csv_parser.ts";
import { runProgram } from "./programs.ts";
import { root } from "./imports.ts";
import { serve } from "./server.ts";

/** Records of a text that comes in parts of so many characters. */
function parse(text: string, size = text.length || 1, delimiter?: string): string[][] {
  const parser = new CsvParser("t", delimiter), records: string[][] = [];
  for (let at = 0; at < text.length; at += size) {
    records.push(...parser.push(text.slice(at, at + size)).map((r) => r.fields));
  }
  return [...records, ...parser.end().map((r) => r.fields)];
}

const good: [text: string, records: string[][], delimiter?: string][] = [
  ["", []],
  ["a", [["a"]]],
  ["a,b\nc,d", [["a", "b"], ["c", "d"]]],
  ["a,b\r\nc,d\r\n", [["a", "b"], ["c", "d"]]],
  ["a,b\rc,d\r", [["a", "b"], ["c", "d"]]],
  ["a,,\n,,b\n", [["a", "", ""], ["", "", "b"]]],
  ["a\n\n\r\n\nb\n", [["a"], ["b"]]],
  ['""\na\n""', [[""], ["a"], [""]]],
  ['"a,b","c""d","e\nf\r\ng",h\n', [["a,b", 'c"d', "e\nf\r\ng", "h"]]],
  ['"""",""""""\n', [['"', '""']]],
  ['a," b "\n', [["a", " b "]]],
  [" a , b\n", [[" a ", " b"]]],
  ["a\tb;c\td\n", [["a", "b;c", "d"]], "\t"],
  ["ä;𝄞\n", [["ä", "𝄞"]], ";"],
];

Deno.test("records and fields, in parts of any size", () => {
  for (const [text, records, delimiter] of good) {
    for (let size = 1; size <= text.length + 1; size++) {
      assert.deepEqual(parse(text, size, delimiter), records, JSON.stringify([text, size]));
    }
  }
});

Deno.test("what was written comes back", () => {
  // All fields of up to three of the characters that matter, in records of two.
  const alphabet = ["a", ",", '"', "\n", "\r"], fields = [""];
  for (let i = 0; fields[i].length < 3; i++) fields.push(...alphabet.map((c) => fields[i] + c));
  const quote = (field: string) => `"${field.replaceAll('"', '""')}"`;
  const records = fields.map((field, i) => [field, fields[fields.length - 1 - i]]);
  for (const end of ["\n", "\r\n", "\r"]) {
    const text = records.map((r) => r.map(quote).join(",")).join(end);
    for (const size of [1, 7, text.length]) assert.deepEqual(parse(text, size), records);
  }
});

Deno.test("what is wrong is said with line and column", () => {
  const bad: [text: string, sentence: RegExp][] = [
    ['a,b\nc,d"e\n', /t: a quote stands inside a field.*line 2, column 4/],
    [
      'a\n"b"c\n',
      /wanted "," or the end of the line after a closing quote, got "c" at line 2, column 4/,
    ],
    ['a\nb,"c\nd\n', /the quote at line 2, column 3 is never closed/],
    ['"a\nb",c"\n', /line 2, column 5/],
    ['\r\n\r\nx"', /line 3, column 2/],
  ];
  for (const [text, sentence] of bad) {
    for (const size of [1, 2, text.length]) assert.throws(() => parse(text, size), sentence);
  }
  for (const delimiter of ["", "ab", '"', "\n"]) {
    assert.throws(() => parse("a", 1, delimiter), /a delimiter of one character/);
  }
});

const houses = "rooms,street,price\r\n3,Main St,200\r\n2,Elm St,150.5\r\n";

Deno.test("records become objects, their fields numbers where they are some", async () => {
  const plain = dg.data.csv(houses);
  assert.deepEqual(await plain.columnNames(), ["rooms", "street", "price"]);
  const rows = [{ rooms: 3, street: "Main St", price: 200 }, {
    rooms: 2,
    street: "Elm St",
    price: 150.5,
  }];
  assert.deepEqual(await plain.toArray(), rows);
  assert.deepEqual(await plain.toArray(), rows, "again");
  const config: dg.data.CSVConfig = {
    columnConfigs: { price: { isLabel: true, dtype: "int32" }, rooms: { dtype: "string" } },
    configuredColumnsOnly: true,
  };
  const labelled = dg.data.csv(houses, config);
  assert.deepEqual(await labelled.columnNames(), ["rooms", "price"]);
  assert.deepEqual(await labelled.toArray(), [
    { xs: { rooms: "3" }, ys: { price: 200 } },
    { xs: { rooms: "2" }, ys: { price: 150 } },
  ]);
  const named = dg.data.csv("1,true,\n0,1,x\n", {
    hasHeader: false,
    columnNames: ["a", "b", "c"],
    columnConfigs: { b: { dtype: "bool" }, c: { default: "none" } },
  });
  assert.deepEqual(await named.columnNames(), ["a", "b", "c"]);
  assert.deepEqual(await named.toArray(), [{ a: 1, b: 1, c: "none" }, { a: 0, b: 1, c: "x" }]);
  const renamed = dg.data.csv("x,y\n1e3,\n-.5,NaN\n", { columnNames: ["u", "v"] });
  assert.deepEqual(await renamed.toArray(), [{ u: 1000, v: undefined }, { u: -0.5, v: NaN }]);
});

Deno.test("records that are wrong are named by line and column", async () => {
  const refuse = (text: string, config: dg.data.CSVConfig, sentence: RegExp) =>
    assert.rejects(async () => await dg.data.csv(text, config).toArray(), sentence);
  await refuse("a,b\n1\n", {}, /the text, line 2: wanted 2 fields, as there are columns, got 1/);
  await refuse('a,b\n"x\ny",1\n1,2,3\n', {}, /line 4: wanted 2 fields.*got 3/);
  const number = { columnConfigs: { b: { dtype: "float32" as const } } };
  await refuse("a,b\n1,2\n1,two\n", number, /line 3, column 2 \("b"\): wanted a number.*got "two"/);
  await refuse("a,b\n1, \n", number, /line 2, column 2.*got " "/);
  const required = { columnConfigs: { a: { required: true } } };
  await refuse("a,b\n,2\n", required, /line 2, column 1 \("a"\): the field is empty/);
  await refuse("a,b\n,2\n", { columnConfigs: { a: { isLabel: true } } }, /the field is empty/);
  await refuse("a,a\n1,2\n", {}, /two columns are named "a"/);
  await refuse("a,b\n", { columnConfigs: { c: {} } }, /Unknown column in columnConfigs "c"/);
  await refuse("a,b\n", { columnNames: ["a"] }, /columnNames has 1 names, the header 2/);
  await refuse("\n", {}, /wanted a header, got an empty text/);
  await refuse("a\n", { header: true } as never, /Unknown option of data.csv "header"/);
  await refuse("a\n", { columnConfigs: { a: { type: 1 } as never } }, /Unknown option of a column/);
  await refuse("a\n", { hasHeader: false }, /needs columnNames for a text without a header/);
  await refuse("a", {}, /address that begins with file.*got "a"/);
});

Deno.test("texts come from files, addresses, blobs and streams, part by part", async () => {
  const folder = await Deno.makeTempDir(), path = `${folder}/houses.csv`;
  await Deno.writeTextFile(path, "\uFEFF" + houses);
  const first = [{ rooms: 3, street: "Main St", price: 200 }];
  const server = serve(new Map([["houses.csv", houses]]));
  try {
    const url = `http://${server.host}/houses.csv`;
    const sources: dg.data.TextSource[] = [
      `file://${path}`,
      new URL(`file://${path}`),
      url,
      new URL(url),
      new Blob([houses]),
      new Blob([houses]).stream(),
      () => new Blob([houses]).stream(),
      ReadableStream.from([...houses]),
    ];
    for (const source of sources) {
      assert.deepEqual(await dg.data.csv(source).take(1).toArray(), first); // closes what it leaves
    }
    const lines = await dg.data.textLine(`file://${path}`).toArray();
    assert.deepEqual(lines, ["rooms,street,price", "3,Main St,200", "2,Elm St,150.5"]);
    const once = dg.data.csv(new Blob([houses]).stream());
    assert.equal((await once.toArray()).length, 2);
    await assert.rejects(once.toArray(), /can be read once only, and this one was/);
    const missing = dg.data.csv(`http://${server.host}/none.csv`);
    await assert.rejects(missing.toArray(), /none.csv: the server answers 404/);
    await assert.rejects(dg.data.csv(`file://${folder}/none`).toArray(), /Cannot read .*none/);
    const bytes = new Blob([Uint8Array.of(97, 10, 0xff, 10)]);
    await assert.rejects(dg.data.csv(bytes).toArray(), /must be UTF-8, and is not/);
    const tail = new Blob([Uint8Array.of(97, 10, 0xc3)]);
    await assert.rejects(dg.data.textLine(tail).toArray(), /must be UTF-8/);
  } finally {
    await server[Symbol.asyncDispose]();
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("a text of many records is read in bounded memory", async () => {
  let made = 0;
  const stream = () =>
    new ReadableStream<string>({
      start: (controller) => controller.enqueue("a,b\n"),
      pull(controller) {
        made++;
        if (made > 200) controller.close();
        else controller.enqueue("1,2\n".repeat(1000));
      },
    }, { highWaterMark: 0 });
  const dataset = dg.data.csv(stream);
  let rows = 0, most = 0;
  await dataset.forEachAsync(() => {
    rows++;
    most = Math.max(most, made - rows / 1000);
  });
  assert.equal(rows, 200_000);
  assert.ok(most <= 3, `${most} parts were read ahead`);
});

Deno.test("without permission there is a sentence, and no prompt", async () => {
  const program = `
    import { data } from "${new URL("mod.ts", root).href}";
    for (const source of ["file:///etc/hosts", "http://127.0.0.1:9/x.csv"]) {
      await data.csv(source).toArray().catch((error) => console.log(error.message));
    }
  `;
  const { code, out } = await runProgram(program, []);
  assert.deepEqual([code, out.trim().split("\n")], [0, [
    "Reading /etc/hosts needs the permission --allow-read=/etc/hosts",
    "Reading http://127.0.0.1:9/x.csv needs the permission --allow-net=127.0.0.1:9",
  ]]);
});

// What does the training command say to what it cannot do? One line, before any work, and status 1.

import assert from "node:assert";

const script = new URL("../scripts/train.ts", import.meta.url).pathname;

async function refusal(...args: string[]): Promise<string> {
  const { code, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-lock", "--quiet", script, "--device", "wasm", ...args],
  }).output();
  const text = new TextDecoder().decode(stderr);
  assert.equal(code, 1, text);
  assert.match(text, /^error: [^\n]+\n$/);
  return text;
}

Deno.test("the training command answers misuse with one line", async () => {
  const folder = await Deno.makeTempDir();
  try {
    await Deno.writeTextFile(`${folder}/train-images-idx3-ubyte`, "no images");
    for (const name of ["train-labels-idx1", "t10k-images-idx3", "t10k-labels-idx1"]) {
      await Deno.writeTextFile(`${folder}/${name}-ubyte`, "");
    }
    assert.match(await refusal("--modle", "mlp"), /"--modle": did you mean "--model"/);
    assert.match(await refusal("--epochs", "0"), /integer of at least 1, got "0"/);
    assert.match(await refusal("--precision", "mixed_flaot16"), /did you mean "mixed_float16"/);
    assert.match(await refusal("--device", "gpu:99"), /no device "gpu:99" here, only/);
    assert.match(await refusal("--data", `${folder}/none`), /Wanted a folder with the files/);
    assert.match(await refusal("--data", folder), /is no IDX file/);
    assert.match(await refusal("--report", folder), /Is a directory/);
    assert.match(await refusal("--save", `${folder}/train-images-idx3-ubyte`), /File exists/);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

// What does a program see of a GPU that fails under it, and what can it still do? The emulated GPU fails on request.
import assert from "node:assert";
import { devices } from "../src/native/device.ts";
import { root } from "./imports.ts";
import { runProgram } from "./programs.ts";

const program = `
  import * as dg from "${new URL("mod.ts", root).href}";
  const attempt = async (run: () => unknown) => {
    try {
      return String(await run());
    } catch (error) {
      return \`\${(error as Error).name}: \${(error as Error).message}\`;
    }
  };
  await dg.setBackend("gpu:0");
  const x = dg.tensor([1, 2, 3]), y = x.softmax();
  const said = [
    await attempt(() => y.dataSync()),
    await attempt(() => x.dataSync()),
    await attempt(() => dg.ones([1000])),
    await attempt(() => x.add(x)),
  ];
  dg.dispose([x, y]);
  await dg.setBackend("wasm");
  said.push(await attempt(() => dg.tidy(() => dg.tensor([1, 2, 3]).square().sum().dataSync())));
  console.log(JSON.stringify(said));
`;

const earlier =
  "DinogradError: The GPU failed earlier, while running softmax<float>: restart the program";

Deno.test({
  name: "a GPU that fails says what it was doing, then that it failed, and other devices go on",
  ignore: !devices().some((d) => d.description === "emulated"),
  fn: async () => {
    const library = Deno.env.get("DINOGRAD_CUDA_LIB")!;
    const env = { DINOGRAD_CUDA_LIB: library, DINOGRAD_EMU_FAULT: "1" };
    const { code, out, err } = await runProgram(program, ["-A"], env);
    assert.equal(code, 0, err);
    assert.deepEqual(JSON.parse(out), [
      "DinogradError: The GPU failed while running softmax<float> or an operation shortly before it: an illegal memory access was " +
      "encountered. Nothing on it can be used any more: restart the program (DINOGRAD_SYNC=1 finds out which it was)",
      ...[earlier, earlier, earlier],
      "14",
    ]);
  },
});

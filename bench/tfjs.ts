// How long does TensorFlow.js take to train the same models? A process of its own, so that nothing else depends on its npm package.
//
//   deno run -A --no-lock bench/tfjs.ts: a line of JSON per request on standard input, a line of JSON per answer; see peers.ts.

import { TextLineStream } from "./lines.ts";
import type { PeerAnswer, PeerRequest } from "./peers.ts";
import type { Samples } from "./models.ts";

const reason = (error: unknown) =>
  (error instanceof Error ? error.message : String(error)).split("\n")[0];

async function open() {
  const tf = await import("npm:@tensorflow/tfjs@4.22.0");
  await import("npm:@tensorflow/tfjs-backend-wasm@4.22.0");
  tf.env().set("PROD", true); // without checks and advice
  return tf;
}

async function serve(): Promise<void> {
  const tf = await open();
  let current = "", train = (): Promise<unknown> => Promise.resolve(), release = () => {};

  const tensor = ({ tokens }: Samples, shape: number[]) =>
    tokens ? tf.randomUniform(shape, 0, tokens, "int32") : tf.randomNormal(shape);
  const targets = ({ classes }: Samples, count: number) =>
    classes
      ? tf.randomUniform([count], 0, classes, "int32").cast("float32")
      : tf.randomUniform([count, 1]).round();

  async function prepare({ backend, work, batch, steps }: PeerRequest): Promise<void> {
    release();
    await tf.setBackend(backend);
    const { topology, loss, samples } = work;
    const model = await tf.models.modelFromJSON(
      topology as Parameters<
        typeof tf.models.modelFromJSON
      >[0],
    );
    const x = tensor(samples, [batch * steps, ...samples.input]);
    const y = targets(samples, batch * steps);
    const optimizer = tf.train.adam();
    model.compile({ optimizer, loss });
    train = () => model.fit(x, y, { batchSize: batch, verbose: 0, yieldEvery: "never" });
    release = () => {
      tf.dispose([x, y]);
      model.dispose();
      release = () => {};
    };
  }

  async function answer(request: PeerRequest): Promise<PeerAnswer> {
    const key = JSON.stringify(request);
    if (key !== current) {
      current = "";
      await prepare(request);
      await train(); // what happens once
      current = key;
    }
    const start = performance.now();
    await train();
    return { seconds: (performance.now() - start) / 1000 };
  }

  const lines = Deno.stdin.readable.pipeThrough(new TextDecoderStream())
    .pipeThrough(new TextLineStream());
  for await (const line of lines) {
    const result = await answer(JSON.parse(line)).catch((e): PeerAnswer => ({ error: reason(e) }));
    console.log(JSON.stringify(result));
  }
}

if (import.meta.main) {
  // What TensorFlow.js has to say of itself is no answer.
  const { log } = console;
  console.info = console.warn = console.debug = () => {};
  console.log = log;
  await serve().catch((error) => {
    console.log(JSON.stringify({ error: `TensorFlow.js could not be opened: ${reason(error)}` }));
  });
}

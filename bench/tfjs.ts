// How long does TensorFlow.js take to train the same models? A process of its own, so that nothing else depends on its npm package.
//
//   deno run -A --no-lock bench/tfjs.ts: a line when it is loaded, then a line of JSON per answer to
//   a line of JSON on standard input; see peers.ts.

import { TextLineStream } from "./lines.ts";
import type { PeerAnswer, PeerRequest } from "./peers.ts";
import type { AdversarialWork, FittedWork, Samples } from "./models.ts";

const reason = (error: unknown) =>
  (error instanceof Error ? error.message : String(error)).split("\n")[0];

async function open() {
  const tf = await import("npm:@tensorflow/tfjs@4.22.0");
  await import("npm:@tensorflow/tfjs-backend-wasm@4.22.0");
  tf.env().set("PROD", true); // without checks and advice
  return tf;
}

/** A first step that takes longer, in seconds, counts: what happens once is little of it. */
const long = 2;

/** Trains through so many batches, and says how many seconds that took. */
type Train = (steps: number) => Promise<number>;

async function secondsOf(run: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await run();
  return (performance.now() - start) / 1000;
}

async function serve(): Promise<void> {
  const tf = await open();
  type Json = Parameters<typeof tf.models.modelFromJSON>[0];
  const load = (topology: Record<string, unknown>) =>
    tf.models.modelFromJSON(topology as unknown as Json);

  const tensor = ({ tokens }: Samples, shape: number[]) =>
    tokens ? tf.randomUniform(shape, 0, tokens, "int32") : tf.randomNormal(shape);
  const targets = ({ classes }: Samples, count: number) =>
    classes
      ? tf.randomUniform([count], 0, classes, "int32").cast("float32")
      : tf.randomUniform([count, 1]).round();

  async function fitted(work: FittedWork, batch: number): Promise<Train> {
    const model = await load(work.topology);
    model.compile({ optimizer: tf.train.adam(), loss: work.loss });
    const options = { batchSize: batch, verbose: 0, yieldEvery: "never" } as const;
    return async (steps) => {
      const x = tensor(work.samples, [batch * steps, ...work.samples.input]);
      const y = targets(work.samples, batch * steps);
      const seconds = await secondsOf(() => model.fit(x, y, options));
      tf.dispose([x, y]);
      return seconds;
    };
  }

  async function adversarial(work: AdversarialWork, batch: number): Promise<Train> {
    const generator = await load(work.generator), discriminator = await load(work.discriminator);
    const { noise, loss } = work, inputs = generator.inputs;
    discriminator.compile({ optimizer: tf.train.adam(), loss });
    discriminator.trainable = false;
    const judged = discriminator.apply(generator.outputs[0]) as typeof inputs[number];
    const both = tf.model({ inputs, outputs: judged });
    both.compile({ optimizer: tf.train.adam(), loss });
    const real = tf.randomUniform([batch, discriminator.inputs[0].shape[1]!], -1, 1);
    const yes = tf.ones([batch, 1]), labels = yes.concat(tf.zeros([batch, 1]));
    const step = async () => {
      const z = tf.randomNormal([batch, noise]);
      const fake = generator.predict(z) as typeof z, images = real.concat(fake);
      discriminator.trainable = true; // TensorFlow.js asks at each step, not at compilation
      await discriminator.trainOnBatch(images, labels);
      discriminator.trainable = false;
      await both.trainOnBatch(z, yes);
      tf.dispose([z, fake, images]);
    };
    return (steps) =>
      secondsOf(async () => {
        for (let i = 0; i < steps; i++) await step();
      });
  }

  async function prepare({ backend, work, batch }: PeerRequest): Promise<Train> {
    tf.disposeVariables();
    await tf.setBackend(backend);
    return await ("topology" in work ? fitted(work, batch) : adversarial(work, batch));
  }

  let current = "", train: Train;
  async function answer({ steps, ...model }: PeerRequest): Promise<PeerAnswer> {
    const key = JSON.stringify(model);
    if (key !== current) {
      current = "";
      train = await prepare({ steps, ...model });
      const seconds = await train(1);
      current = key;
      if (steps === 1 && seconds > long) return { seconds };
    }
    return { seconds: await train(steps) / steps };
  }

  const lines = Deno.stdin.readable.pipeThrough(new TextDecoderStream())
    .pipeThrough(new TextLineStream());
  console.log("loaded");
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

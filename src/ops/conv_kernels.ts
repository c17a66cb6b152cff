// What does the native convolution compute? Input, filter and output of a convolution belong together: from any two of them follows
// the third, or its gradient. So there are three operations, each of which is what the others' gradients are made of.

import { ConvKind } from "../native/symbols.ts";
import { type Inputs, op } from "../op.ts";
import { precisionFlag } from "../precision.ts";
import { makeTensor, type Tensor } from "../tensor.ts";
import { unfinish } from "./epilogue.ts";
import type { Windows } from "./windows.ts";

/** A convolution: windows, channels, and the name of an activation over the result where there is one. */
export interface Convolution extends Windows {
  readonly inChannels: number;
  readonly outChannels: number;
  readonly groups: number;
  readonly activation?: string;
}

type Part = "output" | "input" | "filter";

// The result of each kind, and what it is made of, in the order of dg_conv.
const kinds = {
  output: { kind: ConvKind.forward, from: ["input", "filter"] },
  input: { kind: ConvKind.input, from: ["output", "filter"] },
  filter: { kind: ConvKind.filter, from: ["input", "output"] },
} as const;

const shapes: Readonly<Record<Part, (batch: number, c: Convolution) => number[]>> = {
  output: (batch, c) => [batch, ...c.out, c.outChannels],
  input: (batch, c) => [batch, ...c.in, c.inChannels],
  filter: (_, c) => [...c.window, c.inChannels / c.groups, c.outChannels],
};

const define = (part: Part, activated: boolean) => {
  const { kind, from: [first, second] } = kinds[part];
  return op<Inputs, Convolution, string>({
    name: { output: "conv", input: "convTranspose", filter: "convFilter" }[part],
    check: (inputs, c) => ({
      shape: shapes[part](inputs[first].shape[0], c),
      dtype: inputs[first].dtype,
    }),
    forward: (inputs, c, { shape, dtype }, device) => {
      const { native } = device, a = inputs[first], y = makeTensor(shape, dtype, device);
      const sizes = [a.shape[0], c.inChannels, c.outChannels, c.groups];
      native.list(sizes, c.in, c.out, c.window, c.strides, c.dilations, c.padding);
      native.check(native.calls.dg_conv(
        kind,
        a.handle,
        inputs[second].handle,
        inputs.bias?.handle ?? 0,
        y.handle,
        c.in.length,
        precisionFlag(),
        c.activation === undefined ? -1 : native.id("unary", c.activation),
        0,
      ));
      return y;
    },
    saves: activated ? [first, second, "bias", "y"] : [first, second, "bias"],
    grad: ({ dy, y, bias, ...saved }, { activation, ...c }) => {
      // The gradient before the activation is made once for all operands.
      let made: ReturnType<typeof unfinish> | undefined;
      const before = () => made ??= unfinish({ dy, y, bias }, activation);
      const dz = () => before().dz;
      return {
        [first]: () => conv[first]({ [part]: dz(), [second]: saved[second] }, c),
        [second]: () => conv[second]({ [part]: dz(), [first]: saved[first] }, c),
        bias: () => before().dbias!,
      };
    },
  });
};

type Conv = (inputs: Inputs, attrs: Convolution) => Tensor;

/**
 * The output of a convolution from { input, filter, bias? }; its input from { output, filter, bias? }, which is the transposed
 * convolution; its filter's gradient from { input, output }.
 */
export const conv: Readonly<Record<Part, Conv>> = {
  output: define("output", false),
  input: define("input", false),
  filter: define("filter", false),
};

/** The same with an activation whose derivative follows from its result. */
export const activatedConv: Readonly<Record<"output" | "input", Conv>> = {
  output: define("output", true),
  input: define("input", true),
};

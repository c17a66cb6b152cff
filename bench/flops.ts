// How many multiply-adds does a sample take on its way through a layer? And how many operations is a step of training?

/** A dense layer. */
export const dense = (inputs: number, units: number): number => inputs * units;

/** A convolution over squares, given the size of its output's side. */
export const conv = (side: number, kernel: number, inputs: number, filters: number): number =>
  side ** 2 * kernel ** 2 * inputs * filters;

/** An LSTM: four gates of inputs and of the state, each step. */
export const lstm = (steps: number, inputs: number, units: number): number =>
  steps * 4 * units * (inputs + units);

/**
 * Floating-point operations of a step on so many samples: forward, and backward twice as many (the gradients of inputs and of
 * weights), each multiply-add two. What is not a product is not counted, nor that the first layer needs no gradient of its inputs.
 */
export const trainingFlops = (multiplyAdds: number, samples: number): number =>
  3 * 2 * multiplyAdds * samples;

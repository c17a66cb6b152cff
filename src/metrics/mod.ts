// Which metrics are public? TensorFlow.js's functions, and Keras's classes with state.

export * from "./functions.ts";
export * from "./stateful.ts";

// In which form do models, inputs and results go to TensorFlow.js and back? See tfjs_peer.ts.

/** Numbers with a shape. */
export interface PlainTensor {
  shape: number[];
  data: number[];
}

/** A saved model, as JSON holds it, with something to run and train it on. */
export interface PeerModel {
  name: string;
  /** What `save` gave, the weights' bytes in base64. */
  artifacts: Record<string, unknown> & { weightData: string };
  inputs: PlainTensor[];
  targets: PlainTensor[];
}

/** What a model gives before and after one step of training. */
export interface PeerResults {
  name: string;
  outputs: PlainTensor[];
  /** Nothing where the model was saved without its optimizer. */
  trained: PlainTensor[] | null;
}

/** What the script answers. */
export interface PeerAnswer {
  given: PeerResults[];
  own: (PeerModel & PeerResults)[];
}

/** Bytes as text. */
export const toBase64 = (bytes: Uint8Array): string =>
  btoa(Array.from(bytes, (b) => String.fromCharCode(b)).join(""));
/** Text as bytes. */
export const fromBase64 = (text: string): Uint8Array<ArrayBuffer> =>
  Uint8Array.from(atob(text), (c) => c.charCodeAt(0));

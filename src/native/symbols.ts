// What is in cuda/dinograd.h? Its one transcription: the functions with their argument types, and its enumerations.

const i = "i32", d = "f64", f = "f32", p = "buffer";

/** Version of the contract this file transcribes (DG_VERSION). */
export const VERSION = 5;
/** f64 values in a scratch area (DG_SCRATCH). */
export const SCRATCH = 2048;
/** Values in an optimizer's hyper-parameter array (DG_HYPER). */
export const HYPER = 16;
/** Indices that one dg_coalesce takes (DG_COALESCE). */
export const COALESCE = 1048576;
/** Elements to which each parameter's part of a flat gradient array is rounded up. */
export const SEGMENT_ALIGN = 16;

/** Every function of the contract, in the header's order. */
export const symbols = {
  dg_version: { parameters: [], result: i },
  dg_open: { parameters: [p], result: i },
  dg_message: { parameters: [i], result: i },
  dg_name: { parameters: [i, i], result: i },
  dg_threads: { parameters: [i], result: i },
  dg_device_count: { parameters: [], result: i },
  dg_device_text: { parameters: [i, i], result: i },
  dg_device_number: { parameters: [i, i], result: d },
  dg_synchronize: { parameters: [i], result: i },
  dg_alloc: { parameters: [i, i, d, i], result: i },
  dg_view: { parameters: [i, d, i, d], result: i },
  dg_free: { parameters: [i], result: i },
  dg_upload: { parameters: [i, d, p, d], result: i },
  dg_download: { parameters: [i, d, p, d], result: i },
  dg_copy: { parameters: [i, i], result: i },
  dg_fill: { parameters: [i, d], result: i },
  dg_memory: { parameters: [i, i], result: d },
  dg_memory_reset: { parameters: [i], result: i },
  dg_memory_limit: { parameters: [i, d], result: i },
  dg_trim: { parameters: [i], result: i },
  dg_arena: { parameters: [i], result: i },
  dg_arena_free: { parameters: [i], result: i },
  dg_record_begin: { parameters: [i], result: i },
  dg_record_end: { parameters: [], result: i },
  dg_record_abort: { parameters: [], result: i },
  dg_program_free: { parameters: [i], result: i },
  dg_program_calls: { parameters: [i], result: d },
  dg_replay: { parameters: [i, i, i, i, i, i], result: i },
  dg_profile: { parameters: [i], result: i },
  dg_profile_row: { parameters: [i], result: i },
  dg_iterate: { parameters: [i, f, f, d], result: i },
  dg_unary: { parameters: [i, i, i, f, f], result: i },
  dg_binary: { parameters: [i, i, i, i, i], result: i },
  dg_where: { parameters: [i, i, i, i, i], result: i },
  dg_cast: { parameters: [i, i], result: i },
  dg_strided: { parameters: [i, d, i, d, i], result: i },
  dg_gather: { parameters: [i, i, i, i, d, d, d, d], result: i },
  dg_scatter_add: { parameters: [i, i, i, d, d, d, d], result: i },
  dg_coalesce: { parameters: [i, i, i, i, d, d, d], result: i },
  dg_one_hot: { parameters: [i, i, d, f, f], result: i },
  dg_reduce: { parameters: [i, i, i, i, i], result: i },
  dg_argreduce: { parameters: [i, i, i, d, d, d], result: i },
  dg_scan: { parameters: [i, i, i, d, d, d, i, i], result: i },
  dg_matmul: { parameters: [i, i, i, i, d, d, d, d, i, i, f], result: i },
  dg_activation_grad: { parameters: [i, i, i, i, i, d, d], result: i },
  dg_matmul_grad: { parameters: [i, i, i, i, i, i, i, i, d, d, d, i, i], result: i },
  dg_engine: { parameters: [i], result: i },
  dg_conv: { parameters: [i, i, i, i, i, i, i, i, f], result: i },
  dg_pool: { parameters: [i, i, i, i], result: i },
  dg_pool_grad: { parameters: [i, i, i, i, i, i], result: i },
  dg_resize: { parameters: [i, i, i, i], result: i },
  dg_resize_grad: { parameters: [i, i, i, i], result: i },
  dg_normalize: { parameters: [i, i, i, i, i, i, i, f], result: i },
  dg_normalize_grad: { parameters: [i, i, i, i, i, i, i, i, f], result: i },
  dg_softmax: { parameters: [i, i, d, d, i], result: i },
  dg_softmax_grad: { parameters: [i, i, i, d, d, i], result: i },
  dg_cross_entropy: { parameters: [i, i, i, d, d], result: i },
  dg_cross_entropy_grad: { parameters: [i, i, i, i, d, d], result: i },
  dg_loss: { parameters: [i, i, i, i, i, d, d, f], result: i },
  dg_recurrent: { parameters: [i, i, i, i, i, i, i, i, i, i, i, i], result: i },
  dg_recurrent_grad: {
    parameters: [i, i, i, i, i, i, i, i, i, i, i, i, i, i, i, i],
    result: i,
  },
  dg_attention: { parameters: [i, i, i, i, i, i, f, i], result: i },
  dg_attention_grad: { parameters: [i, i, i, i, i, i, i, i, i, i, f, i], result: i },
  dg_random: { parameters: [i, i, i, f, f], result: i },
  dg_update: { parameters: [i, i, i, i, i, i, i, i, i, i], result: i },
  dg_clip: { parameters: [i, i, f, i], result: i },
  dg_all_finite: { parameters: [i, i], result: i },
  dg_loss_scale: { parameters: [i, i, i, i], result: i },
  dg_note: { parameters: [i, i, i, i], result: i },
} as const;

/** Name of a function of the contract. */
export type SymbolName = keyof typeof symbols;

/** What a function takes for an argument type of the contract. */
export type Argument<T> = T extends "buffer" ? BufferSource : number;
/** What a function takes for a list of argument types. */
export type Arguments<P extends readonly string[]> = { -readonly [K in keyof P]: Argument<P[K]> };

/** The contract as callable functions; every result is a number. */
export type Calls = {
  readonly [K in SymbolName]: (...args: Arguments<(typeof symbols)[K]["parameters"]>) => number;
};

/** enum dg_error */
export const ErrorCode = { argument: -1, memory: -2, device: -3, record: -4 } as const;
/** enum dg_family */
export const Family = {
  unary: 0,
  binary: 1,
  reduce: 2,
  argreduce: 3,
  scan: 4,
  random: 5,
  update: 6,
  clip: 7,
} as const;
/** Name of an operation family whose members are found by name. */
export type FamilyName = keyof typeof Family;
/** enum dg_text */
export const DeviceText = { name: 0, details: 1 } as const;
/** enum dg_number */
export const DeviceNumber = {
  memoryTotal: 0,
  memoryFree: 1,
  computeCapability: 2,
  multiprocessors: 3,
  clock: 4,
  driverVersion: 5,
  runtimeVersion: 6,
  l2Bytes: 7,
  ecc: 8,
  vectorBits: 9,
} as const;
/** enum dg_memory_kind */
export const MemoryKind = { live: 0, peak: 1, cached: 2, limit: 3, arrays: 4, arena: 5 } as const;
/** enum dg_matmul_flag */
export const MatMulFlag = {
  transposeA: 1,
  transposeB: 2,
  shareA: 4,
  shareB: 8,
  tf32: 16,
  tf32x3: 32,
} as const;
/** enum dg_engine */
export const Engine = { ask: -1, best: 0, own: 1, cublaslt: 2 } as const;
/** enum dg_conv_kind */
export const ConvKind = { forward: 0, input: 1, filter: 2 } as const;
/** enum dg_pool_kind */
export const PoolKind = { max: 0, average: 1, argmax: 2 } as const;
/** enum dg_loss_kind */
export const LossKind = { squared: 0, sigmoid: 1, softmax: 2 } as const;
/** enum dg_cell */
export const Cell = { simple: 0, lstm: 1, gru: 2, gruBefore: 3 } as const;
/** enum dg_resize_grid */
export const ResizeGrid = { edges: 0, corners: 1, centers: 2 } as const;
/** enum dg_resize_kind */
export const ResizeKind = { nearest: 0, bilinear: 1 } as const;

// How does the rest of the library talk to a loaded build? One object per build: its calls, scratch area, messages and names.

import { DinogradError } from "../errors.ts";
import {
  type Calls,
  ErrorCode,
  Family,
  type FamilyName,
  SCRATCH,
  type symbols,
  VERSION,
} from "./symbols.ts";

/** Memory on the device is not enough (or the limit forbids it). Everything made before still works. */
export class OutOfMemoryError extends DinogradError {
  /** Name of the error. */
  override name = "OutOfMemoryError";
}

/** Something that needs values was asked for while a step is being recorded. */
export class RecordError extends DinogradError {
  /** Name of the error. */
  override name = "RecordError";
}

const decoder = new TextDecoder();

/** A loaded build of the native contract, as seen by one thread. */
export abstract class Native {
  /** The functions of the contract. */
  abstract readonly calls: Calls;
  /** The scratch area; read it anew for every call, because WebAssembly's memory moves. */
  abstract get scratch(): Float64Array;
  /** Copies host bytes into an array, from its element `offset` on. */
  abstract upload(array: number, offset: number, bytes: Uint8Array<ArrayBuffer>): void;
  /** Copies array elements, from `offset` on, to host bytes. */
  abstract download(array: number, offset: number, bytes: Uint8Array<ArrayBuffer>): void;
  /** This thread's context id. */
  abstract readonly context: number;

  /** Ids of the operations of each family, by name. */
  readonly ids: Record<FamilyName, Record<string, number>> = {
    unary: {},
    binary: {},
    reduce: {},
    argreduce: {},
    scan: {},
    random: {},
    update: {},
    clip: {},
  };

  /** Reads the names both sides share. Called once, after loading. */
  protected readNames(): void {
    for (const [family, number] of Object.entries(Family)) {
      const ids = this.ids[family as FamilyName];
      for (let id = 0;; id++) {
        const length = this.calls.dg_name(number, id);
        if (length < 0) break;
        ids[this.text(length)] = id;
      }
    }
  }

  /** The text a call left in the scratch area. */
  text(length: number): string {
    const { buffer, byteOffset } = this.scratch;
    return decoder.decode(new Uint8Array(buffer, byteOffset, length).slice());
  }

  /** Passes a status through, or throws the sentence behind a failed one. */
  check(status: number): number {
    if (status >= 0) return status;
    const message = this.text(Math.max(0, this.calls.dg_message(this.context)));
    if (status === ErrorCode.memory) throw new OutOfMemoryError(message);
    if (status === ErrorCode.record) throw new RecordError(message);
    throw new DinogradError(message);
  }

  /** Writes lists into the scratch area, one after another. */
  list(...lists: (readonly number[])[]): void {
    const scratch = this.scratch;
    let at = 0;
    for (const values of lists) for (const v of values) scratch[at++] = v;
  }

  /** Id of an operation; a missing one is a fault of this library, not of its user. */
  id(family: FamilyName, name: string): number {
    const id = this.ids[family][name];
    if (id === undefined) throw new DinogradError(`The native library has no ${family} "${name}"`);
    return id;
  }
}

/** A shared library opened with `Deno.dlopen`. */
export class FfiNative extends Native {
  readonly calls: Calls;
  readonly context: number;
  #scratch = new Float64Array(SCRATCH);

  constructor(library: Deno.DynamicLibrary<typeof symbols>) {
    super();
    this.calls = library.symbols as unknown as Calls;
    const version = this.calls.dg_version();
    if (version !== VERSION) {
      library.close();
      throw new DinogradError(
        `the library speaks contract version ${version}, this dinograd version ${VERSION}`,
      );
    }
    // The library keeps this address: the array lives as long as this object, which lives as long as the module.
    this.context = this.calls.dg_open(this.#scratch);
    this.readNames();
  }

  get scratch(): Float64Array {
    return this.#scratch;
  }
  upload(array: number, offset: number, bytes: Uint8Array<ArrayBuffer>): void {
    this.check(this.calls.dg_upload(array, offset, bytes, bytes.byteLength));
  }
  download(array: number, offset: number, bytes: Uint8Array<ArrayBuffer>): void {
    this.check(this.calls.dg_download(array, offset, bytes, bytes.byteLength));
  }
}

/** What the WebAssembly build asks of its host: a clock. */
const host = { host: { milliseconds: () => performance.now() } };

/** The WebAssembly build. */
export class WasmNative extends Native {
  readonly calls: Calls;
  readonly context: number = 1;
  #memory: WebAssembly.Memory;
  #address: (array: number, offset: number, bytes: number, write: number) => number;
  #scratchAt: number;
  #scratch: Float64Array;

  constructor(module: WebAssembly.Module) {
    super();
    const exports = new WebAssembly.Instance(module, host).exports as unknown as Calls & {
      memory: WebAssembly.Memory;
      _initialize(): void;
      dg_scratch(): number;
      dg_address(array: number, offset: number, bytes: number, write: number): number;
    };
    exports._initialize();
    this.calls = exports;
    this.#memory = exports.memory;
    this.#address = exports.dg_address;
    this.#scratchAt = exports.dg_scratch();
    this.#scratch = new Float64Array(this.#memory.buffer, this.#scratchAt, SCRATCH);
    this.readNames();
  }

  get scratch(): Float64Array {
    if (this.#scratch.buffer !== this.#memory.buffer) {
      this.#scratch = new Float64Array(this.#memory.buffer, this.#scratchAt, SCRATCH);
    }
    return this.#scratch;
  }
  upload(array: number, offset: number, bytes: Uint8Array<ArrayBuffer>): void {
    this.#part(array, offset, bytes.byteLength, 1).set(bytes);
  }
  download(array: number, offset: number, bytes: Uint8Array<ArrayBuffer>): void {
    bytes.set(this.#part(array, offset, bytes.byteLength, 0));
  }
  #part(array: number, offset: number, bytes: number, write: number): Uint8Array {
    const at = this.check(this.#address(array, offset, bytes, write));
    return new Uint8Array(this.#memory.buffer, at, bytes);
  }
}

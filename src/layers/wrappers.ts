// Which layers do something with another one? One that is walked in both directions, and one that is applied to each step.

import { DinogradError } from "../errors.ts";
import { add, mul } from "../ops/elementwise.ts";
import { concat } from "../ops/join.ts";
import { reverse } from "../ops/movement.ts";
import { reshape } from "../ops/reshape.ts";
import { tidy } from "../scope.ts";
import { argsOf, type ClassConfig, type Config, serialize } from "../serialization.ts";
import { registerClass } from "../serialization/registry.ts";
import { showShape } from "../shape.ts";
import type { Tensor } from "../tensor.ts";
import { only } from "./core.ts";
import { deserializeLayer } from "./deserialize.ts";
import { type CallArgs, Layer, type LayerArgs, type SymbolicTensor } from "./layer.ts";
import type { Mask } from "./mask.ts";
import { RNN } from "./rnn.ts";

/** Arguments of layers around a layer. */
export interface WrapperLayerArgs extends LayerArgs {
  /** What is inside. */
  layer: Layer;
}

/** The base of layers around one layer. */
abstract class Wrapper extends Layer {
  /** What is inside. */
  readonly layer: Layer;

  constructor(args: WrapperLayerArgs) {
    super(args);
    this.layer = args.layer;
    if (!(this.layer instanceof Layer)) {
      throw new DinogradError(`Layer "${this.name}" needs a layer to put inside`);
    }
  }
  override getConfig(): Config {
    return { ...super.getConfig(), layer: serialize(this.layer) };
  }
  static override fromConfig(config: Config): Layer {
    const args = argsOf(config);
    for (const [key, value] of Object.entries(args)) {
      if (/layer$/i.test(key)) args[key] = deserializeLayer(value as ClassConfig);
    }
    if (config.merge_mode === null) args.mergeMode = null;
    // deno-lint-ignore no-explicit-any
    return new (this as unknown as new (args: any) => Layer)(args);
  }
}

/** A layer for each step of a sequence by itself. */
export class TimeDistributed extends Wrapper {
  static override className = "TimeDistributed";

  constructor(args: WrapperLayerArgs) {
    super(args);
    this.supportsMasking = true;
  }
  override build(inputShape: number[]): void {
    if (inputShape.length < 3) {
      throw new DinogradError(
        `Layer "${this.name}" takes sequences [batch, steps, ...], got ${showShape(inputShape)}`,
      );
    }
    this.layer.scope = this.scope;
    this.layer.ensureBuilt([inputShape[0], ...inputShape.slice(2)]);
  }
  override call(inputs: Tensor | Tensor[], { mask, ...args }: CallArgs): Tensor {
    const x = only(inputs, this.name);
    return tidy(() => {
      const [batch, steps, ...rest] = x.shape, all = batch * steps;
      const given = [mask].flat()[0];
      const flat = given && !x.isAbstract
        ? reshape(given, [all, ...given.shape.slice(2)])
        : undefined;
      // A mask of whole steps is none of what is in a step.
      const inside = flat && flat.rank > 1 ? { mask: flat } : {};
      const y = this.layer.apply(reshape(x, [all, ...rest]), { ...args, ...inside }) as Tensor;
      return reshape(y, [batch, steps, ...y.shape.slice(1)]);
    });
  }
}
registerClass(TimeDistributed);

/** How the results of both directions are joined; null: as a list. */
export type BidirectionalMergeMode = "concat" | "sum" | "mul" | "ave" | null;

/** Arguments of `layers.bidirectional`. */
export interface BidirectionalLayerArgs extends WrapperLayerArgs {
  /** What is walked: a recurrent layer. */
  layer: RNN;
  /** What is walked backwards: the same from the other end when left out. */
  backwardLayer?: RNN;
  /** "concat" when left out. */
  mergeMode?: BidirectionalMergeMode;
}

const merges: Readonly<Record<string, (a: Tensor, b: Tensor) => Tensor>> = {
  concat: (a, b) => concat([a, b], -1),
  sum: add,
  mul,
  ave: (a, b) => mul(add(a, b), 0.5),
};

// A layer as `layer` with another name and direction.
function copyOf(layer: RNN, name: string, goBackwards: boolean): RNN {
  const config = { ...layer.getConfig(), name, go_backwards: goBackwards };
  return (layer.constructor as typeof RNN).fromConfig(config) as RNN;
}

/** A recurrent layer along sequences from either end. */
export class Bidirectional extends Wrapper {
  static override className = "Bidirectional";
  /** What walks as the layer was made to. */
  readonly forwardLayer: RNN;
  /** What walks the other way. */
  readonly backwardLayer: RNN;
  /** How the results are joined. */
  readonly mergeMode: BidirectionalMergeMode;
  readonly #hasOwnBackward: boolean;

  constructor(args: BidirectionalLayerArgs) {
    const { layer, backwardLayer } = args;
    for (const inner of backwardLayer ? [layer, backwardLayer] : [layer]) {
      if (inner instanceof RNN) continue;
      throw new DinogradError(`bidirectional takes recurrent layers, got ${inner}`);
    }
    if (backwardLayer && backwardLayer.goBackwards === layer.goBackwards) {
      throw new DinogradError("bidirectional needs a backwardLayer that goes the other way");
    }
    super(args);
    this.forwardLayer = copyOf(layer, `forward_${layer.name}`, layer.goBackwards);
    this.backwardLayer = copyOf(
      backwardLayer ?? layer,
      `backward_${(backwardLayer ?? layer).name}`,
      !layer.goBackwards,
    );
    this.#hasOwnBackward = backwardLayer !== undefined;
    this.mergeMode = args.mergeMode === undefined ? "concat" : args.mergeMode;
    if (this.mergeMode !== null && !Object.hasOwn(merges, this.mergeMode)) {
      throw new DinogradError(
        `mergeMode of bidirectional is one of ${
          Object.keys(merges).join(", ")
        } and null, got "${this.mergeMode as string}"`,
      );
    }
    this.supportsMasking = true;
  }

  /** The two layers that walk; the one that was given only said how. */
  override sublayers(): readonly Layer[] {
    return [this.forwardLayer, this.backwardLayer];
  }
  override build(inputShape: number[] | number[][]): void {
    const shape = (Array.isArray(inputShape[0]) ? inputShape[0] : inputShape) as number[];
    for (const layer of this.sublayers()) {
      layer.scope = `${this.scope}/${layer.name}`;
      layer.ensureBuilt(shape);
    }
  }

  override apply(inputs: Tensor | Tensor[], args?: CallArgs): Tensor | Tensor[];
  override apply(
    inputs: SymbolicTensor | SymbolicTensor[],
    args?: CallArgs,
  ): SymbolicTensor | SymbolicTensor[];
  override apply(
    inputs: Tensor | Tensor[] | SymbolicTensor | SymbolicTensor[],
    { initialState, ...args }: CallArgs = {},
  ): Tensor | Tensor[] | SymbolicTensor | SymbolicTensor[] {
    const states = initialState === undefined || initialState === null ? [] : [initialState].flat();
    const all = [inputs, ...states].flat() as Tensor[];
    return super.apply(all.length === 1 ? all[0] : all, args);
  }

  override call(inputs: Tensor | Tensor[], args: CallArgs): Tensor | Tensor[] {
    const [x, ...states] = [inputs].flat();
    if (states.length % 2 !== 0) {
      throw new DinogradError(
        `Layer "${this.name}" begins with as many states for each direction, got ${states.length}`,
      );
    }
    return tidy(() => {
      const half = states.length / 2, mask = [args.mask].flat()[0] ?? null;
      const walk = (layer: RNN, own: Tensor[]) =>
        [layer.apply([x, ...own], { ...args, mask })].flat() as Tensor[];
      const [y, ...after] = walk(this.forwardLayer, states.slice(0, half));
      const [backwards, ...before] = walk(this.backwardLayer, states.slice(half));
      const back = this.forwardLayer.returnSequences ? reverse(backwards, 1) : backwards;
      const outputs = this.mergeMode === null ? [y, back] : [merges[this.mergeMode](y, back)];
      const all = this.forwardLayer.returnState ? [...outputs, ...after, ...before] : outputs;
      return all.length === 1 ? all[0] : all;
    });
  }

  override computeMask(_inputs: Tensor | Tensor[], mask?: Mask): Mask {
    const given = [mask].flat()[0] ?? null;
    const output = this.forwardLayer.returnSequences ? given : null;
    return this.mergeMode === null ? [output, output] : output && [output];
  }

  /** Has both directions begin anew. */
  resetStates(): void {
    this.forwardLayer.resetStates();
    this.backwardLayer.resetStates();
  }

  override getConfig(): Config {
    const config: Config = { ...super.getConfig(), merge_mode: this.mergeMode };
    if (this.#hasOwnBackward) config.backward_layer = serialize(this.backwardLayer);
    return config;
  }
}
registerClass(Bidirectional);

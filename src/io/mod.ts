// Public names of the room where models are saved and loaded.

export { fileSystem, fromMemory, http, type HttpOptions, withSaveHandler } from "./handlers.ts";
export type {
  LoadHandler,
  ModelArtifacts,
  Quantization,
  SaveHandler,
  TrainingConfig,
  WeightSpec,
} from "./artifacts.ts";

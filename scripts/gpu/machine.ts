// What is this machine, as far as its GPU is concerned?

import { type Device, devices } from "../../src/native/device.ts";
import { run } from "../commands.ts";

/** A card as NVIDIA's own tool names it. */
export interface Card {
  /** Compute capability: "9.0". */
  capability: string;
  driver: string;
}

/** What a quick command prints; nothing where there is no such command. */
async function answer(...command: string[]): Promise<string> {
  return (await run(command, { seconds: 20, show: false })).out.trim();
}

/** The cards that nvidia-smi knows. */
export async function findCards(): Promise<Card[]> {
  const query = ["--query-gpu=compute_cap,driver_version", "--format=csv,noheader"];
  const list = await answer("nvidia-smi", ...query);
  return [...list.matchAll(/^(\d+\.\d+), (\S+)$/gm)].map(([, capability, driver]) => ({
    capability,
    driver,
  }));
}

/** The GPU that the library finds. To be asked after building: a library once opened stays as it was. */
export const findGpu = (): Device | undefined => devices().find((d) => d.kind === "gpu");

/** Whether that is the CPU in disguise. */
export const isEmulated = (gpu: Device): boolean => gpu.description === "emulated";

/** A GPU's compute capability as nvidia-smi writes it. */
export const capabilityOf = (gpu: Device): string =>
  (gpu.number("computeCapability") / 10).toFixed(1);

/** What a reader of figures wants to know of the machine they come from. */
export async function describe(
  gpu: Device,
  cards: readonly Card[],
): Promise<Record<string, string>> {
  const cpu = /model name\s*: (.*)/.exec(await Deno.readTextFile("/proc/cpuinfo"))?.[1];
  const version = (n: number) => `${Math.floor(n / 1000)}.${n % 1000 / 10}`;
  const clock = `${gpu.number("multiprocessors")} multiprocessors at ${
    gpu.number("clock") / 1000
  } MHz`;
  const memory = `${Math.round(gpu.number("memoryTotal") / 2 ** 30)} GiB`;
  return {
    GPU: `${gpu.description}, compute capability ${capabilityOf(gpu)}, ${clock}`,
    memory: `${memory}, ECC ${gpu.number("ecc") ? "on" : "off"}, L2 ${
      gpu.number("l2Bytes") / 2 ** 20
    } MiB`,
    driver: cards[0]?.driver ?? `for CUDA ${version(gpu.number("driverVersion"))}`,
    "CUDA runtime": version(gpu.number("runtimeVersion")),
    CPU: `${cpu ?? Deno.build.arch}, ${navigator.hardwareConcurrency} threads`,
    Deno: Deno.version.deno,
  };
}

/** The commit of the sources, and whether they have changed since. */
export async function describeSources(): Promise<string> {
  const head = await answer("git", "rev-parse", "--short=12", "HEAD");
  const changed = await answer("git", "diff", "--name-only", "HEAD");
  return (head || "unknown") + (changed ? " with changes" : "");
}

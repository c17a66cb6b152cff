// Which devices does this machine have for dinograd, and what would bring those that are missing?

import { absences, currentDevice, type Device, devices } from "../src/native/device.ts";

const gib = (bytes: number) => `${(bytes / 2 ** 30).toFixed(1)} GiB`;

function properties(d: Device): [string, string][] {
  const common: [string, string][] = [["hardware", d.description], ["kernels", d.details]];
  if (d.kind === "wasm") return [...common, ["memory", "up to 4 GiB"]];
  const memory = `${gib(d.number("memoryTotal"))}, ${gib(d.number("memoryFree"))} free`;
  if (d.kind === "cpu") {
    return [...common, ["threads", String(d.number("multiprocessors"))], ["memory", memory]];
  }
  const version = (n: number) => `${Math.floor(n / 1000)}.${Math.floor((n % 1000) / 10)}`;
  return [
    ...common,
    ["memory", memory],
    ["multiprocessors", `${d.number("multiprocessors")} at ${d.number("clock") / 1000} MHz`],
    ["L2 cache", `${d.number("l2Bytes") / 2 ** 20} MiB`],
    ["ECC", d.number("ecc") ? "on" : "off"],
    [
      "CUDA",
      `driver ${version(d.number("driverVersion"))}, runtime ${
        version(d.number("runtimeVersion"))
      }`,
    ],
  ];
}

const chosen = currentDevice();
for (const d of devices()) {
  console.log(`${d.name}${d === chosen ? "  (used unless told otherwise)" : ""}`);
  for (const [key, value] of properties(d)) console.log(`  ${key.padEnd(16)}${value}`);
}
for (const [kind, { reason, cure }] of Object.entries(absences())) {
  console.log(`${kind}  (absent)\n  ${"why".padEnd(16)}${reason}\n  ${"cure".padEnd(16)}${cure}`);
}

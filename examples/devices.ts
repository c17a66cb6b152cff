// Which devices are here, and how does one choose where things run?
//
//   deno run --allow-read --allow-env --allow-ffi examples/devices.ts

import * as dg from "../mod.ts";

for (const device of dg.devices()) {
  console.log(`${device.name}: ${device.description} (${device.details})`);
}

// Tensors made inside live on that device, and operations run where their operands live.
for (const { name } of dg.devices()) {
  dg.device(name, () =>
    dg.tidy(() => {
      const x = dg.randomNormal([256, 256]);
      const start = performance.now();
      const trace = x.matMul(x, false, true).mul(dg.eye(256)).sum();
      const [value] = trace.dataSync(); // reading a value waits for the device
      const ms = performance.now() - start;
      console.log(`trace(x x') on ${trace.device.name}: ${value.toFixed(0)}, ${ms.toFixed(1)} ms`);
    }));
}

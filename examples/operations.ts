// What can be done with tensors, and on which device does it happen? Matrices, broadcasting, reductions, and copies between devices.
//
//   deno run --allow-read --allow-env --allow-ffi examples/operations.ts [device, such as wasm, cpu or gpu:0]

import * as dg from "../mod.ts";

const name = Deno.args[0] ?? dg.devices()[0].name;

const result = dg.device(name, () =>
  dg.tidy(() => {
    // What is made inside lives on the device, and so does what comes of it.
    const a = dg.tensor([[1, 2, 3], [4, 5, 6]]), b = dg.tensor([[1, 2], [3, 4], [5, 6]]);
    const product = a.matMul(b); // [2, 3] by [3, 2] gives [2, 2]
    product.print();
    a.add([10, 20, 30]).print(); // a row is added to each row
    a.mean(0).print(); // of each column
    console.log(`largest in each row at ${a.argMax(1).dataSync()}`);
    return product;
  }));
console.log(`computed on ${result.device.name}`);

// Devices do not mix by themselves: copies are made where they are asked for.
const other = dg.devices().at(-1)!.name, moved = dg.to(result, other);
console.log(`copied to ${moved.device.name}: ${moved.dataSync()}`);

dg.dispose([result, moved]);
console.log(`${dg.memory().numTensors} tensors left`);

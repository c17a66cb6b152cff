// What does a call cost that computes next to nothing, and how quickly do data come and go, at every place?

import type * as dg from "../mod.ts";
import { dispatches } from "./dispatch.ts";
import { benchCall, benchOperation } from "./entries.ts";
import type { Work } from "./measure.ts";

for (const { work, size, times, prepare } of dispatches) {
  const group = `${work}, ${size}${times > 1 ? `, ${times} times` : ""}`;
  if (work === "download") benchCall(group, 20, prepare as () => Work<Promise<unknown>>);
  else benchOperation(group, prepare as () => Work<dg.Tensor | void>);
}

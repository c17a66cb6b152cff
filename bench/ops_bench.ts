// How long does one operation take, called by itself, at every place that does it in reasonable time?

import * as dg from "../mod.ts";
import { benchOperation } from "./entries.ts";
import { isReasonable, operations } from "./operations.ts";
import { at, places } from "./places.ts";

const limits = new Map(places().map((place) => [place, at(place, dg.measureLimits)]));

for (const operation of operations) {
  const where = places().filter((place) => isReasonable(operation, limits.get(place)!));
  benchOperation(`${operation.name}, ${operation.size}`, operation.prepare, where);
}

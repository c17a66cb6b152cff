// Which operations are tested, against what, and on which inputs? The op table: one row each, for tests and benchmarks.

import { attentions } from "./cases/attention.ts";
import { convolutions } from "./cases/conv.ts";
import { elementwise } from "./cases/elementwise.ts";
import { selections } from "./cases/gather.ts";
import { images } from "./cases/image.ts";
import { bases } from "./cases/linalg.ts";
import { products } from "./cases/matmul.ts";
import { movement } from "./cases/movement.ts";
import { normalizations } from "./cases/normalize.ts";
import { poolings } from "./cases/pool.ts";
import { reductions } from "./cases/reduce.ts";
import type { Row } from "./cases/row.ts";

export type { Input, Row } from "./cases/row.ts";

/** The op table. */
export const rows: readonly Row[] = [
  ...elementwise,
  ...reductions,
  ...products,
  ...attentions,
  ...convolutions,
  ...poolings,
  ...normalizations,
  ...images,
  ...bases,
  ...movement,
  ...selections,
];

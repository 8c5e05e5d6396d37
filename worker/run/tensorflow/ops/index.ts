// The operators that the TensorFlow engine has. What is not here is refused before the run: TensorFlow has no fallback by node.
import { type OperatorName, operators } from "../../../ops/index.ts";
import type { Op } from "../../../ops/op.ts";
import type { Entry } from "../op.ts";
import { arithmetic } from "./arithmetic.ts";
import { layout } from "./layout.ts";
import { lookups } from "./lookup.ts";
import { maths } from "./maths.ts";
import { matrix } from "./matrix.ts";
import { normalisations } from "./normalise.ts";
import { quantizations } from "./quantize.ts";
import { recurrents } from "./recurrent.ts";
import { reductions } from "./reduce.ts";
import { resizing } from "./resize.ts";
import { windows } from "./windows.ts";

export const entries = {
  ...maths,
  ...arithmetic,
  ...matrix,
  ...reductions,
  ...normalisations,
  ...windows,
  ...resizing,
  ...layout,
  ...lookups,
  ...recurrents,
  ...quantizations,
} satisfies Partial<Record<OperatorName, Entry>>;

/** The entry of an operator, or undefined. */
export function entryOf(type: string, domain: string): Entry | undefined {
  if (!Object.hasOwn(entries, type)) return undefined;
  const { domain: own = "" }: Op = operators[type as OperatorName];
  return own === domain ? entries[type as keyof typeof entries] : undefined;
}

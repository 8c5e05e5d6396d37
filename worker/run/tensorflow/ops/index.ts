// The operators that the TensorFlow engine has. What is not here is refused before the run: TensorFlow has no fallback by node.
import type { OperatorName } from "../../../ops/index.ts";
import type { Entry } from "../op.ts";
import { arithmetic } from "./arithmetic.ts";
import { layout } from "./layout.ts";
import { lookups } from "./lookup.ts";
import { maths } from "./maths.ts";
import { matrix } from "./matrix.ts";
import { normalisations } from "./normalise.ts";
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
} satisfies Partial<Record<OperatorName, Entry>>;

/** The entry of an operator of ONNX's own domain, or undefined. */
export function entryOf(type: string, domain: string): Entry | undefined {
  return domain === "" && Object.hasOwn(entries, type) ? entries[type as keyof typeof entries] : undefined;
}

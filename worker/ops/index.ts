// The table of operators. What is not here is not known: importing it says so by name.
import { AppError } from "../../ipc/error.ts";
import { activations } from "./activations.ts";
import { arithmetic } from "./arithmetic.ts";
import { bits } from "./bits.ts";
import { columns } from "./columns.ts";
import { convolutions } from "./conv.ts";
import { einsums } from "./einsum.ts";
import { fourier } from "./fourier.ts";
import { inverses } from "./inverse.ts";
import { layout } from "./layout.ts";
import { lookups } from "./lookup.ts";
import { losses } from "./losses.ts";
import { maths } from "./maths.ts";
import { matrix } from "./matrix.ts";
import { normalisations } from "./normalise.ts";
import { imageNormalisations } from "./normaliseImages.ts";
import type { Op } from "./op.ts";
import { order } from "./order.ts";
import { padding } from "./pad.ts";
import { pools } from "./pool.ts";
import { quantizations } from "./quantize.ts";
import { random } from "./random.ts";
import { recurrents } from "./recurrent.ts";
import { reductions } from "./reduce.ts";
import { resizing } from "./resize.ts";
import { samplings } from "./sampling.ts";
import { sources } from "./sources.ts";
import { text } from "./text.ts";

export const operators = {
  ...maths,
  ...activations,
  ...arithmetic,
  ...matrix,
  ...einsums,
  ...inverses,
  ...fourier,
  ...reductions,
  ...normalisations,
  ...imageNormalisations,
  ...convolutions,
  ...columns,
  ...pools,
  ...padding,
  ...resizing,
  ...samplings,
  ...layout,
  ...lookups,
  ...sources,
  ...losses,
  ...text,
  ...bits,
  ...order,
  ...random,
  ...recurrents,
  ...quantizations,
} satisfies Record<string, Op>;

export type OperatorName = keyof typeof operators;

/** The entry of an operator. Throws `operatorUnknown`. */
export function operator(type: string, domain = ""): Op {
  const entry: Op | undefined = Object.hasOwn(operators, type) ? operators[type as OperatorName] : undefined;
  if (entry && (entry.domain ?? "") === domain) return entry;
  const full = domain ? `${domain}.${type}` : type;
  throw new AppError(
    "operatorUnknown",
    `The operator ${full} is not known.`,
    "Export the model with standard ONNX operators, or use another model.",
    {
      operator: full,
    },
  );
}

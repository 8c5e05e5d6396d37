// A program run once on tensors of ours.
import { AppError } from "../../../ipc/error.ts";
import type { Tensor } from "../../tensor.ts";
import type { Tf } from "./op.ts";
import type { Given, Program } from "./program.ts";
import { fromTf, toTf } from "./values.ts";

export function required(batch: Record<string, Tensor>, name: string): Tensor {
  const value = batch[name];
  if (value) return value;
  throw new AppError("shapeMismatch", `The input '${name}' is missing.`, "Give a tensor for every input.", { value: name });
}

/**
 * The outputs of a program, copied.
 * @param more what stands in the place of its initializers, and of inputs that the batch does not have
 */
export function runProgram(
  tf: Tf,
  program: Program | undefined,
  batch: Record<string, Tensor>,
  more: ReadonlyMap<string, Given> = new Map(),
): Record<string, Tensor> {
  if (!program) throw new AppError("internal", "This training session has no graph to evaluate.", "Give one when it is opened.");
  const { inputs, outputs } = program.graph;
  let results: Record<string, Tensor> = {};
  tf.tidy(() => {
    const given = new Map(more);
    for (const { name } of inputs) if (batch[name] || !given.has(name)) given.set(name, { device: toTf(tf, required(batch, name), name) });
    const out = program.run(given);
    results = Object.fromEntries(outputs.map(({ name, dtype }) => [name, fromTf(out.get(name)!, dtype)]));
  });
  return results;
}

// ONNX Runtime as it is on a machine where a run of more than so many rows does not fit: it fails with its own words, midway, after it has written
// over some of the buffers that it was given.
import { InferenceSession, type Tensor } from "onnxruntime-node";
import { vi } from "vitest";

/** Inputs whose first axis is the batch. */
const batches = ["x", "codes", "pixels", "features", "ids", "input_ids", "user"];
const words =
  "Non-zero status code returned while running MatMul node. Name:'' Status Message: bfc_arena.cc:376 void* " +
  "onnxruntime::BFCArena::AllocateRawInternal(size_t) Failed to allocate memory for requested buffer of size 1073741824";

export interface LittleMemory {
  /** Rows of the runs that did not fit, in their order. */
  refused: number[];
  /** Runs that did. */
  runs: number;
  restore(): void;
}

/**
 * @param options.from runs of training (those that write states) before it becomes so   @param options.judging whether other runs fail too
 */
export function littleMemory(rows: number, { from = 0, judging = false, message = words } = {}): LittleMemory {
  const seen: LittleMemory = { refused: [], runs: 0, restore: () => spy.mockRestore() };
  const { prototype } = InferenceSession as unknown as { prototype: InferenceSession }; // a class, which its types call a factory
  const real = prototype.run;
  const spy = vi.spyOn(prototype, "run").mockImplementation(async function (this: InferenceSession, ...args: unknown[]) {
    const [feeds, fetches] = args as [Record<string, Tensor>, Record<string, Tensor | null>];
    const training = Object.keys(fetches).some((name) => name.startsWith("next:"));
    const batch = batches.reduce((most, name) => Math.max(most, feeds[name]?.dims[0] ?? 0), 0);
    if (batch > rows && seen.runs >= from && (training || judging)) {
      seen.refused.push(batch);
      for (const [name, given] of Object.entries(fetches)) if (name.startsWith("next:") && given) (given.data as Float32Array).fill(NaN);
      throw new Error(message);
    }
    if (training) seen.runs++;
    return (real as (...all: unknown[]) => Promise<never>).apply(this, args);
  } as never);
  return seen;
}

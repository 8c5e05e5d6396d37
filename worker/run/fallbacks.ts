// What a device cannot run: ONNX Runtime gives those nodes to the processor without a word. Its profile of one run says of each node who ran it.
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { InferenceSession as OrtSession } from "onnxruntime-node";
import type { Fallback } from "../../ipc/types.ts";

/** A profile of the first run of a session: made before the session is, ended after the run. */
export class FirstRun {
  readonly #folder = mkdtempSync(join(tmpdir(), "paddock-profile-"));
  #ended = false;

  /** To open the session with. */
  get options(): OrtSession.SessionOptions {
    return { enableProfiling: true, profileFilePrefix: join(this.#folder, "run") };
  }

  /** The operators that ran on the processor, most frequent first. Profiling costs nothing from here on. */
  end(session: OrtSession): Fallback[] {
    if (this.#ended) return [];
    session.endProfiling();
    try {
      return readdirSync(this.#folder).flatMap((file) => fallbacksIn(readFileSync(join(this.#folder, file), "utf8")));
    } finally {
      this.dispose();
    }
  }

  dispose(): void {
    this.#ended = true;
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

type Shapes = Record<string, number[]>[];

interface Event {
  cat?: string;
  name?: string;
  args?: { op_name?: string; provider?: string; input_type_shape?: Shapes; output_type_shape?: Shapes };
}

/**
 * Operators that a profile says ran on the processor. Left out: arithmetic on single numbers and on shapes (short lists of whole
 * numbers), which costs nothing wherever it is done: the step count's, in float64, among it.
 * @param profile the JSON text that ONNX Runtime wrote
 */
export function fallbacksIn(profile: string): Fallback[] {
  const counts = new Map<string, number>();
  for (const { cat, name, args } of JSON.parse(profile) as Event[]) {
    if (cat !== "Node" || !name?.endsWith("_kernel_time") || args?.provider !== "CPUExecutionProvider" || !args.op_name) continue;
    const around = [...(args.input_type_shape ?? []), ...(args.output_type_shape ?? [])];
    const shapes = args.op_name === "Shape" || args.op_name === "Size"; // of whatever
    if (shapes || (around.length && around.every(isSmall))) continue;
    counts.set(args.op_name, (counts.get(args.op_name) ?? 0) + 1);
  }
  return [...counts].map(([operator, count]) => ({ operator, count })).sort((a, b) => b.count - a.count);
}

const isSmall = (value: Record<string, number[]>): boolean =>
  Object.entries(value).every(([dtype, dims]) => dims.every((d) => d === 1) || (dtype === "int64" && dims.length <= 1 && dims[0]! <= 8));

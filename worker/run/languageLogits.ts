// What a language model says next, straight from its weights: one run of its forward graph.
import { AppError } from "../../ipc/error.ts";
import { Builder } from "../ops/builder.ts";
import { type LanguageModel, openLanguageModel } from "../models/language/index.ts";
import { LanguageNet, type NetOptions } from "../models/language/net.ts";
import type { Graph } from "../onnx/graph.ts";
import { int64 } from "../tensor.ts";
import { openEngine } from "./engine.ts";

/**
 * The forward graph of `batch` texts of `length` tokens: input `ids` (B, T) int64, output `logits` (B, T, vocabulary).
 */
export function logitsGraph(model: LanguageModel, batch: number, length: number, options: NetOptions = {}): Graph {
  const g = new Builder("language");
  const ids = g.input("ids", "int64", [batch, length]);
  const places = int64(
    [batch, length],
    Array.from({ length: batch * length }, (_, i) => i % length),
  );
  const logits = model.build(new LanguageNet(g, model.source, options), { ids, positions: g.constant(places, "positions") });
  g.output(logits, "logits");
  return g.graph;
}

/**
 * Logits after each token.
 * @param tokens rows of ids, all of one length
 * @throws usage for ids that the vocabulary does not have, or more of them than the model was made for; what opening throws
 */
export async function languageLogits(
  path: string,
  tokens: readonly (readonly number[])[],
  device = "cpu",
): Promise<{ dims: [batch: number, length: number, vocabulary: number]; logits: Float32Array }> {
  const model = openLanguageModel(path);
  const engine = await openEngine(device);
  try {
    const { vocabulary, context } = model.config;
    const length = tokens[0]?.length ?? 0;
    const odd = tokens.flat().find((id) => !Number.isInteger(id) || id < 0 || id >= vocabulary);
    if (odd !== undefined)
      throw new AppError("usage", `There is no token ${odd}: the model has ${vocabulary}.`, `Give ids from 0 to ${vocabulary - 1}.`, {
        token: odd,
      });
    if (!length || length > context)
      throw new AppError("usage", `${length} tokens were given; the model takes from 1 to ${context}.`, "Give fewer.", { length, context });
    const session = await engine.load(logitsGraph(model, tokens.length, length), { shared: true });
    const { logits } = await session.run({ ids: int64([tokens.length, length], tokens.flat()) });
    return { dims: [tokens.length, length, vocabulary], logits: logits!.data as Float32Array };
  } finally {
    await engine.dispose();
    model.close();
  }
}

/** The same after the last token alone, as plain numbers. */
export async function lastLogits(path: string, tokens: readonly number[], device: string): Promise<{ shape: number[]; logits: number[] }> {
  const { dims, logits } = await languageLogits(path, [tokens], device);
  return { shape: [dims[2]], logits: [...logits.subarray((dims[1] - 1) * dims[2])] };
}

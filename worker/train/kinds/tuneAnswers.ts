// The user's own prompts, answered by a language model while it is fine-tuned: the likeliest token each time, so that before and after differ by what was
// learned alone.
import type { TextSample, TrainSpec } from "../../../ipc/types.ts";
import { openTokens } from "../../formats/language/tokens.ts";
import { decodingGraph } from "../../models/language/decoding.ts";
import { adapterNames, type NetOptions } from "../../models/language/net.ts";
import { tuningGraph } from "../../models/language/tune.ts";
import { openEngine } from "../../run/engine.ts";
import { write } from "../../run/generate.ts";
import { GraphDecoder } from "../../run/talk/graph.ts";
import { fitted } from "../../run/talk/talker.ts";
import type { Tensor } from "../../tensor.ts";
import type { PreparedTune } from "./tune.ts";

/** Tokens of an answer, at most. */
const longest = 64;

/** Prompts with something in them. */
export const promptsOf = ({ prompts = [] }: TrainSpec): string[] =>
  prompts.map((prompt) => prompt.trim()).filter((prompt) => prompt !== "");

/**
 * @param weights those that learn, as they are now
 * @throws usage where a prompt is longer than the model sees at once; cancelled
 */
export async function answerPrompts(
  { model, base, plan, lessons, spec }: Pick<PreparedTune, "model" | "base" | "plan" | "lessons" | "spec">,
  weights: ReadonlyMap<string, Tensor>,
  signal: AbortSignal,
): Promise<Pick<TextSample, "prompt" | "text" | "answers">> {
  const tokens = openTokens(model.file, base);
  const { template } = tokens;
  const engine = await openEngine("cpu", model.config.width < 512 ? { threads: 1 } : {});
  try {
    const session = await engine.load(decodingGraph(model, learnedOptions(model, plan.tune, weights)), { shared: true });
    const decoder = new GraphDecoder(session, model.config, Math.min(model.config.context, 2048));
    const tokenize = (text: string): number[] => {
      const ids = tokens.encode(text, { special: template === undefined });
      return ids.length === 0 && tokens.bos !== undefined ? [tokens.bos] : ids;
    };
    const ends = new Set(tokens.eos === undefined ? [] : [tokens.eos]);
    const answers = [];
    for (const prompt of promptsOf(spec)) {
      // Asked as it was taught: conversations as a question, texts as the beginning of one.
      const asked = lessons.form === "chats" ? { turns: [{ role: "user" as const, content: prompt }] } : { text: prompt };
      const { ids } = fitted({ asked, maxTokens: longest }, { context: decoder.context, template, tokenize });
      const written: number[] = [];
      for await (const id of write(decoder, { ids, maxTokens: longest, temperature: 0, seed: 1, ends, signal })) written.push(id);
      signal.throwIfAborted();
      answers.push({ prompt, text: tokens.decode(written) });
    }
    return { ...answers[0]!, answers };
  } finally {
    await engine.dispose();
  }
}

/** The net with what learns laid beside or over its weights. */
function learnedOptions(
  model: PreparedTune["model"],
  tune: PreparedTune["plan"]["tune"],
  weights: ReadonlyMap<string, Tensor>,
): NetOptions {
  const given = new Map([...weights].map(([name, { data }]) => [name, data as Float32Array]));
  if (!tune.method.endsWith("lora")) return { given };
  const { adapted } = tuningGraph(model, tune);
  const targets = new Set(adapted.map(({ layer }) => layer));
  const own = new Map(adapted.flatMap(({ layer }) => Object.values(adapterNames(layer)).map((name) => [name, given.get(name)!] as const)));
  return { adapter: { ...tune.adapter, targets: (layer) => targets.has(layer), given: own } };
}

// The families of language models, and a file opened as one of them.
import { AppError } from "../../../ipc/error.ts";
import { type LanguageFile, openLanguageFile } from "../../formats/language/open.ts";
import { bloom } from "./bloom.ts";
import { factsOf } from "./facts.ts";
import type { Family, Shape } from "./family.ts";
import { gemma } from "./gemma.ts";
import { gemma2, gemma3 } from "./gemma2.ts";
import { gpt2 } from "./gpt2.ts";
import { gptNeox } from "./gptNeox.ts";
import { llama } from "./llama.ts";
import type { LanguageNet } from "./net.ts";
import { phi3 } from "./phi3.ts";
import { qwen2, qwen3 } from "./qwen.ts";
import type { Sequence } from "./sequence.ts";
import { type Source, sourceOf } from "./source.ts";
import type { Value } from "../../ops/builder.ts";

/** A family that has forgotten the exact type of its settings: it is used only with those that it read itself. */
const known = [llama, qwen2, qwen3, gemma, gemma2, gemma3, phi3, gpt2, gptNeox, bloom] as unknown as readonly Family[];

export const families: Readonly<Record<string, Family>> = Object.fromEntries(known.map((f) => [f.id, f]));

export interface LanguageModel {
  file: LanguageFile;
  family: Family;
  config: Shape;
  source: Source;
  /** Logits (B, T, vocabulary). */
  build(net: LanguageNet, sequence: Sequence): Value;
  close(): void;
}

/**
 * A GGUF file or a Hugging Face folder as a model of a known family.
 * @throws what reading throws; modelInvalid for a family that is not known, listing those that are
 */
export function openLanguageModel(path: string): LanguageModel {
  const file = openLanguageFile(path);
  try {
    const facts = factsOf(file, path);
    const kind = file.format === "gguf" ? facts.text("general.architecture") : facts.text("model_type");
    const family = known.find((f) => (file.format === "gguf" ? f.gguf : f.huggingface).includes(kind));
    if (!family)
      throw new AppError(
        "modelInvalid",
        `${path} is a model of the family '${kind}', which is not known here.`,
        `Known are ${known.map((f) => f.title).join(", ")}.`,
        { file: path, family: kind },
      );
    const config = file.format === "gguf" ? family.fromGguf(facts, (name) => file.infos.has(name)) : family.fromHuggingface(facts);
    const source = sourceOf(file, family, config, path);
    return { file, family, config, source, build: (net, sequence) => family.build(net, config, sequence), close: () => file.close() };
  } catch (thrown) {
    file.close();
    throw thrown;
  }
}

/** Numbers that the weights hold, the unused ones of the file too. */
export function countWeights(file: LanguageFile): number {
  let sum = 0;
  for (const { dims } of file.infos.values()) sum += dims.reduce((product, d) => product * d, 1);
  return sum;
}

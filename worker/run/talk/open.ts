// Whatever can be talked with, opened by its path: GGUF through llama.cpp, Hugging Face folders and ONNX files by ONNX Runtime, and runs: what was
// learned from nothing, and what was learned beside another model.
import { readFile, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { AppError } from "../../../ipc/error.ts";
import type { Generated, RunRecord, Talked, TalkModel } from "../../../ipc/types.ts";
import { usualSampling } from "../../../ipc/types/chat.ts";
import { looksLikeLanguageModel } from "../../formats/language/open.ts";
import { openWriter } from "../languageModel.ts";
import { isOnnxLanguageModel, type Learned, openGraphTalker, openOnnxTalker } from "./graph.ts";
import { openLlama } from "./llama.ts";
import { type Talker, Turns } from "./talker.ts";

/** @throws what the strict readers throw; modelInvalid for an adapter that is not for this model; usage for what cannot be talked with */
export async function openTalker({ model, adapter }: TalkModel): Promise<Talker> {
  if (!(await stat(model).catch(() => undefined)))
    throw new AppError("fileMissing", `There is no file or folder '${model}'.`, "Check the path.", { file: model });
  const beside = adapter === undefined ? undefined : await adapterAt(adapter);
  const gguf = looksLikeLanguageModel(model) && (await stat(model)).isFile();
  if (gguf && (!beside || beside.gguf)) return openLlama(model, beside?.gguf);
  if (gguf || looksLikeLanguageModel(model)) return openGraphTalker(model, beside ?? {});
  const tuned = await tunedRun(model);
  if (tuned) return openTalker(beside ? { model: tuned.model, adapter: adapter! } : tuned);
  if (beside)
    throw new AppError("usage", `'${basename(model)}' takes no adapter.`, "Choose a GGUF file or the folder of a Hugging Face model.");
  const onnx = await onnxOf(model);
  if (onnx !== undefined) return openOnnxTalker(onnx);
  return ownTalker(model);
}

/** The files of an adapter: a run, its adapter folder, a PEFT folder, a GGUF adapter, or the weights that a run moved. */
async function adapterAt(path: string): Promise<Learned & { gguf?: string }> {
  const there = async (name: string) => (await stat(name).catch(() => undefined))?.isFile() ?? false;
  if (/\.gguf$/i.test(path)) return { gguf: path };
  for (const folder of [path, join(path, "adapter")]) {
    const gguf = join(folder, "adapter.gguf");
    const peft = await there(join(folder, "adapter_config.json"));
    if (peft || (await there(gguf))) return { ...(peft ? { adapter: folder } : {}), ...((await there(gguf)) ? { gguf } : {}) };
  }
  const weights = join(path, "model.safetensors");
  if ((await there(join(path, "run.json"))) && (await there(weights))) return { weights };
  throw new AppError(
    "fileMissing",
    `There is no adapter in '${path}'.`,
    "Name the folder of a run that fine-tuned a language model, its folder adapter, or a PEFT folder.",
    { file: path },
  );
}

/** A run that fine-tuned another model: that model, with the run as its adapter. */
async function tunedRun(path: string): Promise<TalkModel | undefined> {
  const text = await readFile(join(path, "run.json"), "utf8").catch(() => undefined);
  if (text === undefined) return undefined;
  let model: unknown;
  try {
    model = (JSON.parse(text) as Partial<RunRecord>).spec?.model;
  } catch {
    return undefined;
  }
  return typeof model === "string" && looksLikeLanguageModel(model) ? { model, adapter: path } : undefined;
}

/** An ONNX language model that Paddock has not made: the file itself, or the one in a folder. */
async function onnxOf(path: string): Promise<string | undefined> {
  if ((await stat(path).catch(() => undefined))?.isDirectory())
    return (await stat(join(path, "run.json")).catch(() => undefined))
      ? undefined
      : ((await onnxOf(join(path, "model.onnx")).catch(() => undefined)) ??
          onnxOf(join(path, "onnx", "model.onnx")).catch(() => undefined));
  if (!(await isOnnxLanguageModel(path))) return undefined;
  return (await stat(join(dirname(path), "run.json")).catch(() => undefined)) ? undefined : path;
}

/** A run that learned from nothing: it answers the last question, or goes on with a text. */
async function ownTalker(run: string): Promise<Talker> {
  const writer = await openWriter(run);
  const turns = new Turns(1);
  const { context } = writer.card.net;
  return {
    facts: { context, template: writer.card.asked === "chat", by: "ONNX Runtime", parallel: 1, cached: true, embeds: false, json: false },
    talk: (spec, hooks = {}) =>
      turns.use(async () => {
        if (spec.json !== undefined) throw new AppError("usage", "JSON as an answer needs a GGUF model.", "Choose one.");
        if (spec.logprobs !== undefined)
          throw new AppError("usage", "How likely its tokens are is not told of a model learned from nothing.", "Ask without logprobs.");
        const { asked } = spec;
        const prompt = "text" in asked ? asked.text : (asked.turns.at(-1)?.content ?? "");
        const { temperature, topK, topP, seed } = { ...usualSampling, ...spec.sampling };
        const chosen = { temperature, topP, ...(topK > 0 ? { topK } : {}), ...(seed === undefined ? {} : { seed }) };
        const made = await writer.generate({ prompt, maxTokens: spec.maxTokens, ...chosen }, hooks);
        return talked(made, context, "text" in asked ? 0 : Math.max(0, asked.turns.length - 1));
      }, hooks.signal),
    embed: () => Promise.reject(new AppError("usage", "Embeddings come from GGUF models.", "Choose one.")),
    dispose: () => writer.dispose(),
  };
}

const talked = ({ prompt, ...made }: Generated, size: number, dropped: number): Talked => ({
  ...made,
  promptTokens: prompt.length,
  context: { size, used: Math.min(size, prompt.length + made.tokens) },
  dropped,
});

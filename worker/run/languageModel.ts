// A trained language model at work. All it needs is model.onnx, whose weights go into the graph that writes a token at a time, and tokenizer.json
// beside it.
import { readFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { AppError } from "../../ipc/error.ts";
import type { Generated, GenerateSpec, Token } from "../../ipc/types.ts";
import { type Bpe, readBpe } from "../data/text/bpe.ts";
import { speakerTokens } from "../data/text/encodeCorpus.ts";
import { isLanguageModel, type LanguageCard, readLanguageCard } from "../formats/languageCard.ts";
import { gptDecoding } from "../models/gpt.ts";
import type { Graph } from "../onnx/graph.ts";
import { decodeModel } from "../onnx/proto.ts";
import { openEngine } from "./engine.ts";
import { CachedDecoder, write } from "./generate.ts";
import { modelFile } from "./predict.ts";

export interface WriteHooks {
  signal?: AbortSignal | undefined;
  /** More of the text, as it comes. */
  onText?: (text: string) => void;
}

export interface Writer {
  readonly card: LanguageCard;
  readonly bpe: Bpe;
  generate(spec: GenerateSpec, hooks?: WriteHooks): Promise<Generated>;
  dispose(): Promise<void>;
}

/** The graph of a run's model.onnx. Throws runMissing, runNotTrained, fileMissing, modelInvalid. */
async function graphOf(runOrModel: string): Promise<{ graph: Graph; file: string }> {
  const file = await modelFile(runOrModel);
  const read = await readFile(file);
  return { graph: decodeModel(new Uint8Array(read.buffer, read.byteOffset, read.length)), file };
}

/** Whether the run folder or model.onnx says that it is a language model. Throws runMissing, runNotTrained, fileMissing, modelInvalid. */
export async function isLanguageRun(runOrModel: string): Promise<boolean> {
  return isLanguageModel((await graphOf(runOrModel)).graph);
}

/** What is known of a language model without opening it for writing. Throws as `openWriter`. */
export async function readLanguageModel(runOrModel: string): Promise<{ card: LanguageCard; bpe: Bpe; graph: Graph }> {
  const { graph, file } = await graphOf(runOrModel);
  if (!isLanguageModel(graph))
    throw new AppError(
      "usage",
      `'${basename(runOrModel)}' is no language model: it does not write.`,
      "Choose a run with the task language.",
      {
        run: runOrModel,
      },
    );
  const card = readLanguageCard(graph, basename(file));
  const path = join(dirname(file), "tokenizer.json");
  const json = await readFile(path, "utf8").catch((cause: unknown) => {
    throw new AppError(
      "fileMissing",
      `There is no '${path}', by which the model reads.`,
      "Put the run's tokenizer.json beside its model.onnx.",
      { file: path },
      cause,
    );
  });
  const bpe = readBpe(json, "tokenizer.json");
  if (bpe.size !== card.net.tokens)
    throw new AppError(
      "modelInvalid",
      `'tokenizer.json' has ${bpe.size} tokens and the model ${card.net.tokens}.`,
      "Put the run's own tokenizer.json beside its model.onnx.",
      {
        file: "tokenizer.json",
      },
    );
  return { card, bpe, graph };
}

/** Opens a run folder or a model.onnx that a run made. Throws runMissing, runNotTrained, fileMissing, modelInvalid, usage. */
export async function openWriter(runOrModel: string): Promise<Writer> {
  const { card, bpe, graph } = await readLanguageModel(runOrModel);
  const engine = await openEngine("cpu", { threads: 1 }); // one position at a time: nothing to share out
  try {
    const net = { ...card.net, dropout: 0, seed: 0 };
    const session = await engine.load(gptDecoding(net, graph.initializers));
    const decoder = new CachedDecoder(session, net);
    return {
      card,
      bpe,
      generate: (spec, hooks = {}) => generate({ decoder, bpe, card }, spec, hooks),
      dispose: () => engine.dispose(),
    };
  } catch (thrown) {
    await engine.dispose();
    throw thrown;
  }
}

async function generate(
  { decoder, bpe, card }: { decoder: CachedDecoder; bpe: Bpe; card: LanguageCard },
  spec: GenerateSpec,
  { signal, onText }: WriteHooks,
): Promise<Generated> {
  const asked = bpe.encode(spec.prompt.replaceAll("\r\n", "\n"), { plain: true });
  const chat = card.asked === "chat";
  const special = (name: string): number => bpe.specials.indexOf(name);
  const end = 0;
  // With nothing to go on from, a document begins.
  const ids = chat ? [special(speakerTokens.user), ...asked, special(speakerTokens.assistant)] : asked.length ? asked : [end];
  const decode = new TextDecoder("utf-8");
  const began = performance.now();
  let first = 0;
  let text = "";
  let tokens = 0;
  const ends = new Set([end, ...(chat ? [special(speakerTokens.user)] : [])]);
  const { maxTokens, temperature, topK, topP, seed = 1 } = spec;
  const writing = write(decoder, { ids, maxTokens, temperature, topK, topP, seed, ends, signal });
  let ended: Generated["ended"] = "length";
  for (;;) {
    const { done, value } = await writing.next();
    if (done) {
      ended = value;
      break;
    }
    if (tokens++ === 0) first = performance.now() - began;
    // Letters that are not whole yet wait for their other bytes.
    const more = decode.decode(bpe.bytes[value], { stream: true });
    text += more;
    if (more) onText?.(more);
  }
  const rest = decode.decode();
  if (rest) onText?.(rest);
  const seconds = (performance.now() - began - first) / 1000;
  return {
    text: text + rest,
    tokens,
    tokensPerSecond: tokens > 1 && seconds > 0 ? Number(((tokens - 1) / seconds).toPrecision(4)) : 0,
    firstTokenMs: Number(first.toPrecision(4)),
    ended,
    prompt: asked.map((id): Token => ({ id, text: bpe.show(id) })),
  };
}

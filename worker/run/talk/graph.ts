// Language models on our own graph or on anybody's ONNX graph, by ONNX Runtime: one conversation at a time, keys and values kept where the graph has
// a place for them.
import { statSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { AppError } from "../../../ipc/error.ts";
import { usualSampling } from "../../../ipc/types/chat.ts";
import type { Talked, TalkFacts, TalkSpec } from "../../../ipc/types.ts";
import { readPeft } from "../../formats/language/peft.ts";
import { openSafetensors } from "../../formats/language/safetensors.ts";
import { toFloat32 } from "../../formats/language/levels.ts";
import { type Tokens, openFolderTokens, openTokens } from "../../formats/language/tokens.ts";
import { decodingGraph, pastNames, presentNames } from "../../models/language/decoding.ts";
import type { Shape } from "../../models/language/family.ts";
import { openLanguageModel } from "../../models/language/index.ts";
import type { NetOptions } from "../../models/language/net.ts";
import { adapterFor } from "../../models/language/takeAway.ts";
import { named, readGraph } from "../../formats/onnx.ts";
import { int64, type Tensor, zeros } from "../../tensor.ts";
import { type InferenceSession, openEngine } from "../engine.ts";
import { type Decoder, write } from "../generate.ts";
import { chanceOf, within } from "./chances.ts";
import { lastOf, pastDecoder, wantsPast } from "./past.ts";
import { fitted, StopText, type Talker, type TalkHooks, told, Turns } from "./talker.ts";

/** Tokens that go through the graph at once: logits are made for each of them. */
const piece = 64;

/** A session of `decodingGraph`. */
export class GraphDecoder implements Decoder {
  readonly context: number;
  readonly #session: Pick<InferenceSession, "run">;
  readonly #shape: Pick<Shape, "layers" | "kvHeads" | "headSize" | "context" | "vocabulary">;
  #past: Record<string, Tensor> = {};
  #length = 0;

  constructor(
    session: Pick<InferenceSession, "run">,
    shape: Pick<Shape, "layers" | "kvHeads" | "headSize" | "context" | "vocabulary">,
    most = shape.context,
  ) {
    this.#session = session;
    this.#shape = shape;
    this.context = most;
    this.reset();
  }

  reset(): void {
    const { layers, kvHeads, headSize } = this.#shape;
    this.#length = 0;
    this.#past = {};
    for (let i = 0; i < layers; i++)
      for (const name of Object.values(pastNames(i))) this.#past[name] = zeros("float32", [1, kvHeads, 0, headSize]);
  }

  async next(ids: readonly number[]): Promise<Float32Array> {
    const { layers, vocabulary } = this.#shape;
    let last = new Float32Array(0);
    for (let at = 0; at < ids.length; at += piece) {
      const part = ids.slice(at, at + piece);
      const { logits, ...present } = await this.#session.run({
        ids: int64([1, part.length], part),
        positions: int64([1, part.length], part.map((_, i) => this.#length + i)), // prettier-ignore
        past_positions: int64([this.#length], Array.from({ length: this.#length }, (_, i) => i)), // prettier-ignore
        ...this.#past,
      });
      for (let i = 0; i < layers; i++) {
        const [from, to] = [presentNames(i), pastNames(i)];
        this.#past[to.key] = present[from.key]!;
        this.#past[to.value] = present[from.value]!;
      }
      this.#length += part.length;
      last = (logits!.data as Float32Array).slice((part.length - 1) * vocabulary, part.length * vocabulary);
    }
    return last;
  }
}

/** Anybody's graph from ids to logits, without a place for keys and values: the whole text goes through it for each token. */
class WholeDecoder implements Decoder {
  readonly context: number;
  readonly #run: (ids: readonly number[]) => Promise<Float32Array>;
  #seen: number[] = [];

  constructor(run: (ids: readonly number[]) => Promise<Float32Array>, context: number) {
    this.#run = run;
    this.context = context;
  }

  reset(): void {
    this.#seen = [];
  }

  next(ids: readonly number[]): Promise<Float32Array> {
    this.#seen.push(...ids);
    return this.#run(this.#seen);
  }
}

/** Tokens of context on our own graph, where the model takes as many. */
const usualContext = 4096;

export interface Learned {
  /** A PEFT folder. */
  adapter?: string;
  /** Weights that moved, as safetensors. */
  weights?: string;
}

/** A GGUF file or a Hugging Face folder on our own graph, with what was learned beside it. */
export async function openGraphTalker(path: string, { adapter, weights }: Learned = {}): Promise<Talker> {
  const model = openLanguageModel(path);
  try {
    const options: NetOptions = {};
    if (adapter !== undefined) {
      const found = adapterFor(model, readPeft(adapter), adapter);
      const { rank, alpha, stabilised, layers } = found;
      const given = new Map<string, Float32Array>();
      for (const [layer, { a, b }] of layers) {
        given.set(`${layer}.lora_A.weight`, a);
        given.set(`${layer}.lora_B.weight`, b);
      }
      options.adapter = { rank, alpha, stabilised, targets: (name) => layers.has(name), given, seed: 0 };
    }
    if (weights !== undefined) options.given = floatsOf(weights);
    const tokens = openTokens(model.file, path);
    const engine = await openEngine("cpu", model.config.width < 512 ? { threads: 1 } : {});
    try {
      const session = await engine.load(decodingGraph(model, options), { shared: true });
      // No other graph is built of them; what is shared the session holds.
      model.source.kept.clear();
      const decoder = new GraphDecoder(session, model.config, Math.min(model.config.context, usualContext));
      return talkerOf(decoder, tokens, true, async () => {
        await engine.dispose();
        model.close();
      });
    } catch (thrown) {
      await engine.dispose();
      throw thrown;
    }
  } catch (thrown) {
    model.close();
    throw thrown;
  }
}

function floatsOf(path: string): Map<string, Float32Array> {
  const file = openSafetensors(path);
  try {
    return new Map([...file.infos].map(([name, info]) => [name, toFloat32(info, file.bytes(name))]));
  } finally {
    file.close();
  }
}

/** Whether an ONNX file of others goes from the ids of a text to logits. Throws `fileMissing` where it does, and has no tokenizer beside it. */
export async function isOnnxLanguageModel(path: string): Promise<boolean> {
  if (!/\.onnx$/i.test(path) || !statSync(path, { throwIfNoEntry: false })?.isFile()) return false;
  const graph = named(path, () => readGraph(path, () => {}));
  // What a run of Paddock keeps says so, and is opened as that.
  if (graph.metadata.has("paddock")) return false;
  const writes = graph.inputs.some(({ name }) => name === "input_ids") && graph.outputs.some(({ name }) => name === "logits");
  if (writes && !statSync(join(besideOf(path), "tokenizer.json"), { throwIfNoEntry: false })?.isFile())
    throw new AppError(
      "fileMissing",
      `'${path}' writes, but there is no tokenizer.json beside it.`,
      "Put the model's own tokenizer.json there.",
      {
        file: join(dirname(path), "tokenizer.json"),
      },
    );
  return writes;
}

/** Where tokenizer.json lies: beside the file, or beside its folder `onnx`, as on Hugging Face. */
function besideOf(path: string): string {
  const folder = dirname(path);
  const there = (name: string) => statSync(join(name, "tokenizer.json"), { throwIfNoEntry: false })?.isFile() ?? false;
  return !there(folder) && basename(folder) === "onnx" && there(dirname(folder)) ? dirname(folder) : folder;
}

/**
 * An ONNX language model with tokenizer.json beside it: input_ids (and attention_mask, position_ids where it has them) → logits (1, T, V), with keys and
 * values kept where the graph takes them (past.ts).
 */
export async function openOnnxTalker(path: string): Promise<Talker> {
  const graph = named(path, () => readGraph(path, () => {}));
  const past = wantsPast(graph.inputs);
  const known = new Set(["input_ids", "attention_mask", "position_ids"]);
  const other = past ? undefined : graph.inputs.find(({ name }) => !known.has(name));
  if (other)
    throw new AppError(
      "modelInvalid",
      `The model's graph wants '${other.name}', which is not given by a text alone.`,
      "Use its GGUF file or Hugging Face folder.",
      { file: path, input: other.name },
    );
  const folder = besideOf(path);
  const tokens = openFolderTokens(folder);
  const length = graph.inputs.find(({ name }) => name === "input_ids")!.dims[1];
  const context =
    typeof length === "number" ? length : contextBeside(await readFile(join(folder, "config.json"), "utf8").catch(() => "{}"));
  const engine = await openEngine("cpu");
  try {
    const session = await engine.load({ path });
    if (past) return talkerOf(pastDecoder(session, context, path), tokens, true, () => engine.dispose());
    const run = async (ids: readonly number[]) => {
      const size = [1, ids.length];
      const feeds: Record<string, Tensor> = { input_ids: int64(size, ids) };
      for (const { name } of graph.inputs)
        if (name === "attention_mask") feeds[name] = int64(size, ids.map(() => 1)); // prettier-ignore
        else if (name === "position_ids") feeds[name] = int64(size, ids.map((_, i) => i)); // prettier-ignore
      return lastOf((await session.run(feeds))["logits"]!);
    };
    return talkerOf(new WholeDecoder(run, context), tokens, false, () => engine.dispose());
  } catch (thrown) {
    await engine.dispose();
    throw thrown;
  }
}

function contextBeside(json: string): number {
  try {
    const config = JSON.parse(json) as Record<string, unknown>;
    const told = config["max_position_embeddings"] ?? config["n_positions"];
    if (typeof told === "number" && Number.isInteger(told) && told > 0) return Math.min(told, usualContext);
  } catch {
    // no settings beside it
  }
  return 512;
}

function talkerOf(decoder: Decoder, tokens: Tokens, cached: boolean, dispose: () => Promise<void>): Talker {
  const turns = new Turns(1);
  const { template } = tokens;
  const facts: TalkFacts = {
    context: decoder.context,
    template: template !== undefined,
    by: "ONNX Runtime",
    parallel: 1,
    cached,
    embeds: false,
    json: false,
  };
  const tokenize = (text: string): number[] => {
    const ids = tokens.encode(text, { special: template === undefined });
    const bos = tokens.bos;
    return ids.length === 0 && bos !== undefined ? [bos] : ids;
  };
  const ends = new Set(tokens.eos === undefined ? [] : [tokens.eos]);
  return {
    facts,
    talk: (spec, hooks = {}) =>
      turns.use(() => {
        if (spec.json !== undefined)
          throw new AppError("usage", "JSON as an answer needs a GGUF model: it goes by llama.cpp's grammar.", "Choose one.");
        return answer(spec, hooks);
      }, hooks.signal),
    embed: () => Promise.reject(new AppError("usage", "Embeddings come from GGUF models.", "Choose one.")),
    dispose,
  };

  async function answer(spec: TalkSpec, { signal, onText }: TalkHooks): Promise<Talked> {
    const { ids, dropped } = fitted(spec, { context: decoder.context, template, tokenize });
    const {
      temperature,
      topK,
      topP,
      minP,
      repeatPenalty,
      seed = Math.floor(Math.random() * 2 ** 32),
    } = { ...usualSampling, ...spec.sampling };
    const out = new StopText(spec.stop ?? [], onText);
    const began = performance.now();
    const sampling = { temperature, topP, minP, repeatPenalty, ...(topK > 0 ? { topK } : {}) };
    const written: number[] = [];
    const chances: NonNullable<Talked["chances"]> = [];
    const textOf = (id: number): string => {
      const [before, after] = [tokens.decode(written), tokens.decode([...written, id])];
      return after.startsWith(before) && !after.endsWith("\ufffd") ? after.slice(before.length) : tokens.piece(id);
    };
    const { logprobs } = spec;
    const onChoice =
      logprobs === undefined
        ? undefined
        : (id: number, logits: Float32Array) => void (ends.has(id) || chances.push(chanceOf(logits, id, logprobs, textOf)));
    const writing = write(decoder, { ids, maxTokens: spec.maxTokens, ...sampling, seed, ends, onChoice, signal });
    let first = 0;
    let shown = "";
    let ended: Talked["ended"] = "length";
    for (;;) {
      const { done, value } = await writing.next();
      if (done) {
        ended = value;
        break;
      }
      if (!first) first = performance.now() - began;
      written.push(value);
      // Tokenizers tell spaces and letters by what stands before, so the whole is decoded, and what is new of it given.
      const text = tokens.decode(written);
      if (text.endsWith("\ufffd")) continue;
      const more = text.slice(shown.length);
      shown = text;
      if (out.add(more)) {
        ended = "end";
        break;
      }
    }
    out.end();
    const used = Math.min(decoder.context, ids.length + written.length);
    return {
      text: out.text,
      ...told(began, first, written.length),
      promptTokens: ids.length,
      ended,
      context: { size: decoder.context, used },
      dropped,
      ...(logprobs !== undefined && { chances: within(out.text, chances) }),
    };
  }
}

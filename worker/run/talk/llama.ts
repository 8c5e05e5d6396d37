// GGUF models through llama.cpp, by node-llama-cpp. The strict reader has seen the file (and the adapter) before; what llama.cpp still stumbles on
// ends this process, which is why nothing else lives in it.
import { freemem } from "node:os";
import type { LlamaContextSequence, LlamaModel, Token } from "node-llama-cpp";
import { AppError } from "../../../ipc/error.ts";
import { usualSampling } from "../../../ipc/types/chat.ts";
import type { Talked, TalkFacts, TalkSpec } from "../../../ipc/types.ts";
import { type Gguf, openGguf } from "../../formats/language/gguf.ts";
import { ChatTemplate } from "../../formats/language/template.ts";
import { Random } from "../../random.ts";
import { chooseToken, punished } from "../sampling.ts";
import { chanceOf, within } from "./chances.ts";
import { fitted, StopText, type Talker, type TalkHooks, told, Turns } from "./talker.ts";

/** Tokens of context where the model takes as many and memory allows. */
const usualContext = 8192;
/** Tokens of a prompt that are evaluated between two looks at the signal. */
const piece = 256;
/** Answers at the same time, at most. */
const mostParallel = 4;
/** Models below this many bytes are faster on one thread: sharing a token out costs more than it saves. */
const small = 64e6;
const repeatWindow = 64;

/** @param adapter an adapter's GGUF file */
export async function openLlama(path: string, adapter?: string): Promise<Talker> {
  const file = openGguf(path);
  try {
    if (adapter !== undefined) checkAdapter(file, path, adapter);
    return await open(file, path, adapter);
  } finally {
    file.close();
  }
}

async function open(file: Gguf, path: string, adapter: string | undefined): Promise<Talker> {
  const bytes = [...file.infos.values()].reduce((sum, info) => sum + info.bytes, 0);
  const template = templateOf(file, path);
  const { getLlama, LlamaGrammarEvaluationState, LlamaLogLevel } = await import("node-llama-cpp");
  const llama = await getLlama({ build: "never", skipDownload: true, progressLogs: false, logLevel: LlamaLogLevel.error });
  try {
    const threads = bytes < small ? 1 : Math.max(1, llama.cpuMathCores);
    llama.maxThreads = threads;
    const model = await llama.loadModel({ modelPath: path }).catch((cause: unknown) => {
      throw refused(path, cause);
    });
    const size = Math.min(model.trainContextSize, usualContext);
    const parallel = parallelFor(file, size);
    const context = await model
      .createContext({
        contextSize: { min: Math.min(size, 512), max: size },
        sequences: parallel,
        threads,
        ...(adapter === undefined ? {} : { lora: { adapters: [{ filePath: adapter }] } }),
      })
      .catch((cause: unknown) => {
        throw refused(path, cause);
      });
    const turns = new Turns(parallel);
    const free = Array.from({ length: parallel }, () => context.getSequence());
    const facts: TalkFacts = {
      context: context.contextSize,
      template: template !== undefined,
      by: "llama.cpp",
      parallel,
      cached: true,
      embeds: true,
      json: true,
    };
    let embedding: Awaited<ReturnType<LlamaModel["createEmbeddingContext"]>> | undefined;
    const one = new Turns(1);

    const tokenize = (text: string): number[] => {
      const ids: number[] = model.tokenize(text, true);
      const { bos, shouldPrependBosToken } = model.tokens;
      return shouldPrependBosToken && bos !== null && ids[0] !== bos ? [bos, ...ids] : ids;
    };
    /** The grammar that a JSON answer goes by. */
    const grammarOf = async ({ json }: TalkSpec) => {
      if (json === undefined) return undefined;
      try {
        // The type of the library describes the schemas that it takes; what it does not take it refuses.
        const grammar =
          json === "object" ? await llama.getGrammarFor("json") : await llama.createGrammarForJsonSchema(json.schema as never);
        return new LlamaGrammarEvaluationState({ model, grammar });
      } catch (cause) {
        const why = String((cause as Error).message).slice(0, 200);
        throw new AppError(
          "usage",
          `The JSON schema cannot be followed: ${why}`,
          "Use types, properties, enum, items and $ref.",
          {},
          cause,
        );
      }
    };

    /**
     * The answer with how likely its tokens were: llama.cpp gives the whole distribution after each token, and the token is drawn from it here, as
     * on our own graphs.
     */
    const answerTold = async (sequence: LlamaContextSequence, spec: TalkSpec, ids: number[], { signal, onText }: TalkHooks) => {
      if (spec.json !== undefined)
        throw new AppError("usage", "How likely tokens are is not told of answers as JSON.", "Ask without logprobs, or without a format.");
      const began = performance.now();
      const out = new StopText(spec.stop ?? [], onText);
      await sequence.adaptStateToTokens(ids.slice(0, -1) as Token[], false);
      const { seed = Math.floor(Math.random() * 2 ** 32), ...chosen } = { ...usualSampling, ...spec.sampling };
      const sampling = { ...chosen, topK: chosen.topK > 0 ? chosen.topK : undefined };
      const random = new Random(seed, "talk");
      const whole = { generateNext: { probabilities: true, options: { temperature: 1, topK: 0, topP: 1, minP: 0 } } } as const;
      const written: Token[] = [];
      const chances: NonNullable<Talked["chances"]> = [];
      let rest = ids.slice(sequence.nextTokenIndex) as Token[];
      let [ended, first, shown]: [Talked["ended"], number, string] = ["length", 0, ""];
      while (written.length < spec.maxTokens) {
        const said = await sequence.controlledEvaluate([...rest.slice(0, -1), [rest.at(-1)!, whole]]);
        if (!first) first = performance.now() - began;
        const found = said.at(-1)!.next.probabilities!;
        let size = 0;
        for (const id of found.keys()) size = Math.max(size, id + 1);
        const logits = new Float32Array(size).fill(-Infinity);
        for (const [id, p] of found) logits[id] = Math.log(p);
        const token = chooseToken(punished(logits, written, chosen.repeatPenalty), sampling, random) as Token;
        if (model.isEogToken(token)) {
          ended = "end";
          break;
        }
        chances.push(chanceOf(logits, token, spec.logprobs!, (id) => model.detokenize([id as Token], false, written)));
        written.push(token);
        rest = [token];
        const text = model.detokenize(written, false, ids.slice(-1) as Token[]);
        if (!text.endsWith("\ufffd")) {
          const more = text.slice(shown.length);
          shown = text;
          if (out.add(more)) {
            ended = "end";
            break;
          }
        }
        if (signal?.aborted) {
          ended = "stopped";
          break;
        }
      }
      out.end();
      const used = sequence.nextTokenIndex;
      return {
        text: out.text,
        ...told(began, first, written.length),
        promptTokens: ids.length,
        ended,
        used,
        chances: within(out.text, chances),
      };
    };

    const answer = async (sequence: LlamaContextSequence, spec: TalkSpec, ids: number[], { signal, onText }: TalkHooks) => {
      const began = performance.now();
      const grammar = await grammarOf(spec);
      const out = new StopText(spec.stop ?? [], onText);
      await sequence.adaptStateToTokens(ids.slice(0, -1) as Token[], false);
      let rest = ids.slice(sequence.nextTokenIndex) as Token[];
      while (rest.length > piece) {
        signal?.throwIfAborted();
        await sequence.evaluateWithoutGeneratingNewTokens(rest.slice(0, piece));
        rest = rest.slice(piece);
      }
      const { seed, ...chosen } = { ...usualSampling, ...spec.sampling };
      const written: Token[] = [];
      let ended: Talked["ended"] = "length";
      let first = 0;
      let pending: Token[] = [];
      const writing = sequence.evaluate(rest, {
        temperature: chosen.temperature,
        topK: chosen.topK,
        topP: chosen.topP,
        minP: chosen.minP,
        yieldEogToken: true,
        ...(seed === undefined ? {} : { seed }),
        ...(grammar ? { grammarEvaluationState: grammar } : {}),
        ...(chosen.repeatPenalty === 1
          ? {}
          : { repeatPenalty: { punishTokens: () => written.slice(-repeatWindow), penalty: chosen.repeatPenalty } }),
      });
      for await (const token of writing) {
        if (!first) first = performance.now() - began;
        if (model.isEogToken(token)) {
          ended = "end";
          break;
        }
        pending.push(token);
        const text = model.detokenize(pending, false, written);
        written.push(token);
        // Letters that are not whole yet wait for their other bytes.
        if (!text.endsWith("\ufffd") || pending.length > 8) {
          pending = [];
          if (out.add(text) || (grammar && isWhole(out.text))) {
            ended = "end";
            break;
          }
        }
        if (signal?.aborted) {
          ended = "stopped";
          break;
        }
        if (written.length >= spec.maxTokens) break;
      }
      out.end();
      const used = sequence.nextTokenIndex;
      return { text: out.text, ...told(began, first, written.length), promptTokens: ids.length, ended, used };
    };

    return {
      facts,
      async talk(spec, hooks = {}) {
        const { ids, dropped } = fitted(spec, { context: facts.context, template, tokenize });
        return turns.use(async () => {
          hooks.signal?.throwIfAborted();
          const sequence = takeLikest(free, ids);
          try {
            const { used, ...said } = await (spec.logprobs === undefined ? answer : answerTold)(sequence, spec, ids, hooks);
            return { ...said, context: { size: facts.context, used }, dropped };
          } finally {
            free.push(sequence);
          }
        }, hooks.signal);
      },
      embed: (texts, signal) =>
        one.use(async () => {
          const make = () => model.createEmbeddingContext({ contextSize: { max: Math.min(model.trainContextSize, 2048) }, threads });
          embedding ??= await make().catch((cause: unknown) => {
            throw new AppError("usage", "This model gives no embeddings.", "Choose another one.", {}, cause);
          });
          const vectors: number[][] = [];
          let tokens = 0;
          for (const text of texts) {
            signal?.throwIfAborted();
            const length = embedding.calculateInputLength(text);
            if (length > model.trainContextSize || length > 2048)
              throw new AppError(
                "usage",
                `A text takes ${length} tokens; ${Math.min(model.trainContextSize, 2048)} are taken.`,
                "Part it.",
              );
            tokens += length;
            vectors.push(unit((await embedding.getEmbeddingFor(text)).vector));
          }
          return { vectors, tokens };
        }, signal),
      dispose: () => llama.dispose(),
    };
  } catch (thrown) {
    await llama.dispose();
    throw thrown;
  }
}

/** The free sequence that has most of these tokens already. */
function takeLikest(free: LlamaContextSequence[], ids: readonly number[]): LlamaContextSequence {
  let best = 0;
  let most = -1;
  for (const [i, sequence] of free.entries()) {
    const { firstDifferentIndex: same } = sequence.compareContextTokens([...ids] as Token[]);
    if (same > most) [best, most] = [i, same];
  }
  return free.splice(best, 1)[0]!;
}

/** As many answers at once as their keys and values have room for. */
function parallelFor(file: Gguf, context: number): number {
  const architecture = String(file.metadata.get("general.architecture"));
  const number = (key: string, usual: number) => {
    const value = file.metadata.get(`${architecture}.${key}`);
    return typeof value === "number" ? value : usual;
  };
  const heads = number("attention.head_count", 1);
  const size = number("attention.key_length", number("embedding_length", 4096) / heads);
  const bytes = 4 * number("block_count", 1) * number("attention.head_count_kv", heads) * size * context;
  const room = Math.min(2 * 2 ** 30, freemem() / 4);
  return Math.max(1, Math.min(mostParallel, Math.floor(room / bytes)));
}

/** The model's own template; one that cannot be read is refused by `ChatTemplate`. */
function templateOf(file: Gguf, where: string): ChatTemplate | undefined {
  const source = file.metadata.get("tokenizer.chat_template");
  if (typeof source !== "string") return undefined;
  const tokens = file.metadata.get("tokenizer.ggml.tokens");
  const named = (key: string): string => {
    const id = file.metadata.get(`tokenizer.ggml.${key}_token_id`);
    const token: unknown = Array.isArray(tokens) && typeof id === "number" ? tokens[id] : undefined;
    return typeof token === "string" ? token : "";
  };
  return new ChatTemplate(source, { bos_token: named("bos"), eos_token: named("eos") }, where);
}

/** An adapter is read as strictly as a model, and must fit this one. */
function checkAdapter(model: Gguf, path: string, adapter: string): void {
  const file = openGguf(adapter);
  try {
    const refuse = (what: string) =>
      new AppError("modelInvalid", `${adapter} ${what}.`, "Choose the adapter that was made for this model.", {
        file: adapter,
        model: path,
      });
    if (file.metadata.get("general.type") !== "adapter") throw refuse("is no adapter");
    const [own, theirs] = [model, file].map((one) => one.metadata.get("general.architecture"));
    if (own !== theirs) throw refuse(`is an adapter for another model: it is for ${String(theirs)}, and this one is ${String(own)}`);
    for (const { name, dims } of file.infos.values()) {
      const [, layer, part] = /^(.+)\.lora_([ab])$/.exec(name) ?? [];
      const base = layer === undefined ? undefined : model.infos.get(layer);
      const fits = base && (part === "a" ? dims[1] === base.dims[1] : dims[0] === base.dims[0]);
      if (!fits) throw refuse(`is an adapter for another model: its '${name}' of ${dims.join(" × ")} has no place here`);
    }
  } finally {
    file.close();
  }
}

function refused(path: string, cause: unknown): AppError {
  const why = String((cause as Error).message).slice(0, 300);
  if (/memory|insufficient|vram|too large/i.test(why))
    return new AppError(
      "outOfMemory",
      `The model does not fit into memory: ${why}`,
      "Close other programs, or choose a smaller model.",
      {},
      cause,
    );
  return new AppError("modelInvalid", `llama.cpp cannot open ${path}: ${why}`, "Choose another file of the model.", { file: path }, cause);
}

const unit = (vector: readonly number[]): number[] => {
  const length = Math.hypot(...vector) || 1;
  return vector.map((x) => x / length);
};

/** An object or list that is closed: what the grammar still allows are empty lines. */
function isWhole(text: string): boolean {
  if (!/[}\]]\s*$/.test(text)) return false;
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

// The tokenizer that a GGUF file holds, as the tokenizer.json that Hugging Face's libraries read: byte-level BPE with its merges, or SentencePiece's BPE,
// whose merges follow from the scores of its pieces. https://github.com/ggml-org/ggml/blob/master/docs/gguf.md#tokenizer
import { AppError } from "../../../ipc/error.ts";
import type { Gguf } from "./gguf.ts";

export interface TokenizerFiles {
  /** As tokenizer.json. */
  tokenizer: Record<string, unknown>;
  /** As tokenizer_config.json: chat_template, bos_token, eos_token, … */
  config: Record<string, unknown>;
}

/** How text is parted before pairs are merged, by llama.cpp's names (src/llama-vocab.cpp). */
const gpt2 = String.raw`'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`;
const llama3 = (digits: string) =>
  String.raw`(?:'[sS]|'[tT]|'[rR][eE]|'[vV][eE]|'[mM]|'[lL][lL]|'[dD])|[^\r\n\p{L}\p{N}]?\p{L}+|${digits}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`;
export const parted: Record<string, readonly string[]> = {
  "gpt-2": [gpt2],
  gpt2: [gpt2],
  olmo: [gpt2],
  mpt: [gpt2],
  dbrx: [llama3(String.raw`\p{N}{1,3}`)],
  "llama-bpe": [llama3(String.raw`\p{N}{1,3}`)],
  "llama-v3": [llama3(String.raw`\p{N}{1,3}`)],
  llama3: [llama3(String.raw`\p{N}{1,3}`)],
  qwen2: [llama3(String.raw`\p{N}`)],
  smollm: [String.raw`\p{N}`, gpt2],
  starcoder: [String.raw`\p{N}`, gpt2],
  refact: [String.raw`\p{N}`, gpt2],
  "command-r": [String.raw`\p{N}`, gpt2],
  bloom: [String.raw` ?[^(\s|.,!?…。，、।۔،)]+`],
};

/** llama.cpp's kinds of tokens. */
export const kind = { normal: 1, unknown: 2, control: 3, user: 4, unused: 5, byte: 6 };
export const byteFallback = /^<0x[0-9A-F]{2}>$/;
/** Ways of parting text with which llama.cpp takes a whole word that is a token, whatever the merges say, and begins texts with bos. */
export const ignoresMerges: ReadonlySet<string> = new Set(["llama-bpe", "llama-v3", "llama3"]);

/** @throws modelInvalid for a kind of tokenizer that is not known, or lists that do not fit each other */
export function ggufTokenizer(file: Gguf, where: string): TokenizerFiles {
  const get = (key: string) => file.metadata.get(`tokenizer.ggml.${key}`);
  const list = <T>(key: string, is: (x: unknown) => x is T): T[] | undefined => {
    const value = get(key);
    return Array.isArray(value) && value.every(is) ? (value as T[]) : undefined;
  };
  const text = (x: unknown): x is string => typeof x === "string";
  const number = (x: unknown): x is number => typeof x === "number";
  const tokens = list("tokens", text);
  if (!tokens?.length) throw refused(where, "holds no tokens");
  const types = list("token_type", number) ?? tokens.map(() => 1);
  if (types.length !== tokens.length) throw refused(where, `has ${types.length} kinds for ${tokens.length} tokens`);
  const tokenOf = (key: string): string | undefined => {
    const id = get(key);
    return typeof id === "number" ? tokens[id] : undefined;
  };
  const model = get("model");
  const [bos, eos] = [tokenOf("bos_token_id"), tokenOf("eos_token_id")];
  const [unk, pad] = [tokenOf("unknown_token_id"), tokenOf("padding_token_id")];
  const prefixed = get("add_bos_token") ?? (model === "llama" || ignoresMerges.has(String(get("pre"))));
  const ended = get("add_eos_token") === true;
  const template = file.metadata.get("tokenizer.chat_template");
  const config = {
    ...(bos !== undefined && { bos_token: bos }),
    ...(eos !== undefined && { eos_token: eos }),
    ...(unk !== undefined && { unk_token: unk }),
    ...(pad !== undefined && { pad_token: pad }),
    ...(typeof template === "string" && { chat_template: template }),
  };
  const shared = {
    added_tokens: tokens.flatMap((content, id) =>
      types[id] === kind.control || types[id] === kind.user || types[id] === kind.unknown
        ? [{ id, content, special: types[id] !== kind.user, single_word: false, lstrip: false, rstrip: false, normalized: false }]
        : [],
    ),
    post_processor: ends(tokens, prefixed ? bos : undefined, ended ? eos : undefined),
  };
  const vocab = Object.fromEntries(tokens.map((token, id) => [token, id]));
  if (model === "gpt2") {
    const pre = get("pre") ?? "default";
    const patterns = parted[String(pre)];
    if (!patterns)
      throw refused(
        where,
        `parts text in the way '${String(pre)}', which is not known here`,
        `Known are ${Object.keys(parted).join(", ")}: use the Hugging Face folder of the model.`,
      );
    const byteLevel = { type: "ByteLevel", add_prefix_space: false, trim_offsets: true, use_regex: false };
    const split = (pattern: string) => ({ type: "Split", pattern: { Regex: pattern }, behavior: "Isolated", invert: false });
    return {
      config,
      tokenizer: {
        ...shared,
        normalizer: null,
        pre_tokenizer: {
          type: "Sequence",
          pretokenizers: [...patterns.map(split), byteLevel],
        },
        decoder: byteLevel,
        model: {
          type: "BPE",
          vocab,
          merges: list("merges", text) ?? [],
          unk_token: null,
          byte_fallback: false,
          ignore_merges: ignoresMerges.has(String(pre)),
        },
      },
    };
  }
  if (model !== "llama")
    throw refused(where, `has a tokenizer of the kind '${String(model)}'`, "Kinds gpt2 (BPE) and llama (SentencePiece) are known.");
  const scores = list("scores", number);
  if (scores?.length !== tokens.length) throw refused(where, "has no score for each of its tokens");
  const unknown = types.indexOf(kind.unknown);
  const front = get("add_space_prefix") !== false ? [{ type: "Prepend", prepend: "▁" }] : [];
  return {
    config,
    tokenizer: {
      ...shared,
      normalizer: { type: "Sequence", normalizers: [...front, { type: "Replace", pattern: { String: " " }, content: "▁" }] },
      pre_tokenizer: null,
      decoder: {
        type: "Sequence",
        decoders: [
          { type: "Replace", pattern: { String: "▁" }, content: " " },
          { type: "ByteFallback" },
          { type: "Fuse" },
          ...(front.length ? [{ type: "Strip", content: " ", start: 1, stop: 0 }] : []),
        ],
      },
      model: {
        type: "BPE",
        vocab,
        merges: mergesOf(tokens, scores, types),
        unk_token: tokens[unknown] ?? null,
        byte_fallback: true,
        fuse_unk: true,
      },
    },
  };
}

/** Every way to part a piece into two others, best score of the whole first, as SentencePiece merges. */
function mergesOf(tokens: readonly string[], scores: readonly number[], types: readonly number[]): [string, string][] {
  const known = new Map<string, number>();
  tokens.forEach((token, id) => types[id] === 1 && known.set(token, id));
  const found: { parts: [string, string]; score: number; left: number; right: number }[] = [];
  for (const [token, id] of known) {
    const letters = [...token];
    for (let i = 1; i < letters.length; i++) {
      const parts: [string, string] = [letters.slice(0, i).join(""), letters.slice(i).join("")];
      const [left, right] = [known.get(parts[0]), known.get(parts[1])];
      if (left !== undefined && right !== undefined) found.push({ parts, score: scores[id]!, left, right });
    }
  }
  found.sort((a, b) => b.score - a.score || a.left - b.left || a.right - b.right);
  return found.map(({ parts }) => parts);
}

/** What stands at the ends of a text. */
function ends(tokens: readonly string[], bos: string | undefined, eos: string | undefined) {
  if (bos === undefined && eos === undefined) return null;
  const token = (id: string | undefined, type_id: number) => (id === undefined ? [] : [{ SpecialToken: { id, type_id } }]);
  const part = (id: string, type_id: number) => [...token(bos, type_id), { Sequence: { id, type_id } }, ...token(eos, type_id)];
  const used = [...new Set([bos, eos])].filter((one) => one !== undefined);
  return {
    type: "TemplateProcessing",
    single: part("A", 0),
    pair: [...part("A", 0), ...part("B", 1)],
    special_tokens: Object.fromEntries(used.map((id) => [id, { id, ids: [tokens.indexOf(id)], tokens: [id] }])),
  };
}

function refused(where: string, what: string, hint = "The model is damaged: copy it again."): AppError {
  return new AppError("modelInvalid", `${where} ${what}.`, hint, { file: where });
}

// The tokenizer of a Hugging Face folder as a GGUF file keeps it, the other way round than ggufTokenizer.ts: byte-level BPE with its merges, or SentencePiece's BPE
// with a score a piece. What llama.cpp cannot do as the tokenizer does is refused; what it does otherwise on rare texts only is told.
// After llama.cpp's convert_hf_to_gguf.py and src/llama-vocab.cpp.
import { AppError } from "../../../ipc/error.ts";
import type { ConversionNote } from "../../../ipc/types/exports.ts";
import { byteFallback, ignoresMerges, kind, parted, type TokenizerFiles } from "./ggufTokenizer.ts";
import type { GgufEntry } from "./ggufWrite.ts";
import { tokensOf } from "./tokens.ts";

type Json = Record<string, unknown>;

interface Added {
  id: number;
  content: string;
  special: boolean;
  lstrip: boolean;
  rstrip: boolean;
  single_word: boolean;
}

/**
 * @param vocabulary rows of the model's table of words: so many tokens the file must have
 * @throws modelInvalid, saying what of the tokenizer a GGUF file cannot say
 */
export function ggufTokenizerEntries(
  files: TokenizerFiles,
  { vocabulary, where, settings }: { vocabulary: number; where: string; settings: Readonly<Json> },
): { entries: Map<string, GgufEntry>; notes: ConversionNote[] } {
  const json = files.tokenizer;
  const refuse = (what: string) =>
    new AppError(
      "exportUnsupported",
      `A GGUF file cannot say the tokenizer of ${where}: ${what}.`,
      "Take the model away as a Hugging Face folder (safetensors), which keeps its tokenizer as it is.",
      { file: where },
    );
  const model = record(json["model"]);
  if (model["type"] !== "BPE") throw refuse(`it is of the kind ${String(model["type"])}, and only BPE is written`);
  if (model["continuing_subword_prefix"] || model["end_of_word_suffix"]) throw refuse("its pieces are marked at their ends");
  const vocab = model["vocab"] as Record<string, number>;
  const added = (Array.isArray(json["added_tokens"]) ? json["added_tokens"] : []) as Added[];
  const word = added.find((token) => token.single_word);
  if (word) throw refuse(`its token '${word.content}' counts as a whole word only`);

  const tokens = listed(vocab, added, vocabulary, refuse);
  const notes = new Set<ConversionNote>();
  const byteLevel = stepsOf(json["pre_tokenizer"]).some((step) => step["type"] === "ByteLevel");
  const special = specialsOf(files, settings, tokens, where, refuse);
  const types = tokens.map((token) => (token === undefined ? kind.unused : kind.normal));
  for (const token of added) types[token.id] = token.special ? kind.control : kind.user;
  const entries = new Map<string, GgufEntry>();
  const set = (key: string, entry: GgufEntry) => entries.set(`tokenizer.ggml.${key}`, entry);
  const named = tokens.map((token, id) => token ?? `[PAD${id}]`);
  const pairs = mergesIn(model);

  if (byteLevel) {
    const { pre, normalised } = partsOf(json, model, refuse);
    if (normalised) notes.add("nfc");
    set("model", { type: "text", value: "gpt2" });
    set("pre", { type: "text", value: pre });
    set("merges", { type: "texts", value: pairs.map((pair) => pair.join(" ")) });
  } else {
    const { prefix, sparing } = spacesOf(json, tokens, refuse);
    if (sparing) notes.add("spaces");
    const unknown = typeof model["unk_token"] === "string" ? vocab[model["unk_token"]] : undefined;
    const isByte = (id: number) => byteFallback.test(named[id]!);
    const bytes = new Set(named.filter((_, id) => isByte(id)));
    if (model["byte_fallback"] !== true || bytes.size !== 256)
      throw refuse("letters that it does not know are no bytes (byte_fallback), as SentencePiece has it");
    for (let id = 0; id < tokens.length; id++) if (isByte(id)) types[id] = kind.byte;
    if (unknown !== undefined) types[unknown] = kind.unknown;
    // Spaces are written as they are in what is found before anything else.
    for (const { id, special } of added) if (!special) named[id] = named[id]!.replaceAll("▁", " ");
    set("model", { type: "text", value: "llama" });
    set("pre", { type: "text", value: "default" });
    set("scores", { type: "f32s", value: scoresOf(named, types, pairs, refuse) });
    set("add_space_prefix", { type: "flag", value: prefix });
  }
  if (new Set(named).size !== named.length) throw refuse("two of its tokens are the same text");
  if (added.some((token) => token.lstrip || token.rstrip)) notes.add("strip");
  set("tokens", { type: "texts", value: named });
  set("token_type", { type: "i32s", value: types });
  for (const key of ["bos", "eos", "unk", "pad"] as const) {
    const id = special[key];
    if (id !== undefined)
      set(key === "unk" ? "unknown_token_id" : key === "pad" ? "padding_token_id" : `${key}_token_id`, { type: "u32", value: id });
  }
  set("add_bos_token", { type: "flag", value: special.addBos });
  set("add_eos_token", { type: "flag", value: special.addEos });
  const template = templateIn(files.config);
  if (template !== undefined) entries.set("tokenizer.chat_template", { type: "text", value: template });
  return { entries, notes: [...notes] };
}

type Refuse = (what: string) => AppError;

/** Every token by its id; rows of the table that no token has stay empty. */
function listed(vocab: Record<string, number>, added: readonly Added[], vocabulary: number, refuse: Refuse): (string | undefined)[] {
  const tokens: (string | undefined)[] = Array.from({ length: vocabulary }, () => undefined);
  for (const [token, id] of [...Object.entries(vocab), ...added.map(({ content, id }) => [content, id] as const)]) {
    if (!Number.isInteger(id) || id < 0 || id >= vocabulary)
      throw refuse(`its token '${token}' has the number ${id}, and the model has ${vocabulary} rows`);
    tokens[id] = token;
  }
  return tokens;
}

/** Pairs that are merged, best first; old files keep them as texts. */
function mergesIn(model: Json): [string, string][] {
  const merges = Array.isArray(model["merges"]) ? (model["merges"] as (string | [string, string])[]) : [];
  return merges.map((pair) => {
    if (typeof pair !== "string") return pair;
    const at = pair.indexOf(" ", 1);
    return [pair.slice(0, at), pair.slice(at + 1)];
  });
}

/** Spelled out, as llama.cpp has them, so that texts of the same meaning are the same text. */
const spelled = (pattern: string): string =>
  pattern
    .replace("(?i:'s|'t|'re|'ve|'m|'ll|'d)", "(?:'[sS]|'[tT]|'[rR][eE]|'[vV][eE]|'[mM]|'[lL][lL]|'[dD])")
    .replace(String.raw` ?[^(\s|[.,!?…。，、।۔،])]+`, String.raw` ?[^(\s|.,!?…。，、।۔،)]+`);

/** How a text is parted before pairs are merged, by llama.cpp's name for it. */
function partsOf(json: Json, model: Json, refuse: Refuse): { pre: string; normalised: boolean } {
  const patterns: string[] = [];
  for (const step of stepsOf(json["pre_tokenizer"])) {
    const { type } = step;
    if (type === "Split") {
      const pattern = record(step["pattern"]);
      const { Regex: regex, String: text } = pattern as { Regex?: string; String?: string };
      const whole = (step["behavior"] === "Isolated" && !step["invert"]) || (step["behavior"] === "Removed" && step["invert"]);
      if (!whole || typeof regex !== "string")
        throw refuse(`it parts text at '${regex ?? text ?? ""}' in a way that llama.cpp does not know`);
      patterns.push(spelled(regex));
    } else if (type === "Digits" && step["individual_digits"] === true) patterns.push(String.raw`\p{N}`);
    else if (type === "ByteLevel") {
      if (step["add_prefix_space"] === true) throw refuse("it puts a space before every text");
      if (step["use_regex"] !== false) patterns.push(parted["gpt-2"]![0]!);
    } else throw refuse(`it parts text by '${String(type)}'`);
  }
  const ignores = model["ignore_merges"] === true;
  const same = (known: readonly string[]) => known.join("\n") === patterns.join("\n");
  const pre = Object.keys(parted).find((name) => same(parted[name]!) && ignores === ignoresMerges.has(name));
  if (pre === undefined)
    throw refuse(
      ignores && Object.values(parted).some(same)
        ? "it takes whole words without merging pairs (ignore_merges), which llama.cpp does for Llama 3's way of parting text alone"
        : `llama.cpp has no name for its way of parting text (${patterns.join(" , ").slice(0, 200)})`,
    );
  const steps = stepsOf(json["normalizer"]);
  const odd = steps.find((step) => step["type"] !== "NFC");
  if (odd) throw refuse(`it changes texts by '${String(odd["type"])}'`);
  return { pre, normalised: steps.length > 0 };
}

/** Whether a space is put before a text, and whether sparingly: not before spaces, or only before its first part. */
function spacesOf(json: Json, tokens: readonly (string | undefined)[], refuse: Refuse): { prefix: boolean; sparing: boolean } {
  let [prefix, sparing, spaces] = [false, false, false];
  for (const step of stepsOf(json["normalizer"])) {
    if (step["type"] === "Prepend" && step["prepend"] === "▁" && !spaces) prefix = true;
    else if (step["type"] === "Replace" && record(step["pattern"])["String"] === " " && step["content"] === "▁") spaces = true;
    else throw refuse(`it changes texts by '${String(step["type"])}'`);
  }
  for (const step of stepsOf(json["pre_tokenizer"])) {
    if (step["type"] === "Split" && record(step["pattern"])["String"] === " " && spaces) continue; // there are none left
    if (step["type"] !== "Metaspace" || (step["replacement"] ?? "▁") !== "▁") throw refuse(`it parts text by '${String(step["type"])}'`);
    const scheme = step["prepend_scheme"] ?? (step["add_prefix_space"] === false ? "never" : "always");
    [prefix, sparing, spaces] = [scheme !== "never", scheme !== "never", true];
    if (step["split"] !== false && tokens.some((token) => token !== undefined && token.lastIndexOf("▁") > 0))
      throw refuse("it parts text into words, and has tokens that go beyond one");
  }
  if (!spaces) throw refuse("its spaces are no ▁");
  return { prefix, sparing };
}

/**
 * A score a piece, from the order of the merges: SentencePiece merges the pair whose whole has the best score, so all pairs with the same whole
 * must stand together, and all that there are must be named.
 */
function scoresOf(tokens: readonly string[], types: readonly number[], pairs: readonly [string, string][], refuse: Refuse): number[] {
  const place = new Map<string, number>();
  const known = new Set(pairs.map((pair) => pair.join("\n")));
  let last = "";
  for (const pair of pairs) {
    const whole = pair.join("");
    if (whole !== last && place.has(whole)) throw refuse(`its merges into '${whole}' do not follow from one score of that piece`);
    if (whole !== last) place.set(whole, place.size);
    last = whole;
  }
  const normal = new Set(tokens.filter((_, id) => types[id] === kind.normal));
  for (const token of normal) {
    const letters = [...token];
    for (let i = 1; i < letters.length; i++) {
      const [left, right] = [letters.slice(0, i).join(""), letters.slice(i).join("")];
      if (normal.has(left) && normal.has(right) && !known.has(`${left}\n${right}`))
        throw refuse(`it does not merge '${left}' and '${right}', which SentencePiece would`);
    }
  }
  let rest = place.size;
  return tokens.map((token, id) => (types[id] === kind.normal || types[id] === kind.unused ? -(place.get(token) ?? rest++) : 0));
}

/** Numbers of the special tokens, and what is put at both ends of a text: seen by encoding one. */
function specialsOf(
  files: TokenizerFiles,
  settings: Readonly<Json>,
  tokens: readonly (string | undefined)[],
  where: string,
  refuse: Refuse,
) {
  const { config } = files;
  const idOf = (key: string): number | undefined => {
    const value = config[`${key}_token`];
    const content = typeof value === "string" ? value : record(value)["content"];
    if (typeof content === "string" && tokens.includes(content)) return tokens.indexOf(content);
    const told = settings[`${key}_token_id`];
    const id: unknown = Array.isArray(told) ? told[0] : told;
    return typeof id === "number" && tokens[id] !== undefined ? id : undefined;
  };
  const opened = tokensOf(files, where);
  const [bare, whole] = [opened.encode("a", { special: false }), opened.encode("a")];
  const at = whole.findIndex((_, i) => bare.every((id, j) => whole[i + j] === id));
  const [before, after] = [whole.slice(0, at), whole.slice(at + bare.length)];
  let [bos, eos] = [idOf("bos"), idOf("eos")];
  if (at < 0 || before.length > 1 || after.length > 1) throw refuse("it puts more than one token at the ends of a text");
  if (before.length) bos = before[0];
  if (after.length && after[0] !== eos) throw refuse("it ends texts with another token than eos_token");
  eos ??= after[0];
  return { bos, eos, unk: idOf("unk"), pad: idOf("pad"), addBos: before.length > 0, addEos: after.length > 0 };
}

/** One template, or the one named "default" of several. */
function templateIn({ chat_template: told }: Json): string | undefined {
  if (typeof told === "string") return told;
  if (!Array.isArray(told)) return undefined;
  const named = (told as { name?: unknown; template?: unknown }[]).find((t) => t?.name === "default")?.template;
  return typeof named === "string" ? named : undefined;
}

const record = (x: unknown): Json => (typeof x === "object" && x !== null && !Array.isArray(x) ? (x as Json) : {});

/** The steps of a normalizer or pre-tokenizer, one after the other. */
function stepsOf(x: unknown): Json[] {
  if (x === null || x === undefined) return [];
  const step = record(x);
  if (step["type"] !== "Sequence") return [step];
  const inner = step["normalizers"] ?? step["pretokenizers"];
  return Array.isArray(inner) ? inner.flatMap(stepsOf) : [];
}

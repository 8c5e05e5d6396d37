// A tokenizer.json of unknown origin. What the library takes on trust is checked first: kinds, counts, depth, whole numbers for ids. Patterns that are
// not those of known models may take for ever on the wrong text (https://en.wikipedia.org/wiki/ReDoS): such a tokenizer works against the clock.
import { Tokenizer } from "@huggingface/tokenizers";
import vm from "node:vm";
import { AppError } from "../../../ipc/error.ts";
import { knownPatterns } from "./patterns.ts";

/** Larger than any model has; parts are what makes up normalizers, pre-tokenizers, decoders and what stands around a text. */
const most = { tokens: 2 ** 21, merges: 2 ** 22, added: 2 ** 18, parts: 4096, depth: 16, pattern: 20_000 };
/** Milliseconds for a text, and more for each of its letters: a hundred times what known tokenizers take. */
const patience = { text: 2000, letter: 0.05 };

export interface StrangeTokenizer {
  encode(text: string, options?: { special?: boolean }): number[];
  /** Special tokens are left out. */
  decode(ids: readonly number[]): string;
  idOf(token: string): number | undefined;
  tokenOf(id: number): string | undefined;
}

/**
 * @param json tokenizer.json, parsed  @param config tokenizer_config.json, parsed
 * @throws modelInvalid, here and in every call, naming `where`
 */
export function openStrangeTokenizer(json: unknown, config: Record<string, unknown>, where: string): StrangeTokenizer {
  const refused = (what: string, cause?: unknown): AppError =>
    new AppError(
      "modelInvalid",
      `The tokenizer of ${where} cannot be read: ${what}.`,
      "The model is damaged, or its tokenizer is of a kind that is not known here.",
      { file: where },
      cause,
    );
  const within = <T>(work: () => T): T => {
    try {
      return work();
    } catch (thrown) {
      if (thrown instanceof AppError) throw thrown;
      const late = (thrown as { code?: unknown } | null)?.code === "ERR_SCRIPT_EXECUTION_TIMEOUT";
      throw refused(late ? "it does not come to an end" : said(thrown), thrown);
    }
  };
  const wrong = within(() => whatIsWrong(json));
  if (wrong !== undefined) throw refused(wrong);
  const timed = within(() => wantsTheClock(json as Json)) ? clock() : undefined;
  const tokenizer = within(() => new Tokenizer(json as Json, config));
  return {
    encode(text, { special = true } = {}) {
      const encode = () => tokenizer.encode(text, { add_special_tokens: special }).ids as unknown[];
      const ids = within(() => (timed ? timed(encode, patience.text + text.length * patience.letter) : encode()));
      if (!ids.every((id) => Number.isSafeInteger(id) && (id as number) >= 0)) throw refused("it gives something that is no token");
      return ids as number[];
    },
    decode(ids) {
      if (!ids.length) return "";
      const decode = () => tokenizer.decode([...ids], { skip_special_tokens: true, clean_up_tokenization_spaces: false });
      return within(() => String(timed ? timed(decode, patience.text + ids.length) : decode()));
    },
    idOf: (token) => within(() => tokenizer.token_to_id(token)),
    tokenOf: (id) => within(() => tokenizer.id_to_token(id)),
  };
}

type Json = Record<string, unknown>;
const isObject = (value: unknown): value is Json => typeof value === "object" && value !== null && !Array.isArray(value);
const isId = (value: unknown): boolean => Number.isSafeInteger(value) && (value as number) >= 0 && (value as number) < 2 ** 31;
const isText = (value: unknown): value is string => typeof value === "string";
const said = (thrown: unknown): string => (thrown instanceof Error ? thrown.message : String(thrown)).slice(0, 200).replace(/\.$/, "");

/** What the library would stumble over, as a clause; undefined where there is nothing. */
function whatIsWrong(json: unknown): string | undefined {
  if (!isObject(json)) return "it is no object";
  const { model, added_tokens: added = [] } = json;
  if (!isObject(model)) return "it has no model";
  const { vocab, merges } = model;
  if (Array.isArray(vocab)) {
    if (vocab.length > most.tokens) return `it has ${vocab.length} tokens`;
    if (!vocab.every((pair) => Array.isArray(pair) && isText(pair[0]) && typeof pair[1] === "number")) return "its tokens have no scores";
  } else {
    if (!isObject(vocab)) return "it has no vocabulary";
    const ids = Object.values(vocab);
    if (ids.length > most.tokens) return `it has ${ids.length} tokens`;
    if (!ids.every(isId)) return "the number of a token is none";
  }
  if (merges !== undefined) {
    if (!Array.isArray(merges) || merges.length > most.merges) return "its merges are no list that a model has";
    if (!merges.every((one) => isText(one) || (Array.isArray(one) && one.length === 2 && one.every(isText)))) return "a merge is no pair";
  }
  if (!Array.isArray(added) || added.length > most.added) return "its added tokens are no list that a model has";
  if (!added.every((one) => isObject(one) && isId(one["id"]) && isText(one["content"]) && one["content"].length <= 2000))
    return "an added token has no number or no content";
  let parts = 0;
  const walk = (value: unknown, depth: number): string | undefined => {
    if (++parts > most.parts || depth > most.depth) return "its parts are too many, or nested too deeply";
    if (Array.isArray(value)) {
      if (!value.every((one) => isObject(one) || isText(one) || typeof one === "number" || Array.isArray(one)))
        return "one of its parts is nothing";
      return first(value, depth);
    }
    if (!isObject(value)) return undefined;
    for (const key of lists) if (value[key] !== undefined && !partsIn(value[key])) return `its '${key}' is no list of parts`;
    const pattern = patternIn(value);
    if (pattern !== undefined && pattern.length > most.pattern) return `a pattern is ${pattern.length} letters long`;
    return first(Object.values(value), depth);
  };
  const first = (values: readonly unknown[], depth: number): string | undefined => {
    for (const one of values) {
      const wrong = walk(one, depth + 1);
      if (wrong !== undefined) return wrong;
    }
    return undefined;
  };
  for (const key of steps) {
    const step = json[key];
    if (step === undefined || step === null) continue;
    if (!isObject(step)) return `its '${key}' is no part`;
    const wrong = walk(step, 0);
    if (wrong !== undefined) return wrong;
  }
  return undefined;
}

const steps = ["normalizer", "pre_tokenizer", "post_processor", "decoder"];
const lists = ["normalizers", "pretokenizers", "processors", "decoders", "single", "pair"];
const partsIn = (value: unknown): boolean => Array.isArray(value) && value.every(isObject);

function patternIn({ pattern }: Json): string | undefined {
  if (!isObject(pattern)) return undefined;
  const { Regex: regex } = pattern;
  return isText(regex) ? regex : undefined;
}

/** Whether a step has a pattern that is of no known model, or writes more than it reads. */
function wantsTheClock(json: Json): boolean {
  const odd = (value: unknown): boolean => {
    if (Array.isArray(value)) return value.some(odd);
    if (!isObject(value)) return false;
    const pattern = patternIn(value);
    if (pattern !== undefined && !knownPatterns.has(pattern)) return true;
    const { content, prepend } = value;
    if ([content, prepend].some((text) => isText(text) && text.length > 8)) return true;
    return Object.entries(value).some(([key, one]) => key !== "special_tokens" && odd(one));
  };
  return steps.some((key) => odd(json[key]));
}

/** Runs work that is ended after so many milliseconds, wherever it is; within a regular expression too. */
function clock(): <T>(work: () => T, milliseconds: number) => T {
  const context = vm.createContext({});
  const script = new vm.Script("work()");
  return (work, milliseconds) => {
    context["work"] = work;
    return script.runInContext(context, { timeout: Math.ceil(milliseconds) }) as ReturnType<typeof work>;
  };
}
